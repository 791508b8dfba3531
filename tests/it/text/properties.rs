//! What holds for every model and every text.

use super::{arbitrary, text};
use crate::normalise;
use bn_tool::onnx::text::{looks_like_text, losses, parse};
use bn_tool::onnx::wire::{Encoder, Message as _};
use proptest::prelude::*;

proptest! {
    #[test]
    fn parses_to_the_same_model(model in arbitrary::model()) {
        let printed = text(&model, true);
        let (lossless, mut whole) = (losses(&model).is_empty(), model.clone());
        let mut expected = model;
        normalise::model(&mut expected);
        let mut parsed = parse(&printed).map_err(|error| {
            let snippet = error.snippet();
            TestCaseError::fail(format!("{error}\n{snippet}"))
        })?;
        prop_assert_eq!(&text(&parsed, true), &printed);
        normalise::representation(&mut whole);
        normalise::representation(&mut parsed);
        prop_assert_eq!(lossless, format!("{parsed:?}") == format!("{whole:?}"));
        normalise::model(&mut parsed);
        prop_assert_eq!(format!("{parsed:?}"), format!("{expected:?}"));
    }

    #[test]
    fn text_is_told_from_binary(mut model in arbitrary::model(), weights: bool) {
        // Without a header the name of the graph is first, and may be binary.
        model.ir_version.get_or_insert(10);
        let printed = text(&model, weights);
        prop_assert!(looks_like_text(&printed[..printed.len().min(200)]));
    }

    #[test]
    fn binary_is_told_from_text(model in arbitrary::model()) {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        model.encode_fields(&mut encoder).unwrap();
        encoder.finish().unwrap();
        prop_assert!(!looks_like_text(&bytes[..bytes.len().min(512)]));
    }

    #[test]
    fn mutated_text_does_not_panic(
        model in arbitrary::model(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..5),
    ) {
        let mut printed = text(&model, true);
        for (place, byte, edit) in edits {
            let at = place.index(printed.len());
            match edit {
                0 => printed.truncate(at),
                1 => drop(printed.remove(at)),
                2 => printed.insert(at, b"<>()[]{},:=.@\"-0aei#\\"[usize::from(byte) % 20]),
                _ => printed[at] = byte,
            }
            if printed.is_empty() {
                break;
            }
        }
        if let Err(error) = parse(&printed) {
            prop_assert!(error.line > 0 && error.column > 0);
            prop_assert!(error.snippet().lines().count() == 2, "{}", error.snippet());
        }
    }

    #[test]
    fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&bytes);
        looks_like_text(&bytes);
    }
}
