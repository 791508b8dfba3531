//! BatchNormalizations, and operators before them, that no runtime can run. One fixture for each
//! is in `fixtures/broken`; here are the ways of making them hostile.

use super::run::{assert_legal, assert_unfoldable, encoded, model};

/// A Conv and a BatchNormalization with these shapes.
fn conv(attributes: &str, weight: &str, parameters: [&str; 4]) -> bn_tool::onnx::schema::ModelProto {
    let [scale, bias, mean, variance] = parameters;
    model(&format!(
        "g (float[1,4,2,2] x) => (float y) <float{weight} w = {}, float{scale} s = {}, float{bias} b = {},
           float{mean} m = {}, float{variance} v = {}>
         {{ [conv] c = Conv {attributes} (x, w) [bn] y = BatchNormalization (c, s, b, m, v) }}",
        ones(weight),
        ones(scale),
        ones(bias),
        ones(mean),
        ones(variance),
    ))
}

/// As many ones as a shape wants.
fn ones(shape: &str) -> String {
    let lengths = shape.trim_matches(['[', ']']).split(',').map(|length| length.parse::<usize>().expect("a length"));
    format!("{{{}}}", vec!["1"; lengths.product()].join(", "))
}

#[test]
fn parameters_of_another_length() {
    for wrong in 0..4 {
        for length in ["[3]", "[5]", "[1]", "[2,4]"] {
            let mut parameters = ["[4]"; 4];
            parameters[wrong] = length;
            assert_unfoldable(&conv("", "[4,4,1,1]", parameters), "has the shape [");
        }
    }
    assert_unfoldable(&conv("", "[4,4,1,1]", ["[5]"; 4]), "Conv `conv` has 4 output channels, not 5");
}

#[test]
fn groups_that_do_not_divide() {
    for group in ["3", "0", "-1", "5", "9223372036854775807", "-9223372036854775808"] {
        let attributes = format!("<group: int = {group}>");
        assert_unfoldable(&conv(&attributes, "[4,1,1,1]", ["[4]"; 4]), "the groups of Conv `conv` do not divide its 4");
    }
}

#[test]
fn attributes_of_another_type() {
    for value in ["float = 2", "string = \"2\"", "ints = [2]", "tensor = int64 {2}"] {
        let attributes = format!("<group: {value}>");
        assert_unfoldable(
            &conv(&attributes, "[4,2,1,1]", ["[4]"; 4]),
            "attribute `group` of Conv `conv` is not one number",
        );
    }
}

#[test]
fn what_is_only_unusual_is_kept() {
    assert_legal(&encoded(&conv("", "[4,4,1,1]", ["[1,4]"; 4])));
    assert_legal(&encoded(&conv("", "[4,4,1,1]", ["[4]"; 4])));
}
