//! The rules of operators, in their current form.

use super::{Inferred, check, y};

const W: &str = "float[4,3,3,3] w = {*}";

#[test]
fn conv() {
    check(
        17,
        &[
            ("N,3,8,H", W, "y = Conv (x, w)", "a 4 6 c"),
            ("N,3,8,H", W, "y = Conv <pads = [1,1,1,1]> (x, w)", "a 4 8 b"),
            ("N,3,8,9", W, "y = Conv <strides = [2,2], dilations = [2,1], pads = [0,1,1,0]> (x, w)", "a 4 3 4"),
            ("N,3,8,H", W, "y = Conv <auto_pad = \"SAME_UPPER\"> (x, w)", "a 4 8 b"),
            ("N,3,9,H", W, "y = Conv <auto_pad = \"SAME_LOWER\", strides = [2,2]> (x, w)", "a 4 5 c"),
            ("N,3,9,9", W, "y = Conv <auto_pad = \"VALID\", strides = [2,1]> (x, w)", "a 4 4 7"),
            ("N,3,2,9", W, "y = Conv (x, w)", "a 4 b 7"),
            ("N,3,8,8", W, "y = Conv <strides = [0,1]> (x, w)", "a 4 b c"),
            ("N,3,8,8", W, "y = Conv <strides = [1]> (x, w)", "a 4 b c"),
            ("N,3,8,8", W, "y = Conv <kernel_shape = [-9223372036854775808,1]> (x, w)", "a 4 b c"),
            ("N,3,8,8", W, "y = Conv <dilations = [9223372036854775807,1]> (x, w)", "a 4 b c"),
            ("", W, "y = Conv (x, w)", "a 4 d e"),
            ("N,6,5,5", "float[4,3,1,1] w = {*}", "y = Conv <group = 2> (x, w)", "a 4 5 5"),
        ],
    );
}

#[test]
fn conv_transpose() {
    let w = "float[3,4,3,3] w = {*}";
    check(
        17,
        &[
            ("N,3,8,H", w, "y = ConvTranspose (x, w)", "a 4 10 c"),
            ("N,3,8,H", w, "y = ConvTranspose <group = 2, pads = [1,1,1,1]> (x, w)", "a 8 8 b"),
            ("N,3,8,8", w, "y = ConvTranspose <strides = [2,2], output_padding = [1,0]> (x, w)", "a 4 18 17"),
            ("N,3,8,8", w, "y = ConvTranspose <output_shape = [20,21]> (x, w)", "a 4 20 21"),
            ("N,3,8,8", w, "y = ConvTranspose <output_shape = [1,4,20,21]> (x, w)", "a 4 b c"),
            ("N,3,8,8", w, "y = ConvTranspose <auto_pad = \"SAME_UPPER\"> (x, w)", "a 4 b c"),
            ("", w, "y = ConvTranspose (x, w)", "a 4 d e"),
        ],
    );
}

#[test]
fn pools() {
    check(
        17,
        &[
            ("N,3,8,7", "", "y = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x)", "a 3 4 3"),
            ("N,3,8,7", "", "y = MaxPool <kernel_shape = [2,2], strides = [2,2], ceil_mode = 1> (x)", "a 3 4 4"),
            // Whether a window in the padding counts depends on the version.
            (
                "N,3,5",
                "",
                "y = AveragePool <kernel_shape = [1], strides = [3], pads = [0,2], ceil_mode = 1> (x)",
                "a 3 3",
            ),
            (
                "N,3,4",
                "",
                "y = AveragePool <kernel_shape = [1], strides = [4], pads = [0,1], ceil_mode = 1> (x)",
                "a 3 2",
            ),
            (
                "N,3,4",
                "",
                "y = AveragePool <kernel_shape = [2], strides = [4], pads = [0,2], ceil_mode = 1> (x)",
                "a 3 2",
            ),
            (
                "N,3,4",
                "",
                "y = AveragePool <kernel_shape = [2], strides = [3], pads = [0,4], ceil_mode = 1> (x)",
                "a 3 3",
            ),
            (
                "N,3,4",
                "",
                "y = AveragePool <kernel_shape = [3], strides = [4], pads = [0,4], ceil_mode = 1> (x)",
                "a 3 b",
            ),
            ("", "", "y = LpPool <kernel_shape = [2,2]> (x)", "a b c d"),
            ("N,C,8,8", "", "y = GlobalAveragePool (x)", "a b 1 1"),
            ("N,C,8,8", "", "_, y = MaxPool <kernel_shape = [8,1]> (x)", "a b 1 8"),
        ],
    );
}

#[test]
fn products() {
    let b = "float[3,5] b = {*}";
    check(
        17,
        &[
            ("N,3", b, "y = Gemm (x, b)", "a 5"),
            ("3,N", b, "y = Gemm <transA = 1> (x, b)", "a 5"),
            ("N,5", b, "y = Gemm <transB = 1> (x, b)", "a 3"),
            ("", b, "y = Gemm (x, b)", "a 5"),
            ("N,3", b, "y = MatMul (x, b)", "a 5"),
            ("N,7,3", b, "y = MatMul (x, b)", "a 7 5"),
            ("3", b, "y = MatMul (x, b)", "5"),
            ("N,3", "float[3] b = {*}", "y = MatMul (x, b)", "a"),
            ("N,1,2,3", "float[7,3,5] b = {*}", "y = MatMul (x, b)", "a 7 2 5"),
            ("", b, "y = MatMul (x, b)", "-"),
            ("N,3", b, "y = Einsum <equation = \"ij, jk -> ki\"> (x, b)", "5 a"),
            ("N,3", b, "y = Einsum <equation = \"zj,jk\"> (x, b)", "5 a"),
            ("N,3", b, "y = Einsum <equation = \"...j,jk->...k\"> (x, b)", "-"),
            ("", b, "y = Einsum <equation = \"ij,jk->ik\"> (x, b)", "a 5"),
        ],
    );
}

#[test]
fn elementwise_and_broadcast() {
    check(
        17,
        &[
            ("N,C,H", "", "y = Relu (x)", "a b c"),
            ("N,1,8", "float[3,1] b = {*}", "y = Add (x, b)", "a 3 8"),
            ("N,C", "float[3] b = {*}", "y = Mul (x, b)", "a 3"),
            ("N,M", "", "t = Transpose (x) y = Add (x, t)", "c d"),
            ("N,M", "", "t = Neg (x) y = Add (x, t)", "a b"),
            ("N,3", "float[2,1,1] b = {*}", "c = Less (x, x) y = Where (c, x, b)", "2 a 3"),
            ("N,3", "float[3] b = {*}", "y = PRelu (x, b)", "a 3"),
            ("N,3", "", "_, y = Dropout (x)", "a 3"),
            ("N,3", "int64[3] s = {2,1,1}", "y = Expand (x, s)", "2 a 3"),
            ("N,3", "int64[2] r = {1,2}", "y = Tile (x, r)", "a 6"),
        ],
    );
}

#[test]
fn axes_move() {
    check(
        17,
        &[
            ("N,2,3", "", "y = Flatten (x)", "a 6"),
            ("N,2,3", "", "y = Flatten <axis = -1> (x)", "b 3"),
            ("N,2,3", "", "y = Flatten <axis = 0> (x)", "1 b"),
            ("2,2,3", "", "y = Flatten <axis = 3> (x)", "12 1"),
            ("", "", "y = Flatten (x)", "a b"),
            ("N,2,3", "", "y = Transpose (x)", "3 2 a"),
            ("N,2,3", "", "y = Transpose <perm = [0,2,1]> (x)", "a 3 2"),
            ("", "", "y = Transpose <perm = [0,2,1]> (x)", "a b c"),
            ("N,2,3", "", "y = Transpose <perm = [0,2,2]> (x)", "-"),
            ("N,1,3", "int64[1] a = {1}", "y = Squeeze (x, a)", "a 3"),
            ("N,1,3", "", "y = Squeeze (x)", "-"),
            ("2,1,3", "", "y = Squeeze (x)", "2 3"),
            ("N,3", "int64[2] a = {0,-1}", "y = Unsqueeze (x, a)", "1 a 3 1"),
            ("N,3", "int64[2] a = {1,1}", "y = Unsqueeze (x, a)", "-"),
            ("N,8,H,3", "", "y = DepthToSpace <blocksize = 2> (x)", "a 2 c 6"),
            ("N,8,H,4", "", "y = SpaceToDepth <blocksize = 2> (x)", "a 32 c 2"),
            ("N,8,H,3", "", "y = SpaceToDepth <blocksize = 2> (x)", "a 32 c d"),
        ],
    );
}

#[test]
fn reshape() {
    check(
        17,
        &[
            ("N,2,3", "int64[2] s = {0,-1}", "y = Reshape (x, s)", "a 6"),
            ("N,2,3", "int64[2] s = {-1,6}", "y = Reshape (x, s)", "a 6"),
            ("N,2,3", "int64[2] s = {-1,3}", "y = Reshape (x, s)", "b 3"),
            ("4,2,3", "int64[2] s = {-1,3}", "y = Reshape (x, s)", "8 3"),
            ("4,2,3", "int64[2] s = {-1,5}", "y = Reshape (x, s)", "a 5"),
            ("4,2,3", "int64[2] s = {-1,-1}", "y = Reshape (x, s)", "a b"),
            ("", "int64[2] s = {0,-1}", "y = Reshape (x, s)", "a b"),
            ("N,0", "int64[2] s = {0,5}", "y = Reshape <allowzero = 1> (x, s)", "0 5"),
            ("N,3", "int64[2] s = {0,-9223372036854775808}", "y = Reshape (x, s)", "a 3"),
        ],
    );
    assert_eq!(y(17, "float[2,3] x, int64[2] s", "", "y = Reshape (x, s)"), "a b", "the rank is the number of lengths");
    assert_eq!(y(17, "float[2,3] x, int64[S] s", "", "y = Reshape (x, s)"), "-");
}

#[test]
fn parts() {
    check(
        17,
        &[
            ("N,3", "float[2,4] b = {*}", "y = Concat <axis = 1> (x, b)", "2 7"),
            ("N,C", "float[2,4] b = {*}", "y = Concat <axis = -1> (x, b)", "2 b"),
            ("", "float[2,4] b = {*}", "y = Concat <axis = 1> (x, b)", "2 a"),
            ("N,6", "", "a, y = Split <axis = 1> (x)", "a 3"),
            ("N,6", "int64[2] s = {2,4}", "a, y = Split <axis = 1> (x, s)", "a 4"),
            ("N,6", "int64[1] i = {2}", "y = Gather <axis = 1> (x, i)", "a 1"),
            ("N,6", "int64 i = {2}", "y = Gather <axis = 1> (x, i)", "a"),
            ("N,6", "int64[2] s = {0,1}, int64[2] e = {9223372036854775807,-1}", "y = Slice (x, s, e)", "a 4"),
            (
                "9,6",
                "int64[1] s = {-1}, int64[1] e = {-9223372036854775808}, int64[1] a = {-1}, int64[1] t = {-2}",
                "y = Slice (x, s, e, a, t)",
                "9 3",
            ),
            ("N,6", "int64[1] s = {9}, int64[1] e = {99}, int64[1] a = {1}", "y = Slice (x, s, e, a)", "a 0"),
            (
                "N,6",
                "int64[1] s = {1}, int64[1] e = {5}, int64[1] a = {1}, int64[1] t = {0}",
                "y = Slice (x, s, e, a, t)",
                "a b",
            ),
            ("N,6", "int64[4] p = {0,1,0,2}", "y = Pad (x, p)", "a 9"),
            ("N,6", "int64[4] p = {1,0,0,-7}", "y = Pad (x, p)", "b c"),
        ],
    );
    assert_eq!(y(18, "float[N,7] x", "", "a, b, y = Split <axis = 1, num_outputs = 3> (x)"), "a 1");
    assert_eq!(y(18, "float[N,6] x", "int64[2] p = {1,1}, int64[1] a = {-1}", "y = Pad (x, p, , a)"), "a 8");
}

#[test]
fn resized() {
    let scales = "float[4] s = {1, 1, 2, 0.5}";
    check(
        17,
        &[
            ("N,3,8,9", scales, "y = Resize (x, , s)", "a 3 16 4"),
            (
                "N,3,8,9",
                scales,
                "y = Resize <coordinate_transformation_mode = \"tf_crop_and_resize\"> (x, s, s)",
                "b c d e",
            ),
            ("N,3,8,9", "int64[4] s = {1,3,5,6}", "y = Resize (x, , , s)", "1 3 5 6"),
            // In single precision 0.7 · 10 is 7, in double precision it is less.
            ("N,3,10", "float[3] s = {1, 1, 0.7}", "y = Resize (x, , s)", "a 3 b"),
        ],
    );
    assert_eq!(y(18, "float[N,3,8] x", "float[1] s = {2}", "y = Resize <axes = [-1]> (x, , s)"), "a 3 16");
    let policy = "y = Resize <axes = [2], keep_aspect_ratio_policy = \"not_larger\"> (x, , , s)";
    assert_eq!(y(18, "float[2,3,8] x", "int64[1] s = {4}", policy), "a b c");
}

#[test]
fn reduced() {
    check(
        18,
        &[
            ("N,3,8", "int64[1] a = {-1}", "y = ReduceMean (x, a)", "a 3 1"),
            ("N,3,8", "int64[1] a = {-1}", "y = ReduceMean <keepdims = 0> (x, a)", "a 3"),
            ("N,3,8", "", "y = ReduceMax (x)", "1 1 1"),
            ("N,3,8", "", "y = ReduceMax <noop_with_empty_axes = 1> (x)", "a 3 8"),
            ("N,3,8", "", "y = ReduceL2 <keepdims = 0> (x)", ""),
            ("N,3,8", "int64[1] a = {3}", "y = ReduceSum (x, a)", "-"),
            ("N,3,8", "", "y = ArgMax <axis = 1> (x)", "a 1 8"),
            ("N,3,8", "", "y = ArgMin <keepdims = 0> (x)", "3 8"),
        ],
    );
    assert_eq!(y(18, "float[N,3] x, int64[1] a", "", "y = ReduceSum (x, a)"), "b c");
    assert_eq!(y(18, "float[N,3] x, int64[1] a", "", "y = ReduceSum <keepdims = 0> (x, a)"), "-");
}

#[test]
fn element_types() {
    let mut inferred = Inferred::new(
        21,
        "g (float[2] x, uint8[2] q, float16[2] h) => () {
            cast = Cast <to = 7> (x)  like = CastLike (x, h)  less = Less (x, x)  shape = Shape (h)
            real = DequantizeLinear (q, h)  chosen = Where (less, h, h)  fill = ConstantOfShape (shape)
            foreign = somebody.Relu (x)
            small = QuantizeLinear (x, h)  given = QuantizeLinear (x, h, q)
        }",
    );
    let names = ["cast", "like", "less", "shape", "real", "chosen", "fill", "foreign", "small", "given"];
    let types = names.map(|name| {
        let value = inferred.value(name);
        inferred.facts.of(&inferred.graph, value).element.map_or("?", |element| element.name())
    });
    assert_eq!(types, ["int64", "float16", "bool", "int64", "float16", "float16", "float", "?", "uint8", "uint8"]);
    assert_eq!(inferred.shape("fill"), "2");
}
