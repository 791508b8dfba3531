"""Hand-made models for the conformance test: what neither the node tests nor the random cases
reach. Sparse tensors, older operator sets, functions with attributes, Loop with scan outputs.

    python tests/python/special_cases.py FOLDER
    ONNX_CASES=FOLDER cargo test --test it conformance -- --ignored --nocapture
"""

import pathlib
import sys

import numpy as np
import onnx.parser
from cases import expected, random_input, write
from onnx import helper, numpy_helper

TEXTS = {
    "squeeze_11": (11, "float[1,2,1] x", "float[2] y", "y = Squeeze <axes = [0, -1]> (x)"),
    "squeeze_all": (13, "float[1,2,1] x", "float[2] y", "y = Squeeze (x)"),
    "unsqueeze_11": (11, "float[2,3] x", "float[1,2,3,1] y", "y = Unsqueeze <axes = [0, 3]> (x)"),
    "split_11": (11, "float[2,5] x", "float[2,2] y, float[2,3] z", "y, z = Split <axis = 1, split = [2, 3]> (x)"),
    "split_equal_11": (11, "float[2,4] x", "float[2,2] y, float[2,2] z", "y, z = Split <axis = 1> (x)"),
    "split_18": (18, "float[2,5] x", "float[2,3] y, float[2,2] z", "y, z = Split <axis = 1, num_outputs = 2> (x)"),
    "clip_6": (10, "float[2,5] x", "float[2,5] y", "y = Clip <min = -0.3, max = 0.4> (x)"),
    "pad_2": (10, "float[2,3] x", "float[4,5] y", "y = Pad <pads = [1, 0, 1, 2], value = 0.5> (x)"),
    "slice_1": (9, "float[4,5] x", "float[2,3] y", "y = Slice <axes = [1, 0], starts = [-4, 1], ends = [-1, 3]> (x)"),
    "reduce_sum_11": (11, "float[2,3,2] x", "float[3] y", "y = ReduceSum <axes = [0, 2], keepdims = 0> (x)"),
    "flatten_0": (9, "float[2,3,2] x", "float[1,12] y", "y = Flatten <axis = 0> (x)"),
    "flatten_2": (13, "float[2,3,2] x", "float[6,2] y", "y = Flatten <axis = -1> (x)"),
    "concat": (13, "float[2,3] x, float[2,1] z", "float[2,4] y", "y = Concat <axis = -1> (x, z)"),
    "global_pools": (13, "float[2,3,2,2] x", "float[2,3,1,1] y", "a = GlobalAveragePool (x) b = GlobalMaxPool (x) y = Sub (a, b)"),
    "sum_mean_max_min": (
        13,
        "float[2,3] x, float[3] z, float[2,1] w",
        "float[2,3] y",
        "a = Sum (x, z, w) b = Mean (x, z, w) c = Max (a, b) d = Min (x, z, w) y = Mul (c, d)",
    ),
    "cast": (13, "float[2,3] x", "float[2,3] y", "t = Constant <value_float = 9.0> () a = Mul (x, t) i = Cast <to = 7> (a) y = Cast <to = 1> (i)"),
    "castlike_expand": (15, "float[2,3] x", "float[2,3] y", "z = Constant <value_int = 3> () a = CastLike (z, x) s = Shape (x) y = Expand (a, s)"),
    "constants": (13, "float[2] x", "float[2] y", "a = Constant <value_floats = [1.5, 2.5]> () b = Constant <value = float[2] {0.5, 4.0}> () c = Mul (x, a) y = Add (c, b)"),
    "constant_of_shape": (13, "float[2] x", "float[2] y", "s = Constant <value_ints = [2]> () c = ConstantOfShape <value = float[1] {1.5}> (s) y = Add (c, x)"),
    "dropout_7": (7, "float[2] x", "float[2] y", "y = Dropout <ratio = 0.9> (x)"),
    # Not its mask: all true from opset 12 on, unspecified before (onnxruntime has all false).
    "dropout_10": (10, "float[2] x", "float[2] y", "y = Dropout (x)"),
    "reshape_zero": (13, "float[2,3,4] x", "float[2,12] y", "s = Constant <value_ints = [0, -1]> () y = Reshape (x, s)"),
    "softmax_11": (11, "float[2,3,4] x", "float[2,3,4] y", "y = Softmax (x)"),
    "loop_scan": (
        13,
        "float[2] x",
        "float[2] y, float[3,2] z",
        "n = Constant <value_int = 3> () y, z = Loop (n, , x) <body = b (int64 i, bool go, float[2] v) => (bool more, float[2] w, float[2] s) "
        "{ more = Identity (go) w = Add (v, x) s = Mul (w, v) }>",
    ),
    "loop_until": (
        13,
        "float[2] x",
        "float[2] y",
        "t = Constant <value = bool {1}> () y = Loop (, t, x) <body = b (int64 i, bool go, float[2] v) => (bool more, float[2] w) "
        "{ k = Constant <value_int = 4> () more = Less (i, k) w = Add (v, x) }>",
    ),
    "if_capture": (
        13,
        "bool c, float[2] x",
        "float[2] y",
        "a = Neg (x) y = If (c) <then_branch = t () => (float[2] p) { p = Add (a, x) }, else_branch = e () => (float[2] q) { q = Add (a, a) }>",
    ),
}

FUNCTION = """<ir_version: 9, opset_import: ["" : 17, "loc" : 1]>
g (float[2] x) => (float[2] y) { a = loc.leaky <slope: float = 0.3> (x) b = loc.leaky (x) y = Sub (a, b) }
<domain: "loc", opset_import: ["" : 17]>
leaky <slope: float = 0.1> (v) => (r) { r = LeakyRelu <alpha: float = @slope> (v) }
"""


def sparse(name, values, indices, dims):
    values = numpy_helper.from_array(np.array(values, np.float32), name)
    return helper.make_sparse_tensor(values, numpy_helper.from_array(np.array(indices)), dims)


def sparse_models():
    """Linear indices and coordinates, as initializer and as Constant."""
    entries = ([0.5, -1.5], [1, 5]), ([0.5, -1.5], [[0, 1], [1, 2]])
    info = [helper.make_tensor_value_info(name, 1, [2, 3]) for name in "xy"]
    opset = [helper.make_opsetid("", 13)]
    for index, (values, indices) in enumerate(entries):
        add = helper.make_node("Add", ["x", "w"], ["y"])
        graph = helper.make_graph([add], "g", info[:1], info[1:], sparse_initializer=[sparse("w", values, indices, [2, 3])])
        yield f"sparse_initializer_{index}", helper.make_model(graph, opset_imports=opset, ir_version=8)
        node = helper.make_node("Constant", [], ["w"], sparse_value=sparse("", values, indices, [2, 3]))
        graph = helper.make_graph([node, add], "g", info[:1], info[1:])
        yield f"sparse_value_{index}", helper.make_model(graph, opset_imports=opset, ir_version=8)


def models():
    for name, (opset, inputs, outputs, nodes) in TEXTS.items():
        text = f'<ir_version: 8, opset_import: ["" : {opset}]> g ({inputs}) => ({outputs}) {{ {nodes} }}'
        yield name, onnx.parser.parse_model(text)
    yield "function_attributes", onnx.parser.parse_model(FUNCTION)
    yield from sparse_models()


def main():
    folder = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(5)
    for name, model in models():
        inputs = {value.name: random_input(value, rng) for value in model.graph.input}
        outputs, peer = expected(model, inputs)
        if outputs is None or peer != "by_onnxruntime":
            print(name, peer)
        write(folder, name, model, inputs.values(), outputs)


if __name__ == "__main__":
    main()
