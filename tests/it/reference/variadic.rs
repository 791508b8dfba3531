//! Sum, Max, Min, Mean of any number of operands (opset 8 and later broadcast).

use super::binary::combine;
use super::call::{Call, Outputs};

/// The operands are combined from left to right; Mean divides by their number.
pub fn variadic(call: &Call) -> Outputs {
    let operands = call.all()?;
    let f: fn(f64, f64) -> f64 = match call.op().as_str() {
        // Of magnitudes, the sum bounds either.
        "Max" if call.magnitude.is_none() => maximum,
        "Min" if call.magnitude.is_none() => |a, b| -maximum(-a, -b),
        _ => |a, b| a + b,
    };
    let (first, rest) = operands.split_first().ok_or("no operands")?;
    let start = first.data.clone();
    let total = rest.iter().try_fold(start, |total, operand| combine(&total, &operand.data, f))?;
    call.one(if call.op() == "Mean" { total / operands.len() as f64 } else { total })
}

/// The larger one; NaN wins, as in NumPy.
pub fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}
