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

/// Lays out a channel, from output `first` along the first axis on.
pub fn lay_out<T: Element>(
    geometry: &Geometry,
    planes: &Planes,
    layout: Layout,
    first: usize,
    image: &[T],
    to: &mut [T],
) {
    let Some((&length, outer)) = planes.extents.split_last() else { return };
    let last = planes.extents.len() - 1;
    for (phase, plane) in planes.phases.iter().zip(to.chunks_exact_mut(layout.plane.max(1))) {
        let (plane, padding) = plane.split_at_mut(planes.size());
        padding.fill(T::default());
        for (mut index, row) in indices(outer).zip(plane.chunks_exact_mut(length.max(1))) {
            if last > 0 {
                index[0] += first;
            }
            // The row of the image, if the index is not in the padding.
            let place = |axis: usize| {
                let padded = index[axis] * geometry.strides[axis] + phase[axis];
                padded.checked_sub(geometry.before[axis]).filter(|at| *at < geometry.image[axis])
            };
            let Some(at) = (0..last).map(place).collect::<Option<Index>>() else {
                row.fill(T::default());
                continue;
            };
            let from = flat(&at, &geometry.image) * geometry.image[last];
            let skipped = if last == 0 { first * geometry.strides[0] } else { 0 };
            let shift = (geometry.before[last], phase[last] + skipped, geometry.strides[last]);
            lay_out_row(&image[from..][..geometry.image[last]], shift, row);
        }
    }
}

/// Element i is that of index `i · stride + phase − before`, 0 outside.
fn lay_out_row<T: Element>(image: &[T], (before, phase, stride): (usize, usize, usize), row: &mut [T]) {
    let padding = before.saturating_sub(phase).div_ceil(stride).min(row.len());
    let (zeros, row) = row.split_at_mut(padding);
    zeros.fill(T::default());
    let image = image.get(padding * stride + phase - before..).unwrap_or(&[]);
    let there = image.len().div_ceil(stride).min(row.len());
    let (row, zeros) = row.split_at_mut(there);
    if stride == 1 {
        row.copy_from_slice(&image[..there]);
    } else {
        row.iter_mut().zip(image.iter().step_by(stride)).for_each(|(to, from)| *to = *from);
    }
    zeros.fill(T::default());
}
