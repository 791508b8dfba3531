#!/usr/bin/env python3
"""Says whether models compute the same as the originals that they were made of, by running both.

    python3 benches/judge.py [--both] < TASKS

A task is a line of JSON: `original`, a file, and `results`, an object of files by name. Two judges, each in a process
of its own per model: onnxruntime with all optimisations off, so that it changes nothing itself, and ONNX's
reference evaluator, for models that onnxruntime does not run, and with `--both` for all that it is right about (see
`trusted`). Both models get the same random inputs, of as many seeds as SEEDS; of those that a tool has removed, the
result gets none. The difference is the largest one, relative to the largest magnitude of the original's output; where
it is above TOLERANCES the result is wrong. Integers have to be equal.

Prints a line of JSON per task: by name, `verdict` and `difference`, which is the larger one of the judges, and a
`detail`. Verdicts: `same`; `wrong`; `invalid`: no judge that runs the original runs the result; `disputed`: the judges
disagree; `missing`: there is no result; `unjudged`: no judge runs the original.
"""

import json
import os
import sys

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from fork import Crashed, Failed, in_a_fork

SEEDS = 3
# The type that the model is stored in decides: a folded f16 weight is rounded once more, and so is one in bf16.
TOLERANCES = {"float64": 1e-3, "float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}
# For axes of unknown length but the first one, in this order; whatever the original runs with is taken.
LENGTHS = (64, 3, 2, 4, 1)
BATCH = 2


def by_onnxruntime(model, feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = {port.name for port in session.get_inputs()}
    return [session.run(None, _only(feed, names)) for feed in feeds]


def by_reference(model, feeds):
    evaluator = ReferenceEvaluator(model)
    return [evaluator.run(None, _only(feed, evaluator.input_names)) for feed in feeds]


def _only(feed, names):
    return {name: array for name, array in feed.items() if name in names}


JUDGES = {"onnxruntime": by_onnxruntime, "reference": by_reference}


def trusted(judge, model):
    """Whether a judge is right about the operators of a model.

    The reference evaluator of onnx 1.23 is not about BatchNormalization of opsets 9 to 13, which it computes with the
    statistics of the batch, and not about Loop: it is 1.7 off on fixtures/fold/loop_body, computed by hand.
    """
    if judge != "reference":
        return True
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)
    operators = {node.op_type for node in model.graph.node}
    return "Loop" not in operators and (not 9 <= opset < 14 or not _any_norm(model.graph))


def _any_norm(graph):
    return any(
        node.op_type == "BatchNormalization" or any(_any_norm(attribute.g) for attribute in node.attribute)
        for node in graph.node
    )


def inputs(model, length):
    """Random arrays for the inputs that callers have to give, by seed."""
    given = {tensor.name for tensor in model.graph.initializer}
    ports = [port for port in model.graph.input if port.name not in given]
    return [_feed(ports, length, np.random.default_rng(seed)) for seed in range(SEEDS)]


def _feed(ports, length, random):
    return {port.name: _array(port, length, random) for port in ports}


def _array(port, length, random):
    kind = port.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    axes = [dim.dim_value if dim.dim_value > 0 else length for dim in kind.shape.dim]
    if axes and kind.shape.dim[0].dim_value <= 0:
        axes[0] = BATCH
    if port.name == "shape":  # so the fixtures call the shape that a Reshape is given
        return np.array([-1, *[2] * (axes[0] - 2), 3])
    if dtype == bool or np.issubdtype(dtype, np.integer):
        return random.integers(-3, 4, axes).astype(dtype)
    return random.standard_normal(axes).astype(dtype)


def tolerance(model):
    """By the least precise type of an initializer or input."""
    codes = {tensor.data_type for tensor in model.graph.initializer}
    codes |= {port.type.tensor_type.elem_type for port in model.graph.input}
    names = {onnx.TensorProto.DataType.Name(code) for code in codes}
    least = next((name for name in ("BFLOAT16", "FLOAT16") if name in names), "FLOAT32")
    return TOLERANCES[least.lower()]


def difference(expected, actual):
    """The largest difference, relative to the largest magnitude of what is expected."""
    expected, actual = np.asarray(expected), np.asarray(actual)
    if expected.shape != actual.shape:
        return float("inf")
    if expected.dtype.kind in "biu":
        return 0.0 if np.array_equal(expected, actual) else float("inf")
    expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], actual[~finite], equal_nan=True):
        return float("inf")
    apart = np.max(np.abs(expected - actual), where=finite, initial=0.0)
    largest = np.max(np.abs(expected), where=finite, initial=0.0)
    return 0.0 if apart == 0 else float("inf") if np.isnan(apart) else float(apart / max(largest, 1e-30))


def run_original(path, judge):
    """The inputs and outputs of the first lengths that the judge runs the original with."""
    model = onnx.load(path)
    for length in LENGTHS:
        feeds = inputs(model, length)
        try:
            return feeds, in_a_fork(JUDGES[judge], path, feeds)
        except (Failed, Crashed) as error:
            last = error
    raise last


def measured(path, feeds, expected, judge):
    """How far a result is from what is expected; a text if it cannot be run."""
    try:
        outputs = in_a_fork(JUDGES[judge], path, feeds)
    except (Failed, Crashed) as error:
        return f"{judge}: {error}"
    if any(len(a) != len(b) for a, b in zip(expected, outputs)):
        return float("inf")
    return max((difference(a, b) for pair in zip(expected, outputs) for a, b in zip(*pair)), default=0.0)


def verdict(differences, allowed):
    """Of what the judges found, one entry each."""
    numbers = [found for found in differences if not isinstance(found, str)]
    details = [found for found in differences if isinstance(found, str)]
    if not numbers:
        return {"verdict": "invalid", "difference": None, "detail": "; ".join(details)}
    wrong = [number > allowed for number in numbers]
    name = "wrong" if all(wrong) else "disputed" if any(wrong) else "same"
    return {"verdict": name, "difference": max(numbers), "detail": "; ".join(map(str, differences))}


def judged(task, both):
    """The verdicts on all results of one original."""
    references = {}
    model = onnx.load(task["original"])
    for judge in JUDGES:
        if trusted(judge, model) and (both or not references):
            try:
                references[judge] = run_original(task["original"], judge)
            except (Failed, Crashed) as error:
                print(f"{task['original']}: not by {judge}: {error}", file=sys.stderr)
    allowed = tolerance(model)
    verdicts = {}
    for name, path in task["results"].items():
        if not os.path.exists(path):
            verdicts[name] = {"verdict": "missing", "difference": None, "detail": ""}
        elif not references:
            verdicts[name] = {"verdict": "unjudged", "difference": None, "detail": ""}
        else:
            found = [measured(path, feeds, outputs, judge) for judge, (feeds, outputs) in references.items()]
            verdicts[name] = verdict(found, allowed)
    return verdicts


def main():
    onnxruntime.set_default_logger_severity(4)
    for line in sys.stdin:
        print(json.dumps(judged(json.loads(line), "--both" in sys.argv)), flush=True)


if __name__ == "__main__":
    main()
