//! Running a model in a wider floating-point type than its own.
//!
//! Every constant, type and Cast whose type is narrower is widened; weights keep their values
//! exactly. In f64 this gives what the model means, rid of the rounding of its arithmetic; in
//! f32 it runs bf16, which tract does not have, and f16, which tract accumulates in f16.

use crate::onnx::access::text;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bytes::Bytes;

/// The type that an element type becomes when everything narrower than `floor` is widened.
pub fn widened(element: DataType, floor: Option<FloatType>) -> DataType {
    match (element.float(), floor) {
        (Some(float), Some(floor)) if float.size() < floor.size() => floor.data_type(),
        _ => element,
    }
}

/// As [`widened`], of a code of the schema.
pub fn widened_code(code: i32, floor: Option<FloatType>) -> i32 {
    DataType::from_code(code).map_or(code, |element| widened(element, floor).code())
}

/// Little-endian elements in the type that theirs becomes.
pub fn widened_bytes(element: DataType, bytes: Bytes, floor: Option<FloatType>) -> Bytes {
    match (element.float(), widened(element, floor).float()) {
        (Some(from), Some(to)) if from != to => to.encode(&from.decode(&bytes)).into(),
        _ => bytes,
    }
}

/// Attributes that name an element type.
pub fn is_type_attribute(node: &NodeProto, attribute: &str) -> bool {
    matches!(
        (&**node.standard_op(), attribute),
        (b"Cast", "to")
            | (b"EyeLike" | b"RandomNormal" | b"RandomNormalLike" | b"RandomUniform" | b"RandomUniformLike", "dtype")
            | (b"HannWindow" | b"HammingWindow" | b"BlackmanWindow" | b"MelWeightMatrix", "output_datatype")
    )
}

/// The inputs that the operator takes as f32 whatever it works on.
pub fn stays_f32(node: &NodeProto) -> &'static [usize] {
    match (&**node.standard_op(), node.input.len()) {
        // Opset 10: x, scales. From opset 11: x, roi, scales, sizes.
        (b"Resize" | b"Upsample", 2) => &[1],
        (b"Resize", _) => &[2],
        _ => &[],
    }
}

/// The floating-point type with the fewest digits among the weights and the inputs and outputs
/// of a model: what its results can be expected to agree to. `None` if it has no floats.
pub fn lowest_float(model: &ModelProto) -> Option<FloatType> {
    let mut all = Vec::new();
    model.graph.iter().for_each(|graph| collect(graph, &mut all));
    all.into_iter().max_by(|a, b| a.unit_roundoff().total_cmp(&b.unit_roundoff()))
}

fn collect(graph: &GraphProto, all: &mut Vec<FloatType>) {
    let values = graph.input.iter().chain(&graph.output).filter_map(|value| value.tensor_type()?.element());
    let initializers = graph.initializer.iter().filter_map(|tensor| tensor.element());
    all.extend(values.chain(initializers).filter_map(DataType::float));
    for node in &graph.node {
        let constants = node.attribute.iter().filter(|attribute| text(&attribute.name) == "value");
        all.extend(constants.filter_map(|attribute| attribute.t.as_ref()?.element()?.float()));
        for subgraph in node.subgraphs() {
            collect(subgraph, all);
        }
    }
}

/// The elements of a list of f32 that an attribute holds, in the type that f32 becomes.
pub fn widened_floats(values: &[f32], floor: Option<FloatType>) -> Vec<u8> {
    let to = widened(DataType::Float, floor).float().unwrap_or(FloatType::F32);
    let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    to.encode(&values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::{model, node, value};
    use crate::engine::{Array, Session};
    use crate::onnx::schema::{AttributeProto, SparseTensorProto, TensorProto};

    /// Runs a model of x `[2, 3]`, all elements 0.1 in the type of the model, with everything
    /// at least as wide as f64.
    fn run(model: &ModelProto, element: FloatType) -> Vec<Array> {
        let x = Array::floats(element, vec![2, 3], &[0.1; 6]).expect("consistent");
        let session = Session::compile(model, &[vec![2, 3]], Some(FloatType::F64)).expect("compiles");
        session.worker().expect("starts").run(&[x]).expect("runs")
    }

    fn small(element: FloatType, initializers: Vec<TensorProto>, nodes: Vec<NodeProto>) -> ModelProto {
        model(17, (element.data_type(), &["2", "3"]), initializers, nodes, "y")
    }

    #[test]
    fn weights_keep_their_values_in_every_type() {
        for element in [FloatType::F16, FloatType::Bf16, FloatType::F32, FloatType::F64] {
            let third = TensorProto::floats("w", element, &[], &[1.0 / 3.0]);
            let y = run(&small(element, vec![third], vec![node("Mul", "x w", "y", vec![])]), element);
            assert_eq!(y[0].element(), DataType::Double);
            assert_eq!(y[0].values(), [element.round(0.1) * element.round(1.0 / 3.0); 6]);
        }
    }

    #[test]
    fn narrow_floats_run_in_f32() {
        let third = TensorProto::floats("w", FloatType::Bf16, &[], &[1.0 / 3.0]);
        let model = small(FloatType::Bf16, vec![third], vec![node("Mul", "x w", "y", vec![])]);
        let x = Array::floats(FloatType::Bf16, vec![2, 3], &[0.1; 6]).expect("consistent");
        let session = Session::compile(&model, &[vec![2, 3]], Some(FloatType::F32)).expect("compiles");
        let y = session.worker().expect("starts").run(&[x]).expect("runs");
        assert_eq!(y[0].element(), DataType::Float);
        assert_eq!(lowest_float(&model), Some(FloatType::Bf16));
    }

    #[test]
    fn constants_in_all_forms_are_widened() {
        let floats = AttributeProto { floats: vec![0.5, 0.7, 0.1].into(), r#type: Some(6), ..Default::default() };
        let sparse = SparseTensorProto {
            values: Some(TensorProto::floats("s", FloatType::F32, &[1], &[0.2])),
            indices: Some(TensorProto {
                dims: vec![1, 2].into(),
                data_type: Some(DataType::Int64.code()),
                int64_data: vec![1, 2].into(),
                ..Default::default()
            }),
            dims: vec![2, 3].into(),
            ..Default::default()
        };
        let nodes = vec![
            node("Constant", "", "a", vec![AttributeProto::float("value_float", 0.1)]),
            node("Constant", "", "b", vec![AttributeProto { name: Some("value_floats".into()), ..floats }]),
            node("Shape", "x", "shape", vec![]),
            node("ConstantOfShape", "shape", "zero", vec![]),
            node("Cast", "x", "cast", vec![AttributeProto::int("to", 1)]),
            node("Sum", "a b zero cast s", "y", vec![]),
        ];
        let mut model = small(FloatType::F32, vec![], nodes);
        model.graph.as_mut().expect("there is one").sparse_initializer = vec![sparse];
        let f = |value: f32| f64::from(value);
        let rest = |index: usize| if index == 5 { f(0.2) } else { 0.0 };
        let y = run(&model, FloatType::F32)[0].values();
        for (index, y) in y.into_iter().enumerate() {
            let expected = f(0.1) + f([0.5, 0.7, 0.1][index % 3]) + f(0.1) + rest(index);
            assert!((y - expected).abs() < 1e-15, "{index}: {y} {expected}");
        }
    }

    #[test]
    fn gemm_runs_in_f64_with_all_its_attributes() {
        for (trans, dims) in [(0, [3, 2]), (1, [2, 3])] {
            let b = TensorProto::floats("b", FloatType::F32, &dims, &[0.3; 6]);
            let c = TensorProto::floats("c", FloatType::F32, &[2], &[1.0, 2.0]);
            let attributes = vec![
                AttributeProto::float("alpha", 0.1),
                AttributeProto::float("beta", 0.7),
                AttributeProto::int("transB", trans),
            ];
            let y =
                run(&small(FloatType::F32, vec![b, c], vec![node("Gemm", "x b c", "y", attributes)]), FloatType::F32);
            let [a, b, alpha, beta] = [0.1f32, 0.3, 0.1, 0.7].map(f64::from);
            for (y, c) in y[0].values().into_iter().zip([1.0, 2.0, 1.0, 2.0]) {
                assert!((y - (alpha * 3.0 * a * b + beta * c)).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn resize_keeps_its_scales_in_f32() {
        let scales = TensorProto::floats("scales", FloatType::F32, &[2], &[2.0, 1.0]);
        let other = TensorProto::floats("w", FloatType::F32, &[], &[0.1]);
        let nodes = vec![node("Resize", "x _ scales", "r", vec![]), node("Mul", "r w", "y", vec![])];
        let y = run(&small(FloatType::F32, vec![scales, other], nodes), FloatType::F32);
        assert_eq!(y[0].shape(), [4, 3]);
        assert_eq!(y[0].element(), DataType::Double);
    }

    #[test]
    fn integers_are_left_alone() {
        let axes = TensorProto {
            dims: vec![1].into(),
            data_type: Some(DataType::Int64.code()),
            int64_data: vec![0].into(),
            name: Some("axes".into()),
            ..Default::default()
        };
        let model = small(FloatType::F32, vec![axes], vec![node("Unsqueeze", "x axes", "y", vec![])]);
        assert_eq!(run(&model, FloatType::F32)[0].shape(), [1, 2, 3]);
        let mut no_floats = model.clone();
        no_floats.graph.as_mut().expect("there is one").input = vec![value("x", DataType::Int32, &["2"])];
        assert_eq!(lowest_float(&no_floats), None);
    }
}
