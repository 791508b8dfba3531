//! Random graphs of all operators that a fold knows, and of some that it does not.
//!
//! A drawing is a list of steps. Each takes a value that is there and adds a node, or nothing
//! where its operator does not fit, so that proptest shrinks a graph by leaving out steps. The
//! model is written as text: what fails can be kept as a fixture.

mod affine;
mod body;
mod curve;
mod drawing;
mod join;
mod linear;
mod normal;
mod operators;
mod product;
mod quantized;
mod resize;
mod select;
mod shape;
mod sketch;
mod window;

pub use drawing::drawings;
