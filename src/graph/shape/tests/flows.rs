//! What is known across several nodes and scopes.

use super::{Inferred, y};

/// PyTorch's `x.view(x.size(0), -1)`.
#[test]
fn a_computed_shape_keeps_the_batch() {
    let nodes = "s = Shape (x) n = Gather <axis = 0> (s, zero) u = Unsqueeze (n, first)
        m = Constant <value = int64[1] {-1}> () t = Concat <axis = 0> (u, m) y = Reshape (x, t)";
    let constants = "int64 zero = {0}, int64[1] first = {0}";
    assert_eq!(y(17, "float[N,3,4,5] x", constants, nodes), "a 60");
    assert_eq!(y(17, "float[N,3,H,5] x", constants, nodes), "a c");
    assert_eq!(y(17, "float[] x", constants, nodes), "a b");
}

#[test]
fn numbers_are_followed() {
    let mut inferred = Inferred::new(
        17,
        "g (float[N,3,H,W] x, int64[2] given) => ()
        <int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3}, int64[1] last = {-1}, int64[2] pair = {3,1}> {
            s = Shape (x)  end = Shape <start = -2> (x)  middle = Shape <start = 1, end = 3> (x)
            cut = Slice (s, one, three)  back = Gather (s, pair)  narrow = Cast <to = 6> (s)
            double = Mul (middle, two)  same = Mul (middle, one)  more = Add (cut, two)  less = Sub (cut, cut)
            half = Div (double, two)  all = Concat <axis = 0> (cut, given, last)
            element = Squeeze (three)  again = Reshape (element, last)
            filled = ConstantOfShape <value = int64[1] {7}> (two)
            float = Cast <to = 1> (s)  size = Size (x)  ints = Constant <value_ints = [4,5]> ()
        }",
    );
    assert_eq!(inferred.numbers("s"), "a 3 b c");
    assert_eq!(inferred.numbers("end"), "b c");
    assert_eq!(inferred.numbers("middle"), "3 b");
    assert_eq!(inferred.numbers("cut"), "3 b");
    assert_eq!(inferred.numbers("back"), "c 3");
    assert_eq!(inferred.numbers("narrow"), "a 3 b c");
    assert_eq!(inferred.numbers("double"), "6 ?");
    assert_eq!(inferred.numbers("same"), "3 b");
    assert_eq!(inferred.numbers("more"), "5 ?");
    assert_eq!(inferred.numbers("less"), "0 0");
    assert_eq!(inferred.numbers("half"), "3 ?");
    assert_eq!(inferred.numbers("all"), "3 b ? ? -1");
    assert_eq!(inferred.numbers("again"), "3");
    assert_eq!(inferred.numbers("filled"), "7 7");
    assert_eq!(inferred.numbers("ints"), "4 5");
    assert_eq!(inferred.numbers("size"), "?");
    assert_eq!(inferred.numbers("float"), "-");
    assert_eq!(inferred.numbers("x"), "-");
}

/// PyTorch's `F.pad`: pairs from the last axis to the first become all beginnings, then all ends.
#[test]
fn the_pads_that_pytorch_computes_are_followed() {
    let mut inferred = Inferred::new(
        17,
        "g (float[N,3,8,8] x) => ()
        <int64[2] given = {31,32}, int64[1] zero = {0}, int64[1] last = {-1}, int64[2] pairs = {-1,2},
         int64[1] first = {-9223372036854775807}, int64[2] wide = {1,2}, int64[2,2] square = {1,2,3,4}> {
            count = Shape (given)  rank = Constant <value = int64[1] {8}> ()  missing = Sub (rank, count)
            zeros = ConstantOfShape <value = int64[1] {0}> (missing)  all = Concat <axis = 0> (given, zeros)
            rows = Reshape (all, pairs)  turned = Slice (rows, last, first, zero, last)
            columns = Transpose <perm = [1,0]> (turned)  pads = Reshape (columns, last)
            reversed = Transpose (square)  column = Slice (square, zero, last, last)
            beside = Concat <axis = 1> (square, square)  below = Concat <axis = 0> (square, square)
            row = Gather <axis = 0> (square, zero)  twice = Transpose <perm = [0,0]> (square)
            sum = Add (square, wide)
        }",
    );
    assert_eq!(inferred.numbers("rows"), "31 32 0 0 0 0 0 0");
    assert_eq!(inferred.numbers("turned"), "0 0 0 0 0 0 31 32");
    assert_eq!(inferred.numbers("pads"), "0 0 0 31 0 0 0 32");
    assert_eq!(inferred.numbers("reversed"), "1 3 2 4");
    assert_eq!(inferred.numbers("column"), "1 3");
    assert_eq!(inferred.numbers("beside"), "? ? ? ? ? ? ? ?");
    assert_eq!(inferred.numbers("below"), "1 2 3 4 1 2 3 4");
    assert_eq!(inferred.numbers("row"), "? ?");
    assert_eq!(inferred.numbers("twice"), "-");
    assert_eq!(inferred.numbers("sum"), "? ? ? ?");
}

/// The Conv at the end says of what rank the MatMul at the beginning is.
#[test]
fn what_is_needed_far_behind_is_known_before() {
    let nodes = "v = If (f) <then_branch = t () => (float[] a) {a = Identity (x)},
            else_branch = e () => (float[] b) {b = Relu (x)}>
        y = MatMul (v, k)  n = BatchNormalization (y, p, p, p, p)  r = Relu (n)  c = Conv (r, w)";
    let constants = "float[4,4] k = {*}, float[3] p = {*}, float[5,3,1] w = {*}";
    let graph = |nodes: &str| format!("g (float[1,3,4] x, bool f) => () <{constants}> {{ {nodes} }}");
    let mut inferred = Inferred::new(17, &graph(nodes));
    assert_eq!(inferred.shape("y"), "a 3 b");
    assert_eq!(inferred.shape("v"), "-");
    let mut inferred = Inferred::new(17, &graph(&nodes.replace("r = Relu (n)", "r = Other (n)")));
    assert_eq!(inferred.shape("y"), "-");
}

#[test]
fn small_integers_overflow_and_large_vectors_are_not_followed() {
    let mut inferred = Inferred::new(
        17,
        "g (float[2] x) => ()
        <int64[1] big = {9223372036854775807}, int64[1] wide = {4294967296}, int64[65] long = {*}> {
            sum = Add (big, big)  product = Mul (big, big)  narrow = Cast <to = 6> (wide)
        }",
    );
    assert_eq!(["sum", "product", "narrow", "long"].map(|name| inferred.numbers(name)), ["?", "?", "?", "-"]);
}

#[test]
fn a_node_tells_what_its_inputs_are() {
    let mut inferred = Inferred::new(
        17,
        "g (float[] x, float[N,C,8] z, float[A,B] m, float[] g) => ()
        <float[4,3,1,1] w = {*}, float[5] p = {*}, float[6,7] b = {*}> {
            c = Conv (x, w)  n = BatchNormalization (z, p, p, p, p)  r = Relu (z)
            k = MatMul (m, b)  f = Gemm <transB = 1> (g, b)
        }",
    );
    assert_eq!(inferred.shape("x"), "a 3 b c");
    assert_eq!(inferred.shape("z"), "d 5 8");
    assert_eq!(inferred.shape("r"), "d 5 8");
    assert_eq!(inferred.shape("m"), "e 6");
    assert_eq!(inferred.shape("g"), "f 7");
}

#[test]
fn demands_of_old_and_quantised_operators() {
    let per_element = "y = BatchNormalization <spatial = 0> (x, p, p, p, p)";
    assert_eq!(y(7, "float[N,C] x", "float[5] p = {*}", per_element), "a b");
    assert_eq!(y(7, "float[N,C] x", "float[5] p = {*}", "y = BatchNormalization (x, p, p, p, p)"), "a 5");
    assert_eq!(y(17, "float[N,C,H] x", "float[5] p = {*}", "y = InstanceNormalization (x, p, p)"), "a 5 b");
    assert_eq!(y(17, "uint8[] x, uint8[4,3,1,1] w", "", "y = ConvInteger (x, w)"), "a 4 b c");
    let inputs = "uint8[N,C,8] x, float s, uint8 z, uint8[4,3,2] w";
    assert_eq!(y(17, inputs, "", "y = QLinearConv (x, s, z, w, s, z, s, z)"), "a 4 7");
    let inputs = "uint8[N,K] x, float s, uint8 z, uint8[3,5] w";
    assert_eq!(y(17, inputs, "", "y = QLinearMatMul (x, s, z, w, s, z, s, z)"), "a 5");
}

#[test]
fn equal_parts_of_an_unknown_length_are_equal() {
    let mut inferred = Inferred::new(17, "g (float[N,C] x) => () { a, b = Split <axis = 1> (x) y = Add (a, b) }");
    assert_eq!(["x", "a", "b", "y"].map(|name| inferred.shape(name)), ["a b", "a c", "a c", "a c"]);
    let mut inferred = Inferred::new(18, "g (float[C] x) => () { a, b = Split <num_outputs = 2> (x) }");
    assert_eq!(["x", "a", "b"].map(|name| inferred.shape(name)), ["a", "b", "c"]);
}

#[test]
fn a_length_that_is_learned_late_is_known_everywhere() {
    let mut inferred = Inferred::new(
        17,
        "g (float[N,A] x, float[N,B] z) => () <float[6,7] w = {*}> {
            s = Shape (x) both = Concat <axis = 0> (x, z) m = MatMul (z, w) f = Flatten (both)
        }",
    );
    assert_eq!(["x", "z", "f"].map(|name| inferred.shape(name)), ["a 6", "a 6", "b 6"]);
    assert_eq!(inferred.numbers("s"), "a 6");
}

#[test]
fn a_branch_tells_nothing_of_values_outside() {
    let mut inferred = Inferred::new(
        17,
        "g (bool c, float[N,C,H,W] x, float[] z) => () <float[4,3,1,1] w = {*}> {
            y = If (c) <
                then_branch = t () => (float[] a) { i = Relu (x) a = Conv (x, w) k = Conv (z, w) },
                else_branch = e () => (float[] d) { d = Relu (x) }
            >
        }",
    );
    assert_eq!(inferred.shape("x"), "a b c d");
    assert_eq!(inferred.shape("z"), "-");
    assert_eq!(inferred.shape("i"), "a b c d");
    assert_eq!(inferred.shape("a"), "a 4 c d");
    assert_eq!(inferred.shape("y"), "-");
}

#[test]
fn the_body_of_a_loop_knows_what_it_declares() {
    let mut inferred = Inferred::new(
        17,
        "g (int64 n, bool c, float[2,3] x) => () {
            y = Loop (n, c, x) <body = b (int64 i, bool ci, float[K,3] v, float[] u) => (bool co, float[K,3] vo) {
                co = Identity (ci) vo = Relu (v) r = Relu (u)
            }>
        }",
    );
    assert_eq!([inferred.shape("v"), inferred.shape("vo"), inferred.shape("r")], ["a 3", "a 3", "-"]);
    assert_eq!(inferred.shape("y"), "-");
}

#[test]
fn equal_names_are_equal_lengths_in_one_graph() {
    let mut inferred = Inferred::new(17, "g (float[N,\"?\"] x, float[N,\"?\"] z) => () { y = Add (x, z) }");
    assert_eq!([inferred.shape("x"), inferred.shape("z"), inferred.shape("y")], ["a b", "a c", "a d"]);
}

#[test]
fn declarations_add_to_what_is_computed() {
    let mut inferred = Inferred::new(
        17,
        "g (float[N,C] x, int64[2] s) => (float[N,7] y) <float[2,M] r> {
            r = Relu (x) y = Reshape (x, s) f = somebody.Else (x)
        }",
    );
    assert_eq!(inferred.shape("x"), "a b");
    assert_eq!(inferred.shape("y"), "a 7");
    assert_eq!(inferred.shape("r"), "2 b");
    assert_eq!(inferred.shape("f"), "-");
}

#[test]
fn contradictions_are_not_known() {
    let mut inferred = Inferred::new(
        17,
        "g (float[2,3] x, float[2,5] z) => (float[3,2] r, float[2,3,1] t, float[1] q)
        <float[4,1] q, float[7,3,1,1] w = {*}, float[6,7] b = {*}> {
            r = Relu (x) t = Relu (x) q = somebody.Else (x) k = MatMul (z, b) after = Relu (z) before = Relu (r)
        }",
    );
    for name in ["r", "t", "q", "z", "after", "before"] {
        assert_eq!(inferred.shape(name), "-", "{name}");
    }
    assert_eq!(inferred.shape("x"), "2 3");
}

#[test]
fn what_a_caller_can_replace_is_not_constant() {
    let nodes = "y = Reshape (x, s)";
    assert_eq!(y(17, "float[2,3] x, int64[2] s", "int64[2] s = {3,2}", nodes), "a b");
    let mut inferred = Inferred::new(17, "g (float[] s) => () <float[2] s = {3,2}> { y = Relu (s) }");
    assert_eq!(inferred.shape("y"), "-");
}

#[test]
fn attributes_of_functions_are_not_known() {
    let mut inferred = Inferred::new(
        17,
        "g (float[2,3,4] x) => () { y = local.f <axis = 2> (x) }
        <domain: \"local\", opset_import: [\"\" : 17]> f <axis> (a) => (b) {
            c = Constant <value = float[2,3,4] {*}> () b = Flatten <axis: int = @axis> (c) d = Flatten (c)
        }",
    );
    assert_eq!([inferred.shape("b"), inferred.shape("d")], ["-", "2 12"]);
}

#[test]
fn hostile_shapes_do_no_harm() {
    let dims = vec!["2"; 65].join(",");
    assert_eq!(y(17, &format!("float[{dims}] x"), "", "y = Relu (x)"), "-");
    assert_eq!(y(17, "float[-1,0] x", "", "y = Relu (x)"), "a b");
    let huge = "9223372036854775807,9223372036854775807";
    assert_eq!(y(17, &format!("float[{huge}] x"), "", "y = Flatten <axis = 0> (x)"), "1 a");
    assert_eq!(y(17, "float[9223372036854775807] x", "", "y = Concat <axis = 0> (x, x, x)"), "a");
    assert_eq!(y(17, "float[2,3] x", "", "y = Flatten <axis = -9223372036854775808> (x)"), "-");
    let mut inferred =
        Inferred::new(17, "g () => () { a = MatMul () b = Conv () c = Split () d = Concat () e = Reshape () }");
    assert_eq!(inferred.shape("b"), "-");
}
