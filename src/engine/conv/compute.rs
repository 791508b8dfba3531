//! A convolution as products of its weights and shifted views of the padded image.

use super::geometry::{Geometry, Planes};
use super::planes::{Layout, Row, lay_out, rows};
use super::scratch::Scratch;
use crate::engine::product::{Element, Product, Run, View, Weights};

/// How many bytes of the padded image are laid out at a time: what stays in a second level cache.
const BAND: usize = 512 << 10;
/// The most columns that a product reads at once.
const SLACK: usize = 128;

/// The weights of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel<T> {
    /// How many channels of the image a group has.
    pub channels: usize,
    /// For each group a matrix of outputs by (channel, element of the kernel).
    pub groups: Vec<Weights<T>>,
}

/// What the groups of a sample have in common.
struct Band<'a> {
    geometry: &'a Geometry,
    planes: Planes,
    layout: Layout,
    rows: Vec<usize>,
    runs: Vec<Run>,
    image: Vec<Row>,
}

impl<T: Element + Scratch> Kernel<T> {
    /// Packs weights `[outputs, channels of a group, spatial…]`.
    ///
    /// # Panics
    /// If there are fewer of them.
    pub fn pack(values: &[T], shape: &[usize], groups: usize) -> Self {
        let (outputs, depth) = (shape[0] / groups.max(1), shape[1..].iter().product::<usize>());
        let pack = |group: usize| {
            let values = &values[group * outputs * depth..][..outputs * depth];
            Weights::pack(values, [outputs, depth], [depth, 1])
        };
        Kernel { channels: shape[1], groups: (0..groups).map(pack).collect() }
    }

    /// How many channels the output has.
    pub fn outputs(&self) -> usize {
        self.groups.iter().map(Weights::rows).sum()
    }

    /// Convolves one sample `[channels, spatial…]` into `y`, `[outputs, spatial…]`.
    ///
    /// # Panics
    /// If one of them is not as long as the geometry says.
    pub fn convolve(&self, geometry: &Geometry, x: &[T], bias: &[T], y: &mut [T]) {
        let rows = geometry.output[0];
        if geometry.outputs() == 0 {
            return;
        }
        if geometry.is_plain() {
            let planes = geometry.image_as_plane();
            let layout = Layout { plane: 0, channel: planes.size() };
            return self.products(&Band::new(geometry, planes, layout, self.channels, 0), x, bias, y);
        }
        let planes = geometry.planes(rows);
        let whole = planes.size() * planes.phases.len() * self.channels * size_of::<T>();
        let band = (rows * BAND).checked_div(whole).unwrap_or(rows).clamp(1, rows);
        for first in (0..rows).step_by(band) {
            let planes = geometry.planes(band.min(rows - first));
            let layout = Layout::spread::<T>(&planes);
            self.products(&Band::new(geometry, planes, layout, self.channels, first), x, bias, y);
        }
    }

    fn products(&self, band: &Band, x: &[T], bias: &[T], y: &mut [T]) {
        if band.geometry.is_plain() {
            return self.groups(band, bias, y, |group, product| product(self.image(band, x, group)));
        }
        T::with_scratch(|scratch| {
            // Columns that are dropped, and the rest of the last vector, are read as well.
            let length = band.layout.channel * self.channels + band.planes.last_tap() + SLACK;
            // The padding of all groups is at the same places.
            scratch.clear();
            scratch.resize(length, T::default());
            self.groups(band, bias, y, |group, product| {
                band.lay_out(self.channels, self.image(band, x, group), scratch);
                product(scratch);
            });
        });
    }

    /// The channels of a group.
    fn image<'x>(&self, band: &Band, x: &'x [T], group: usize) -> &'x [T] {
        let inputs = self.channels * band.geometry.image.iter().product::<usize>();
        &x[group * inputs..][..inputs]
    }

    /// Computes each group; `laid_out` calls with what its rows are in.
    fn groups(&self, band: &Band, bias: &[T], y: &mut [T], mut laid_out: impl FnMut(usize, &mut dyn FnMut(&[T]))) {
        let pitch = band.geometry.outputs();
        let mut done = 0;
        for (group, weights) in self.groups.iter().enumerate() {
            let outputs = done..done + weights.rows();
            done = outputs.end;
            let bias = bias.get(outputs.clone()).unwrap_or(&[]);
            let result = &mut y[outputs.start * pitch..outputs.end * pitch];
            laid_out(group, &mut |values| {
                let far_apart = band.planes.taps.len() == 1;
                let view = View { values, rows: &band.rows, columns: band.planes.columns(), far_apart };
                Product { weights, bias, view, runs: &band.runs, result: &mut *result, pitch }.compute();
            });
        }
    }
}

impl<'a> Band<'a> {
    /// The outputs from `first` on, along the first axis.
    fn new(geometry: &'a Geometry, planes: Planes, layout: Layout, channels: usize, first: usize) -> Self {
        let done = first * geometry.output[1..].iter().product::<usize>();
        let runs = planes.runs.iter().map(|run| Run { to: run.to + done, ..*run }).collect();
        let image = rows(geometry, &planes, first);
        Band { geometry, rows: layout.rows(&planes, channels), runs, planes, layout, image }
    }

    /// Lays out the channels of a group.
    fn lay_out<T: Element>(&self, channels: usize, x: &[T], to: &mut [T]) {
        let size: usize = self.geometry.image.iter().product();
        let (row, stride) = (self.planes.extents.last(), self.geometry.strides.last());
        let (row, stride) = (row.copied().unwrap_or(1), stride.copied().unwrap_or(1));
        for (channel, to) in to.chunks_exact_mut(self.layout.channel.max(1)).take(channels).enumerate() {
            lay_out(&self.image, row, stride, self.layout.plane, &x[channel * size..][..size], to);
        }
    }
}
