//! The numbers of constants: weights before they are rounded, and one number per channel.

use crate::graph::ValueId;
use crate::graph::constant::{Constant, Constants, NotConstant};
use crate::onnx::TensorError;
use crate::onnx::element::FloatType;
use crate::onnx::payload::Payload;

/// The elements of a constant of a floating-point type; those of a weight that a fold has scaled
/// without the rounding that they get when they are written.
///
/// # Errors
/// When it is not constant, or cannot be read.
pub(super) fn unrounded(constants: &Constants, value: ValueId, element: FloatType) -> Result<Vec<f64>, NotConstant> {
    let home = match constants.find(value)? {
        Constant::Computed(dense) => return Ok(dense.values.clone()),
        Constant::Stored(home) => home,
    };
    decode(&constants.stored(home)?.little_endian()?, element).map_err(NotConstant::from)
}

/// All that this module knows of scaled payloads.
fn decode(payload: &Payload, element: FloatType) -> Result<Vec<f64>, TensorError> {
    let Payload::Scaled(scaled) = payload else { return Ok(element.decode(&payload.to_bytes()?)) };
    let mut values = decode(&scaled.source, scaled.element)?;
    let [_, rows, channels, inner] = scaled.scaling.view;
    let of_row = scaled.scaling.factors.chunks(channels).flat_map(|factors| std::iter::repeat_n(factors, rows));
    let factors = of_row.flatten();
    for (run, factor) in values.chunks_mut(inner).zip(factors) {
        run.iter_mut().for_each(|value| *value *= factor);
    }
    Ok(values)
}

/// A value that is added or multiplied, and how channels lie in it.
pub(super) struct Layout {
    /// How many channels there are.
    pub channels: usize,
    /// How many axes come after them.
    pub after: usize,
    /// The rank; where it is not known, what it is at least.
    pub rank: usize,
}

/// One number per channel of a constant that broadcasts to this layout, along the channels or
/// over all; `None` for any other constant, and when it is none.
pub(super) fn per_channel(
    constants: &Constants,
    value: ValueId,
    element: FloatType,
    layout: &Layout,
) -> Option<Vec<f64>> {
    let (kind, shape) = constants.type_and_shape(value).ok()?;
    let count = shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length))?;
    let axis = shape.len().checked_sub(layout.after + 1);
    let along = axis.is_some_and(|axis| shape[axis] == layout.channels) && count == layout.channels;
    if kind != element.data_type() || shape.len() > layout.rank || !(along || count == 1) {
        return None;
    }
    let values = unrounded(constants, value, element).ok()?;
    match values[..] {
        [all] => Some(vec![all; layout.channels]),
        _ => Some(values),
    }
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
        let scaled = Payload::Scaled(Arc::new(Scaled { tensor: "w".into(), tag: 0, source, element, scaling }));
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
        let scaled = Payload::Scaled(Arc::new(Scaled { tensor: "w".into(), tag: 0, source, element, scaling }));
        assert_eq!(decode(&scaled, element).unwrap(), [2.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
    }
}
