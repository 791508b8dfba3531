//! Functions of one number.

use super::call::{Call, Outputs};

/// Neg, Sqrt, Reciprocal, Exp, Not and Identity.
pub fn unary(call: &Call) -> Outputs {
    let f: fn(f64) -> f64 = match call.op().as_str() {
        "Neg" if call.magnitude.is_none() => |x| -x,
        "Sqrt" => f64::sqrt,
        "Reciprocal" => f64::recip,
        "Exp" => f64::exp,
        "Not" => |x| f64::from(u8::from(x == 0.0)),
        _ => |x| x,
    };
    call.one(call.data(0)?.mapv(f))
}
