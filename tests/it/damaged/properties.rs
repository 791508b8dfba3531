//! What holds for every input, however broken. Called by the tests here, and by the fuzz
//! targets in `fuzz/`.

use super::run;
use crate::normalise;
use bn_tool::diff;
use bn_tool::graph::Graph;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::stable_file::StableFile;
use bn_tool::onnx::text::{self, PrintOptions};
use bn_tool::onnx::wire::{DecodeError, Decoder, EncodeError, Encoder, Input, Message};
use bn_tool::onnx::{self, payload::PayloadError};
use bn_tool::report::{InspectSummary, human, json};
use bn_tool::transform::fold::{FoldError, FoldOptions, Folded, fold_checked};
use bn_tool::transform::merge::{MergeReport, merge_branches};
use bn_tool::transform::strip_bias::{StripOptions, strip_bias};
use bstr::ByteSlice;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

/// Whatever decodes, from memory and from a file alike, encodes to bytes that decode to the
/// same model and encode to themselves.
pub fn decodes(bytes: &[u8]) {
    let decoded = decode(bytes);
    let from_file = Decoder::decode::<ModelProto>(&in_file(bytes));
    match (decoded, from_file) {
        (Ok(model), Ok(from_file)) => {
            let encoded = encode(&model).expect("memory can be written");
            assert_eq!(encoded, encode(&from_file).expect("memory can be written"), "the file decodes differently");
            let again = decode(&encoded).expect("what was encoded decodes");
            assert_same(&again, &model);
            assert_eq!(encoded, encode(&again).expect("memory can be written"), "encoded differently");
            prints(&model);
        }
        (Err(memory), Err(file)) => assert_eq!(memory.to_string(), file.to_string()),
        (memory, file) => panic!("from memory {:?}, from a file {:?}", memory.err(), file.err()),
    }
}

/// Whatever decodes prints, and if its tensors are sound, as text that parses and prints as itself.
fn prints(model: &ModelProto) {
    text::print(model, &PrintOptions { weights: false }, &mut io::sink()).expect("whoever only looks gets to see it");
    let Ok(printed) = print(model) else { return };
    let again = text::parse(&printed).unwrap_or_else(|error| panic!("{error}\n{}", error.snippet()));
    assert_eq!(printed.as_bstr(), print(&again).expect("it was printed before").as_bstr(), "printed differently");
}

/// Whatever parses prints as text that parses to the same model and prints as itself.
pub fn parses(text: &[u8]) {
    match text::parse(text) {
        Ok(mut model) => {
            let printed = print(&model).expect("what was parsed can be printed");
            let mut again = text::parse(&printed).unwrap_or_else(|error| panic!("{error}\n{}", error.snippet()));
            assert_eq!(
                printed.as_bstr(),
                print(&again).expect("it was printed before").as_bstr(),
                "printed differently"
            );
            normalise::model(&mut model);
            normalise::model(&mut again);
            assert_same(&again, &model);
        }
        Err(error) => {
            assert!(error.line > 0 && error.column > 0);
            assert_eq!(error.snippet().lines().count(), 2, "{}", error.snippet());
        }
    }
}

/// Whatever loads, as binary or text, and can be folded, is then a valid model in which there is
/// nothing left to fold; it computes the same, and the engine runs it or says why not. Returns
/// whether it could be folded.
pub fn folds(bytes: &[u8]) -> bool {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("it can be written");
    let Ok(model) = onnx::load(file.path()) else { return false };
    differs(&model, &model, true);
    let Ok((Folded { report, .. }, once)) = fold(&model) else { return false };
    let folded = decode(&once).expect("what was folded decodes");
    onnx::check(&folded).expect("what was folded is a valid model");
    let (again, twice) = fold(&folded).expect("what was folded can be folded again");
    assert_eq!(again.report.folded, 0, "a second run finds something to fold");
    assert_eq!(once, twice, "a second run changes something");
    let stripped = strip_bias(&model, &StripOptions::default()).expect("what is a valid graph can be stripped");
    onnx::check(&stripped.model).expect("what was stripped is a valid model");
    let summary = InspectSummary::new(file.path(), &model, &report, stripped.report);
    serde_json::from_str::<serde::de::IgnoredAny>(&json::to_text(&summary)).expect("the report is JSON");
    human::inspect(&summary);
    differs(&model, &folded, false);
    let runs = run::runs(&folded) && run::runs(&model);
    if report.folded > 0 && runs {
        run::compare(&model, &folded);
        run::verify(&model, &folded);
    }
    true
}

/// Whatever loads can be compared with itself, of which it does not differ, and with others.
fn differs(a: &ModelProto, b: &ModelProto, same: bool) {
    let found = diff::diff(a, b, &diff::DiffOptions { context: 1 }).expect("what loads can be compared");
    let text = diff::human(&found, &diff::HumanOptions::default());
    assert!(!same || found.is_empty(), "it differs from itself: {text}");
    diff::markdown(&found);
    serde_json::from_str::<serde::de::IgnoredAny>(&json::to_text(&found)).expect("the report is JSON");
}

/// Whatever loads is, when parallel branches are merged, a valid model in which nothing is left to
/// merge, and computes the same. Returns how many merges there were.
pub fn merges(bytes: &[u8]) -> usize {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("it can be written");
    let Ok(model) = onnx::load(file.path()) else { return 0 };
    let Some((merged, report)) = merge(&model) else { return 0 };
    onnx::check(&merged).expect("what was merged is a valid model");
    let (again, second) = merge(&merged).expect("what was merged is a valid graph");
    assert!(second.merges.is_empty(), "a second run finds something to merge");
    assert_same(&again, &merged);
    serde_json::from_str::<serde::de::IgnoredAny>(&json::to_text(&report)).expect("the report is JSON");
    // The bound is that of one rounding: not for one merged operator behind another.
    if report.merges.len() == 1 && run::runs(&model) && run::runs(&merged) {
        run::compare(&model, &merged);
    }
    report.merges.len()
}

fn merge(model: &ModelProto) -> Option<(ModelProto, MergeReport)> {
    let mut graph = Graph::new(model.clone()).ok()?;
    let report = merge_branches(&mut graph);
    Some((graph.into_model(), report))
}

/// A model and its bytes, with nothing folded that overflows.
fn fold(model: &ModelProto) -> Result<(Folded, Vec<u8>), Failed> {
    let overflow = |failed: &Failed| match failed {
        Failed::Encode(EncodeError::Payload(PayloadError::Overflow(overflow))) => Some(overflow.clone()),
        _ => None,
    };
    fold_checked(model, FoldOptions::default(), |folded| Ok(encode(&folded.model)?), overflow)
}

/// Why a model could not be folded.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Fold(#[from] FoldError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

fn decode(bytes: &[u8]) -> Result<ModelProto, DecodeError> {
    Decoder::decode(&Input::Memory(bytes.to_vec().into()))
}

fn in_file(bytes: &[u8]) -> Input {
    let mut file: File = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("it can be written");
    Input::File(Arc::new(StableFile::new(file).expect("a file")))
}

fn encode(model: &ModelProto) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    model.encode_fields(&mut encoder)?;
    encoder.finish()?;
    assert_eq!(out.len() as u64, model.fields_len(), "the announced length is wrong");
    Ok(out)
}

fn print(model: &ModelProto) -> Result<Vec<u8>, text::PrintError> {
    let mut out = Vec::new();
    text::print(model, &PrintOptions { weights: true }, &mut out)?;
    Ok(out)
}

/// Equal, where NaN equals NaN.
fn assert_same(a: &ModelProto, b: &ModelProto) {
    assert!(a == b || format!("{a:?}") == format!("{b:?}"), "{a:#?}\nis not\n{b:#?}");
}
