//! Resize of opsets 11 and 12 without a region of interest, and Upsample: both are a Resize of
//! another opset, which tract has.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Under which name tract's own builder is kept.
pub const OF_TRACT: &str = "Resize of tract";

/// Reads the node; the builder that tract wants.
pub fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let opset = context.onnx_operator_set_version;
    let upsample = node.op_type == "Upsample";
    ensure!(!upsample || node.input.len() == 2, "scales are an input from opset 9 on only");
    let opset = match opset {
        _ if upsample => 10,
        // The same operator, but there tract knows that the region may be missing.
        11..=12 => 13,
        other => other,
    };
    let context = ParsingContext { onnx_operator_set_version: opset, ..context.clone() };
    let of_tract = context.framework.op_register.0.get(OF_TRACT);
    of_tract.with_context(|| format!("no {}", node.op_type))?(&context, node)
}

#[cfg(test)]
mod tests {
    use crate::engine::testing::{model, node};
    use crate::engine::{Array, Session};
    use crate::onnx::element::{DataType, FloatType};
    use crate::onnx::schema::TensorProto;

    #[test]
    fn doubles_in_every_opset() {
        for (opset, operator, inputs) in [
            (9, "Upsample", "x scales"),
            (10, "Resize", "x scales"),
            (11, "Resize", "x _ scales"),
            (12, "Resize", "x roi scales"),
            (13, "Resize", "x _ scales"),
            (19, "Resize", "x _ scales"),
        ] {
            let scales = TensorProto::floats("scales", FloatType::F32, &[2], &[1.0, 2.0]);
            let roi = TensorProto::floats("roi", FloatType::F32, &[0], &[]);
            let nodes = vec![node(operator, inputs, "y", vec![])];
            let model = model(opset, (DataType::Float, &["1", "2"]), vec![scales, roi], nodes, "y");
            let x = Array::floats(FloatType::F32, vec![1, 2], &[3.0, 5.0]).expect("consistent");
            for floor in [FloatType::F32, FloatType::F64] {
                let session = Session::compile(&model, &[vec![1, 2]], Some(floor)).expect(operator);
                let y = session.worker().expect("starts").run(std::slice::from_ref(&x)).expect("runs");
                assert_eq!(y[0].shape(), [1, 4], "{operator}-{opset}");
                assert_eq!((y[0].values()[0], y[0].values()[3]), (3.0, 5.0), "{operator}-{opset}");
            }
        }
    }
}
