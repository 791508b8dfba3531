//! Freezing: a BatchNormalization in training mode becomes one in inference mode, which
//! normalises by its stored statistics.
//!
//! This changes what the model computes, and is done only where it is asked for. What says
//! that a BatchNormalization trains depends on the version of the operator:
//!
//! | opset | training mode is | inference mode is |
//! |---|---|---|
//! | 1, 6 | no `is_test = 1` | `is_test = 1` |
//! | 7, 9 | more outputs than one | one output |
//! | 14 on | `training_mode = 1` | no `training_mode` |

use super::selection::Selection;
use crate::batch_norm::BatchNorm;
use crate::graph::{Graph, GraphError, NodeId};
use crate::onnx::access::text;
use crate::onnx::schema::{AttributeProto, ModelProto};

/// A model whose BatchNormalizations use their stored statistics.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// The model.
    pub model: ModelProto,
    /// The BatchNormalizations that were in training mode and are no longer, by name, in graph
    /// order.
    pub frozen: Vec<String>,
}

/// Puts each selected BatchNormalization into inference mode, unless somebody reads the
/// statistics of the batch that only training mode computes.
///
/// # Errors
/// When the model is not a valid one.
pub fn freeze(model: ModelProto, selection: &Selection) -> Result<Frozen, GraphError> {
    let mut graph = Graph::new(model)?;
    let norms: Vec<NodeId> = graph.nodes().filter(|node| BatchNorm::is(&graph, *node)).collect();
    let mut frozen = Vec::new();
    for node in norms {
        let name = graph.label(node);
        let can_be = BatchNorm::trains(&graph, node) && BatchNorm::seen_statistic(&graph, node).is_none();
        if can_be && selection.contains(&name) {
            freeze_node(&mut graph, node);
            frozen.push(name);
        }
    }
    Ok(Frozen { model: graph.into_model(), frozen })
}

fn freeze_node(graph: &mut Graph, node: NodeId) {
    for slot in 1..graph.node(node).outputs.len() {
        graph.drop_output(node, slot);
    }
    match graph.opset(node) {
        ..7 => graph.set_attribute(node, AttributeProto::int("is_test", 1)),
        7..14 => {}
        _ => graph.retain_attributes(node, |attribute| text(&attribute.name) != "training_mode"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::schema::TensorAnnotation;
    use crate::onnx::text::parse;

    fn model(norm: &str) -> ModelProto {
        parse(format!(
            "<ir_version: 8, opset_import: [\"\" : 17]>
            g (float[2,2] x) => (float[2,2] y) <float[2] s = {{1, 2}}, float[2] b = {{3, 4}}> {{ {norm} }}"
        ))
        .unwrap()
    }

    fn frozen(model: &ModelProto) -> Frozen {
        freeze(model.clone(), &Selection::default()).unwrap()
    }

    #[test]
    fn a_statistic_that_an_annotation_names_keeps_it_training() {
        let mut model = model("y, new_mean, new_var = BatchNormalization <training_mode = 1> (x, s, b, b, s)");
        assert_eq!(frozen(&model).frozen, ["y"]);
        let annotation = TensorAnnotation { tensor_name: Some("new_mean".into()), ..Default::default() };
        model.graph.as_mut().unwrap().quantization_annotation.push(annotation);
        assert_eq!((frozen(&model).frozen, frozen(&model).model), (vec![], model));
    }

    #[test]
    fn what_is_in_inference_mode_or_malformed_is_as_it_was() {
        for attributes in ["epsilon = 0.1", "training_mode = 0", "training_mode = 1.5", "is_test = 0"] {
            let model = model(&format!("y = BatchNormalization <{attributes}> (x, s, b, b, s)"));
            assert_eq!((frozen(&model).frozen, frozen(&model).model), (vec![], model), "{attributes}");
        }
    }
}
