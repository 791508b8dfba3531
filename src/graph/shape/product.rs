//! Products of matrices and of tensors.

use super::call::Call;
use super::{Axes, Length, broadcast};
use std::collections::BTreeMap;

/// `[M, N]`, whatever is known of the inputs.
pub(super) fn gemm(call: &mut Call) -> Axes {
    let mut side = |slot: usize, name: &str, axis: usize| {
        let transposed = call.proto.int(name, 0) != 0;
        let matrix = call.axes(slot).filter(|axes| axes.len() == 2);
        call.or_fresh(matrix.map(|axes| axes[if transposed { 1 - axis } else { axis }]))
    };
    Some(vec![side(0, "transA", 0), side(1, "transB", 1)])
}

/// Leading axes are broadcast, a vector loses its axis.
pub(super) fn matmul(call: &mut Call, right: usize) -> Axes {
    let (a, b) = (call.axes(0)?, call.axes(right)?);
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (rows, columns) = (a.len().checked_sub(2), b.len().checked_sub(2));
    let mut out = broadcast::pair(call, &a[..rows.unwrap_or(0)], &b[..columns.unwrap_or(0)]);
    out.extend(rows.map(|axis| a[axis]));
    out.extend(columns.map(|axis| b[axis + 1]));
    Some(out)
}

/// The lengths of the letters after the arrow; an ellipsis is not followed.
pub(super) fn einsum(call: &mut Call) -> Axes {
    let equation: Vec<u8> = call.string("equation").iter().copied().filter(|byte| *byte != b' ').collect();
    let arrow = equation.windows(2).position(|pair| pair == b"->");
    let (terms, output) = match arrow {
        Some(arrow) => (&equation[..arrow], Some(&equation[arrow + 2..])),
        None => (&equation[..], None),
    };
    let mut letters: BTreeMap<u8, (Option<Length>, usize)> = BTreeMap::new();
    for (slot, term) in terms.split(|byte| *byte == b',').enumerate() {
        let axes = call.axes(slot).filter(|axes| axes.len() == term.len());
        for (index, letter) in term.iter().enumerate() {
            let length = axes.as_ref().map(|axes| axes[index]);
            let (known, count) = letters.entry(*letter).or_insert((Some(Length::Known(1)), 0));
            *known = known.zip(length).map(|(a, b)| call.broadcast(a, b));
            *count += 1;
        }
    }
    // Without an arrow: the letters that occur once, in the order of the alphabet.
    let once = || letters.iter().filter(|(_, (_, count))| *count == 1).map(|(letter, _)| *letter).collect();
    let output: Vec<u8> = output.map_or_else(once, <[u8]>::to_vec);
    if output.len() > super::HIGHEST_RANK || !letters.keys().chain(&output).all(u8::is_ascii_alphabetic) {
        return None;
    }
    Some(output.iter().map(|letter| call.or_fresh(letters.get(letter).and_then(|(length, _)| *length))).collect())
}
