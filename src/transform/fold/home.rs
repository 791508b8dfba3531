//! Where the shift of a map goes when an operator has no bias for it.

use crate::affine::Affine;
use crate::graph::NodeId;

/// Where the shift goes when the operator has no bias.
#[derive(Clone, Debug)]
pub enum Home {
    /// Nowhere: there is none, or the operator has a bias.
    None,
    /// To an Add that is put right after the operator.
    Inserted,
    /// To a constant Add or Sub that follows.
    At {
        /// The node.
        node: NodeId,
        /// Its input that is not constant.
        data: usize,
        /// All maps on its input; the scale has gone before.
        total: Affine,
        /// Whether nothing between moves axes: what the operator gets is what the node gets.
        direct: bool,
    },
}

impl Home {
    /// The same, seen from before an operator that moves elements or combines them.
    pub fn behind_others(self) -> Home {
        match self {
            Home::At { node, data, total, .. } => Home::At { node, data, total, direct: false },
            home => home,
        }
    }

    /// The same, behind other maps as well.
    pub fn with_total(self, total: &Affine) -> Home {
        match self {
            Home::At { node, data, direct, .. } => Home::At { node, data, total: total.clone(), direct },
            home => home,
        }
    }

    /// The same, if nothing lies between it and the operator: only there it is known what another shift
    /// is that has to go there as well.
    pub fn if_direct(self) -> Home {
        match self {
            Home::At { direct: false, .. } => Home::None,
            home => home,
        }
    }
}
