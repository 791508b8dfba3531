//! What a Slice takes of an axis. <https://onnx.ai/onnx/operators/onnx__Slice.html>

/// Which places of an axis of this length are from `start` to before `end`, each `step` places after
/// the one before; `None` for steps of 0. Negative places count from the end of the axis, and what lies
/// beyond it is cut off.
pub fn places(start: i64, end: i64, step: i64, length: usize) -> Option<impl ExactSizeIterator<Item = usize>> {
    let (start, end, step, length) = (i128::from(start), i128::from(end), i128::from(step), length as i128);
    let from_end = |place: i128| if place < 0 { place + length } else { place };
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let first = from_end(start).clamp(low.max(0).min(high.max(0)), high.max(0));
    let last = from_end(end).clamp(low, high.max(low));
    let distance = if step > 0 { last - first } else { first - last };
    let count = match step {
        0 => return None,
        _ if length == 0 || distance <= 0 => 0,
        _ => (distance + step.abs() - 1) / step.abs(),
    };
    let count = usize::try_from(count).ok()?;
    Some((0..count).map(move |index| (first + index as i128 * step) as usize))
}

#[cfg(test)]
mod tests {
    fn places(start: i64, end: i64, step: i64, length: usize) -> Option<Vec<usize>> {
        super::places(start, end, step, length).map(Iterator::collect)
    }

    #[test]
    fn places_are_those_of_the_specification() {
        assert_eq!(places(1, 3, 1, 5), Some(vec![1, 2]));
        assert_eq!(places(0, i64::MAX, 2, 5), Some(vec![0, 2, 4]));
        assert_eq!(places(-2, i64::MAX, 1, 5), Some(vec![3, 4]));
        assert_eq!(places(-1, i64::MIN, -1, 3), Some(vec![2, 1, 0]));
        assert_eq!(places(9, 0, -2, 5), Some(vec![4, 2]));
        assert_eq!(places(3, 1, 1, 5), Some(vec![]));
        assert_eq!(places(0, 9, 1, 0), Some(vec![]));
        assert_eq!(places(-1, i64::MIN, -1, 0), Some(vec![]));
        assert_eq!(places(0, 9, 0, 5), None);
    }
}
