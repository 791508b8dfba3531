//! The one idea: in inference mode a BatchNormalization is a map of each element, which depends
//! on where the element lies along some axes only.

use std::sync::Arc;

/// `y = scale ⊙ x + shift` in f64, broadcast over a tensor.
///
/// A BatchNormalization depends on axis 1 only, where it has one pair of numbers per channel:
/// `axes` is `[1, C]`. A Reshape or Transpose on the way moves and splits axes, and so the map is
/// kept for any of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// Axes of the tensor from the first one on: their length where the map depends on them, 1
    /// where it does not. It does not depend on axes that are left out at the end.
    axes: Vec<usize>,
    /// Row-major. Shared with the weight that is scaled by it.
    scale: Arc<[f64]>,
    shift: Vec<f64>,
}

/// No map has more pairs of numbers: those of networks have one per channel.
pub const LARGEST: usize = 1 << 24;

impl Affine {
    /// A map along these axes.
    ///
    /// # Panics
    /// When there is not one scale and one shift for each position.
    pub fn new(axes: Vec<usize>, scale: Vec<f64>, shift: Vec<f64>) -> Self {
        let count: usize = axes.iter().product();
        assert!(scale.len() == count && shift.len() == count, "one scale and one shift per position");
        Affine { axes, scale: scale.into(), shift }
    }

    /// A map along axis 1.
    ///
    /// # Panics
    /// When there is not one scale and one shift per channel.
    pub fn per_channel(scale: Vec<f64>, shift: Vec<f64>) -> Self {
        Affine::new(vec![1, scale.len()], scale, shift)
    }

    /// The same map everywhere.
    pub fn scalar(scale: f64, shift: f64) -> Self {
        Affine::new(Vec::new(), vec![scale], vec![shift])
    }

    /// The lengths of the axes that it depends on, 1 for others, from the first axis on.
    pub fn axes(&self) -> &[usize] {
        &self.axes
    }

    /// The number of positions along an axis that it tells apart.
    pub fn length(&self, axis: usize) -> usize {
        self.axes.get(axis).copied().unwrap_or(1)
    }

    /// The axes that it depends on.
    pub fn dependent(&self) -> impl Iterator<Item = usize> {
        (0..self.axes.len()).filter(|axis| self.axes[*axis] != 1)
    }

    /// The factors, row-major along [`axes`](Self::axes).
    pub fn scale(&self) -> &Arc<[f64]> {
        &self.scale
    }

    /// The summands, row-major along [`axes`](Self::axes).
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// This map, and `next` after it: s₂(s₁x + t₁) + t₂ = s₂s₁x + (s₂t₁ + t₂). `None` when they
    /// do not fit each other, or the result would be too large.
    pub fn then(&self, next: &Affine) -> Option<Affine> {
        let rank = self.axes.len().max(next.axes.len());
        let length = |axis| match (self.length(axis), next.length(axis)) {
            (a, b) if a == b => Some(a),
            (1, other) | (other, 1) => Some(other),
            _ => None,
        };
        let axes: Vec<usize> = (0..rank).map(length).collect::<Option<_>>()?;
        let count = axes.iter().try_fold(1usize, |count, length| count.checked_mul(*length))?;
        if count > LARGEST {
            return None;
        }
        let (first, second) = (self.expanded(&axes), next.expanded(&axes));
        let scale = first.scale.iter().zip(second.scale.iter()).map(|(first, second)| second * first).collect();
        let shift = first.shift.iter().zip(second.scale.iter().zip(&second.shift));
        let shift = shift.map(|(first, (scale, shift))| scale.mul_add(*first, *shift)).collect();
        Some(Affine { axes, scale, shift })
    }

    /// The same map, told for each position along these axes, each of which has the length that it
    /// depends on, or any where it does not.
    #[must_use]
    pub fn expanded(&self, axes: &[usize]) -> Affine {
        if self.axes == axes {
            return self.clone();
        }
        let strides = self.strides(axes.len());
        self.gather(axes.to_vec(), |index| Some(index.iter().zip(&strides).map(|(at, stride)| at * stride).sum()))
    }

    /// How far apart neighbours along each axis are; 0 where the map does not depend on it.
    pub fn strides(&self, rank: usize) -> Vec<usize> {
        let mut strides = vec![0; rank];
        let mut stride = 1;
        for axis in self.dependent().collect::<Vec<_>>().into_iter().rev() {
            if axis < rank {
                strides[axis] = stride;
            }
            stride *= self.axes[axis];
        }
        strides
    }

    /// A map along other axes, which at each position is what this map is at the place that
    /// `source` gives; where it gives none, nothing changes.
    #[must_use]
    pub fn gather(&self, axes: Vec<usize>, source: impl Fn(&[usize]) -> Option<usize>) -> Affine {
        let places: Vec<Option<usize>> = positions(&axes).map(|index| source(&index)).collect();
        let scale = places.iter().map(|place| place.map_or(1.0, |place| self.scale[place])).collect();
        let shift = places.iter().map(|place| place.map_or(0.0, |place| self.shift[place])).collect();
        Affine { axes, scale, shift }
    }

    /// The same map on a tensor whose axis `i` is axis `sources[i]` of this one, or a new one where
    /// there is none. `None` when an axis that the map depends on is not among them.
    pub fn with_axes(&self, sources: &[Option<usize>]) -> Option<Affine> {
        if self.dependent().any(|axis| !sources.contains(&Some(axis))) {
            return None;
        }
        let length = |source: &Option<usize>| source.map_or(1, |axis| self.length(axis));
        let strides = self.strides(self.axes.len());
        let stride = |source: &Option<usize>| source.and_then(|axis| strides.get(axis)).copied().unwrap_or(0);
        let strides: Vec<usize> = sources.iter().map(stride).collect();
        let place = |index: &[usize]| Some(index.iter().zip(&strides).map(|(at, stride)| at * stride).sum());
        Some(self.gather(sources.iter().map(length).collect(), place))
    }

    /// The same map without a dependence on `axis`; `None` if it does depend on it.
    pub fn without(&self, axis: usize) -> Option<Affine> {
        if self.length(axis) == 1 {
            return Some(self.clone());
        }
        let mut axes = self.axes.clone();
        axes[axis] = 1;
        let strides = self.strides(axes.len());
        let place = |index: &[usize]| Some(index.iter().zip(&strides).map(|(at, stride)| at * stride).sum());
        let less = self.gather(axes, place);
        (less.expanded(&self.axes) == *self).then_some(less)
    }

    /// A map that depends on axis 1 only, told for so many channels; `None` if it depends on others, or
    /// on another number of channels.
    pub fn along_channels(&self, channels: usize) -> Option<Affine> {
        let others = (0..self.axes.len()).filter(|axis| *axis != 1);
        let map = others.into_iter().try_fold(self.clone(), |map, axis| map.without(axis))?;
        let fits = map.length(1) == 1 || map.length(1) == channels;
        fits.then(|| map.expanded(&[1, channels]))
    }

    /// The same map without its shift.
    #[must_use]
    pub fn without_shift(&self) -> Affine {
        Affine { axes: self.axes.clone(), scale: self.scale.clone(), shift: vec![0.0; self.shift.len()] }
    }

    /// The same map without its scale.
    #[must_use]
    pub fn without_scale(&self) -> Affine {
        Affine::new(self.axes.clone(), vec![1.0; self.scale.len()], self.shift.clone())
    }

    /// Whether all numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.scale.iter().chain(&self.shift).all(|number| number.is_finite())
    }

    /// Whether the map shifts nothing: a bias is not needed for it.
    pub fn has_no_shift(&self) -> bool {
        self.shift.iter().all(|shift| *shift == 0.0)
    }

    /// Whether no factor turns the order of numbers round.
    pub fn keeps_order(&self) -> bool {
        self.scale.iter().all(|scale| *scale >= 0.0)
    }

    /// Whether it does not scale.
    pub fn has_unit_scale(&self) -> bool {
        self.scale.iter().all(|scale| *scale == 1.0)
    }
}

/// All positions along axes of these lengths, row-major.
pub fn positions(axes: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let axes = axes.to_vec();
    let count: usize = axes.iter().product();
    (0..count).map(move |place| {
        let mut rest = place;
        let mut index = vec![0; axes.len()];
        for axis in (0..axes.len()).rev() {
            index[axis] = rest % axes[axis];
            rest /= axes[axis];
        }
        index
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(axes: Vec<usize>) -> impl Strategy<Value = Affine> {
        let count = axes.iter().product::<usize>();
        prop::collection::vec((-4.0..4.0f64, -4.0..4.0f64), count).prop_map(move |pairs| {
            let (scale, shift) = pairs.into_iter().unzip();
            Affine::new(axes.clone(), scale, shift)
        })
    }

    /// The map at a position of a tensor.
    fn apply(map: &Affine, position: &[usize], x: f64) -> f64 {
        let place = |axis: usize, at: usize| if map.length(axis) == 1 { 0 } else { at };
        let flat = map.axes().iter().enumerate().fold(0, |flat, (axis, len)| flat * len + place(axis, position[axis]));
        map.scale()[flat] * x + map.shift()[flat]
    }

    proptest! {
        #[test]
        fn composition_is_one_after_the_other(first in map(vec![1, 3]), second in map(vec![2, 1, 4]), x in -9.0..9.0f64) {
            let both = first.then(&second).unwrap();
            for position in positions(&[2, 3, 4]) {
                let one_by_one = apply(&second, &position, apply(&first, &position, x));
                let composed = apply(&both, &position, x);
                prop_assert!((composed - one_by_one).abs() <= 1e-13 * (1.0 + one_by_one.abs()) * 64.0);
            }
        }

        #[test]
        fn composition_is_associative(a in map(vec![1, 3]), b in map(vec![2, 3]), c in map(vec![])) {
            let left = a.then(&b).unwrap().then(&c).unwrap();
            let right = a.then(&b.then(&c).unwrap()).unwrap();
            for (left, right) in left.shift().iter().zip(right.shift()) {
                prop_assert!((left - right).abs() <= 1e-12);
            }
        }

        #[test]
        fn an_axis_that_nothing_depends_on_can_go(map in map(vec![1, 3])) {
            let repeated = map.expanded(&[2, 3, 2]);
            prop_assert_eq!(repeated.without(0).unwrap().without(2).unwrap().expanded(&[1, 3]), map.clone());
            let same = map.scale()[0] == map.scale()[1] && map.scale()[1] == map.scale()[2];
            prop_assert_eq!(map.without(1).is_some(), same);
        }
    }

    #[test]
    fn maps_along_axes_of_other_lengths_do_not_compose() {
        let map = |channels: usize| Affine::per_channel(vec![1.0; channels], vec![0.0; channels]);
        assert!(map(3).then(&map(4)).is_none());
    }
}
