#!/usr/bin/env python3
"""Other tools that fold BatchNormalization, each as its users run it, with what it does by default.

    python3 benches/tools.py TOOL IN.onnx OUT.onnx    one model
    python3 benches/tools.py TOOL < LIST              many: per line IN, a tab, OUT; a process for each

Prints a line of JSON per model: `outcome` (`done`, `failed` or `crashed`), `detail`, and `seconds`, which leaves out
the start of Python and the imports, but not reading and writing the model.
"""

import json
import os
import sys
import time

from fork import Crashed, Failed, in_a_fork

# What each is called here, and the package that it is in.
PACKAGES = {
    "onnxsim": "onnxsim",
    "OnnxSlim": "onnxslim",
    "onnxscript": "onnxscript",
    "onnxoptimizer": "onnxoptimizer",
    "onnxruntime basic": "onnxruntime",
    "onnxruntime extended": "onnxruntime",
}


def load(tool):
    """Imports the tool, and returns a function that makes a file of another."""
    name, *level = tool.lower().split()
    return globals()[f"_{name}"](*level)


def _onnxsim():
    import onnxsim

    return lambda source, target: _by_command_line(onnxsim.main, ["onnxsim", source, target])


def _onnxslim():
    from onnxslim.cli import main

    return lambda source, target: _by_command_line(main, ["onnxslim", source, target])


def _onnxoptimizer():
    import onnxoptimizer

    return lambda source, target: _by_command_line(onnxoptimizer.main, ["onnxoptimizer", source, target])


def _by_command_line(main, arguments):
    sys.argv = arguments
    try:
        main()
    except SystemExit as exit:
        if exit.code not in (None, 0):
            raise RuntimeError(f"exit status {exit.code}") from None


def _onnxscript():
    import onnx
    from onnxscript import optimizer, rewriter

    return lambda source, target: onnx.save(rewriter.rewrite(optimizer.optimize(onnx.load(source))), target)


def _onnxruntime(level):
    import onnxruntime

    def transform(source, target):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level.upper()}")
        options.optimized_model_filepath = target
        onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])

    return transform


def timed(transform, source, target):
    start = time.perf_counter()
    transform(source, target)
    if not os.path.exists(target):
        raise RuntimeError("it wrote nothing")
    return time.perf_counter() - start


def isolated(transform, source, target):
    """What became of one model of many."""
    try:
        return {"outcome": "done", "detail": "", "seconds": in_a_fork(timed, transform, source, target)}
    except (Failed, Crashed) as error:
        return {"outcome": type(error).__name__.lower(), "detail": str(error), "seconds": None}


def main():
    transform = load(sys.argv[1])
    if len(sys.argv) == 4:
        report = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        seconds = timed(transform, *sys.argv[2:])
        os.write(report, json.dumps({"outcome": "done", "detail": "", "seconds": seconds}).encode())
        return
    for line in sys.stdin:
        print(json.dumps(isolated(transform, *line.rstrip("\n").split("\t"))), flush=True)


if __name__ == "__main__":
    main()
