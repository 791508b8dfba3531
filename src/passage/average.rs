//! Averages: AveragePool, GlobalAveragePool, ReduceMean; and ReduceSum, without a shift. The weights of an average add up to 1, so
//! that it commutes with every map that is the same for all that is averaged, unless zeros of a
//! padding count as well.

use super::{Moved, Passage, along_first_axes, independent_of, mixes};
use crate::affine::Affine;
use crate::operator::{Operator, normal_axis};
use crate::refusal::{Code, Refusal};

pub(super) struct Average;

impl Passage for Average {
    fn pull(&self, op: &Operator, _: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_padding(op, map)?;
        if op.name().starts_with("Reduce") {
            return pull_reduced(op, map);
        }
        Ok(vec![(0, along_first_axes(op, map, 2)?)])
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_padding(op, map)?;
        if op.name().starts_with("Reduce") && slot == 0 {
            return push_reduced(op, map);
        }
        Ok(vec![(0, along_first_axes(op, map, 2)?)])
    }
}

/// With `count_include_pad`, zeros count: only scaling commutes with that. Without it only elements
/// count that are there. What version 1 counts it does not say, and what a window counts that
/// `ceil_mode` lets begin inside and end outside is read differently.
fn check_padding(op: &Operator, map: &Affine) -> Result<(), Refusal> {
    if matches!(op.name(), "GlobalAveragePool" | "ReduceMean") || map.has_no_shift() {
        return Ok(());
    }
    if op.name() == "ReduceSum" {
        return Err(op.refuse(Code::NoLinearProducer, format!("{} multiplies a shift", op.label())));
    }
    let pads = op.graph.proto(op.node).ints("pads").unwrap_or_default().iter().any(|pad| *pad != 0);
    let padded = pads || !matches!(op.string("auto_pad", "NOTSET").as_str(), "NOTSET" | "VALID" | "");
    let counts_zeros = op.int("count_include_pad", 0) != 0 || op.opset() < 7;
    if counts_zeros && (padded || op.int("ceil_mode", 0) != 0) {
        let detail = format!("{} counts the zeros of its padding, which a shift would change", op.label());
        return Err(op.refuse(Code::Padding, detail));
    }
    Ok(())
}

/// The axes that a Reduce operator reduces, and the rank of its input.
fn reduced(op: &Operator) -> Result<(Vec<usize>, usize), Refusal> {
    let unknown = || mixes(op, "reduces axes that are not known");
    let rank = op.input_axes(0).map(|axes| axes.len()).ok_or_else(unknown)?;
    let axes = match (op.input(1), op.graph.proto(op.node).ints("axes")) {
        (None, None) => Vec::new(),
        _ => op.integers(1, "axes").ok_or_else(unknown)?,
    };
    if axes.is_empty() {
        let none = op.int("noop_with_empty_axes", 0) != 0;
        return Ok((if none { Vec::new() } else { (0..rank).collect() }, rank));
    }
    let axes: Option<Vec<usize>> = axes.iter().map(|axis| normal_axis(*axis, rank)).collect();
    Ok((axes.ok_or_else(unknown)?, rank))
}

pub(super) fn pull_reduced(op: &Operator, map: &Affine) -> Result<Moved, Refusal> {
    let (reduced, rank) = reduced(op)?;
    let unknown = || mixes(op, "reduces axes that are not known");
    let map = match op.int("keepdims", 1) {
        0 => {
            let mut kept = 0..;
            let sources: Vec<Option<usize>> =
                (0..rank).map(|axis| if reduced.contains(&axis) { None } else { kept.next() }).collect();
            map.with_axes(&sources).ok_or_else(unknown)?
        }
        _ if reduced.iter().any(|axis| map.length(*axis) != 1) => return Err(unknown()),
        _ => map.clone(),
    };
    Ok(vec![(0, map)])
}

pub(super) fn push_reduced(op: &Operator, map: &Affine) -> Result<Moved, Refusal> {
    let (reduced, rank) = reduced(op)?;
    let map = independent_of(op, map, Some(&reduced))?;
    if op.int("keepdims", 1) != 0 {
        return Ok(vec![(0, map)]);
    }
    let sources: Vec<Option<usize>> = (0..rank).filter(|axis| !reduced.contains(axis)).map(Some).collect();
    Ok(vec![(0, map.with_axes(&sources).ok_or_else(|| mixes(op, "reduces axes that are not known"))?)])
}
