//! Properties, for random graphs.

use super::{diff, edits};
use crate::generate::drawings;
use bn_tool::diff::{
    DiffOptions, HumanOptions, ModelDiff, NodeChange, NodeEntry, NodeText, Status, TensorChange, human, markdown,
};
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::wire::{Encoder, Message};
use proptest::prelude::*;
use std::collections::HashSet;

/// All lines about nodes, of whatever graph.
fn nodes(diff: &ModelDiff) -> Vec<&NodeEntry> {
    diff.graphs.iter().flat_map(|graph| &graph.nodes).collect()
}

fn constants(diff: &ModelDiff) -> Vec<&TensorChange> {
    diff.graphs.iter().flat_map(|graph| &graph.initializers).collect()
}

fn encode(model: &ModelProto) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    model.encode_fields(&mut encoder).expect("memory can be written");
    encoder.finish().expect("memory can be written");
    out
}

fn only_renamed(change: &NodeChange) -> bool {
    let same_wiring = change.inputs.iter().all(|slot| !slot.changed);
    same_wiring && change.operator.is_same() && change.attributes.is_empty() && change.moved.is_none()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_model_does_not_differ_from_itself(drawing in drawings()) {
        let model = drawing.build().model;
        prop_assert!(diff(&model, &model).is_empty());
    }

    #[test]
    fn what_is_renamed_is_only_renamed(drawing in drawings(), seed in any::<u64>()) {
        let model = drawing.build().model;
        let mut other = model.clone();
        edits::rename(&mut other, &|name| format!("{seed:x}_{}", name.chars().rev().collect::<String>()));
        let found = diff(&model, &other);
        prop_assert!(encode(&model) == encode(&other) || !found.is_empty());
        for entry in nodes(&found) {
            let NodeEntry::Changed(change) = entry else {
                return Err(TestCaseError::fail(format!("{entry:?}\n{}", human(&found, &HumanOptions::default()))));
            };
            prop_assert!(only_renamed(change), "{change:?}");
        }
        for tensor in constants(&found) {
            let both = tensor.name.before.is_some() && tensor.name.after.is_some();
            prop_assert!(both && tensor.content.is_same() && tensor.r#type.is_same(), "{tensor:?}");
        }
        for graph in &found.graphs {
            prop_assert!(graph.status == Status::Changed && graph.fields.is_empty(), "{graph:?}");
            prop_assert!(graph.inputs.is_empty() && graph.outputs.is_empty() && graph.values.is_empty(), "{graph:?}");
        }
    }

    #[test]
    fn a_node_that_is_removed_is_removed_and_its_readers_rewired(drawing in drawings(), place in any::<prop::sample::Index>()) {
        let model = drawing.build().model;
        let graph = model.graph.as_ref().expect("there is a graph");
        let place = place.index(graph.node.len());
        let mut other = model.clone();
        let Some(readers) = edits::remove(&mut other, place) else { return Ok(()) };
        let gone = graph.node[place].output[0].to_string();
        let found = diff(&model, &other);
        let mut rewired = HashSet::new();
        let own = found.graphs.iter().filter(|graph| graph.status == Status::Changed).flat_map(|graph| &graph.nodes);
        let mut removed = Vec::new();
        for entry in own {
            match entry {
                NodeEntry::Removed(NodeText { outputs, .. }) => removed.extend(outputs.clone()),
                NodeEntry::Changed(change) => {
                    prop_assert!(change.attributes.is_empty() && change.operator.is_same() && change.moved.is_none());
                    prop_assert!(change.outputs.iter().all(|slot| !slot.changed), "{change:?}");
                    rewired.insert(change.outputs[0].name.after.clone().expect("a name"));
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
        prop_assert_eq!(removed, [gone]);
        prop_assert_eq!(rewired, readers);
        prop_assert!(constants(&found).is_empty());
    }

    #[test]
    fn one_element_that_changes_is_one_line(drawing in drawings(), which in any::<prop::sample::Index>()) {
        let model = drawing.build().model;
        let mut other = model.clone();
        let tensors = &mut other.graph.as_mut().expect("there is a graph").initializer;
        if tensors.is_empty() {
            return Ok(());
        }
        let tensor = &mut tensors[which.index(model.graph.as_ref().expect("a graph").initializer.len())];
        let mut bytes = tensor.little_endian().expect("a sound tensor").to_bytes().expect("in memory").to_vec();
        let Some(first) = bytes.first_mut() else { return Ok(()) };
        *first ^= 1;
        tensor.set_elements(bytes.into());
        let name = tensor.name.as_ref().expect("a name").to_string();
        let found = diff(&model, &other);
        prop_assert!(nodes(&found).is_empty());
        let [change] = constants(&found)[..] else { return Err(TestCaseError::fail("not one line")) };
        prop_assert_eq!(change.name.after.as_ref(), Some(&name));
        prop_assert!(!change.content.is_same() && change.difference.is_some());
    }

    #[test]
    fn two_models_differ_by_what_is_said(a in drawings(), b in drawings(), context in 0usize..3) {
        let (a, b) = (a.build().model, b.build().model);
        let found = bn_tool::diff::diff(&a, &b, &DiffOptions { context }).expect("the tensors can be read");
        prop_assert_eq!(found.is_empty(), encode(&a) == encode(&b));
        let again = bn_tool::diff::diff(&a, &b, &DiffOptions { context }).expect("the tensors can be read");
        let text = human(&found, &HumanOptions::default());
        prop_assert_eq!(&text, &human(&again, &HumanOptions::default()), "twice the same");
        prop_assert!(markdown(&found).len() < 65_536);
        prop_assert!(serde_json::to_string(&found).is_ok());
        let mut count = found.summary.nodes.before as i64;
        for entry in nodes(&found) {
            count += match entry {
                NodeEntry::Added(_) => 1,
                NodeEntry::Removed(_) => -1,
                NodeEntry::Changed(_) | NodeEntry::Unchanged(_) | NodeEntry::Skipped { .. } => 0,
            };
        }
        for tensor in constants(&found) {
            let is_node = |holder: &Option<String>| i64::from(holder.as_deref() == Some("Constant"));
            count += is_node(&tensor.holder.after) - is_node(&tensor.holder.before);
        }
        prop_assert_eq!(count, found.summary.nodes.after as i64, "{}", text);
    }
}
