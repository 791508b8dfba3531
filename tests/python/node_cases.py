"""Writes the node test cases of the `onnx` package as folders for the conformance test.

    python tests/python/node_cases.py FOLDER
    ONNX_CASES=FOLDER cargo test --test it conformance -- --ignored --nocapture
"""

import pathlib
import sys

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases


def write(case, folder):
    data = folder / case.name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    onnx.save(case.model, folder / case.name / "model.onnx")
    inputs, outputs = case.data_sets[0]
    for kind, values in (("input", inputs), ("output", outputs)):
        for index, value in enumerate(values):
            if isinstance(value, onnx.TensorProto):
                tensor = value
            elif hasattr(value, "dtype"):
                tensor = numpy_helper.from_array(value)
            else:
                return
            (data / f"{kind}_{index}.pb").write_bytes(tensor.SerializeToString())


def main():
    folder = pathlib.Path(sys.argv[1])
    for case in collect_testcases(None):
        if case.model is not None and case.data_sets:
            write(case, folder)


if __name__ == "__main__":
    main()
