"""Writes cases for the conformance test: a model, inputs, and what a peer makes of them."""

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)


def by_onnxruntime(model, inputs):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def by_reference(model, inputs):
    return ReferenceEvaluator(model).run(None, inputs)


def expected(model, inputs, peers=(by_onnxruntime, by_reference)):
    """The outputs and the peer that computed them; without one that can, nothing."""
    for peer in peers:
        try:
            return peer(model, inputs), peer.__name__
        except Exception:  # noqa: BLE001: a peer may fail in any way
            continue
    return None, "nobody"


def random_input(value, rng, dims=None):
    """An array for a graph input, with 2 for dimensions that have a name."""
    kind = value.type.tensor_type
    dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
    shape = [dim.dim_value or (dims or {}).get(dim.dim_param, 2) for dim in kind.shape.dim]
    if dtype == bool:
        return np.array(rng.integers(0, 2, shape), dtype=bool)
    if np.issubdtype(dtype, np.integer):
        return rng.integers(-3, 4, shape).astype(dtype)
    return rng.uniform(-1, 1, shape).astype(dtype)


def write(folder, name, model, inputs, outputs):
    data = folder / name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / name / "model.onnx")
    for kind, values in (("input", inputs), ("output", outputs or [])):
        for index, value in enumerate(values):
            tensor = numpy_helper.from_array(np.asarray(value))
            (data / f"{kind}_{index}.pb").write_bytes(tensor.SerializeToString())
