//! Transformations of a model: plans of edits, made on the graph as it is, then carried out.

pub mod fold;
pub mod freeze;
pub mod insert;
pub mod merge;
pub mod operand;
mod readers;
pub mod selection;
pub mod specialize;
pub mod strip_bias;
