//! Is it said when a file is not written as it came? Is it written as it came otherwise?

use crate::hostile::run::varint;
use crate::tool::{digits, run};
use bn_tool::onnx::{Source, load};
use std::fs;
use std::path::Path;

/// The first byte that differs, as the library says.
fn first_difference(bytes: &[u8]) -> Option<u64> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), bytes).expect("it is written");
    let source = Source::open(file.path()).expect("it opens");
    source.first_difference(&source.decode().expect("a model")).expect("it can be read")
}

/// A small model: IR version 8, producer "p", a graph with a name and a payload of `weight` bytes.
fn model(weight: usize) -> Vec<u8> {
    let raw = [&[0x4a][..], &length(weight), &vec![7; weight]].concat();
    let tensor = [&[0x10, 0x02][..], &raw].concat();
    let initializer = [&[0x2a][..], &length(tensor.len()), &tensor].concat();
    let graph = [&[0x12, 1, b'g'][..], &initializer].concat();
    [&[0x08, 8, 0x12, 1, b'p', 0x3a][..], &length(graph.len()), &graph].concat()
}

fn length(value: usize) -> Vec<u8> {
    varint(value as u64)
}

#[test]
fn what_protobuf_writers_write_is_the_same() {
    for weight in [0, 1, 4095, 4096, 300_000] {
        assert_eq!(first_difference(&model(weight)), None, "{weight}");
    }
    assert_eq!(first_difference(&fs::read(digits()).unwrap()), None);
    // A field that this version does not know, after the others.
    assert_eq!(first_difference(&[model(8), vec![0xf8, 0x07, 5]].concat()), None);
}

#[test]
fn other_layouts_are_told_with_their_place() {
    let usual = model(5000);
    let (head, graph) = usual.split_at(5);
    let cases: [(&str, Vec<u8>, u64); 6] = [
        ("a number longer than need be", [&[0x08, 0x88, 0x00], &usual[2..]].concat(), 1),
        ("fields out of order", [graph, head].concat(), 0),
        ("a field twice", [&[0x08, 7], &usual[..]].concat(), 1),
        ("an unknown field before known ones", [&[0xf8, 0x07, 5], &usual[..]].concat(), 0),
        ("a payload twice, the second counts", twice(), 3),
        ("a graph in two parts", [&usual[..], &[0x3a, 2, 0x72, 0]].concat(), 6),
    ];
    for (what, bytes, place) in cases {
        assert_eq!(first_difference(&bytes), Some(place), "{what}");
    }
}

/// Both payloads are large enough to stay in the file.
fn twice() -> Vec<u8> {
    let raw = |fill: u8| [&[0x4a][..], &length(5000), &[fill; 5000]].concat();
    let tensor = [raw(1), raw(2)].concat();
    let graph = [&[0x2a][..], &length(tensor.len()), &tensor].concat();
    [&[0x08, 8, 0x3a][..], &length(graph.len()), &graph].concat()
}

#[test]
fn the_user_is_told_before_such_a_file_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from.onnx", "to.onnx"].map(|name| folder.path().join(name));
    let usual = fs::read(digits()).unwrap();
    assert_eq!(usual[0], 0x08);
    fs::write(&from, [&[0x08, usual[1] | 0x80, 0x00], &usual[2..]].concat()).unwrap();
    let fold = |arguments: &[&Path]| run(&[&[Path::new("fold"), &from], arguments].concat());

    let written = fold(&[Path::new("-q"), Path::new("-o"), &to]);
    assert_eq!((written.status, written.stderr.lines().count()), (Some(0), 1));
    assert!(written.stderr.starts_with("warning: ") && written.stderr.contains("from byte 1 on"), "{}", written.stderr);
    assert_eq!(fold(&[]).stderr, "", "nothing is written, nothing is to be said");

    fs::write(&from, &usual).unwrap();
    let same = fold(&[Path::new("-o"), &to, Path::new("--exclude"), Path::new("*")]);
    assert_eq!((same.status, same.stderr.as_str()), (Some(0), ""));
    assert_eq!(fs::read(&to).unwrap(), usual);
    load(&to).unwrap();
}
