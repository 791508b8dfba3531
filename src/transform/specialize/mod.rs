//! Specialising local functions: a copy of a function for the constants that a call passes.
//!
//! ```text
//! before   y = block <eps = 0.1> (x, W, γ, β, μ, σ²)     block <eps> (x, w, s, b, m, v) { … }
//! after    y = block_1 (x)                               block_1 (x) { w = Constant … }
//! ```
//!
//! The body of a function is written once and called with other constants each time, so that
//! what depends on them can be folded only in a copy. Copies in which nothing would be folded are
//! not made.
//!
//! While copies are found, calls keep all that they pass and only name another function: it is
//! enough to name the first one again where a copy turns out to be of no use.

mod bind;
mod copy;
mod functions;
mod keep;

use super::fold::{FoldError, FoldOptions};
use crate::graph::constant::Constants;
use crate::graph::{Graph, GraphError, NodeId, ValueId};
use crate::onnx::SaveError;
use crate::onnx::schema::{AttributeProto, FunctionProto, ModelProto};
use crate::onnx::wire::Message;
use bind::Binding;
use bstr::BString;
use functions::{Functions, Key};
use std::collections::HashMap;

/// How often calls are looked for: copies call other functions, with constants of their own.
const ROUNDS: usize = 64;
/// How many bytes all copies may have together: so many, and four times those of the model.
const BYTES: u64 = 64 << 20;

/// A model in which functions have copies for the constants that they are called with.
#[derive(Clone, Debug)]
pub struct Specialized {
    /// The model.
    pub model: ModelProto,
    /// The names of the copies, in the order in which the model has them.
    pub copies: Vec<String>,
}

/// Why a model cannot be specialised.
#[derive(Debug, thiserror::Error)]
pub enum SpecializeError {
    /// It cannot be folded, so that nobody knows which copies are of use.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// Its weights cannot be read.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl From<GraphError> for SpecializeError {
    fn from(error: GraphError) -> Self {
        SpecializeError::Fold(error.into())
    }
}

/// Makes a copy of each local function, for the constants and attributes of each call, in which
/// [`fold`](super::fold::fold()) with these options folds more than in the function itself.
///
/// # Errors
/// Those of folding, and when weights cannot be read.
pub fn specialize(model: ModelProto, options: &FoldOptions) -> Result<Specialized, SpecializeError> {
    let mut specializer = Specializer::new(&model);
    let model = specializer.find_copies(model)?;
    if specializer.copies.is_empty() {
        return Ok(Specialized { model, copies: Vec::new() });
    }
    let useful = keep::useful(&model, &specializer, options)?;
    Ok(keep::finish(model, specializer, &useful)?)
}

/// A copy of a function.
struct Copy {
    /// Which function it is a copy of.
    original: usize,
    /// Its name; no other function has it, in no domain.
    name: BString,
    /// Which inputs of the function it does not have.
    bound: Vec<bool>,
}

struct Specializer {
    functions: Functions,
    copies: Vec<Copy>,
    bytes_left: u64,
}

/// The copies that one round makes.
#[derive(Default)]
struct Round {
    made: Vec<FunctionProto>,
    /// Copies by the function and where its constant inputs are.
    known: HashMap<(usize, Vec<Option<ValueId>>), Vec<Known>>,
}

/// A copy that was made in this round, for calls with these attributes.
struct Known {
    attributes: Vec<AttributeProto>,
    copy: usize,
}

impl Specializer {
    fn new(model: &ModelProto) -> Self {
        let bytes_left = model.fields_len().saturating_mul(4).saturating_add(BYTES);
        Specializer { functions: Functions::new(model), copies: Vec::new(), bytes_left }
    }

    /// Makes all copies that could be of use, and lets the calls name them.
    fn find_copies(&mut self, mut model: ModelProto) -> Result<ModelProto, GraphError> {
        for _ in 0..ROUNDS {
            if !self.functions.any_holds_norm() {
                break;
            }
            let mut graph = Graph::new(model)?;
            let (calls, made) = self.round(&graph);
            for (node, copy) in &calls {
                graph.rename_op(*node, self.copies[*copy].name.clone());
            }
            model = graph.into_model();
            model.functions.extend(made);
            if calls.is_empty() {
                break;
            }
        }
        Ok(model)
    }

    /// The calls that get a copy, which one each, and the copies that are new.
    fn round(&mut self, graph: &Graph) -> (Vec<(NodeId, usize)>, Vec<FunctionProto>) {
        let constants = Constants::new(graph);
        let (mut round, mut calls) = (Round::default(), Vec::new());
        for node in graph.nodes() {
            let Some(original) = self.functions.holder(&Key::of_call(graph.proto(node))) else { continue };
            let binding = Binding::of(graph, &constants, node, self.functions.get(original));
            let copy = binding.and_then(|binding| self.copy(graph, &constants, &mut round, original, &binding));
            calls.extend(copy.map(|copy| (node, copy)));
        }
        (calls, round.made)
    }

    /// The copy for these constants, a new one if there is none; `None` when there are too many.
    fn copy(
        &mut self,
        graph: &Graph,
        constants: &Constants,
        round: &mut Round,
        original: usize,
        binding: &Binding,
    ) -> Option<usize> {
        let like = round.known.entry((original, binding.homes(graph, constants))).or_default();
        if let Some(known) = like.iter().find(|known| known.attributes == binding.attributes) {
            return Some(known.copy);
        }
        if self.bytes_left == 0 {
            return None;
        }
        let tensors = binding.tensors(constants);
        let mut made = copy::copy(self.functions.get(original), &tensors, &binding.attributes);
        self.bytes_left = self.bytes_left.saturating_sub(made.fields_len());
        let name = self.functions.fresh_name(original);
        made.name = Some(name.clone());
        round.made.push(made);
        self.copies.push(Copy { original, name, bound: tensors.iter().map(Option::is_some).collect() });
        let copy = self.copies.len() - 1;
        like.push(Known { attributes: binding.attributes.clone(), copy });
        Some(copy)
    }
}
