use super::super::*;
use proptest::prelude::*;

fn manifest(file: &str) -> Manifest {
    let files = vec![FileManifest { path: file.into(), files: 1, bytes: 640 }];
    let input = InputManifest { name: "x".into(), files, samples: 10, preprocessing: "scale 0.5".into() };
    Manifest { inputs: vec![input], shuffle: None, samples: 10 }
}

/// Part `index` of `of` of a file, in which one BatchNormalization of two channels sees `numbers`.
fn part(file: &str, index: usize, of: usize, numbers: &[f64]) -> Collection {
    let moments = Moments::of_planes(numbers, 2, 1, numbers.len() / 2);
    let in_place = Some(RunningStatistics { mean: vec![0.0; 2], variance: vec![1.0; 2] });
    let header = Header {
        tool: "0".into(),
        model: "m".into(),
        method: Method::FixedPoint,
        pass: 2,
        group: None,
        shards: vec![ShardId { data: 0, index, of }],
        data: vec![manifest(file)],
        samples: numbers.len() as u64 / 2,
    };
    Collection { header, norms: vec![NormStatistics { name: "bn".into(), moments, in_place, epsilon: 0.0 }] }
}

/// What stands in the way of merging a part with one that was changed; the order does not matter.
fn conflict(change: impl FnOnce(&mut Collection)) -> Conflict {
    let (one, mut other) = (part("a.npy", 0, 2, &[1.0, 2.0]), part("a.npy", 1, 2, &[3.0, 4.0]));
    assert!(Collection::merge(vec![one.clone(), other.clone()]).is_ok());
    change(&mut other);
    assert!(Collection::merge(vec![other.clone(), one.clone()]).is_err());
    match Collection::merge(vec![one.clone(), one_more(), other]).unwrap_err() {
        MergeError::Conflict { first: 0 | 1, second: 2, conflict } => conflict,
        error => panic!("{error}"),
    }
}

/// A part of other data.
fn one_more() -> Collection {
    part("b.npy", 0, 1, &[5.0, 6.0])
}

#[test]
fn what_does_not_belong_together_is_refused() {
    assert_eq!(conflict(|part| part.header.model = "n".into()), Conflict::Model);
    let (a, b) = (Method::FixedPoint, Method::Batch);
    assert_eq!(conflict(|part| part.header.method = b), Conflict::Method { a, b });
    assert_eq!(conflict(|part| part.header.pass = 3), Conflict::Pass { a: 2, b: 3 });
    assert_eq!(conflict(|part| part.header.group = Some(8)), Conflict::Group { a: None, b: Some(8) });
    assert_eq!(conflict(|part| part.norms[0].name = "c".into()), Conflict::Norms { norm: "bn".into() });
    assert_eq!(conflict(|part| part.norms.clear()), Conflict::Norms { norm: "bn".into() });
    let channels = Conflict::Channels { norm: "bn".into(), a: 2, b: 3 };
    assert_eq!(conflict(|part| part.norms[0].moments = Moments::new(3)), channels);
    let in_place = Conflict::RunningStatistics { norm: "bn".into() };
    assert_eq!(conflict(|part| part.norms[0].in_place = None), in_place);
    let place = RunningStatistics { mean: vec![0.0; 2], variance: vec![1.0, 1.0 + f64::EPSILON] };
    assert_eq!(conflict(|part| part.norms[0].in_place = Some(place)), in_place);
    let (a, b) = ("scale 0.5".into(), "".into());
    let preprocessing = Conflict::Preprocessing { input: "x".into(), a, b };
    assert_eq!(conflict(|part| part.header.data[0].inputs[0].preprocessing.clear()), preprocessing);
}

#[test]
fn no_sample_counts_twice() {
    let shard = ShardId { data: 0, index: 0, of: 2 };
    assert_eq!(conflict(|part| part.header.shards[0] = shard), Conflict::SameShard { shard });
    let other = ShardId { data: 0, index: 1, of: 3 };
    assert_eq!(conflict(|part| part.header.shards[0] = other), Conflict::ShardCount { a: 2, b: 3 });
    assert_eq!(Collection::merge(Vec::new()), Err(MergeError::Empty));
    // In what was merged before, too.
    let both = Collection::merge(vec![part("a.npy", 0, 2, &[1.0, 2.0]), one_more()]).unwrap();
    let error = Collection::merge(vec![part("a.npy", 1, 2, &[0.0; 2]), both, one_more()]).unwrap_err();
    assert_eq!(error.to_string(), "parts 2 and 3 both hold shard 1/1 of the same data: leave one of them out");
}

#[test]
fn different_data_is_merged_and_what_is_missing_is_known() {
    let parts = vec![one_more(), part("a.npy", 2, 3, &[1.0, 2.0]), part("a.npy", 0, 3, &[3.0, 4.0])];
    let merged = Collection::merge(parts).unwrap();
    assert_eq!(merged.header.data, [manifest("a.npy"), manifest("b.npy")]);
    let shard = |data, index, of| ShardId { data, index, of };
    assert_eq!(merged.header.shards, [shard(0, 0, 3), shard(0, 2, 3), shard(1, 0, 1)]);
    assert_eq!((merged.header.samples, merged.header.is_complete()), (3, false));
    let coverage = merged.header.coverage();
    assert_eq!(coverage[0], Coverage { shards: 3, seen: 2, missing: vec![2] });
    assert!(coverage[1].is_complete());
    assert!(merged.check().is_ok());
    let rest = part("a.npy", 1, 3, &[1.0, 2.0]);
    assert!(Collection::merge(vec![merged, rest]).unwrap().header.is_complete());
}

#[test]
fn the_residual_is_that_of_all_together() {
    let parts = vec![part("a.npy", 0, 2, &[1.0, 0.0, 1.0, 0.0]), part("a.npy", 1, 2, &[3.0, 0.0, 3.0, 0.0])];
    let merged = Collection::merge(parts).unwrap();
    // μ = 2 and σ = 1 where 0 and 1 were in place; the other channel is 0 where σ = 1 was.
    assert_eq!(merged.norms[0].moments.channels[0], Moment { count: 4, mean: 2.0, m2: 4.0 });
    assert!(merged.residual().unwrap() > 1e300);
    let mut live = merged;
    live.norms[0].moments.channels[1] = Moment { count: 4, mean: 0.0, m2: 4.0 };
    assert_eq!((live.residual(), live.worst()), (Some(2.0), Some(("bn", 2.0))));
    live.norms[0].moments.channels[0] = Moment::default();
    assert_eq!(live.residual(), Some(0.0));
    live.norms[0].in_place = None;
    assert_eq!(live.residual(), None);
}

proptest! {
    #[test]
    fn however_the_data_is_cut_and_shuffled_the_statistics_are_the_same(
        numbers in prop::collection::vec((-1e3..1e3f64, 99.0..100.0f64), 1..60),
        cuts in prop::collection::vec(0usize..60, 0..6),
        keys in prop::collection::vec(any::<u32>(), 8),
        together in 0usize..4,
    ) {
        let numbers: Vec<f64> = numbers.into_iter().flat_map(|(a, b)| [a, b]).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| 2 * cut.min(numbers.len() / 2)).collect();
        cuts.extend([0, numbers.len()]);
        cuts.sort_unstable();
        let of = cuts.len() - 1;
        let parts: Vec<_> =
            cuts.windows(2).enumerate().map(|(index, cut)| part("a.npy", index, of, &numbers[cut[0]..cut[1]])).collect();
        let mut shuffled: Vec<_> = parts.iter().cloned().zip(keys).collect();
        shuffled.sort_by_key(|(_, key)| *key);
        let mut shuffled: Vec<_> = shuffled.into_iter().map(|(part, _)| part).collect();
        let merged = Collection::merge(shuffled.clone()).unwrap();
        // The same to the bit in whatever order they are named.
        prop_assert_eq!(&merged, &Collection::merge(parts).unwrap());
        prop_assert!(merged.header.is_complete() && merged.check().is_ok());
        // And to rounding when some are merged before.
        let early = shuffled.split_off(shuffled.len() - together.min(shuffled.len() - 1));
        let early = Collection::merge(early).into_iter();
        let nested = Collection::merge(shuffled.into_iter().chain(early).collect()).unwrap();
        let whole = Moments::of_planes(&numbers, 2, 1, numbers.len() / 2);
        for moments in [&merged.norms[0].moments, &nested.norms[0].moments] {
            for (own, whole) in moments.channels.iter().zip(&whole.channels) {
                prop_assert_eq!(own.count, whole.count);
                prop_assert!((own.mean - whole.mean).abs() <= 1e-12 * 1e3);
                // A mean of 100 is stored to within 1e-14, which the variance of a few close numbers shows.
                prop_assert!((own.m2 - whole.m2).abs() <= 1e-12 * (whole.m2 + 1e-2), "{own:?} {whole:?}");
            }
        }
    }
}
