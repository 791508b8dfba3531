//! Integration tests, in one binary.

mod abuse;
mod cli;
mod conformance;
mod damaged;
mod digits;
mod external;
mod fidelity;
mod fixtures;
mod flags;
mod fold_properties;
mod generate;
mod hostile;
mod many_readers;
mod merge;
mod normalise;
mod other_writers;
mod overflow;
mod prepare;
mod random_graphs;
mod reference;
mod round_trip;
mod same;
mod specialize;
mod text;
mod tool;
mod wire;
