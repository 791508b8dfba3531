//! The list of operators, and how often each is drawn.

use super::sketch::{Sketch, Var};
use super::{affine, body, curve, join, linear, normal, product, resize, select, shape, window};

/// Adds one node or more, if they fit.
pub type Operator = fn(&mut Sketch, &Var) -> Option<Var>;

pub const OPERATORS: [(u32, &str, Operator); 33] = [
    (18, "batch_norm", affine::batch_norm),
    (7, "constant", affine::constant),
    (10, "conv", linear::conv),
    (3, "conv_transpose", linear::conv_transpose),
    (4, "gemm", product::gemm),
    (4, "matmul", product::matmul),
    (2, "matmul_add", product::matmul_add),
    (2, "einsum", product::einsum),
    (2, "normalization", normal::normalization),
    (3, "curve", curve::curve),
    (2, "nothing", curve::nothing),
    (1, "branches", body::branches),
    (1, "rounds", body::rounds),
    (1, "call", body::call),
    (2, "concat", join::concat),
    (2, "arithmetic", join::arithmetic),
    (1, "broadcast", join::broadcast),
    (3, "two_branches", join::two_branches),
    (2, "reshape", shape::reshape),
    (1, "dynamic", shape::dynamic),
    (3, "flatten", shape::flatten),
    (3, "transpose", shape::transpose),
    (1, "squeeze", shape::squeeze),
    (1, "unsqueeze", shape::unsqueeze),
    (2, "shuffle", shape::shuffle),
    (2, "split", select::split),
    (1, "slice", select::slice),
    (1, "gather", select::gather),
    (1, "pad", select::pad),
    (2, "pool", window::pool),
    (2, "global", window::global),
    (1, "mean", window::mean),
    (3, "resize", enlarge),
];

/// One of three that are rare.
fn enlarge(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    match sketch.dice.below(3) {
        0 => resize::resize(sketch, x),
        1 => resize::depth_to_space(sketch, x),
        _ => resize::repeat(sketch, x),
    }
}
