//! Wrong texts, and what is said about them.

use bn_tool::onnx::text::parse;

fn message(text: &str) -> String {
    parse(text).expect_err("an error").to_string()
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    let cases = [
        ("", "line 1, column 1: expected the name of a graph, but found the end"),
        ("<ir_version 8> g", "line 1, column 13: expected `:`, but found `8`"),
        ("<ir_version: 8.5> g", "line 1, column 14: expected an integer, but found 8.5"),
        ("<ir_version: 8", "line 1, column 15: expected `,` or `>`, but found the end"),
        ("<version: 8>", "line 1, column 2: expected one of the keys ir_version, opset_import, "),
        ("g (float[N x) => ()", "line 1, column 12: expected `,` or `]`, but found `x`"),
        ("g (float[N] ) => ()", "line 1, column 13: expected a name, but found `)`"),
        ("g (float x) -> ()", "line 1, column 13: expected `=>`, but found `-`"),
        ("g (seq(x) y) => () {}", "line 1, column 8: expected a type, but found `x`"),
        ("g () => () {\n  y = Add (a b)\n}", "line 2, column 14: expected `,` or `)`, but found `b`"),
        ("g () => () {\n  y Add (a)\n}", "line 2, column 5: expected `,` or `=`, but found `Add`"),
        ("g () => () {\n  (a)\n}", "line 2, column 3: expected a node or `}`, but found `(`"),
        (
            "g () => () { y = F <a: int = 1.5> () }",
            "line 1, column 30: expected a value of the type int, but found one",
        ),
        (
            "g () => () { y = F <a: int = [1]> () }",
            "line 1, column 30: expected one value of the type int, but found a",
        ),
        ("g () => () { y = F <a = []> () }", "line 1, column 25: expected a type before an empty list, such as"),
        ("g () => () { y = F <a: number = 1> () }", "line 1, column 24: expected the type of an attribute, but found"),
        (
            "g () => () { y = F <a = [1, 1.5]> () }",
            "line 1, column 29: expected a value of the type int, but found one",
        ),
        ("g () => () { y = F <a> () }", "line 1, column 22: expected `:` or `=`, but found `>`"),
        ("g () => () <float[2] x = {1}> {}", "line 1, column 27: expected 2 values for the shape [2], but there are 1"),
        (
            "g () => () <float[1] x = {1, 2}> {}",
            "line 1, column 30: expected 1 values for the shape [1], but there are more",
        ),
        ("g () => () <int4[3] x = {1}> {}", "line 1, column 26: expected 2 values (bytes of packed elements) for"),
        ("g () => () <int8[1] x = {128}> {}", "line 1, column 26: expected an integer from -128 to 127, but found 128"),
        ("g () => () <float x = {1e99}> {}", "line 1, column 24: expected a number of this type, but found 1e99"),
        ("g () => () <float16 x = {1e9}> {}", "line 1, column 26: this number does not fit its type"),
        (
            "g () => () <float[N] x = {1}> {}",
            "line 1, column 25: the dimensions of a tensor with values must be numbers",
        ),
        ("g () => () <float[] x = {1}> {}", "line 1, column 24: a tensor with values needs a shape, not `[]`"),
        ("g () => () <x = {1}> {}", "line 1, column 16: expected the type of a tensor before its values"),
        (
            "g () => () <float[2] x = {...2 values}> {}",
            "line 1, column 27: the values of this tensor were left out when",
        ),
        ("g () => () <float[2] x = ...> {}", "line 1, column 26: the values of this tensor were left out when"),
        ("g () => () {\n\n y = F (\"a) }", "line 3, column 9: this string has no end"),
        ("ä", "line 1, column 1: expected the name of a graph, but found `ä`"),
        ("g (float \"ä\" 1", "line 1, column 14: expected `,` or `)`, but found `1`"),
    ];
    for (text, expected) in cases {
        let message = message(text);
        assert!(message.starts_with(expected), "{text}\n{message}\n{expected}");
    }
}

#[test]
fn snippets_point_at_the_place() {
    let error = parse("g () => () {\n  y = \"ä\" (a b)\n}").unwrap_err();
    assert_eq!(error.snippet(), "2 |   y = \"ä\" (a b)\n  |              ^");
    assert_eq!(error.source_line, "  y = \"ä\" (a b)");
}

#[test]
fn the_caret_is_below_the_place_whatever_is_before_it() {
    for (before, width) in [
        ("\t\t", 2),
        ("\"日本語\" = F(x)", 15),
        ("\"🦀\" = F(x)", 11),
        ("\"\u{202e}\" = F(x)", 10),
        ("\"\x1b\" = F(x)", 10),
    ] {
        let error = parse(format!("g () => () {{\n{before}(a)\n}}")).unwrap_err();
        let snippet = error.snippet();
        let caret = snippet.lines().nth(1).expect("a second line");
        assert_eq!(caret, format!("  | {}^", " ".repeat(width)), "{snippet}");
        assert!(!snippet.contains(['\t', '\x1b', '\u{202e}']));
    }
}

#[test]
fn the_place_in_a_line_of_a_hundred_megabytes_is_found() {
    let mut text = b"g () => () {".to_vec();
    text.resize(100 << 20, b' ');
    text.extend(b"!");
    let error = parse(&text).unwrap_err();
    assert_eq!((error.line, error.column), (1, (100 << 20) + 1));
    assert!(error.snippet().ends_with(&format!("{}^", " ".repeat(100))));
    let digits = [b"<ir_version: ".to_vec(), vec![b'1'; 10 << 20]].concat();
    assert!(message_of(&digits).len() < 200);
}

fn message_of(text: &[u8]) -> String {
    parse(text).expect_err("an error").to_string()
}

#[test]
fn snippets_of_long_lines_are_short() {
    let error = parse(format!("g () => () <float[1] x = {{{}}}>", "1, ".repeat(1 << 20))).unwrap_err();
    assert_eq!(error.line, 1);
    assert!(error.snippet().len() < 500);
    let error = parse(format!("g {}", " ".repeat(1 << 20))).unwrap_err();
    assert!(error.snippet().len() < 500);
}

#[test]
fn nesting_is_limited() {
    let nested = |depth| format!("g ({}int8{} x) => () {{}}", "seq(".repeat(depth), ")".repeat(depth));
    assert!(parse(nested(90)).is_ok());
    assert!(message(&nested(1_000_000)).ends_with("graphs or types nested too deeply"));

    let open = "g () => () { y = If (x) <a = ";
    let nested = |depth| format!("{}g () => () {{}}{}", open.repeat(depth), "> }".repeat(depth));
    assert!(parse(nested(90)).is_ok());
    assert!(message(&nested(100_000)).ends_with("graphs or types nested too deeply"));
}

#[test]
fn huge_shapes_take_no_memory() {
    let text = "g () => () <float[9000000000000000000, 9000000000000000000] x = {}> {}";
    assert!(message(text).ends_with("the shape is too large"), "{}", message(text));
    let text = "g () => () <float[9000000000000000000] x = {}> {}";
    assert!(message(text).contains("expected 9000000000000000000 values"));
}
