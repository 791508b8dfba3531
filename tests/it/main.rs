//! One test binary: the command line.

mod cli;
mod tool;
