//! Reshape, Flatten, Squeeze and Unsqueeze: the elements stay in their order, the axes are split
//! and merged.
//!
//! Where the products of the first lengths of both shapes agree, or of the last ones, there is a
//! cut through both: the axes between two cuts are regrouped among themselves. So it is known where
//! a channel axis comes to lie although the batch is of any length.

use super::{Moved, Passage, mixes, only_first};
use crate::affine::{Affine, LARGEST};
use crate::graph::shape::Length;
use crate::operator::Operator;
use crate::refusal::Refusal;
use std::ops::Range;

pub(super) struct Regroup;

impl Passage for Regroup {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || moved(op, map, op.output_axes(0), op.input_axes(0)), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || moved(op, map, op.input_axes(0), op.output_axes(0)), op)
    }
}

fn moved(op: &Operator, map: &Affine, from: Option<Vec<Length>>, to: Option<Vec<Length>>) -> Result<Affine, Refusal> {
    if map.dependent().next().is_none() {
        return Ok(Affine::scalar(map.scale()[0], map.shift()[0]));
    }
    let unknown = || mixes(op, "has shapes of which not enough is known");
    let (from, to) = (from.ok_or_else(unknown)?, to.ok_or_else(unknown)?);
    regroup(map, &from, &to).ok_or_else(|| mixes(op, "is not proven to keep the channels apart"))
}

/// The map on a tensor of the axes `to` that is the same as `map` on one of the axes `from`.
pub(super) fn regroup(map: &Affine, from: &[Length], to: &[Length]) -> Option<Affine> {
    let from = refined(map, from)?;
    let strides = map.strides(from.len());
    let mut axes = Vec::new();
    let mut tables = Vec::new();
    for (source, target) in blocks(&from, to) {
        let table = Table::new(&from[source.clone()], &strides[source], &to[target])?;
        axes.extend(&table.axes);
        tables.push(table);
    }
    let count = axes.iter().try_fold(1usize, |count, length| count.checked_mul(*length))?;
    let place = |index: &[usize]| {
        let mut rest = index;
        let of_block = |table: &Table| {
            let (own, later) = rest.split_at(table.axes.len());
            rest = later;
            table.places[own.iter().zip(&table.axes).fold(0, |flat, (at, length)| flat * length + at)]
        };
        Some(tables.iter().map(of_block).sum())
    };
    (count <= LARGEST).then(|| map.gather(axes, place))
}

/// The map depends on an axis, so that it must be as long as the map tells apart.
fn refined(map: &Affine, axes: &[Length]) -> Option<Vec<Length>> {
    let refine = |(axis, length): (usize, &Length)| match (map.length(axis), *length) {
        (1, length) => Some(length),
        (wanted, Length::Known(length)) if wanted != length => None,
        (wanted, _) => Some(Length::Known(wanted)),
    };
    let fits = map.dependent().all(|axis| axis < axes.len());
    fits.then(|| axes.iter().enumerate().map(refine).collect()).flatten()
}

/// Ranges of axes that are regrouped among themselves, in order; together all axes.
fn blocks(from: &[Length], to: &[Length]) -> Vec<(Range<usize>, Range<usize>)> {
    let first = runs(from.iter().copied(), to.iter().copied());
    let (left, right) = first.last().copied().unwrap_or((0, 0));
    let last = runs(from[left..].iter().rev().copied(), to[right..].iter().rev().copied());
    let mut cuts = vec![(0, 0)];
    cuts.extend(first);
    cuts.extend(last.iter().rev().map(|(a, b)| (from.len() - a, to.len() - b)));
    cuts.push((from.len(), to.len()));
    cuts.windows(2).map(|pair| (pair[0].0..pair[1].0, pair[0].1..pair[1].1)).collect()
}

/// How many axes of each side have the same product, shortest first, as far as that is known.
fn runs(a: impl Iterator<Item = Length>, b: impl Iterator<Item = Length>) -> Vec<(usize, usize)> {
    let (mut a, mut b) = (a.enumerate(), b.enumerate());
    let mut cuts = Vec::new();
    while let (Some((i, first)), Some((j, second))) = (a.next(), b.next()) {
        let (mut ends, mut products) = ((i + 1, j + 1), (first, second));
        while products.0 != products.1 {
            let (Length::Known(left), Length::Known(right)) = products else { return cuts };
            let (side, product) = if left < right { (a.next(), left) } else { (b.next(), right) };
            let Some((place, Length::Known(length))) = side else { return cuts };
            let Some(product) = product.checked_mul(length) else { return cuts };
            if left < right {
                (ends.0, products.0) = (place + 1, Length::Known(product));
            } else {
                (ends.1, products.1) = (place + 1, Length::Known(product));
            }
        }
        cuts.push(ends);
    }
    cuts
}

/// Where in a map the elements of regrouped axes are.
struct Table {
    /// The lengths of the new axes, 1 where nothing depends on them.
    axes: Vec<usize>,
    /// For each position along `axes`, what this block adds to the place in the map.
    places: Vec<usize>,
}

impl Table {
    /// `strides` are those of the map along the old axes.
    fn new(from: &[Length], strides: &[usize], to: &[Length]) -> Option<Table> {
        if strides.iter().all(|stride| *stride == 0) {
            return Some(Table { axes: vec![1; to.len()], places: vec![0] });
        }
        let total = total(from).or_else(|| total(to)).filter(|total| *total <= LARGEST && *total > 0)?;
        let old = Lengths::new(from, total)?;
        let new = Lengths::new(to, total)?;
        let strides = old.merged(strides);
        let place = |flat: usize| old.index(flat).iter().zip(&strides).map(|(at, stride)| at * stride).sum();
        let all: Vec<usize> = (0..total).map(place).collect();
        let varies = new.varying(&all);
        let axes: Vec<usize> =
            new.lengths.iter().zip(&varies).map(|(length, varies)| if *varies { *length } else { 1 }).collect();
        let kept = |flat: &usize| new.index(*flat).iter().zip(&varies).all(|(at, varies)| *varies || *at == 0);
        let places = (0..total).filter(kept).map(|flat| all[flat]).collect();
        Some(Table { axes: new.split(axes)?, places })
    }
}

fn total(axes: &[Length]) -> Option<usize> {
    axes.iter().try_fold(1usize, |product, length| product.checked_mul(length.known()?))
}

/// Lengths of axes of which the unknown ones, if there are any, stand in a row and count as one.
struct Lengths {
    lengths: Vec<usize>,
    /// The unknown axes.
    run: Range<usize>,
}

impl Lengths {
    fn new(axes: &[Length], total: usize) -> Option<Lengths> {
        let is_unknown = |length: &Length| length.known().is_none();
        let start = axes.iter().position(is_unknown).unwrap_or(axes.len());
        let end = axes.iter().rposition(is_unknown).map_or(start, |last| last + 1);
        let given = |axes: &[Length]| axes.iter().map(|length| length.known()).collect::<Option<Vec<_>>>();
        let (mut lengths, last) = (given(&axes[..start])?, given(&axes[end..])?);
        if !axes[start..end].iter().all(is_unknown) {
            return None;
        }
        let product = lengths.iter().chain(&last).try_fold(1usize, |product, length| product.checked_mul(*length))?;
        if start < end {
            lengths.push(if product > 0 && total.is_multiple_of(product) { total / product } else { return None });
        } else if product != total {
            return None;
        }
        lengths.extend(last);
        Some(Lengths { lengths, run: start..end })
    }

    /// One number per axis, as one per length. Nothing depends on unknown axes.
    fn merged(&self, of_axes: &[usize]) -> Vec<usize> {
        let run = of_axes[self.run.clone()].first().copied();
        of_axes[..self.run.start].iter().copied().chain(run).chain(of_axes[self.run.end..].iter().copied()).collect()
    }

    /// One number per length, as one per axis; `None` when something depends on several unknown axes.
    fn split(&self, of_lengths: Vec<usize>) -> Option<Vec<usize>> {
        if self.run.len() <= 1 {
            return Some(of_lengths);
        }
        let mut of_axes = of_lengths;
        let merged = of_axes.remove(self.run.start);
        of_axes.splice(self.run.start..self.run.start, vec![1; self.run.len()]);
        (merged == 1).then_some(of_axes)
    }

    fn index(&self, flat: usize) -> Vec<usize> {
        let mut rest = flat;
        let mut index = vec![0; self.lengths.len()];
        for axis in (0..index.len()).rev() {
            index[axis] = rest % self.lengths[axis];
            rest /= self.lengths[axis];
        }
        index
    }

    /// Along which axes `values`, one per element, change.
    fn varying(&self, values: &[usize]) -> Vec<bool> {
        let mut stride = values.len();
        let varies = |length: &usize| {
            stride /= length;
            let moves = |flat: usize| !(flat / stride).is_multiple_of(*length) && values[flat] != values[flat - stride];
            (0..values.len()).any(moves)
        };
        self.lengths.iter().map(varies).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Length::{Known, Symbol};
    use super::*;

    fn channels(count: usize) -> Affine {
        let numbers: Vec<f64> = (0..count).map(|channel| channel as f64 + 2.0).collect();
        Affine::per_channel(numbers.clone(), numbers)
    }

    fn axes(map: &Affine, from: &[Length], to: &[Length]) -> Option<Vec<usize>> {
        regroup(map, from, to).map(|map| map.axes().to_vec())
    }

    #[test]
    fn factors_are_repeated_where_channels_and_space_become_one() {
        let map = regroup(&channels(2), &[Symbol(1), Known(2), Known(2), Known(2)], &[Symbol(1), Known(8)]).unwrap();
        assert_eq!(map.scale()[..], [2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0]);
        let back = regroup(&map, &[Symbol(1), Known(8)], &[Symbol(1), Known(2), Known(2), Known(2)]).unwrap();
        assert_eq!(back.axes(), [1, 2, 2, 2]);
        assert_eq!(back.without(2).unwrap().without(3).unwrap(), channels(2).expanded(&[1, 2, 1, 1]));
    }

    #[test]
    fn a_batch_of_any_length_is_no_obstacle() {
        let n = Symbol(7);
        assert_eq!(axes(&channels(4), &[Symbol(9), Known(4)], &[n, Symbol(8), Known(4)]), Some(vec![1, 1, 4]));
        assert_eq!(
            axes(&channels(4), &[n, Known(4), Symbol(3), Symbol(4)], &[n, Known(4), Symbol(5)]),
            Some(vec![1, 4, 1])
        );
        // Groups of a channel shuffle.
        let (h, w) = (Symbol(1), Symbol(2));
        let shuffled = regroup(&channels(4), &[n, Known(4), h, w], &[n, Known(2), Known(2), h, w]).unwrap();
        assert_eq!(shuffled.axes(), [1, 2, 2, 1, 1]);
    }

    #[test]
    fn a_length_that_follows_from_the_product_need_not_be_known() {
        let (n, h, w) = (Symbol(0), Symbol(1), Symbol(2));
        assert_eq!(axes(&channels(2), &[n, Known(2), h, w], &[n, Known(8)]), Some(vec![1, 8]));
        assert_eq!(axes(&channels(2), &[n, Known(2), h, w], &[n, Symbol(3)]), None);
    }

    #[test]
    fn channels_that_are_mixed_are_found() {
        let (two, four, six) = (Known(2), Known(4), Known(6));
        let mixed = regroup(&channels(4), &[two, four, six], &[four, Known(12)]).unwrap();
        assert_eq!(mixed.axes(), [4, 12]);
        assert_eq!(axes(&channels(5), &[two, four], &[two, four]), None);
        assert_eq!(axes(&channels(4), &[Symbol(0), four], &[Symbol(1)]), None);
    }
}
