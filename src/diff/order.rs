//! Two lists of which some items match, as one: what goes, what comes, what stays, what moves.

/// A step through both lists; numbers are places in the first and in the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is in both lists, in the same order as all others that stay.
    Kept(usize, usize),
    /// It is in both lists, but elsewhere among those that stay.
    Moved(usize, usize),
    /// It is only in the first list.
    Removed(usize),
    /// It is only in the second list.
    Added(usize),
}

/// Steps in the order of the first list; what is added comes where it is in the second list,
/// behind what is removed there. `partner[i]` is the place in the second list, of `len` items, of
/// what is at `i` in the first. As few items as possible are said to move.
pub(super) fn merge(partner: &[Option<usize>], len: usize) -> Vec<Step> {
    let stays = longest_increasing(partner);
    let mut is_new = vec![true; len];
    partner.iter().flatten().for_each(|place| is_new[*place] = false);
    let mut steps = Vec::with_capacity(partner.len().max(len));
    let mut next = 0;
    for (place, partner) in partner.iter().enumerate() {
        match partner {
            None => steps.push(Step::Removed(place)),
            Some(other) if stays[place] => {
                steps.extend((next..*other).filter(|new| is_new[*new]).map(Step::Added));
                steps.push(Step::Kept(place, *other));
                next = other + 1;
            }
            Some(other) => steps.push(Step::Moved(place, *other)),
        }
    }
    steps.extend((next..len).filter(|new| is_new[*new]).map(Step::Added));
    steps
}

/// Which items belong to a longest increasing subsequence of their partners.
fn longest_increasing(partner: &[Option<usize>]) -> Vec<bool> {
    // For each length, the item with the smallest partner that such a subsequence ends with.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; partner.len()];
    for (place, other) in partner.iter().enumerate() {
        let Some(other) = *other else { continue };
        let length = ends.partition_point(|end| end.0 < other);
        before[place] = length.checked_sub(1).map(|shorter| ends[shorter].1);
        match ends.get_mut(length) {
            Some(end) => *end = (other, place),
            None => ends.push((other, place)),
        }
    }
    let mut stays = vec![false; partner.len()];
    let mut last = ends.last().map(|end| end.1);
    while let Some(place) = last {
        stays[place] = true;
        last = before[place];
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_comes_behind_what_is_removed_at_the_same_place() {
        let steps = merge(&[Some(0), None, Some(2)], 4);
        assert_eq!(steps, [Step::Kept(0, 0), Step::Removed(1), Step::Added(1), Step::Kept(2, 2), Step::Added(3)]);
    }

    #[test]
    fn one_item_that_goes_to_the_end_is_all_that_moves() {
        let steps = merge(&[Some(3), Some(0), Some(1), Some(2)], 4);
        assert_eq!(steps, [Step::Moved(0, 3), Step::Kept(1, 0), Step::Kept(2, 1), Step::Kept(3, 2)]);
    }

    #[test]
    fn nothing_matches() {
        assert_eq!(merge(&[None], 1), [Step::Removed(0), Step::Added(0)]);
        assert_eq!(merge(&[], 0), []);
    }
}
