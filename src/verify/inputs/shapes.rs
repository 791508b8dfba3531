//! Lengths for symbolic dimensions: as told, else what the original runs with.

use crate::verify::signature::{Axis, Port};
use crate::verify::{VerifyError, VerifyOptions};
use std::collections::{BTreeMap, BTreeSet};

/// Tried in this order for axes of unknown length: images, sequences, small things.
const LENGTHS: [usize; 11] = [64, 224, 32, 48, 16, 128, 8, 256, 1024, 4, 1];

/// Tried in this order for the channels of images.
const CHANNELS: [usize; 2] = [3, 1];

/// One attempt at concrete input shapes.
#[derive(Clone, Debug)]
pub struct Shapes {
    /// A shape per input.
    pub shapes: Vec<Vec<usize>>,
    /// What was taken for each symbol.
    pub dims: BTreeMap<String, usize>,
    open: Open,
}

/// What is taken for axes that are open.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// The first axis.
    batch: usize,
    /// Axis 1 of rank 4 and above.
    channels: usize,
    /// All others.
    length: usize,
}

/// The attempts, in order; only one if nothing is open. The first axis, if symbolic, is the
/// batch and has the length `batch`.
///
/// # Errors
/// When an input has no known rank, or a dimension was given that no input has.
pub fn candidates(inputs: &[Port], batch: usize, options: &VerifyOptions) -> Result<Vec<Shapes>, VerifyError> {
    let names = names(inputs, |_| true);
    if let Some(name) = options.dims.keys().find(|name| !names.contains(*name)) {
        let known = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".into() } else { known };
        return Err(VerifyError::UnknownDimension { name: name.clone(), known });
    }
    if let Some(port) = inputs.iter().find(|port| port.axes.is_none()) {
        let what = "has no shape in the model, so that no values can be made for it".into();
        return Err(VerifyError::Input { input: port.name.clone(), what });
    }
    let choice = Choice::new(inputs, options);
    let open = |length| CHANNELS.map(|channels| Open { batch, channels, length });
    Ok(choice.distinct(LENGTHS.into_iter().flat_map(open), &[]))
}

/// Other lengths than those that the original runs with, of as many symbolic dimensions as possible, in the
/// order in which they are tried; none if nothing is open.
pub fn others(inputs: &[Port], first: &Shapes, options: &VerifyOptions) -> Vec<Shapes> {
    let Open { batch, channels, length } = first.open;
    // Networks that halve an image five times want multiples of 32.
    let longer = if length % 32 == 0 { length + 32 } else { length * 2 };
    let attempts = [(batch + 1, longer), (batch + 1, length * 2), (batch + 1, length), (batch, longer)];
    let open = attempts.map(|(batch, length)| Open { batch, channels, length });
    Choice::new(inputs, options).distinct(open.into_iter(), std::slice::from_ref(first))
}

impl Shapes {
    /// The shapes of data, and what that makes of each symbol.
    pub fn of_data(inputs: &[Port], shapes: Vec<Vec<usize>>) -> Shapes {
        let axes = inputs.iter().zip(&shapes).flat_map(|(port, shape)| port.axes.iter().flatten().zip(shape));
        let dims = axes.filter_map(|(axis, length)| match axis {
            Axis::Named(name) => Some((name.clone(), *length)),
            _ => None,
        });
        Shapes { dims: dims.collect(), shapes, open: Open { batch: 1, channels: 1, length: 1 } }
    }
}

struct Choice<'a> {
    inputs: &'a [Port],
    options: &'a VerifyOptions,
    batches: BTreeSet<String>,
}

impl<'a> Choice<'a> {
    fn new(inputs: &'a [Port], options: &'a VerifyOptions) -> Self {
        Choice { inputs, options, batches: names_of_batches(inputs) }
    }

    /// The shapes that these make, without those that are there already.
    fn distinct(&self, open: impl Iterator<Item = Open>, but: &[Shapes]) -> Vec<Shapes> {
        let mut attempts: Vec<Shapes> = Vec::new();
        for open in open {
            let attempt = self.shapes(open);
            if but.iter().chain(&attempts).all(|other| other.shapes != attempt.shapes) {
                attempts.push(attempt);
            }
        }
        attempts
    }

    fn shapes(&self, lengths: Open) -> Shapes {
        let mut dims = BTreeMap::new();
        let shapes = self.inputs.iter().map(|port| {
            let axes = port.axes.as_deref().unwrap_or_default();
            let lengths = axes.iter().enumerate().map(|(position, axis)| {
                let open = match position {
                    0 => lengths.batch,
                    1 if axes.len() >= 4 => lengths.channels,
                    _ => lengths.length,
                };
                match axis {
                    Axis::Fixed(length) => *length,
                    Axis::Unknown => open,
                    Axis::Named(name) => {
                        let open = if self.batches.contains(name) { lengths.batch } else { open };
                        *dims
                            .entry(name.clone())
                            .or_insert_with(|| self.options.dims.get(name).copied().unwrap_or(open))
                    }
                }
            });
            lengths.collect()
        });
        Shapes { shapes: shapes.collect(), dims, open: lengths }
    }
}

fn names_of_batches(inputs: &[Port]) -> BTreeSet<String> {
    names(inputs, |position| position == 0)
}

fn names(inputs: &[Port], at: impl Fn(usize) -> bool) -> BTreeSet<String> {
    let axes = inputs.iter().flat_map(|port| port.axes.iter().flatten().enumerate());
    let named = axes.filter(|(position, _)| at(*position)).filter_map(|(_, axis)| match axis {
        Axis::Named(name) => Some(name.clone()),
        _ => None,
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::element::DataType;

    fn port(axes: &[Axis]) -> Port {
        Port { name: "x".into(), element: Some(DataType::Float), axes: Some(axes.to_vec()) }
    }

    fn named(name: &str) -> Axis {
        Axis::Named(name.into())
    }

    #[test]
    fn fixed_shapes_leave_one_attempt() {
        let attempts = candidates(&[port(&[named("N"), Axis::Fixed(5)])], 1, &VerifyOptions::default());
        let attempts = attempts.expect("complete");
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].shapes, [[1, 5]]);
        assert_eq!(attempts[0].dims, BTreeMap::from([("N".into(), 1)]));
    }

    #[test]
    fn one_symbol_has_one_length_and_options_come_first() {
        let inputs = [port(&[named("N"), Axis::Unknown, named("H"), named("W")]), port(&[named("N"), named("N")])];
        let options = VerifyOptions { dims: BTreeMap::from([("W".into(), 7)]), ..Default::default() };
        let attempts = candidates(&inputs, 1, &options).expect("complete");
        assert_eq!(attempts[0].shapes, [vec![1, 3, 64, 7], vec![1, 1]]);
        assert_eq!(attempts[1].shapes, [vec![1, 1, 64, 7], vec![1, 1]]);
        assert_eq!(attempts[2].shapes, [vec![1, 3, 224, 7], vec![1, 1]]);
    }

    #[test]
    fn other_lengths_leave_what_is_fixed() {
        let inputs = [port(&[named("N"), Axis::Fixed(3), named("H"), Axis::Unknown])];
        let options = VerifyOptions { dims: BTreeMap::from([("H".into(), 7)]), ..Default::default() };
        let first = candidates(&inputs, 1, &options).expect("complete").remove(0);
        let others: Vec<_> = others(&inputs, &first, &options).into_iter().flat_map(|other| other.shapes).collect();
        assert_eq!(others, [[2, 3, 7, 96], [2, 3, 7, 128], [2, 3, 7, 64], [1, 3, 7, 96]]);
        let all = VerifyOptions { dims: BTreeMap::from([("N".into(), 2)]), ..Default::default() };
        let fixed = [port(&[named("N"), Axis::Fixed(3)])];
        let first = candidates(&fixed, 1, &all).expect("complete").remove(0);
        assert!(super::others(&fixed, &first, &all).is_empty());
    }

    #[test]
    fn a_name_that_no_input_has_is_an_error() {
        let options = VerifyOptions { dims: BTreeMap::from([("M".into(), 7)]), ..Default::default() };
        let error = candidates(&[port(&[named("N")])], 1, &options).expect_err("unknown").to_string();
        assert_eq!(error, "no input has a dimension called `M`; the symbolic dimensions are: `N`");
    }
}
