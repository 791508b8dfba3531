//! The models that are damaged: all text fixtures, in several forms.

use super::external::{DATA, FLOATS};
use crate::generate::recipes;
use crate::tool::repository;
use bn_tool::onnx::load;
use bn_tool::onnx::schema::{ModelProto, StringStringEntryProto, TensorProto};
use bn_tool::onnx::text::{PrintOptions, print};
use bn_tool::onnx::wire::{Encoder, Message};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// As they are.
pub static TEXTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let paths = files("fixtures/fold").chain(files("fixtures/broken"));
    paths.map(|path| fs::read(path).expect("it can be read")).collect()
});

/// Sums of branches, as they are.
pub static SUMS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| files("fixtures/merge").map(|path| fs::read(path).expect("it can be read")).collect());

/// As protobuf, those that have a graph.
pub static BINARIES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| models().map(|model| encoded(&model)).collect());

/// With all initializers in a data file.
pub static EXTERNALS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| models().map(with_data_file).collect());

/// The files of a folder of the repository.
pub fn files(folder: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(repository(folder)).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter()
}

fn models() -> impl Iterator<Item = ModelProto> {
    files("fixtures/fold").map(|path| load(&path).expect("it loads"))
}

fn encoded(model: &ModelProto) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    model.encode_fields(&mut encoder).and_then(|()| encoder.finish()).expect("memory can be written");
    out
}

fn printed(model: &ModelProto) -> Vec<u8> {
    let mut out = Vec::new();
    print(model, &PrintOptions { weights: true }, &mut out).expect("it can be printed");
    out
}

fn with_data_file(mut model: ModelProto) -> Vec<u8> {
    let tensors = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
    for (index, tensor) in tensors.enumerate() {
        let Ok(elements) = tensor.little_endian() else { continue };
        let offset = index as u64 * 64 % (FLOATS as u64 * 4 / 2);
        let numbers = [("offset", offset), ("length", elements.len())].map(|(key, number)| (key, number.to_string()));
        let entries = [("location", DATA.to_owned())].into_iter().chain(numbers);
        let entry = |(key, value): (&str, String)| StringStringEntryProto {
            key: Some(key.into()),
            value: Some(value.into()),
            ..Default::default()
        };
        *tensor = TensorProto {
            name: tensor.name.take(),
            dims: std::mem::take(&mut tensor.dims),
            data_type: tensor.data_type,
            data_location: Some(1),
            external_data: entries.map(entry).collect::<Vec<_>>().into(),
            ..Default::default()
        };
    }
    printed(&model)
}

/// Seeds for fuzzing, in a folder for each target: `fuzz/seeds.sh`.
#[test]
#[ignore = "needs a folder to write to in SEEDS"]
fn write_seeds() {
    let folder = PathBuf::from(std::env::var_os("SEEDS").expect("SEEDS names a folder"));
    let mut runner = TestRunner::deterministic();
    let mut recipe = || recipes().new_tree(&mut runner).expect("a recipe").current().build().model;
    let generated: Vec<_> = (0..200).map(|_| printed(&recipe())).filter(|text| text.len() < 4096).collect();
    write(&folder.join("decode"), &BINARIES);
    write(&folder.join("text"), &TEXTS);
    write(&folder.join("fold"), &[&TEXTS[..], &BINARIES, &generated].concat());
    write(&folder.join("external"), &EXTERNALS);
}

fn write(folder: &Path, seeds: &[Vec<u8>]) {
    fs::create_dir_all(folder).expect("the folder can be made");
    for (index, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed_{index}")), seed).expect("it can be written");
    }
}
