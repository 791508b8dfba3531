//! DepthToSpace and SpaceToDepth: each channel is spread over, or gathered from, blocks of pixels.
//!
//! DepthToSpace takes pixel `(i, j)` of a block of channel `c` from channel `(i·b + j)·C + c` (mode
//! DCR), or `c·b² + i·b + j` (CRD); SpaceToDepth is the inverse of DCR.
//! <https://onnx.ai/onnx/operators/onnx__DepthToSpace.html>

use super::{Moved, Passage, along_first_axes, mixes, only_first};
use crate::affine::Affine;
use crate::operator::Operator;
use crate::refusal::Refusal;

pub(super) struct Depth;

impl Passage for Depth {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || moved(op, map, op.name() == "DepthToSpace"), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || moved(op, map, op.name() == "SpaceToDepth"), op)
    }
}

/// The map on the side with more channels (`deep`), or on the other one.
fn moved(op: &Operator, map: &Affine, deep: bool) -> Result<Affine, Refusal> {
    let map = along_first_axes(op, map, 2)?;
    if map.length(1) == 1 {
        return Ok(map);
    }
    let block = usize::try_from(op.int("blocksize", 0)).ok().filter(|block| (1..1 << 10).contains(block));
    let layout =
        Layout { pixels: block.map_or(0, |block| block * block), channels_first: op.string("mode", "DCR") == "CRD" };
    let unknown = || mixes(op, "mixes channels that have other factors");
    let moved = if deep { layout.spread(&map) } else { layout.gathered(&map) };
    moved.filter(|_| layout.pixels > 0).ok_or_else(unknown)
}

struct Layout {
    /// How many pixels a block has.
    pixels: usize,
    /// CRD instead of DCR.
    channels_first: bool,
}

impl Layout {
    /// One channel becomes as many as a block has pixels.
    fn spread(&self, map: &Affine) -> Option<Affine> {
        let channels = map.length(1);
        let total = channels.checked_mul(self.pixels).filter(|total| *total <= crate::affine::LARGEST)?;
        let source = |deep: usize| if self.channels_first { deep / self.pixels } else { deep % channels };
        Some(map.gather(vec![map.length(0), total], |index| Some(index[0] * channels + source(index[1]))))
    }

    /// The channels of a block become one, if they have the same factors.
    fn gathered(&self, map: &Affine) -> Option<Affine> {
        let deep = map.length(1);
        let channels = deep.checked_div(self.pixels).filter(|channels| channels * self.pixels == deep)?;
        let first = |channel: usize| if self.channels_first { channel * self.pixels } else { channel };
        let gathered = map.gather(vec![map.length(0), channels], |index| Some(index[0] * deep + first(index[1])));
        (self.spread(&gathered)? == map.expanded(&[map.length(0), deep])).then_some(gathered)
    }
}
