use super::super::{FileManifest, InputManifest, Manifest, Method, ShardId};
use super::*;
use proptest::prelude::*;

fn collection(name: &str) -> Collection {
    let files = vec![FileManifest { path: "x.npy".into(), files: 1, bytes: 640 }];
    let input = InputManifest { name: "x".into(), files, samples: 10, preprocessing: String::new() };
    let header = Header {
        tool: "0.1.0".into(),
        model: "5eed".into(),
        method: Method::FixedPoint,
        pass: 1,
        group: Some(16),
        shards: vec![ShardId { data: 0, index: 1, of: 3 }],
        data: vec![Manifest { inputs: vec![input], shuffle: Some(7), samples: 10 }],
        samples: 4,
    };
    let moment = |count, mean, m2| Moment { count, mean, m2 };
    let norm = |name: &str, in_place| NormStatistics {
        name: name.into(),
        moments: Moments { channels: vec![moment(12, 0.1, 1e-300), moment(u64::MAX, -3.5, 0.0)] },
        in_place,
        epsilon: 1e-5,
    };
    let place = RunningStatistics { mean: vec![0.25, -1.0], variance: vec![0.0, 2.0] };
    Collection { header, norms: vec![norm(name, Some(place)), norm("a/b/mean", None)] }
}

#[test]
fn what_is_written_is_read_and_replaces_the_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.safetensors");
    for name in ["bn", "bn/mean", "__metadata__", "", "β \"quoted\"\n"] {
        let collection = collection(name);
        write(&collection, &path).unwrap();
        assert_eq!(read(&path).unwrap(), collection);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn the_bytes_are_always_the_same_and_as_other_readers_expect_them() {
    let bytes = encode(&collection("bn")).unwrap();
    assert_eq!(bytes, encode(&collection("bn")).unwrap());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let own = ["bn/count", "bn/epsilon", "bn/in_place_mean", "bn/in_place_variance", "bn/m2", "bn/mean"];
    assert_eq!(names, [&["a/b/mean/count", "a/b/mean/epsilon", "a/b/mean/m2", "a/b/mean/mean"][..], &own].concat());
    let mean = tensors.tensor("bn/in_place_mean").unwrap();
    assert_eq!((mean.dtype(), mean.shape(), &mean.data()[..8]), (Dtype::F64, &[2][..], &0.25f64.to_le_bytes()[..]));
}

#[test]
fn what_contradicts_itself_is_neither_written_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.safetensors");
    let refused = |change: fn(&mut Collection)| {
        let mut wrong = collection("bn");
        change(&mut wrong);
        let error = write(&wrong, &path).unwrap_err().to_string();
        assert!(!path.exists());
        error.rsplit(": ").next().unwrap().to_owned()
    };
    assert_eq!(refused(|c| c.norms[1].name = "bn".into()), "there are two BatchNormalizations `bn`");
    let number = "the statistics of `bn` are not finite, or a variance is negative";
    assert_eq!(refused(|c| c.norms[0].moments.channels[0].mean = f64::NAN), number);
    assert_eq!(refused(|c| c.norms[0].moments.channels[1].m2 = -1.0), number);
    assert_eq!(refused(|c| c.norms[0].in_place.as_mut().unwrap().variance[0] = f64::INFINITY), number);
    let channels = "`bn` has not as many channels in all its statistics";
    assert_eq!(refused(|c| c.norms[0].in_place.as_mut().unwrap().variance.truncate(1)), channels);
    assert_eq!(refused(|c| c.header.shards[0].of = 1), "shard 2/1 is no part of its data");
    assert_eq!(refused(|c| c.header.shards[0].data = 1), "shard 2/3 is no part of its data");
}

/// Valid bytes with one text in the header replaced by another of the same length.
fn edited(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = encode(&collection("bn")).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn what_is_no_file_of_statistics_is_refused_for_what_it_is() {
    let cause = |bytes: &[u8]| decode(bytes).unwrap_err();
    assert!(matches!(cause(b""), Cause::Other));
    assert!(matches!(cause(b"\x93NUMPY, and more than eight bytes"), Cause::Other));
    assert!(matches!(cause(&edited(KEY, "bn_tool_xxxxxxxxxx")), Cause::Other));
    assert!(matches!(cause(&edited("\\\"version\\\":1", "\\\"version\\\":2")), Cause::Newer(2)));
    assert!(matches!(cause(&edited("fixed-point", "fixed-paint")), Cause::Damaged(_)));
    assert!(matches!(cause(&edited("bn/count", "bn/coumt")), Cause::Damaged(_)));
    assert!(matches!(cause(&edited("\"U64\"", "\"I64\"")), Cause::Damaged(_)));
    assert!(matches!(cause(&edited("\\\"index\\\":1", "\\\"index\\\":9")), Cause::Inconsistent(_)));
    let mut large = vec![0; LARGEST_HEADER as usize + 100];
    large[..8].copy_from_slice(&(LARGEST_HEADER + 1).to_le_bytes());
    assert!(matches!(cause(&large), Cause::TooLarge));
    let error = read(Path::new("no/such/file")).unwrap_err().to_string();
    assert_eq!(error, "cannot read statistics from `no/such/file`: No such file or directory (os error 2)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damage_is_an_error_or_other_statistics_but_nothing_worse(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = encode(&collection("bn")).unwrap();
        let len = bytes.len();
        edits.iter().for_each(|(at, byte)| bytes[at.index(len)] = *byte);
        bytes.truncate(if is_cut { cut.index(bytes.len()) } else { bytes.len() });
        if let Ok(collection) = decode(&bytes) {
            // It can be used like any other.
            let again = encode(&collection).unwrap();
            prop_assert_eq!(decode(&again).unwrap(), collection.clone());
            let _ = (collection.residual(), collection.header.coverage());
        }
    }

    #[test]
    fn any_header_is_an_error_or_statistics(json in "[\\[\\]{}\":,a-z0-9_ ]{0,80}", body in prop::collection::vec(any::<u8>(), 0..40)) {
        let bytes = [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &body].concat();
        let _ = decode(&bytes);
    }
}
