//! DepthToSpace-1, 11, 13 and SpaceToDepth-1, 13.

use super::call::{Call, Outputs};
use super::shape::reshaped;
use ndarray::IxDyn;

/// `[N, C·b², H, W] → [N, C, H·b, W·b]`. The channels are block by block (DCR, also before
/// opset 11), or each image channel has its block together (CRD).
pub fn depth_to_space(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let (&[n, c, h, w], b) = (x.shape(), call.int("blocksize", 0) as usize) else { return Err("not an image".into()) };
    let depth = c.checked_div(b * b).ok_or("there is no blocksize")?;
    let (split, order) = match call.string("mode", "DCR").as_str() {
        "DCR" => ([n, b, b, depth, h, w], [0, 3, 4, 1, 5, 2]),
        _ => ([n, depth, b, b, h, w], [0, 1, 4, 2, 5, 3]),
    };
    let moved = reshaped(x, &split)?.permuted_axes(IxDyn(&order));
    call.one(reshaped(&moved, &[n, depth, h * b, w * b])?)
}

/// `[N, C, H·b, W·b] → [N, C·b², H, W]`, block by block, or with
/// `mode=CRD` (opset 25) the block of each channel together.
pub fn space_to_depth(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let (&[n, c, h, w], b) = (x.shape(), call.int("blocksize", 0) as usize) else { return Err("not an image".into()) };
    let (rows, columns) = (h.checked_div(b).ok_or("there is no blocksize")?, w / b);
    let order = if call.string("mode", "DCR") == "DCR" { [0, 3, 5, 1, 2, 4] } else { [0, 1, 3, 5, 2, 4] };
    let moved = reshaped(x, &[n, c, rows, b, columns, b])?.permuted_axes(IxDyn(&order));
    call.one(reshaped(&moved, &[n, c * b * b, rows, columns])?)
}
