//! The forms that operators had in older opsets.

use super::y;

#[test]
fn attributes_that_are_inputs_today() {
    let cases = [
        (4, "N,6", "y = Reshape <shape = [0,2,3]> (x)", "a 2 3"),
        (11, "N,1,6", "y = Squeeze <axes = [1]> (x)", "a 6"),
        (11, "N,6", "y = Unsqueeze <axes = [1]> (x)", "a 1 6"),
        (9, "N,6", "y = Slice <axes = [1], starts = [-3], ends = [9223372036854775807]> (x)", "a 3"),
        (9, "N,6", "y = Slice <starts = [0,1], ends = [2147483647,4]> (x)", "a 3"),
        (11, "N,6", "a, y = Split <axis = 1, split = [1,5]> (x)", "a 5"),
        (11, "N,6,4", "y = ReduceSum <axes = [1]> (x)", "a 1 4"),
        (17, "N,6,4", "y = ReduceMean <axes = [-1], keepdims = 0> (x)", "a 6"),
        (1, "N,6", "y = Pad <paddings = [0,1,0,2]> (x)", "a 9"),
        (2, "N,6", "y = Pad <pads = [0,1,0,2]> (x)", "a 9"),
        (1, "N,3,8,8", "y = Upsample <height_scale = 2.0, width_scale = 3.0> (x)", "a 3 16 24"),
        (7, "N,3,8,8", "y = Upsample <scales = [1.0,1.0,2.0,2.0]> (x)", "a 3 16 16"),
        (3, "N,3", "y = Concat (x, x)", "a 6"),
        (1, "N,3,8", "y = MaxPool <kernel_shape = [2]> (x)", "a 3 7"),
    ];
    for (opset, x, nodes, expected) in cases {
        assert_eq!(y(opset, &format!("float[{x}] x"), "", nodes), expected, "{opset}: {nodes}");
    }
}

#[test]
fn inputs_of_older_forms() {
    let scales = "float[4] s = {1, 1, 2, 2}";
    assert_eq!(y(9, "float[N,3,8,8] x", scales, "y = Upsample (x, s)"), "a 3 16 16");
    assert_eq!(y(10, "float[N,3,8,8] x", scales, "y = Resize (x, s)"), "a 3 16 16");
    assert_eq!(y(1, "float[N,3] x", "int64 t = {2}, int64 a = {1}", "y = Tile (x, t, a)"), "b c");
}

#[test]
fn broadcasting_before_version_7_keeps_the_first_shape() {
    let b = "float[3] b = {*}";
    assert_eq!(y(6, "float[N,3,8] x", b, "y = Add <broadcast = 1, axis = 1> (x, b)"), "a 3 8");
    assert_eq!(y(6, "float[N,3,H] x", b, "y = PRelu (x, b)"), "a 3 b");
}
