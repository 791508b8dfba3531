//! Text of which each byte asks for as much memory as possible.

use super::run::assert_undecodable;

const SIZE: usize = 2 << 20;

/// A text with many copies of a part in it.
fn flood(before: &str, part: &str) -> Vec<u8> {
    format!("{before}{}", part.repeat(SIZE / part.len())).into_bytes()
}

#[test]
fn many_small_things() {
    for (before, part) in [
        ("g (", "a,"),
        ("g () => () <", "a,"),
        ("g () => () {", "=F()"),
        ("g () => () {", ","),
        ("g () => () { = F (", "a,"),
        ("g () => () { = F <", "a=1,"),
        ("g () => () { = F <a: type_protos = [", "int8,"),
        ("g () => () { = F <a: graphs = [", "a()=>(){},"),
        ("g () => () { = F <a: tensors = [", "int8[0]{},"),
        ("g (int8[", "?,"),
        ("<metadata_props: [", "\"\":\"\","),
        ("<opset_import: [", "\"\":1,"),
    ] {
        assert_undecodable(&flood(before, part), "line 1, column ");
    }
}

#[test]
fn one_line_of_anything() {
    let whole = |text: Vec<u8>| [text, b"\xff(".to_vec()].concat();
    for (before, part) in
        [("", "#"), ("g", " "), ("g (\"", "a"), ("g ", "a"), ("<ir_version: ", "1"), ("<ir_version: 1.", "1")]
    {
        assert_undecodable(&whole(flood(before, part)), "");
    }
    assert_undecodable(
        &flood("g () => () <float[9] x = {", "1,"),
        "expected 9 values for the shape [9], but there are more",
    );
    assert_undecodable(&flood("g () => () <float[9] x = {", "\t"), "expected a number");
}

#[test]
fn nesting() {
    for (before, part) in [
        ("g (", "seq("),
        ("g () => () {", "=F()<a=g()=>(){"),
        ("g () => () <", "sparse_tensor(float) a={"),
        ("g () => () { = F <a = ", "[["),
    ] {
        assert_undecodable(&flood(before, part), "line 1, column ");
    }
}
