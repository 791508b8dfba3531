//! Moving the channels of arrays of images.

use crate::data::options::Layout;

/// Axis 1 becomes the last, or the last becomes axis 1.
#[derive(Clone, Debug)]
pub struct Transpose {
    /// The lengths of the axes before, samples first.
    shape: Vec<usize>,
    from: Layout,
}

impl Transpose {
    /// For arrays of this shape; `None` if there is nothing to move.
    pub fn new(shape: &[usize], from: Layout, to: Layout) -> Option<Transpose> {
        (from != to && shape.len() > 2).then(|| Transpose { shape: shape.to_vec(), from })
    }

    /// The lengths of the axes behind it.
    pub fn shape(&self) -> Vec<usize> {
        let mut shape = self.shape.clone();
        match self.from {
            Layout::Nchw => shape[1..].rotate_left(1),
            Layout::Nhwc => shape[1..].rotate_right(1),
        }
        shape
    }

    /// The elements of some samples, `size` bytes each, in their new order.
    pub fn apply(&self, bytes: &[u8], size: usize) -> Vec<u8> {
        let all: usize = self.shape[1..].iter().product();
        let channels = self.shape[self.from.axis(self.shape.len())];
        // A sample is a matrix: channels × pixels, or pixels × channels.
        let columns = if self.from == Layout::Nchw { all / channels } else { channels };
        let rows = all / columns;
        let mut out = Vec::with_capacity(bytes.len());
        for sample in bytes.chunks_exact(all * size) {
            for column in 0..columns {
                for row in 0..rows {
                    let at = (row * columns + column) * size;
                    out.extend_from_slice(&sample[at..at + size]);
                }
            }
        }
        out
    }

    /// What it does, for people.
    pub fn described(&self) -> String {
        match self.from {
            Layout::Nchw => "nchw to nhwc".into(),
            Layout::Nhwc => "nhwc to nchw".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn channels_move() {
        let transpose = Transpose::new(&[9, 1, 2, 3], Layout::Nhwc, Layout::Nchw).expect("to be moved");
        assert_eq!(transpose.shape(), [9, 3, 1, 2]);
        assert_eq!(transpose.apply(&[0, 1, 2, 3, 4, 5], 1), [0, 3, 1, 4, 2, 5]);
        assert!(Transpose::new(&[9, 3], Layout::Nhwc, Layout::Nchw).is_none());
    }

    proptest! {
        #[test]
        fn back_is_the_inverse(shape in prop::collection::vec(1usize..5, 3..5), size in 1usize..3) {
            let bytes: Vec<u8> = (0..shape.iter().product::<usize>() * size).map(|number| number as u8).collect();
            let there = Transpose::new(&shape, Layout::Nchw, Layout::Nhwc).expect("to be moved");
            let back = Transpose::new(&there.shape(), Layout::Nhwc, Layout::Nchw).expect("to be moved");
            prop_assert_eq!(back.shape(), shape);
            prop_assert_eq!(back.apply(&there.apply(&bytes, size), size), bytes);
        }
    }
}
