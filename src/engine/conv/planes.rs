//! The padded image of a convolution, laid out for its product.

use super::geometry::{Geometry, Index, Planes, flat, indices};
use crate::engine::product::Element;

/// Where the planes of a channel are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// From one plane to the next.
    pub plane: usize,
    /// From one channel to the next.
    pub channel: usize,
}

impl Layout {
    /// Planes with the padding on the right of their last row, and of so many bytes that the same element
    /// of all of them is not in the same set of a cache.
    pub fn spread<T>(planes: &Planes) -> Layout {
        let line = 64 / size_of::<T>();
        let needed = planes.size().max(planes.last_tap() + planes.columns());
        let lines = needed.div_ceil(line);
        let plane = if lines > 8 { (lines | 1) * line } else { needed };
        Layout { plane, channel: plane * planes.phases.len() }
    }

    /// Where the rows of the product begin: each channel's elements of the kernel.
    pub fn rows(self, planes: &Planes, channels: usize) -> Vec<usize> {
        let taps = |channel| {
            let tap = move |(phase, shift): &(usize, usize)| channel * self.channel + phase * self.plane + shift;
            planes.taps.iter().map(tap)
        };
        (0..channels).flat_map(taps).collect()
    }
}

/// A row of a plane: zeros, then elements of the image, then zeros.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    zeros: usize,
    from: usize,
    count: usize,
}

/// The rows of all planes of a channel, from output `first` along the first axis on.
pub fn rows(geometry: &Geometry, planes: &Planes, first: usize) -> Vec<Row> {
    let Some((&length, outer)) = planes.extents.split_last() else { return Vec::new() };
    let last = outer.len();
    let row = |(phase, mut index): (&Index, Index)| {
        index.push(0);
        index[0] += first;
        let padded = |axis: usize| index[axis] * geometry.strides[axis] + phase[axis];
        // The row of the image, if the index is not in the padding.
        let place = |axis: usize| {
            let inside = padded(axis).checked_sub(geometry.before[axis]);
            inside.filter(|at| *at < geometry.image[axis])
        };
        let Some(at) = (0..last).map(place).collect::<Option<Index>>() else {
            return Row { zeros: length, from: 0, count: 0 };
        };
        // Element i is that of index i · stride + padded − before.
        let (stride, image) = (geometry.strides[last], geometry.image[last]);
        let zeros = geometry.before[last].saturating_sub(padded(last)).div_ceil(stride).min(length);
        let skipped = (zeros * stride + padded(last)).saturating_sub(geometry.before[last]).min(image);
        let count = (image - skipped).div_ceil(stride).min(length - zeros);
        Row { zeros, from: flat(&at, &geometry.image) * image + skipped, count }
    };
    planes.phases.iter().flat_map(|phase| indices(outer).map(move |index| (phase, index))).map(row).collect()
}

/// Copies the image of a channel into its planes, whose rows are of this length. Where padding is, there
/// must be zeros already.
pub fn lay_out<T: Element>(rows: &[Row], length: usize, stride: usize, plane: usize, image: &[T], to: &mut [T]) {
    let per_plane = (rows.len() * plane).checked_div(to.len()).unwrap_or(0).max(1);
    for (rows, plane) in rows.chunks_exact(per_plane).zip(to.chunks_exact_mut(plane.max(1))) {
        for (row, to) in rows.iter().zip(plane.chunks_exact_mut(length.max(1))) {
            copy(&image[row.from..], stride, &mut to[row.zeros..row.zeros + row.count]);
        }
    }
}

/// Every so many elements of a row.
fn copy<T: Element>(from: &[T], stride: usize, to: &mut [T]) {
    match stride {
        1 => to.copy_from_slice(&from[..to.len()]),
        2 => {
            // All but the last one have a partner; pairs are copied by vectors.
            let pairs = from.as_chunks::<2>().0;
            let whole = to.len().min(pairs.len());
            to.iter_mut().zip(pairs).for_each(|(to, [first, _])| *to = *first);
            if whole < to.len() {
                to[whole] = from[2 * whole];
            }
        }
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
    }
}
