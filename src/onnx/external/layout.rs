//! What goes where in a data file.

use crate::onnx::payload::Payload;

/// Tensors of this size and above start on a page, so that they can be mapped; smaller ones at a
/// multiple of [`SMALL_ALIGNMENT`].
const PAGED: u64 = 1 << 20;
const PAGE: u64 = 4096;
const SMALL_ALIGNMENT: u64 = 64;

/// A range of a data file that belongs to a tensor.
pub(super) struct Range {
    /// The first byte in the old file.
    pub offset: u64,
    /// The new bytes, or as many old ones.
    pub payload: Payload,
    /// Whether the bytes are new.
    pub edited: bool,
}

/// A data file as it will be: pieces without gaps, and where each tensor starts.
#[derive(Default)]
pub(super) struct Layout {
    pub pieces: Vec<Payload>,
    pub len: u64,
    /// One per range, in the order in which they were given.
    pub offsets: Vec<u64>,
}

impl Layout {
    /// Keeps the layout of an old file of `len` bytes, of which `slice` reads any part: edited
    /// ranges are replaced where they are. An edited range that somebody else has a part in
    /// moves to the end.
    pub fn keep(ranges: &[Range], len: u64, slice: &dyn Fn(u64, u64) -> Payload) -> Layout {
        let shared = shared(ranges);
        let mut layout = Layout { offsets: ranges.iter().map(|range| range.offset).collect(), ..Layout::default() };
        let mut in_place: Vec<usize> = (0..ranges.len()).filter(|at| ranges[*at].edited && !shared[*at]).collect();
        in_place.sort_by_key(|at| ranges[*at].offset);
        for range in in_place.into_iter().map(|at| &ranges[at]).filter(|range| !range.payload.is_empty()) {
            layout.push(slice(layout.len, range.offset - layout.len));
            layout.push(range.payload.clone());
        }
        layout.push(slice(layout.len, len - layout.len));
        for (at, range) in ranges.iter().enumerate().filter(|(at, range)| range.edited && shared[*at]) {
            layout.offsets[at] = layout.append(&range.payload);
        }
        layout
    }

    /// A new file: one payload after the other.
    pub fn gather(payloads: &[Payload]) -> Layout {
        let mut layout = Layout::default();
        layout.offsets = payloads.iter().map(|payload| layout.append(payload)).collect();
        layout
    }

    /// Appends a payload at the next aligned offset, and returns that.
    fn append(&mut self, payload: &Payload) -> u64 {
        let alignment = if payload.len() >= PAGED { PAGE } else { SMALL_ALIGNMENT };
        let gap = self.len.next_multiple_of(alignment) - self.len;
        self.push(vec![0; gap as usize].into());
        let offset = self.len;
        self.push(payload.clone());
        offset
    }

    fn push(&mut self, piece: Payload) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push(piece);
        }
    }
}

/// Which ranges overlap another one.
fn shared(ranges: &[Range]) -> Vec<bool> {
    let mut sorted: Vec<usize> = (0..ranges.len()).filter(|at| !ranges[*at].payload.is_empty()).collect();
    sorted.sort_by_key(|at| ranges[*at].offset);
    let mut shared = vec![false; ranges.len()];
    let mut reaching: Option<(u64, usize)> = None;
    for at in sorted {
        let range = &ranges[at];
        let end = range.offset + range.payload.len();
        if let Some((_, other)) = reaching.filter(|(reached, _)| range.offset < *reached) {
            shared[at] = true;
            shared[other] = true;
        }
        if reaching.is_none_or(|(reached, _)| end > reached) {
            reaching = Some((end, at));
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The old file is the bytes 0, 1, 2 …; edited ranges become 255.
    fn keep(len: u8, ranges: &[(u64, u64, bool)]) -> (Vec<u8>, Vec<u64>) {
        let old =
            |offset: u64, len: u64| Payload::from((offset..offset + len).map(|byte| byte as u8).collect::<Vec<_>>());
        let range = |&(offset, len, edited): &(u64, u64, bool)| Range {
            offset,
            payload: if edited { vec![255; len as usize].into() } else { old(offset, len) },
            edited,
        };
        let layout = Layout::keep(&ranges.iter().map(range).collect::<Vec<_>>(), u64::from(len), &old);
        let bytes: Vec<u8> = layout.pieces.iter().flat_map(|piece| piece.to_bytes().unwrap()).collect();
        assert_eq!(bytes.len() as u64, layout.len);
        (bytes, layout.offsets)
    }

    #[test]
    fn edited_ranges_are_replaced_where_they_are() {
        let (bytes, offsets) = keep(8, &[(6, 1, true), (1, 2, true), (3, 2, false)]);
        assert_eq!(bytes, [0, 255, 255, 3, 4, 5, 255, 7]);
        assert_eq!(offsets, [6, 1, 3]);
    }

    #[test]
    fn an_edited_range_that_another_one_overlaps_moves_to_the_end() {
        for other in [(1, 4, false), (2, 1, false), (0, 3, false), (4, 4, false), (0, 8, false)] {
            let (bytes, offsets) = keep(8, &[(1, 4, true), other]);
            assert_eq!(bytes[..8], [0, 1, 2, 3, 4, 5, 6, 7], "{other:?}");
            assert_eq!((&bytes[64..], &offsets[..]), (&[255; 4][..], &[64, other.0][..]));
        }
    }

    #[test]
    fn a_long_range_is_shared_with_all_that_lie_in_it() {
        let (_, offsets) = keep(100, &[(0, 100, false), (10, 5, true), (20, 5, true), (30, 0, true)]);
        assert_eq!(offsets, [0, 128, 192, 30]);
    }

    #[test]
    fn neighbours_are_not_shared() {
        let (bytes, offsets) = keep(4, &[(0, 2, true), (2, 2, false)]);
        assert_eq!((bytes, offsets), (vec![255, 255, 2, 3], vec![0, 2]));
    }

    #[test]
    fn gathered_payloads_are_aligned() {
        let payloads = [vec![1; 3], vec![2; 65], vec![3; 1 << 20]].map(Payload::from);
        assert_eq!(Layout::gather(&payloads).offsets, [0, 64, 4096]);
    }
}
