//! Integration tests, in one binary.

mod conformance;
mod generate;
mod reference;
