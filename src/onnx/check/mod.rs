//! Whether a model is one: what everything that reads or edits a model may rely on.
//!
//! * **Names.** In each scope (graph, subgraph, function) every value is made once, and before
//!   it is read; every output is made. A nested scope may use a name of an outer one anew.
//! * **Tensors**, wherever they are: the type is known, the dimensions are not negative and
//!   their product is a size, and there is as much data as they say. Of data in other files
//!   nothing is known here.
//! * **Attributes.** Each is there once, holds one value of the type that it declares, and
//!   refers to an attribute of a function only inside of one.
//! * **Operator sets.** No domain is imported in two versions, and the standard one is
//!   imported if it is used.
//! * Subgraphs are nested at most [`NESTING`] deep, and functions do not call themselves.
//!
//! What an operator wants of its inputs is not checked, and what is no more than documentation
//! (value infos, names of graphs) may say what it likes. One pass, linear in the size of the
//! model; of the weights nothing is read but the indices of sparse tensors.

mod attribute;
mod error;
mod functions;
mod graph;
mod imports;
mod names;
mod sparse;
mod tensor;
#[cfg(test)]
mod tests;

pub use error::{AttributeProblem, CheckError, SparseProblem, TensorProblem};

use super::schema::ModelProto;
use graph::Checker;

/// How deep subgraphs may be nested.
pub const NESTING: usize = 32;

/// Checks a model.
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn check(model: &ModelProto) -> Result<(), CheckError> {
    imports::check(model)?;
    let mut checker = Checker::new(false);
    if let Some(graph) = &model.graph {
        checker.main(graph)?;
    }
    for info in &model.training_info {
        info.initialization.iter().chain(&info.algorithm).try_for_each(|graph| checker.training(graph))?;
    }
    functions::check(&model.functions)?;
    model.functions.iter().try_for_each(|function| Checker::new(true).function(function))
}
