"""Inserts into every fixture of `insert`, and looks at the result with ONNX's checker and onnxruntime.

    python tests/python/inserted.py target/debug/bn-tool

Original and result run without optimisations, on the same random inputs, and have to give the same
bits. Not run: what trains, and what onnxruntime has no kernel for (bf16, operators before opset 7).
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnx.checker
import onnx.parser
import onnxruntime

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "insert"
UNCHECKED = {
    "domain_ai_onnx": "the checker does not know the domain by this name",
    "function_of_older_opset": "the checker wants operators that did not change since",
    "keeps_mean_variance_normalization_behind": "it has no shape inference for function bodies of that kind",
}
INEXACT = {"f16_epsilon": "onnxruntime keeps the f16 layer in f32 up to the BatchNormalization"}
TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
    "tensor(int64)": np.int64,
}


def session(model):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def feeds(inputs):
    random = np.random.default_rng(0)
    for value in inputs:
        symbols = {"N": 2, "H": 4, "V": 4}
        shape = [length if isinstance(length, int) else symbols.get(length, 2) for length in value.shape]
        kind = TYPES[value.type]
        numbers = random.standard_normal(shape) if issubclass(kind, np.floating) else np.ones(shape)
        yield value.name, numbers.astype(kind)


def problem(path, tool, out):
    """What is wrong; whether both ran."""
    flags = path.read_text().splitlines()[2].removeprefix("# flags: ").split()
    flags = [] if flags == ["none"] else flags
    subprocess.run([tool, "insert", "--no-verify", "-q", *flags, "-o", out, path], check=True)
    before, after = onnx.parser.parse_model(path.read_text()), onnx.load(out)
    if path.stem not in UNCHECKED:
        onnx.checker.check_model(after, full_check=True)
    if path.stem.startswith("keeps_") or "--training" in flags:
        return None, False
    try:
        sessions = [session(before), session(after)]
    except Exception:  # noqa: BLE001: there is no kernel for it
        return None, False
    inputs = dict(feeds(sessions[0].get_inputs()))
    a, b = (run.run(None, inputs) for run in sessions)
    same = all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
    return (None if same or path.stem in INEXACT else "the outputs differ"), True


def main():
    tool, failed, ran = sys.argv[1], 0, 0
    onnxruntime.set_default_logger_severity(4)
    paths = sorted(FIXTURES.glob("*.onnxtxt"))
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            try:
                wrong, was_run = problem(path, tool, os.path.join(folder, "out.onnx"))
            except Exception as error:  # noqa: BLE001: whatever is wrong is to be shown
                wrong, was_run = str(error), False
            ran += was_run
            if wrong:
                failed += 1
                print(f"{path.stem}: {wrong}")
    print(f"{len(paths)} fixtures, {ran} run, {failed} wrong")
    sys.exit(failed > 0)


main()
