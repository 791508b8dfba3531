"""Random models of one operator for the conformance test, with the outputs of onnxruntime.

    python tests/python/random_cases.py FOLDER [COUNT_PER_OPERATOR]
    ONNX_CASES=FOLDER cargo test --test it conformance -- --ignored --nocapture

A case that onnxruntime refuses is dropped; the counts are printed. With `--reference` the peer is
ONNX's reference evaluator, which is wrong (onnx 1.23) about BatchNormalization at opsets 9 to
13, Softmax before 13, Slice backwards from before the start, and some padded windows.
"""

import collections
import pathlib
import sys

import numpy as np
from cases import by_onnxruntime, by_reference, expected, write
from onnx import TensorProto, helper

rng = np.random.default_rng(7)


def integer(low, high):
    return int(rng.integers(low, high + 1))


def pick(*options):
    return options[integer(0, len(options) - 1)]


def floats(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


def windowed(rank, pads=True):
    """Random attributes of a sliding window, and its kernel."""
    kernel = [integer(1, 3) for _ in range(rank)]
    attributes = {"strides": [integer(1, 3) for _ in range(rank)], "dilations": [integer(1, 2) for _ in range(rank)]}
    mode = pick("pads", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    if mode == "pads":
        attributes["pads"] = [integer(0, kernel[axis % rank] - 1) for axis in range(2 * rank)]
    else:
        attributes["auto_pad"] = mode
    if mode.startswith("SAME"):
        attributes["dilations"] = [1] * rank
    return kernel, attributes


def conv():
    rank, group = integer(1, 3), integer(1, 2)
    kernel, attributes = windowed(rank)
    rows, columns = group * integer(1, 2), integer(1, 2)
    inputs = [floats(2, group * columns, *(integer(5, 7) for _ in range(rank))), floats(rows, columns, *kernel)]
    return inputs + ([floats(rows)] if pick(0, 1) else []), attributes | {"group": group}, pick(7, 11, 17)


def conv_transpose():
    rank, group = integer(1, 3), integer(1, 2)
    kernel, attributes = windowed(rank)
    if attributes.get("auto_pad", "").startswith("SAME"):
        # With a stride beyond the kernel, onnxruntime's output is shorter than input · stride.
        attributes["strides"] = [min(pair) for pair in zip(attributes["strides"], kernel)]
    size = [integer(2, 4) for _ in range(rank)]
    rows, columns = group * integer(1, 2), integer(1, 2)
    if pick(0, 1):
        attributes["output_padding"] = [integer(0, stride - 1) for stride in attributes["strides"]]
    if pick(0, 0, 1):
        full = [s * (n - 1) + (k - 1) * d + 1 for s, n, k, d in
                zip(attributes["strides"], size, kernel, attributes["dilations"])]
        attributes["output_shape"] = [max(1, length - integer(0, 2)) for length in full]
        attributes.pop("pads", None)
    inputs = [floats(1, rows, *size), floats(rows, columns, *kernel)]
    return inputs + ([floats(group * columns)] if pick(0, 1) else []), attributes | {"group": group}, pick(11, 17)


def gemm():
    m, k, n = integer(1, 4), integer(1, 4), integer(1, 4)
    a, b = pick(0, 1), pick(0, 1)
    c = pick((), (1,), (n,), (1, n), (m, 1), (m, n))
    inputs = [floats(*((k, m) if a else (m, k))), floats(*((n, k) if b else (k, n)))]
    attributes = {"transA": a, "transB": b, "alpha": pick(0.5, 1.0, 0.0), "beta": pick(0.25, 1.0, 0.0)}
    return inputs + ([floats(*c)] if pick(0, 1, 1) else []), attributes, pick(11, 13, 17)


def matmul():
    m, k, n, batch = integer(1, 3), integer(1, 3), integer(1, 3), (integer(1, 2), integer(2, 3))
    a = pick((k,), (m, k), (batch[1], m, k), (*batch, m, k))
    b = pick((k,), (k, n), (1, k, n), (batch[1], k, n), (1, batch[1], k, n))
    return [floats(*a), floats(*b)], {}, pick(9, 13)


def batch_norm():
    shape = [integer(1, 3) for _ in range(integer(2, 5))]
    parameters = [floats(shape[1]) for _ in range(3)] + [np.abs(floats(shape[1])) + np.float32(0.1)]
    return [floats(*shape), *parameters], {"epsilon": pick(1e-5, 0.1)}, pick(7, 9, 14, 15)


def pool():
    rank = integer(1, 3)
    kernel, attributes = windowed(rank)
    if attributes.get("auto_pad", "").startswith("SAME"):
        # With a stride beyond the kernel, onnxruntime sometimes pads by a negative amount.
        attributes["strides"] = [min(pair) for pair in zip(attributes["strides"], kernel)]
    # onnxruntime rounds up with VALID, too, against the specification.
    attributes |= {"kernel_shape": kernel, "ceil_mode": pick(0, 1) if attributes.get("auto_pad") != "VALID" else 0}
    return floats(1, 2, *(integer(6, 8) for _ in range(rank))), attributes


def max_pool():
    x, attributes = pool()
    return [x], attributes, pick(11, 12)


def average_pool():
    x, attributes = pool()
    return [x], attributes | {"count_include_pad": pick(0, 1)}, 19


def pad():
    shape = [integer(2, 3) for _ in range(integer(1, 4))]
    pads = np.array([integer(-1, 2) for _ in range(2 * len(shape))])
    return [floats(*shape), pads, *([floats()] if pick(0, 1) else [])], {}, pick(11, 13, 18)


def slice_():
    shape = [integer(1, 5) for _ in range(integer(1, 4))]
    axes = rng.permutation(len(shape))[: integer(1, len(shape))]
    bounds = [np.array([integer(-7, 7) for _ in axes]) for _ in range(2)]
    steps = np.array([pick(-2, -1, 1, 2) for _ in axes])
    return [floats(*shape), *bounds, axes, steps], {}, pick(10, 13)


def gather():
    shape = [integer(2, 3) for _ in range(integer(1, 3))]
    indices = rng.integers(-2, 2, [integer(1, 3) for _ in range(integer(0, 2))])
    return [floats(*shape), np.asarray(indices)], {"axis": integer(-len(shape), len(shape) - 1)}, 13


def softmax():
    shape = [integer(1, 3) for _ in range(integer(1, 4))]
    return [floats(*shape)], {"axis": integer(0, len(shape) - 1)}, pick(9, 11, 13)


def reduce():
    shape = [integer(1, 3) for _ in range(integer(1, 4))]
    axes = [int(axis) for axis in rng.permutation(len(shape))[: integer(1, len(shape))]]
    return [floats(*shape)], {"axes": axes, "keepdims": pick(0, 1)}, 11


def binary():
    shape = [integer(1, 3) for _ in range(integer(0, 4))]
    other = [pick(1, length) for length in shape][integer(0, len(shape)) :]
    return [floats(*shape), floats(*other)], {}, pick(7, 13, 14)


def quantize():
    shape = [integer(1, 3) for _ in range(3)]
    axis = integer(0, 2)
    per_axis = pick((), (shape[axis],))
    scale = np.abs(floats(*per_axis)) / 16 + np.float32(0.01)
    zero = rng.integers(-5, 5, per_axis).astype(np.int8) if pick(0, 1) else rng.integers(0, 9, per_axis).astype(np.uint8)
    return [floats(*shape) * 3, scale, np.asarray(zero)], {"axis": axis}, 13


def dequantize():
    (x, scale, zero), attributes, opset = quantize()
    return [(x * 20).round().clip(0, 100).astype(zero.dtype), scale, zero], attributes, opset


def layer_normalization():
    shape = [integer(1, 3) for _ in range(integer(1, 4))]
    axis = integer(0, len(shape) - 1)
    return [floats(*shape), floats(*shape[axis:]), floats(*shape[axis:])], {"axis": axis}, 17


def instance_normalization():
    # Some pixels: the variance of one is 0, and f32 far off.
    shape = [integer(1, 3), integer(1, 3), integer(4, 5), *(integer(1, 3) for _ in range(integer(0, 2)))]
    return [floats(*shape), floats(shape[1]), floats(shape[1])], {}, pick(6, 17)


def unary():
    return [floats(2, 3) * 4], {}, 14


def split():
    parts = [integer(1, 3) for _ in range(2)]
    shape = [integer(1, 3), sum(parts), integer(1, 2)]
    return [floats(*shape), np.array(parts)], {"axis": pick(1, -2)}, 13


def transpose():
    shape = [integer(1, 3) for _ in range(integer(1, 5))]
    return [floats(*shape)], {"perm": [int(axis) for axis in rng.permutation(len(shape))]}, 13


OPERATORS = {
    "Conv": conv, "ConvTranspose": conv_transpose, "Gemm": gemm, "MatMul": matmul, "BatchNormalization": batch_norm,
    "MaxPool": max_pool, "AveragePool": average_pool, "Pad": pad, "Slice": slice_, "Gather": gather,
    "Softmax": softmax, "ReduceMean": reduce, "ReduceSum": reduce, "Add": binary, "Sub": binary, "Mul": binary,
    "Div": binary, "PRelu": binary, "QuantizeLinear": quantize, "DequantizeLinear": dequantize,
    "LayerNormalization": layer_normalization, "InstanceNormalization": instance_normalization, "Split": split,
    "Transpose": transpose, "Relu": unary, "LeakyRelu": unary, "Sigmoid": unary, "Tanh": unary, "HardSwish": unary,
    "HardSigmoid": unary, "Erf": unary, "Exp": unary, "Abs": unary, "Neg": unary, "Reciprocal": unary,
}  # fmt: skip


def model_of(operator, inputs, attributes, opset):
    names = [f"i{index}" for index in range(len(inputs))]
    outputs = ["o0", "o1"] if operator == "Split" else ["o0"]
    node = helper.make_node(operator, names, outputs, **attributes)
    kinds = [helper.np_dtype_to_tensor_dtype(value.dtype) for value in inputs]
    values = [helper.make_tensor_value_info(*args) for args in zip(names, kinds, (v.shape for v in inputs))]
    kind = {"QuantizeLinear": kinds[-1]}.get(operator, TensorProto.FLOAT)
    results = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
    graph = helper.make_graph([node], "case", values, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), dict(zip(names, inputs))


def main():
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 40
    peer = by_reference if "--reference" in sys.argv else by_onnxruntime
    written = collections.Counter()
    for operator, build in OPERATORS.items():
        for index in range(count):
            model, inputs = model_of(operator, *build())
            outputs, _ = expected(model, inputs, (peer,))
            if outputs is not None:
                written[operator] += 1
                write(folder, f"{operator}_{index}", model, inputs.values(), outputs)
    print(dict(written))


if __name__ == "__main__":
    main()
