//! Folding: a BatchNormalization disappears into the linear operator before it.
//!
//! ```text
//! before   v = Conv(x, W, b)    y = BatchNormalization(v, γ, β, μ, σ²)
//! after    y = Conv(x, s⊙W, s⊙b + t)
//! ```
//!
//! A plan is made on the graph as it is, all values read before any is written, then
//! carried out. Several BatchNormalizations in a row are composed before anything is rounded.

mod apply;
mod backward;
mod candidates;
mod edits;
mod forward;
mod health;
mod home;
mod plan;
mod planner;
mod report;
mod site;
mod source;
mod strategy;
mod walk;

use super::merge::{MergeReport, merge_branches};
use super::selection::{Selection, SelectionError};
use crate::graph::{Graph, GraphError, NodeId};
use crate::onnx::payload::{Overflow, Payload, PayloadError};
use crate::onnx::schema::ModelProto;
use std::collections::{BTreeMap, BTreeSet, HashSet};

pub use health::Health;
pub use plan::Direction;
use plan::{Decision, Plan};
pub use report::{FoldReport, NormReport, Outcome};

/// What to fold.
#[derive(Clone, Debug)]
pub struct FoldOptions {
    /// Which nodes, by name.
    pub selection: Selection,
    /// Whether Mul, Add, Sub and Div by constants count as maps, too.
    pub affine: bool,
    /// Whether the scale is folded where padding keeps the shift from being folded, which stays as
    /// an Add.
    pub pad_exact: bool,
    /// Whether parallel branches that are summed become one operator.
    pub merge_branches: bool,
    /// BatchNormalizations that were found to make a weight overflow, by their
    /// [`NodeId::index`](crate::graph::NodeId::index); see [`fold_checked`].
    overflowing: BTreeSet<u32>,
}

impl FoldOptions {
    /// Folds the selected BatchNormalizations.
    pub fn new(selection: Selection) -> Self {
        FoldOptions { selection, affine: true, pad_exact: false, merge_branches: false, overflowing: BTreeSet::new() }
    }

    /// Whether Mul, Add, Sub and Div by constants are folded, too; they are by default.
    #[must_use]
    pub fn affine(mut self, affine: bool) -> Self {
        self.affine = affine;
        self
    }

    /// Whether, where padding blocks folding into the convolution after it, an Add of the shift is
    /// left and the scale folded; not by default.
    #[must_use]
    pub fn pad_exact(mut self, pad_exact: bool) -> Self {
        self.pad_exact = pad_exact;
        self
    }

    /// Whether parallel Conv or Gemm branches of one input are summed into one operator; not by
    /// default.
    #[must_use]
    pub fn merge_branches(mut self, merge_branches: bool) -> Self {
        self.merge_branches = merge_branches;
        self
    }
}

impl Default for FoldOptions {
    fn default() -> Self {
        FoldOptions::new(Selection::default())
    }
}

/// A folded model and what was done.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The model. Scaled weights are computed when they are read.
    pub model: ModelProto,
    /// What was folded, and what was kept and why.
    pub report: FoldReport,
    /// The scaled weights, each after those that it would be without the last norm, the last two …
    weights: Vec<Vec<Payload>>,
}

impl Folded {
    /// The tags of all weights that overflow, and of the shorter chains that do as well. Those that
    /// cannot be read do not count: whoever reads them next is told.
    fn overflowing(&self) -> impl Iterator<Item = u32> {
        let overflow = |weight: &Payload| match weight.for_each_piece(|_| {}) {
            Err(PayloadError::Overflow(Overflow { tag, .. })) => Some(tag),
            _ => None,
        };
        self.weights.iter().flat_map(move |chain| chain.iter().rev().map_while(overflow))
    }
}

/// Why a model cannot be folded at all.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FoldError {
    /// The model is not a valid graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A BatchNormalization, or the operator that it would be folded into, is not what the
    /// operator allows: no runtime can run it.
    #[error(
        "BatchNormalization `{node}`: {detail}; check the model with onnx.checker.check_model(model, \
         full_check=True) and export it again, or leave the node out with --exclude"
    )]
    Invalid {
        /// The BatchNormalization.
        node: String,
        /// What is wrong.
        detail: String,
    },
    /// The selection is not usable.
    #[error(transparent)]
    Selection(#[from] SelectionError),
}

/// Folds every BatchNormalization that can be folded.
///
/// Scaled weights are computed lazily, so that an overflow (of float16, say) shows only when
/// they are read: see [`fold_checked`].
///
/// # Errors
/// When the model is not a valid one, or a pattern of the selection matches nothing.
///
/// ```
/// use bn_tool::onnx::load;
/// use bn_tool::transform::fold::{FoldOptions, fold};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = load("fixtures/digits/digits.onnx".as_ref())?;
/// let folded = fold(&model, &FoldOptions::default().affine(false))?;
/// assert_eq!((folded.report.folded, folded.report.kept), (4, 0));
/// # Ok(())
/// # }
/// ```
pub fn fold(model: &ModelProto, options: &FoldOptions) -> Result<Folded, FoldError> {
    fold_owned(model.clone(), options)
}

/// As [`fold`], for a model that is not needed any more: it is not copied.
///
/// # Errors
/// Those of [`fold`].
pub fn fold_owned(model: ModelProto, options: &FoldOptions) -> Result<Folded, FoldError> {
    let mut graph = Graph::new(model)?;
    let nodes_before = graph.nodes().count();
    // By the names that nodes have now: one without a name is called by what it makes.
    let is_left_out = |node: &NodeId| !options.selection.contains(&graph.label(*node));
    let left_out: HashSet<NodeId> =
        if options.selection.is_everything() { HashSet::new() } else { graph.nodes().filter(is_left_out).collect() };
    let plan = Plan::new(&graph, options, &left_out)?;
    options.selection.check_all_match(plan.candidates.iter().map(|node| graph.label(*node)))?;
    let mut done = Done { decisions: BTreeMap::new(), weights: Vec::new() };
    let mut again = done.carry_out(&mut graph, plan);
    let mut merged = MergeReport::default();
    for _ in 0..MOST_ROUNDS {
        // What is gone, and a branch less, can let others fold.
        let any_merged = options.merge_branches && merged.add(merge_branches(&mut graph));
        if !again && !any_merged {
            break;
        }
        let plan = Plan::new(&graph, options, &left_out)?;
        again = done.carry_out(&mut graph, plan);
    }
    let remains: HashSet<NodeId> = graph.nodes().collect();
    let report = FoldReport::new(done.decisions.into_values().collect(), merged, nodes_before, &remains);
    Ok(Folded { model: graph.into_model(), report, weights: done.weights })
}

/// Each round takes something away that the next one does not look at again.
const MOST_ROUNDS: usize = 16;

/// What was done in all rounds.
struct Done {
    decisions: BTreeMap<NodeId, Decision>,
    weights: Vec<Vec<Payload>>,
}

impl Done {
    /// Carries a plan out; returns whether that can let others fold.
    fn carry_out(&mut self, graph: &mut Graph, mut plan: Plan) -> bool {
        self.weights.extend(plan.weights());
        for decision in std::mem::take(&mut plan.decisions) {
            match self.decisions.get_mut(&decision.node) {
                Some(earlier) => earlier.revise(decision),
                // What an edit put in was never there.
                None if graph.is_loaded(decision.node) => _ = self.decisions.insert(decision.node, decision),
                _ => {}
            }
        }
        let again = plan.leaves_some && !plan.is_empty();
        apply::apply(graph, plan);
        again
    }
}

/// Folds, and lets `attempt` read the result (verify it, write it). When a scaled weight
/// overflows there, the BatchNormalizations behind all that do are refused and all is done again.
///
/// # Errors
/// Those of [`fold`], and those of `attempt` that are not an overflow.
pub fn fold_checked<T, E: From<FoldError>>(
    model: &ModelProto,
    options: FoldOptions,
    attempt: impl FnMut(&Folded) -> Result<T, E>,
    overflow: impl Fn(&E) -> Option<Overflow>,
) -> Result<(Folded, T), E> {
    fold_checked_owned(|| Ok(model.clone()), options, attempt, overflow)
}

/// As [`fold_checked`], for a model that nobody else needs: `model` gives it for each attempt,
/// and of all but a few models there is only one.
///
/// # Errors
/// Those of [`fold_checked`], and those of `model`.
pub fn fold_checked_owned<T, E: From<FoldError>>(
    mut model: impl FnMut() -> Result<ModelProto, E>,
    mut options: FoldOptions,
    mut attempt: impl FnMut(&Folded) -> Result<T, E>,
    overflow: impl Fn(&E) -> Option<Overflow>,
) -> Result<(Folded, T), E> {
    loop {
        let folded = fold_owned(model()?, &options)?;
        match attempt(&folded) {
            Ok(result) => return Ok((folded, result)),
            Err(error) => match overflow(&error) {
                Some(Overflow { tag, .. }) if options.overflowing.insert(tag) => {
                    options.overflowing.extend(folded.overflowing());
                }
                _ => return Err(error),
            },
        }
    }
}
