//! Integration tests, in one binary.

mod cli;
mod conformance;
mod digits;
mod fixtures;
mod fold_properties;
mod generate;
mod hostile;
mod other_writers;
mod reference;
mod round_trip;
mod same;
mod text;
mod tool;
mod wire;
