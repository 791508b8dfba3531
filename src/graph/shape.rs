//! Types and shapes of values, as far as folding needs them: is the output of this MatMul of
//! rank 2?
//!
//! A small inference over the operators that networks with BatchNormalization consist of.
//! What it cannot tell it takes from the model's own value info; where the two contradict
//! each other, nothing is known.

use super::{Graph, NodeId, Origin, ScopeId, ValueId};
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::schema::TensorTypeProto;
use bstr::ByteSlice;

/// The axes of a value, each of known or unknown length; `None` when not even the rank is known.
pub type Axes = Option<Vec<Option<usize>>>;

/// The length of an axis. Two axes with the same symbol have the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// A number.
    Known(usize),
    /// A length that is not known.
    Symbol(u32),
}

/// What is known of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// The type of its elements.
    pub element: Option<DataType>,
    /// Its axes.
    pub shape: Axes,
}

/// What is known of all values.
pub struct Facts {
    /// Of constants nothing is noted: their tensors tell.
    noted: Vec<Fact>,
}

impl Facts {
    /// Infers types and shapes in one pass over the graph.
    pub fn infer(graph: &Graph) -> Facts {
        let mut facts = Facts { noted: declared(graph) };
        for node in graph.nodes() {
            let computed = facts.of_node(graph, node);
            // Split gives several outputs of one rank; other operators one that is known.
            let outputs = if graph.op(node) == "Split" { graph.node(node).outputs.len() } else { 1 };
            for output in (0..outputs).filter_map(|slot| graph.output(node, slot)) {
                let fact = &mut facts.noted[output.index()];
                fact.element = fact.element.or(computed.element);
                fact.shape = agree(fact.shape.take(), computed.shape.clone());
            }
        }
        facts
    }

    /// What is known of a value.
    pub fn of(&self, graph: &Graph, value: ValueId) -> Fact {
        let data = graph.value(value);
        match data.origin {
            Origin::Initializer { index, .. } if !graph.is_overridable(value) => {
                let tensor = &graph.scope(data.scope).graph.initializer[index as usize];
                let shape = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
                Fact { element: tensor.element(), shape: Some(shape) }
            }
            _ => self.noted[value.index()].clone(),
        }
    }

    /// The axes of a value.
    pub fn axes(&self, graph: &Graph, value: ValueId) -> Option<Vec<Length>> {
        let shape = self.of(graph, value).shape?;
        let symbol = |axis: usize| Length::Symbol((value.index() * 64 + axis) as u32);
        Some(shape.iter().enumerate().map(|(axis, length)| length.map_or(symbol(axis), Length::Known)).collect())
    }

    /// The rank of a value, if it is known.
    pub fn rank(&self, graph: &Graph, value: ValueId) -> Option<usize> {
        self.of(graph, value).shape.as_ref().map(Vec::len)
    }

    fn broadcast_all(&self, graph: &Graph, node: NodeId) -> Axes {
        let mut inputs = graph.node(node).inputs.iter().flatten().map(|value| self.of(graph, *value).shape);
        let first = inputs.next()?;
        inputs.fold(first, |sum, next| broadcast(&sum, &next))
    }

    fn of_node(&self, graph: &Graph, node: NodeId) -> Fact {
        let input = |slot| graph.input(node, slot).map(|value| self.of(graph, value)).unwrap_or_default();
        let op = graph.op(node).to_str().unwrap_or("");
        if op == "Constant" {
            return constant(graph, node);
        }
        let first = input(0);
        let shape = match op {
            "Gemm" => Some(vec![None, None]),
            "MatMul" => matmul(&first.shape, &input(1).shape),
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "PRelu" | "Mod" | "And" | "Or" | "Xor" | "BitShift" => {
                broadcast(&first.shape, &input(1).shape)
            }
            "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool" | "LpPool" | "Pad" => unknown_lengths(&first.shape),
            "GlobalAveragePool" | "GlobalMaxPool" => first.shape.map(|axes| global_pool(&axes)),
            "Flatten" => first.shape.map(|_| vec![None, None]),
            "Reshape" => reshape(graph, node),
            "Transpose" => transpose(graph, node, &first.shape),
            "Squeeze" | "Unsqueeze" => squeezed(graph, node, op, &first.shape),
            "Concat" | "Slice" | "Split" | "CumSum" => unknown_lengths(&first.shape),
            "Sum" | "Max" | "Min" | "Mean" | "Where" => self.broadcast_all(graph, node),
            _ if KEEPS_SHAPE.contains(&op) => first.shape,
            _ => None,
        };
        let element = (op != "Cast" && op != "CastLike" && shape.is_some()).then_some(first.element).flatten();
        Fact { element, shape }
    }
}

/// Elementwise operators, and others whose first output has the shape of their first input.
const KEEPS_SHAPE: [&str; 50] = [
    "Acos",
    "Asin",
    "Atan",
    "Cos",
    "Cosh",
    "IsInf",
    "IsNaN",
    "Not",
    "Shrink",
    "Sign",
    "Sin",
    "Sinh",
    "Swish",
    "Tan",
    "Abs",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "LRN",
    "Mish",
    "Neg",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Tanh",
    "ThresholdedRelu",
];

/// What inputs, outputs and value info say; of two statements the last one counts.
fn declared(graph: &Graph) -> Vec<Fact> {
    let mut facts = vec![Fact::default(); graph.values.len()];
    for (scope, data) in graph.scopes.iter().enumerate() {
        let infos = data.graph.value_info.iter().chain(&data.graph.output).chain(&data.graph.input);
        for info in infos {
            let own_scope = std::iter::once(ScopeId(scope as u32));
            if let Some(value) = graph.names.resolve(text(&info.name), own_scope) {
                facts[value.index()] = info.tensor_type().map(from_type).unwrap_or_default();
            }
        }
    }
    facts
}

fn from_type(tensor: &TensorTypeProto) -> Fact {
    let length = |dim: &crate::onnx::schema::Dimension| dim.dim_value.and_then(|length| usize::try_from(length).ok());
    Fact { element: tensor.element(), shape: tensor.axes().map(|axes| axes.iter().map(length).collect()) }
}

/// Two statements about one value: what either knows, nothing when they contradict each other.
fn agree(declared: Axes, computed: Axes) -> Axes {
    match (declared, computed) {
        (Some(a), Some(b)) if a.len() == b.len() => {
            let contradict = a.iter().zip(&b).any(|(a, b)| a.is_some() && b.is_some() && a != b);
            (!contradict).then(|| a.iter().zip(b).map(|(a, b)| a.or(b)).collect())
        }
        (Some(_), Some(_)) => None,
        (a, b) => a.or(b),
    }
}

/// Type and shape of a Constant node, in all its forms but text.
fn constant(graph: &Graph, node: NodeId) -> Fact {
    let fact = |element, shape: &[i64]| {
        let shape = shape.iter().map(|length| usize::try_from(*length).ok()).collect();
        Fact { element, shape: Some(shape) }
    };
    let attribute = graph.proto(node).attribute.iter().find_map(|attribute| {
        Some(match text(&attribute.name).to_str().ok()? {
            "value" => attribute.t.as_deref().map(|tensor| fact(tensor.element(), &tensor.dims))?,
            "sparse_value" => attribute
                .sparse_tensor
                .as_deref()
                .map(|sparse| fact(sparse.values.as_ref().and_then(|values| values.element()), &sparse.dims))?,
            "value_float" => fact(Some(DataType::Float), &[]),
            "value_int" => fact(Some(DataType::Int64), &[]),
            "value_floats" => fact(Some(DataType::Float), &[attribute.floats.len() as i64]),
            "value_ints" => fact(Some(DataType::Int64), &[attribute.ints.len() as i64]),
            _ => return None,
        })
    });
    attribute.unwrap_or_default()
}

fn unknown_lengths(axes: &Axes) -> Axes {
    axes.as_ref().map(|axes| vec![None; axes.len()])
}

fn global_pool(axes: &[Option<usize>]) -> Vec<Option<usize>> {
    axes.iter().enumerate().map(|(axis, length)| if axis < 2 { *length } else { Some(1) }).collect()
}

/// Rank of a matrix product: leading axes are broadcast, a vector loses its axis.
fn matmul(a: &Axes, b: &Axes) -> Axes {
    let (a, b) = (a.as_ref()?, b.as_ref()?);
    let (rows, columns) = (a.len() > 1, b.len() > 1);
    let batch = a.len().max(b.len()).saturating_sub(2);
    let mut out = vec![None; batch];
    out.extend(rows.then(|| a[a.len() - 2]));
    out.extend(columns.then(|| b[b.len() - 1]));
    Some(out)
}

fn broadcast(a: &Axes, b: &Axes) -> Axes {
    let (a, b) = (a.as_ref()?, b.as_ref()?);
    let rank = a.len().max(b.len());
    let at = |axes: &[Option<usize>], axis: usize| (axis + axes.len()).checked_sub(rank).map_or(Some(1), |i| axes[i]);
    let one = |axis| match (at(a, axis), at(b, axis)) {
        (Some(1), other) | (other, Some(1)) => other,
        (Some(length), _) | (_, Some(length)) => Some(length),
        _ => None,
    };
    Some((0..rank).map(one).collect())
}

/// The numbers of a small stored constant.
fn stored_ints(graph: &Graph, node: NodeId, slot: usize) -> Option<Vec<i64>> {
    let value = graph.input(node, slot)?;
    // A caller could give another shape.
    let tensor = if graph.is_overridable(value) { None } else { graph.stored_tensor(value) };
    tensor?.int_values().ok()
}

fn reshape(graph: &Graph, node: NodeId) -> Axes {
    let attribute = || graph.proto(node).ints("shape").map(<[i64]>::to_vec);
    let shape = stored_ints(graph, node, 1).or_else(attribute)?;
    Some(shape.iter().map(|length| usize::try_from(*length).ok().filter(|length| *length > 0)).collect())
}

fn transpose(graph: &Graph, node: NodeId, axes: &Axes) -> Axes {
    let axes = axes.as_ref()?;
    match graph.proto(node).ints("perm") {
        None => Some(axes.iter().rev().copied().collect()),
        Some(perm) => perm.iter().map(|axis| axes.get(usize::try_from(*axis).ok()?).copied()).collect(),
    }
}

fn squeezed(graph: &Graph, node: NodeId, op: &str, axes: &Axes) -> Axes {
    let rank = axes.as_ref()?.len();
    let attribute = || graph.proto(node).ints("axes").map(<[i64]>::to_vec);
    let count = stored_ints(graph, node, 1).or_else(attribute)?.len();
    let rank = if op == "Squeeze" { rank.checked_sub(count)? } else { rank.checked_add(count)? };
    Some(vec![None; rank])
}
