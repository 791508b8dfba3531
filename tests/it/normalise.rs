//! Removes from a model what the syntax does not tell apart, and what it cannot say of the models
//! that `arbitrary.rs` makes.

use bn_tool::onnx::element::DataType;
use bn_tool::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto};
use bstr::BString;

/// Removes both.
pub(crate) fn model(model: &mut ModelProto) {
    Normaliser { names: false }.model(model);
}

/// Removes what is not told apart, and leaves what is lost: names in attributes.
pub(crate) fn representation(model: &mut ModelProto) {
    Normaliser { names: true }.model(model);
}

struct Normaliser {
    /// Whether to keep names of tensors in attributes that need quotes.
    names: bool,
}

impl Normaliser {
    fn model(&self, model: &mut ModelProto) {
        self.graph(model.graph.get_or_insert_default());
        for function in &mut model.functions {
            function.name.get_or_insert_default();
            self.nodes(&mut function.node);
            function.attribute_proto.iter_mut().for_each(|attribute| self.attribute(attribute));
        }
    }

    fn graph(&self, graph: &mut GraphProto) {
        graph.name.get_or_insert_default();
        graph.initializer.iter_mut().for_each(tensor);
        graph.sparse_initializer.iter_mut().for_each(|value| self.sparse(value));
        for tensor in &mut graph.initializer {
            tensor.name.get_or_insert_default();
        }
        self.nodes(&mut graph.node);
    }

    fn nodes(&self, nodes: &mut [NodeProto]) {
        nodes.iter_mut().flat_map(|node| &mut node.attribute).for_each(|value| self.attribute(value));
    }

    fn attribute(&self, attribute: &mut AttributeProto) {
        attribute.f = attribute.f.map(|value| canonical(&value.to_le_bytes())).map(f32::from_le_bytes);
        attribute.floats.iter_mut().for_each(|value| *value = f32::from_le_bytes(canonical(&value.to_le_bytes())));
        attribute.t.iter_mut().for_each(|value| self.local(value));
        attribute.tensors.iter_mut().for_each(|value| self.local(value));
        attribute.sparse_tensor.iter_mut().for_each(|value| self.sparse(value));
        attribute.sparse_tensors.iter_mut().for_each(|value| self.sparse(value));
        attribute.g.iter_mut().for_each(|value| self.graph(value));
        attribute.graphs.iter_mut().for_each(|value| self.graph(value));
    }

    /// A tensor in an attribute, whose name is lost if it needs quotes.
    fn local(&self, value: &mut TensorProto) {
        tensor(value);
        value.name = value.name.take().filter(|name| self.names || is_plain(name));
    }

    fn sparse(&self, sparse: &mut SparseTensorProto) {
        sparse.values.iter_mut().for_each(tensor);
        sparse.indices.iter_mut().for_each(|value| self.local(value));
    }
}

fn is_plain(name: &BString) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let word = name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    let types = ["seq", "map", "optional", "sparse_tensor", "opaque", "undefined"];
    let is_type = types.contains(&name) || DataType::from_name(name).is_some();
    let is_float = ["inf", "infinity", "nan"].contains(&name.to_ascii_lowercase().as_str());
    begins && word && !is_type && !is_float
}

fn tensor(tensor: &mut TensorProto) {
    tensor.name = tensor.name.take().filter(|name| !name.is_empty());
    if tensor.is_external() || tensor.element() == Some(DataType::String) {
        return;
    }
    let bytes = tensor.little_endian().expect("a sound tensor").to_bytes().expect("in memory");
    let bytes = match tensor.element() {
        Some(DataType::Float | DataType::Complex64) => bytes.as_chunks::<4>().0.iter().flat_map(canonical).collect(),
        Some(DataType::Double | DataType::Complex128) => bytes.as_chunks::<8>().0.iter().flat_map(canonical).collect(),
        _ => bytes.to_vec(),
    };
    tensor.set_elements(bytes.into());
}

/// A float, or if it is no number, the quiet one of the same sign.
fn canonical<const N: usize>(le: &[u8; N]) -> [u8; N] {
    let mut bytes = *le;
    let nan = match N {
        4 => f32::from_le_bytes(std::array::from_fn(|index| le[index])).is_nan(),
        _ => f64::from_le_bytes(std::array::from_fn(|index| le[index])).is_nan(),
    };
    if nan {
        let sign = le[N - 1] & 0x80;
        bytes = [0; N];
        bytes[N - 1] = sign | 0x7f;
        bytes[N - 2] = if N == 4 { 0xc0 } else { 0xf8 };
    }
    bytes
}
