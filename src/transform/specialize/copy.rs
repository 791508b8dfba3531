//! A copy of a function with constants instead of inputs, and values instead of attributes.

use super::bind::is_open;
use super::functions::each_node;
use crate::onnx::access::text;
use crate::onnx::schema::{AttributeProto, FunctionProto, NodeProto, TensorProto};
use bstr::{BStr, BString, ByteSlice};
use std::collections::HashSet;

/// The copy, still of the same name. `constants` has one entry per input, `call` are the
/// attributes that it is called with.
pub fn copy(function: &FunctionProto, constants: &[Option<TensorProto>], call: &[AttributeProto]) -> FunctionProto {
    let mut copy = function.clone();
    let is_bound = |slot: &usize| constants.get(*slot).is_some_and(Option::is_some);
    let inputs = || function.input.iter().enumerate();
    copy.input = inputs().filter(|(slot, _)| !is_bound(slot)).map(|(_, name)| name.clone()).collect();
    copy.attribute.retain(|name| is_open(call, name));
    copy.attribute_proto.retain(|default| is_open(call, text(&default.name)));
    let given = Given { call, defaults: &function.attribute_proto };
    copy.node.iter_mut().for_each(|node| given.fill_in(node));
    let read = names_read(function);
    let constant = |(name, tensor): (&BString, &Option<TensorProto>)| {
        Some(constant(name, tensor.clone().filter(|_| read.contains(name.as_bstr()))?))
    };
    copy.node.splice(0..0, function.input.iter().zip(constants).filter_map(constant));
    copy
}

/// All names that are read in a function: by nodes, and as outputs of it and of subgraphs.
fn names_read(function: &FunctionProto) -> HashSet<&BStr> {
    let mut read: HashSet<&BStr> = function.output.iter().map(|name| name.as_bstr()).collect();
    each_node(&function.node, |node| {
        read.extend(node.input.iter().map(|name| name.as_bstr()));
        read.extend(node.subgraphs().flat_map(|graph| &graph.output).map(|output| text(&output.name)));
    });
    read
}

/// A node that makes what was an input, under the same name, so that nobody has to be told.
fn constant(name: &BString, mut tensor: TensorProto) -> NodeProto {
    tensor.name = Some(name.clone());
    NodeProto::constant(tensor)
}

/// What the attributes of the function are in one call.
struct Given<'c> {
    call: &'c [AttributeProto],
    defaults: &'c [AttributeProto],
}

impl Given<'_> {
    /// Replaces references to attributes of the function, in subgraphs too, by their values.
    fn fill_in(&self, node: &mut NodeProto) {
        if node.has_attribute_of_function() {
            node.attribute =
                std::mem::take(&mut node.attribute).into_iter().filter_map(|own| self.value(own)).collect();
        }
        for graph in node.subgraphs_mut() {
            graph.node.iter_mut().for_each(|inner| self.fill_in(inner));
        }
    }

    /// An attribute with its value: the call's, else the default. What has neither is absent.
    fn value(&self, own: AttributeProto) -> Option<AttributeProto> {
        let wanted = text(&own.ref_attr_name);
        if !own.is_reference() || is_open(self.call, wanted) {
            return Some(own);
        }
        let given = self.call.iter().chain(self.defaults).find(|given| text(&given.name) == wanted)?;
        Some(AttributeProto { name: own.name, doc_string: own.doc_string, ..given.clone() })
    }
}
