//! Gemm with alpha and beta of the type of its tensors.
//!
//! tract's own has them as f32 whatever it multiplies, so that it refuses f64, and f16 when
//! they are not 1. Otherwise this is the same.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::math;

/// alpha · A′ · B′ + beta · C, with A′ and B′ transposed or not.
#[derive(Clone, Debug)]
struct Gemm {
    alpha: f32,
    beta: f32,
    trans_a: bool,
    trans_b: bool,
}

/// Reads the node; the builder that tract wants.
pub fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let operator = Gemm {
        alpha: node.get_attr_opt("alpha")?.unwrap_or(1.0),
        beta: node.get_attr_opt("beta")?.unwrap_or(1.0),
        trans_a: node.get_attr_opt::<i64>("transA")?.unwrap_or(0) != 0,
        trans_b: node.get_attr_opt::<i64>("transB")?.unwrap_or(0) != 0,
    };
    Ok((expand(operator), vec![]))
}

impl Expansion for Gemm {
    fn name(&self) -> StaticName {
        "Gemm".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        ensure!((2..=3).contains(&inputs.len()), "two or three inputs, not {}", inputs.len());
        check_output_arity(outputs, 1)?;
        for input in inputs {
            solver.equals(&input.datum_type, &outputs[0].datum_type)?;
        }
        let (row_a, inner_a) = if self.trans_a { (1, 0) } else { (0, 1) };
        let (inner_b, column_b) = if self.trans_b { (1, 0) } else { (0, 1) };
        for matrix in [&inputs[0], &inputs[1], &outputs[0]] {
            solver.equals(&matrix.rank, 2)?;
        }
        solver.equals(&inputs[0].shape[row_a], &outputs[0].shape[0])?;
        solver.equals(&inputs[0].shape[inner_a], &inputs[1].shape[inner_b])?;
        solver.equals(&inputs[1].shape[column_b], &outputs[0].shape[1])?;
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let axes = AxesMapping::for_numpy_matmul(2, self.trans_a, self.trans_b, false)?;
        let kind = model.outlet_fact(inputs[0])?.datum_type;
        let product = model.wire_node(format!("{prefix}.ab"), EinSum::new(axes, kind), &inputs[..2])?[0];
        let product = times(&format!("{prefix}.alpha"), model, product, self.alpha)?;
        let Some(c) = inputs.get(2).filter(|_| self.beta != 0.0) else { return Ok(tvec!(product)) };
        let mut c = *c;
        for axis in model.outlet_fact(c)?.rank()..2 {
            c = model.wire_node(format!("{prefix}.c_axis_{axis}"), AxisOp::Add(0), &[c])?[0];
        }
        let c = times(&format!("{prefix}.beta"), model, c, self.beta)?;
        model.wire_node(prefix, math::add(), &[product, c])
    }
}

fn times(name: &str, model: &mut TypedModel, value: OutletId, factor: f32) -> TractResult<OutletId> {
    if factor == 1.0 {
        return Ok(value);
    }
    let kind = model.outlet_fact(value)?.datum_type;
    let factor = tensor2(&[[factor]]).cast_to_dt(kind)?.into_owned();
    let factor = model.add_const(format!("{name}.factor"), factor)?;
    Ok(model.wire_node(name, math::mul(), &[factor, value])?[0])
}
