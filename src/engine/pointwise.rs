//! Activations that tract has for f32 but not for f64.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::DatumType;
use tract_onnx::tract_core::ops::{math, nn};
use tract_onnx::tract_core::{op_as_typed_op, op_out_of_plan};
use tract_onnx::tract_hir::internal::*;

/// The operators that are read here.
pub const OPERATORS: [&str; 7] = ["Sigmoid", "Erf", "Gelu", "HardSwish", "LeakyRelu", "Round", "Swish"];

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Sigmoid,
    Erf,
    Gelu,
    GeluTanh,
    HardSwish,
    LeakyRelu { slope: f32 },
    Round,
    Swish { alpha: f32 },
}

impl Eq for Function {}

/// Reads the node; the builder that tract wants.
pub fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let alpha = |default| TractResult::Ok(node.get_attr_opt::<f32>("alpha")?.unwrap_or(default));
    let function = match node.op_type.as_str() {
        "Sigmoid" => Function::Sigmoid,
        "Erf" => Function::Erf,
        "Gelu" if node.get_attr_opt::<&str>("approximate")? == Some("tanh") => Function::GeluTanh,
        "Gelu" => Function::Gelu,
        "HardSwish" => Function::HardSwish,
        "LeakyRelu" => Function::LeakyRelu { slope: alpha(0.01)? },
        "Round" => Function::Round,
        "Swish" => Function::Swish { alpha: alpha(1.0)? },
        other => bail!("no function {other}"),
    };
    Ok((expand(function), vec![]))
}

impl Function {
    fn of(self, x: f64) -> f64 {
        match self {
            Function::Sigmoid => sigmoid(x),
            Function::Erf => erf(x),
            Function::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Function::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Function::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Function::LeakyRelu { slope } if x < 0.0 => f64::from(slope) * x,
            Function::LeakyRelu { .. } => x,
            Function::Round => x.round_ties_even(),
            Function::Swish { alpha } => x * sigmoid(f64::from(alpha) * x),
        }
    }

    /// tract's own, if it has one.
    fn of_tract(self) -> Option<Box<dyn TypedOp>> {
        Some(match self {
            Function::Sigmoid => Box::new(nn::sigmoid()),
            Function::Erf => Box::new(math::erf()),
            Function::HardSwish => Box::new(nn::hard_swish()),
            Function::LeakyRelu { slope } => Box::new(nn::leaky_relu(slope)),
            Function::Round => Box::new(math::round_half_to_even()),
            Function::Swish { alpha: 1.0 } => Box::new(nn::silu::silu()),
            _ => return None,
        })
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// By a series of positive terms (Abramowitz and Stegun 7.1.6), so without cancellation:
/// 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)). Beyond 6 it is 1 in f64.
fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() >= 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut odd) = (x, 0.0, 1.0);
    while sum + term != sum {
        sum += term;
        odd += 2.0;
        term *= 2.0 * x * x / odd;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

impl Expansion for Function {
    fn name(&self) -> StaticName {
        format!("{self:?}").into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].shape, &outputs[0].shape)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let wide = model.outlet_fact(inputs[0])?.datum_type == DatumType::F64;
        match self.of_tract().filter(|_| !wide) {
            Some(operator) => model.wire_node(prefix, operator, inputs),
            None => model.wire_node(prefix, *self, inputs),
        }
    }
}

impl Op for Function {
    fn name(&self) -> StaticName {
        format!("{self:?}").into()
    }

    op_as_typed_op!();
}

impl TypedOp for Function {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        ensure!(inputs.len() == 1, "one input");
        Ok(tvec!(inputs[0].datum_type.fact(inputs[0].shape.clone())))
    }
}

impl EvalOp for Function {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, mut inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        ensure!(inputs.len() == 1, "one input");
        let mut x = inputs.swap_remove(0).into_tensor();
        let mut plain = x.try_as_plain_ram_mut()?;
        match plain.datum_type() {
            DatumType::F64 => plain.as_slice_mut::<f64>()?.iter_mut().for_each(|x| *x = self.of(*x)),
            DatumType::F32 => plain.as_slice_mut::<f32>()?.iter_mut().for_each(|x| *x = self.of(f64::from(*x)) as f32),
            other => bail!("not of {other:?}"),
        }
        Ok(tvec!(x.into_tvalue()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_exact() {
        // Abramowitz and Stegun, table 7.1, and to more digits from Wolfram Alpha.
        let known = [(0.0, 0.0), (0.5, 0.520_499_877_813_046_5), (1.0, 0.842_700_792_949_714_9)];
        let far = [(2.0, 0.995_322_265_018_952_7), (3.0, 0.999_977_909_503_001_4), (7.0, 1.0)];
        for (x, y) in known.into_iter().chain(far) {
            assert!((erf(x) - y).abs() < 4e-16 && (erf(-x) + y).abs() < 4e-16, "erf({x}) = {}", erf(x));
        }
        assert!(erf(f64::NAN).is_nan());
    }

    #[test]
    fn functions_are_those_of_the_specification() {
        assert_eq!(Function::HardSwish.of(-3.5), 0.0);
        assert_eq!(Function::HardSwish.of(1.5), 1.125);
        assert_eq!(Function::LeakyRelu { slope: 0.25 }.of(-2.0), -0.5);
        assert_eq!(Function::Round.of(2.5), 2.0);
        assert_eq!(Function::Sigmoid.of(0.0), 0.5);
        assert_eq!(Function::Swish { alpha: 2.0 }.of(f64::INFINITY), f64::INFINITY);
        assert!((Function::Gelu.of(1.0) - Function::GeluTanh.of(1.0)).abs() < 1e-3);
    }
}
