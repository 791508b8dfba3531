//! What takes maps in, with all that it has taken so far.

use super::edits::Edits;
use super::home::Home;
use super::source::{Kind, Source};
use super::walk::Take;
use crate::affine::Affine;
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::Linear;
use crate::linear::bias::Bias;
use crate::onnx::element::FloatType;

/// Where maps go in: a node, or a constant that a node reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The node.
    pub node: NodeId,
    /// Which of its inputs, if that is a constant that takes the map itself.
    pub slot: Option<usize>,
}

/// What takes maps in.
#[derive(Clone, Debug)]
pub enum Leaf {
    /// An operator with a weight.
    Linear(Box<Linear>),
    /// A BatchNormalization that stays, or a constant Mul or Div.
    Source(Box<Source>),
    /// A constant that is joined with other values.
    Constant {
        /// The constant.
        value: ValueId,
        /// The type of its elements.
        element: FloatType,
    },
}

/// Something that takes maps in, with all that it takes.
#[derive(Clone, Debug)]
pub struct Site {
    /// What it is.
    pub leaf: Leaf,
    /// The map after it.
    pub after: Affine,
    /// The map before it.
    pub before: Affine,
    /// Where the shift goes.
    pub home: Home,
    /// Where that is behind other nodes: the part of `after` that the operator itself takes in.
    own: Affine,
    /// The constants that follow from that.
    pub edits: Edits,
}

impl Site {
    /// Something that nothing has gone into yet.
    pub fn new(leaf: Leaf) -> Site {
        let identity = Affine::scalar(1.0, 0.0);
        let (after, before) = (identity.clone(), identity);
        let own = after.clone();
        Site { leaf, after, before, home: Home::None, own, edits: Edits::default() }
    }

    /// The part of `after` that the operator itself takes in, where another node keeps the shift.
    pub fn own(&self) -> Affine {
        match &self.home {
            Home::At { direct: false, .. } => self.own.clone(),
            _ => self.after.without_shift(),
        }
    }

    /// Puts a map after it; the node that keeps its shift lies behind others.
    pub fn then(&mut self, map: &Affine, shift_is_kept: bool) -> Option<()> {
        let own = if shift_is_kept { map.without_shift() } else { map.clone() };
        self.own = self.own.then(&own)?;
        self.after = self.after.then(map)?;
        Some(())
    }

    /// The node that keeps the shift goes forward with it.
    pub fn let_shift_go(&mut self) {
        self.after = self.own();
        (self.own, self.home, self.edits.shift) = (self.after.clone(), Home::None, None);
    }

    /// All that happens to the input of a node that applies a map itself.
    pub fn total(&self) -> Option<Affine> {
        match &self.leaf {
            Leaf::Source(source) => self.before.then(&source.map)?.then(&self.after),
            _ => None,
        }
    }

    /// Whether the operator has no place for a shift.
    pub fn lacks_bias(&self) -> bool {
        match &self.leaf {
            Leaf::Linear(linear) => matches!(linear.bias, Bias::None),
            Leaf::Source(source) => matches!(source.kind, Kind::Product),
            Leaf::Constant { .. } => false,
        }
    }

    /// Behind other nodes, a home can keep only the shift of maps that come by it. When another shift
    /// is to be taken in, all go right behind the operator. Returns the node that kept the shift.
    pub fn release(&mut self, take: &Take) -> Option<NodeId> {
        let Home::At { node, direct: false, .. } = self.home else { return None };
        let from_before = self.lacks_bias() && !take.before.has_no_shift();
        let beside = take.at_home.is_none() && !take.after.has_no_shift();
        if self.edits.shift.is_none() || !(from_before || beside) {
            return None;
        }
        self.home = Home::Inserted;
        Some(node)
    }

    /// Forgets a place for the shift that was not needed.
    pub fn forget_unused_home(&mut self) {
        if self.edits.shift.is_none() {
            (self.home, self.own) = (Home::None, self.after.clone());
        }
    }

    /// Whether a node behind others can keep the shift of what comes next: there is none so far, or it
    /// is in the bias.
    pub fn takes_home_behind_others(&self) -> bool {
        let has_shift = !(self.after.has_no_shift() && self.before.has_no_shift());
        !has_shift || (!self.lacks_bias() && self.edits.shift.is_none())
    }

    /// Finds a place for the shift: where it has one, or at a node that could be one, or in a new one.
    /// Returns whether `candidate` became the place.
    pub fn settle(&mut self, candidate: Home, at_home: Option<Affine>) -> Option<bool> {
        let lacks_bias = self.lacks_bias();
        match (&mut self.home, at_home) {
            (Home::At { total, .. }, Some(map)) => *total = total.then(&map)?,
            (home @ (Home::None | Home::Inserted), _) if !matches!(candidate, Home::None) => {
                *home = candidate;
                return Some(true);
            }
            // Beside a Mul it would be a node for a node.
            (home @ Home::None, _) if lacks_bias && matches!(self.leaf, Leaf::Linear(_)) => *home = Home::Inserted,
            _ => {}
        }
        Some(false)
    }

    /// Whether an Add has to be put after it.
    pub fn adds_node(&self) -> bool {
        matches!(self.home, Home::Inserted) && self.edits.shift.is_some()
    }
}

impl Place {
    /// The operator that is there.
    pub fn operator(&self, graph: &Graph, leaf: &Leaf) -> String {
        match leaf {
            Leaf::Linear(linear) => linear.operator.to_owned(),
            Leaf::Source(_) => graph.op_label(self.node),
            Leaf::Constant { .. } => format!("a constant of {}", graph.op_label(self.node)),
        }
    }
}
