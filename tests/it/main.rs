//! Integration tests, in one binary.

mod cli;
mod conformance;
mod fixtures;
mod fold_properties;
mod generate;
mod reference;
mod same;
mod text;
mod tool;
