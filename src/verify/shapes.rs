//! Lengths for symbolic dimensions: as told, else what the original runs with.

use super::signature::{Axis, Port};
use super::{VerifyError, VerifyOptions};
use std::collections::{BTreeMap, BTreeSet};

/// Tried in this order for axes of unknown length: images, sequences, small things.
const LENGTHS: [usize; 11] = [64, 224, 32, 48, 16, 128, 8, 256, 1024, 4, 1];

/// Tried in this order for the channels of images.
const CHANNELS: [usize; 2] = [3, 1];

/// One attempt at concrete input shapes.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapes {
    /// A shape per input.
    pub shapes: Vec<Vec<usize>>,
    /// What was taken for each symbol.
    pub dims: BTreeMap<String, usize>,
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
    let choice = Choice { inputs, batch, options, batches: names_of_batches(inputs) };
    let mut attempts: Vec<Shapes> = Vec::new();
    for length in LENGTHS {
        for channels in CHANNELS {
            let attempt = choice.shapes(length, channels);
            if !attempts.contains(&attempt) {
                attempts.push(attempt);
            }
        }
    }
    Ok(attempts)
}

struct Choice<'a> {
    inputs: &'a [Port],
    batch: usize,
    options: &'a VerifyOptions,
    batches: BTreeSet<String>,
}

impl Choice<'_> {
    fn shapes(&self, length: usize, channels: usize) -> Shapes {
        let mut dims = BTreeMap::new();
        let shapes = self.inputs.iter().map(|port| {
            let axes = port.axes.as_deref().unwrap_or_default();
            let lengths = axes.iter().enumerate().map(|(position, axis)| {
                let open = match position {
                    0 => self.batch,
                    1 if axes.len() >= 4 => channels,
                    _ => length,
                };
                match axis {
                    Axis::Fixed(length) => *length,
                    Axis::Unknown => open,
                    Axis::Named(name) => *dims.entry(name.clone()).or_insert_with(|| self.named(name, open)),
                }
            });
            lengths.collect()
        });
        Shapes { shapes: shapes.collect(), dims }
    }

    fn named(&self, name: &str, open: usize) -> usize {
        let told = self.options.dims.get(name).copied();
        told.unwrap_or(if self.batches.contains(name) { self.batch } else { open })
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
    fn a_name_that_no_input_has_is_an_error() {
        let options = VerifyOptions { dims: BTreeMap::from([("M".into(), 7)]), ..Default::default() };
        let error = candidates(&[port(&[named("N")])], 1, &options).expect_err("unknown").to_string();
        assert_eq!(error, "no input has a dimension called `M`; the symbolic dimensions are: `N`");
    }
}
