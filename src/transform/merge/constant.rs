//! The numbers of constants: weights before they are rounded, and one number per channel.

use crate::graph::ValueId;
use crate::graph::constant::{Constant, Constants, NotConstant};
use crate::onnx::TensorError;
use crate::onnx::element::FloatType;
use crate::onnx::payload::Payload;
use std::cell::Cell;

/// So many elements are read and made for all merges of a model. (A weight may be small in a file
/// and have very many readers.)
const ELEMENTS: usize = 1 << 29;

/// The constants of a graph, of which only so many elements are read.
pub(super) struct Source<'a> {
    pub constants: &'a Constants<'a>,
    elements_left: Cell<usize>,
}

/// How channels lie in a value that is added or multiplied.
pub(super) struct Layout {
    /// How many channels there are.
    pub channels: usize,
    /// How many axes come after them.
    pub after: usize,
    /// The rank; where it is not known, what it is at least.
    pub rank: usize,
}

impl<'a> Source<'a> {
    pub fn new(constants: &'a Constants<'a>) -> Self {
        Source { constants, elements_left: Cell::new(ELEMENTS) }
    }

    /// Notes that so many elements are about to be read or made; `None` are too many.
    ///
    /// # Errors
    /// When there were too many already.
    pub fn spend(&self, elements: Option<usize>) -> Result<(), String> {
        let left = elements.and_then(|elements| self.elements_left.get().checked_sub(elements));
        self.elements_left.set(left.ok_or("the weights to merge are too large together")?);
        Ok(())
    }

    /// The elements of a constant of a floating-point type; those of a weight that a fold has
    /// scaled without the rounding that they get when they are written.
    ///
    /// # Errors
    /// When it is not constant, or cannot be read.
    pub fn unrounded(&self, value: ValueId, element: FloatType) -> Result<Vec<f64>, NotConstant> {
        let (_, shape) = self.constants.type_and_shape(value)?;
        self.spend(product(&shape)).map_err(NotConstant::Unreadable)?;
        match self.constants.find(value)? {
            Constant::Computed(dense) => Ok(dense.values.clone()),
            Constant::Stored(home) => Ok(decode(&self.constants.stored(home)?.little_endian()?, element)?),
        }
    }

    /// Whether a value is a constant that broadcasts to this layout, along the channels or over
    /// all.
    pub fn is_per_channel(&self, value: ValueId, element: FloatType, layout: &Layout) -> bool {
        let Ok((kind, shape)) = self.constants.type_and_shape(value) else { return false };
        let axis = shape.len().checked_sub(layout.after + 1);
        let is_along = axis.is_some_and(|axis| shape[axis] == layout.channels);
        let count = product(&shape);
        let fits = is_along && count == Some(layout.channels) || count == Some(1);
        kind == element.data_type() && shape.len() <= layout.rank && fits
    }

    /// One number per channel, if a value is such a constant and can be read.
    pub fn per_channel(&self, value: ValueId, element: FloatType, layout: &Layout) -> Option<Vec<f64>> {
        let values = self.is_per_channel(value, element, layout).then(|| self.unrounded(value, element))?.ok()?;
        match values[..] {
            [all] => Some(vec![all; layout.channels]),
            _ => Some(values),
        }
    }
}

fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length))
}

/// All that this module knows of scaled payloads.
fn decode(payload: &Payload, element: FloatType) -> Result<Vec<f64>, TensorError> {
    let Payload::Scaled(scaled) = payload else { return Ok(element.decode(&payload.to_bytes()?)) };
    let mut values = decode(&scaled.source, scaled.element)?;
    for scaling in &scaled.scalings {
        values.iter_mut().enumerate().for_each(|(place, value)| *value *= scaling.factor(place));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::element::Scaling;
    use crate::onnx::payload::Scaled;
    use std::sync::Arc;

    #[test]
    fn a_scaled_weight_is_read_without_its_rounding() {
        let element = FloatType::F16;
        let source = Payload::from(element.encode(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]));
        let scaling = Scaling { view: [2, 2, 2, 1], factors: [0.1, 0.2, 0.3, 0.4].into() };
        let scaled =
            Payload::Scaled(Arc::new(Scaled { tensor: "w".into(), tag: 0, source, element, scalings: vec![scaling] }));
        let exact: Vec<f64> =
            [1.0 * 0.1, 2.0 * 0.2, 3.0 * 0.1, 4.0 * 0.2, 5.0 * 0.3, 6.0 * 0.4, 7.0 * 0.3, 8.0 * 0.4].into();
        assert_eq!(decode(&scaled, element).unwrap(), exact);
        assert_eq!(element.encode(&exact), scaled.to_bytes().unwrap());
    }

    #[test]
    fn factors_follow_the_view() {
        let scaling = Scaling { view: [1, 1, 2, 3], factors: [2.0, 3.0].into() };
        let source = Payload::from(FloatType::F32.encode(&[1.0; 6]));
        let element = FloatType::F32;
        let scaled =
            Payload::Scaled(Arc::new(Scaled { tensor: "w".into(), tag: 0, source, element, scalings: vec![scaling] }));
        assert_eq!(decode(&scaled, element).unwrap(), [2.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
    }
}
