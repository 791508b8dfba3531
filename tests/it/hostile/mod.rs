//! Models made to do harm, through the real binary: each must end in time and within memory in
//! proportion to the file, with one line and exit status 2, or, where it is legal, well.

mod attributes;
mod floods;
mod graphs;
mod operators;
pub mod run;
mod tensors;
mod text;
