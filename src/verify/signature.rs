//! What a model takes and gives.

use super::VerifyError;
use crate::engine::required_inputs;
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::schema::{Dimension, ModelProto, ValueInfoProto};
use bstr::{BString, ByteSlice};

/// The length of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Axis {
    /// A number.
    Fixed(usize),
    /// A symbol: the same length wherever it stands.
    Named(String),
    /// Anything.
    Unknown,
}

/// An input or output.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its name.
    pub name: BString,
    /// Its element type.
    pub element: Option<DataType>,
    /// Its axes, if the rank is known.
    pub axes: Option<Vec<Axis>>,
}

/// The inputs and outputs of a model.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Those that a caller must give.
    pub inputs: Vec<Port>,
    /// All.
    pub outputs: Vec<Port>,
}

impl Signature {
    /// The signature of a model.
    pub fn of(model: &ModelProto) -> Self {
        let outputs = model.graph.iter().flat_map(|graph| &graph.output);
        Signature { inputs: required_inputs(model).map(port).collect(), outputs: outputs.map(port).collect() }
    }

    /// Whether what the original takes and gives can be compared with this.
    ///
    /// # Errors
    /// When names, types or shapes contradict each other.
    pub fn expect_like(&self, original: &Signature) -> Result<(), VerifyError> {
        for (what, own, theirs) in
            [("inputs", &self.inputs, &original.inputs), ("outputs", &self.outputs, &original.outputs)]
        {
            if own.len() != theirs.len() || own.iter().zip(theirs).any(|(own, theirs)| !own.agrees(theirs)) {
                return Err(VerifyError::Signature { what: what.into(), original: list(theirs), result: list(own) });
            }
        }
        Ok(())
    }
}

impl Port {
    fn agrees(&self, other: &Port) -> bool {
        let axes = match (&self.axes, &other.axes) {
            (Some(own), Some(theirs)) => {
                let differ = |pair: (&Axis, &Axis)| matches!(pair, (Axis::Fixed(a), Axis::Fixed(b)) if a != b);
                own.len() == theirs.len() && !own.iter().zip(theirs).any(differ)
            }
            _ => true,
        };
        self.name == other.name && self.element == other.element && axes
    }
}

fn port(info: &ValueInfoProto) -> Port {
    let kind = info.tensor_type();
    Port {
        name: text(&info.name).into(),
        element: kind.and_then(|kind| kind.element()),
        axes: kind.and_then(|kind| kind.axes()).map(|axes| axes.iter().map(axis).collect()),
    }
}

fn axis(dimension: &Dimension) -> Axis {
    let name = text(&dimension.dim_param);
    match dimension.dim_value {
        // Some writers put 0 or -1 where they mean "unknown".
        Some(length) if length > 0 => Axis::Fixed(length as usize),
        _ if !name.is_empty() => Axis::Named(name.to_str_lossy().into_owned()),
        _ => Axis::Unknown,
    }
}

fn list(ports: &[Port]) -> String {
    if ports.is_empty() {
        return "none".into();
    }
    let describe = |port: &Port| {
        let axes = port.axes.as_ref().map_or("of any shape".into(), |axes| {
            let axes = axes.iter().map(|axis| match axis {
                Axis::Fixed(length) => length.to_string(),
                Axis::Named(name) => name.clone(),
                Axis::Unknown => "?".into(),
            });
            format!("[{}]", axes.collect::<Vec<_>>().join(","))
        });
        format!("`{}` {} {axes}", port.name, port.element.map_or("(no tensor)", DataType::name))
    };
    ports.iter().map(describe).collect::<Vec<_>>().join(", ")
}
