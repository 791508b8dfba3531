//! Integration tests, in one binary.

mod conformance;
mod fold_properties;
mod generate;
mod reference;
mod same;
