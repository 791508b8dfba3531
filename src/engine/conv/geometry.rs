//! Where the elements of a convolution are: in the image, in the kernel, and in the padded image.
//!
//! The padded image of a channel is stored as one plane per phase of the strides, `padded index mod stride`.
//! So each element of the kernel reads, for all outputs, consecutive elements of one plane. Along the inner
//! axes a row is followed by the next one at once: the padding on the left of a row is that on the right of
//! the one before. The outputs between two rows, as many as the padding is wide, are computed and dropped.

use crate::engine::product::Run;
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// A number for each spatial axis.
pub type Index = SmallVec<[usize; 4]>;

/// The lengths of a convolution, along its spatial axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// Of the image.
    pub image: Index,
    /// Of the kernel.
    pub kernel: Index,
    /// From one output to the next.
    pub strides: Index,
    /// From one element of the kernel to the next.
    pub dilations: Index,
    /// The padding before the image.
    pub before: Index,
    /// Of the output.
    pub output: Index,
}

impl Geometry {
    /// How many outputs there are.
    pub fn outputs(&self) -> usize {
        self.output.iter().product()
    }

    /// Whether the image is read as it is: nothing is padded, and no output is left out.
    pub fn is_plain(&self) -> bool {
        self.before.iter().all(|before| *before == 0)
            && self.strides.iter().all(|stride| *stride == 1)
            && (0..self.image.len()).all(|axis| self.reach(axis) <= self.image[axis])
    }

    /// The end of what is read along an axis of the padded image.
    fn reach(&self, axis: usize) -> usize {
        (self.output[axis].max(1) - 1) * self.strides[axis] + self.span(axis) + 1
    }

    /// From the first to the last element of the kernel.
    fn span(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilations[axis]
    }

    /// The planes for `rows` outputs along the first axis.
    pub fn planes(&self, rows: usize) -> Planes {
        let extents = (0..self.image.len()).map(|axis| {
            let (image, before, stride) = (self.image[axis], self.before[axis], self.strides[axis]);
            if axis == 0 {
                return rows + self.span(0) / stride;
            }
            let after = self.reach(axis).saturating_sub(before + image);
            // Not shorter than the output either, so that no column is two outputs.
            (image + before.max(after)).div_ceil(stride).max(self.output[axis])
        });
        Planes::new(self, extents.collect(), rows)
    }

    /// The image itself as a plane per channel. Only if it is plain.
    pub fn image_as_plane(&self) -> Planes {
        Planes::new(self, self.image.clone(), self.output[0])
    }
}

/// How the padded image is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// The lengths of a plane along the axes.
    pub extents: Index,
    /// The phases that are read, each one number per axis.
    pub phases: Vec<Index>,
    /// For each element of the kernel the index of its phase and its first element in the plane.
    pub taps: Vec<(usize, usize)>,
    /// What is kept of the outputs, and where it goes: those of the first row of outputs come first.
    pub runs: Vec<Run>,
}

impl Planes {
    fn new(geometry: &Geometry, extents: Index, rows: usize) -> Planes {
        let (mut phases, mut taps): (Vec<Index>, _) = (Vec::new(), Vec::new());
        let mut known: HashMap<usize, usize> = HashMap::new();
        for tap in indices(&geometry.kernel) {
            let at: Index = tap.iter().zip(&geometry.dilations).map(|(tap, dilation)| tap * dilation).collect();
            let of = |part: fn(usize, usize) -> usize| {
                at.iter().zip(&geometry.strides).map(|(at, stride)| part(*at, *stride)).collect::<Index>()
            };
            let (phase, shift) = (of(|at, stride| at % stride), of(|at, stride| at / stride));
            let index = *known.entry(flat(&phase, &geometry.strides)).or_insert_with(|| {
                phases.push(phase);
                phases.len() - 1
            });
            taps.push((index, flat(&shift, &extents)));
        }
        let mut kept = geometry.output.clone();
        kept[0] = rows;
        Planes { runs: runs(&kept, &extents), extents, phases, taps }
    }

    /// How many elements a plane has.
    pub fn size(&self) -> usize {
        self.extents.iter().product()
    }

    /// How many outputs are computed, those that are dropped included.
    pub fn columns(&self) -> usize {
        self.runs.last().map_or(0, |run| run.from + run.length)
    }

    /// The largest shift of an element of the kernel.
    pub fn last_tap(&self) -> usize {
        self.taps.iter().map(|(_, shift)| *shift).max().unwrap_or(0)
    }
}

/// The rows of outputs of these lengths in planes of those; consecutive ones are one.
fn runs(outputs: &[usize], extents: &[usize]) -> Vec<Run> {
    let Some((length, outer)) = outputs.split_last() else { return Vec::new() };
    let mut runs: Vec<Run> = Vec::new();
    for (row, index) in indices(outer).enumerate() {
        let index: Index = index.into_iter().chain([0]).collect();
        let next = Run { from: flat(&index, extents), length: *length, to: row * length };
        match runs.last_mut() {
            Some(last) if last.from + last.length == next.from => last.length += length,
            _ => runs.push(next),
        }
    }
    runs
}

/// All indices into an array of these lengths, the last one fastest.
pub fn indices(lengths: &[usize]) -> impl Iterator<Item = Index> + use<> {
    let lengths = Index::from_slice(lengths);
    (0..lengths.iter().product()).map(move |mut flat: usize| {
        let mut index: Index = smallvec![0; lengths.len()];
        for (index, length) in index.iter_mut().zip(&lengths).rev() {
            (*index, flat) = (flat % length, flat / length);
        }
        index
    })
}

/// An index into an array of these lengths as one number.
pub fn flat(index: &[usize], lengths: &[usize]) -> usize {
    index.iter().zip(lengths).fold(0, |flat, (index, length)| flat * length + index)
}
