//! The nodes that apply a map, and so may vanish: a BatchNormalization, or arithmetic with a constant.

use crate::affine::Affine;
use crate::arithmetic::Arithmetic;
use crate::batch_norm::BatchNorm;
use crate::graph::{Graph, NodeId};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

/// A node that applies a map to one of its inputs.
#[derive(Clone, Debug)]
pub struct Source {
    /// The node.
    pub node: NodeId,
    /// The input that it applies the map to; the others are constant.
    pub data: usize,
    /// The map.
    pub map: Affine,
    /// What kind of node it is.
    pub kind: Kind,
}

/// What kind of node applies a map.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A BatchNormalization in inference mode.
    Norm(Box<BatchNorm>),
    /// Mul, Div or Neg: no shift.
    Product,
    /// Add or Sub: the data keeps its factor, 1 or −1.
    Sum,
}

impl Source {
    /// A BatchNormalization whose parameters are these.
    ///
    /// # Errors
    /// The refusal, when it has no finite map.
    pub fn of_norm(node: NodeId, norm: BatchNorm) -> Result<Source, Refusal> {
        Ok(Source { node, data: 0, map: norm.affine()?, kind: Kind::Norm(Box::new(norm)) })
    }

    /// Arithmetic with a constant.
    pub fn of_arithmetic(op: &Operator) -> Option<Source> {
        let Arithmetic { data, map } = Arithmetic::read(op)?;
        let kind = if matches!(op.name(), "Add" | "Sub") { Kind::Sum } else { Kind::Product };
        Some(Source { node: op.node, data, map, kind })
    }

    /// Whether it is a BatchNormalization.
    pub fn is_norm(&self) -> bool {
        matches!(self.kind, Kind::Norm(_))
    }

    /// Whether it can go: its output is then made where its input was made, under the same name.
    ///
    /// # Errors
    /// The refusal, when the name means something else there.
    pub fn check_name(&self, graph: &Graph) -> Result<(), Refusal> {
        match graph.output(self.node, 0).filter(|output| graph.is_shadowed(*output)) {
            None => Ok(()),
            Some(output) => {
                let detail = format!("a nested or enclosing graph has a value `{}` too", graph.name(output));
                Err(Refusal::new(Code::NameClash, detail))
            }
        }
    }
}
