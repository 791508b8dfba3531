#!/usr/bin/env python3
"""What `bn-tool fold` takes with verification, against the inference that verification needs.

    python3 benches/fold_verified.py MODEL.onnx... [--binary BINARY] [--runs N] [--folder DIR] [--threads N]

Needs a Python with numpy and onnxruntime. A verification runs the original and the result on some samples in f32,
and on fewer in f64; how many, of which shapes and how long it took is in the report (`verification.seconds`). Printed
per model, as medians over the pairs:

- seconds of the whole process, and what is in it: compiling, running, f64 (compiling included), the rest;
- the whole ÷ the inference in it, which is running and f64;
- the whole, and the running, ÷ onnxruntime running both models on as many samples of the same shapes, in f32, one by
  one on as many threads, without start, loading, the first run of each and f64.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from measure import arguments, binary, found, in_pairs, machine, markdown, run, scratch, versions

FIELDS = ["whole", "compile", "run", "f64"]


def onnxruntime_seconds(models, shapes, threads):
    """The part that runs in a process of its own: seconds of running, loading not counted."""
    import numpy as np
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    total = 0.0
    for model in models:
        session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        for sample in shapes:
            random = np.random.default_rng(0)
            feed = {name: random.standard_normal(shape).astype(kind) for name, shape, kind in sample}
            session.run(None, feed)  # the first run of a shape lays out its memory
            start = time.perf_counter()
            session.run(None, feed)
            total += time.perf_counter() - start
    print(json.dumps({"seconds": total}))


def samples(verification):
    """Name, shape and NumPy type of each input, per sample."""
    kinds = {"float": "f4", "double": "f8", "float16": "f2"}
    ports = verification["inputs"]
    other = verification.get("other_dims") or {"samples": 0}
    shapes = [[port["shape"] for port in ports]] * (verification["samples"] - other["samples"])
    shapes += [other["shapes"]] * other["samples"] if other["samples"] else []
    return [[(port["name"], shape, kinds[port["element"]]) for port, shape in zip(ports, each)] for each in shapes]


def compare(tool, model, folder, options):
    out = folder / "folded.onnx"
    command = [tool, "fold", model, "-o", out, "--format", "json", "--threads", options.threads]
    verification = json.loads(run(command, output=True, errors=True).output)["verification"]
    part = [sys.executable, __file__, model, out, "--part", json.dumps(samples(verification))]

    def ours():
        done = run(command, output=True)
        return {"whole": done.wall, **found(json.loads(done.output), "verification")["seconds"]}

    def theirs():
        return json.loads(run([*part, "--threads", options.threads], output=True).output)["seconds"]

    pairs = in_pairs(ours, theirs, options.runs)

    def median(figure):
        return statistics.median(figure(ours, theirs) for ours, theirs in pairs)

    count = f"{verification['samples']}, {verification['f64_samples']}"
    seconds = [f"{median(lambda ours, _, field=field: ours[field]):.3f}" for field in FIELDS]
    rest = median(lambda ours, _: 2 * ours["whole"] - sum(ours[field] for field in FIELDS))
    ratios = [
        median(lambda ours, _: ours["whole"] / (ours["run"] + ours["f64"])),
        median(lambda ours, theirs: ours["whole"] / theirs),
        median(lambda ours, theirs: ours["run"] / theirs),
    ]
    return [model.stem, count, *seconds, f"{rest:.3f}", *(f"{ratio:.2f}" for ratio in ratios)]


def main():
    parser = arguments(__doc__, runs=5)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        return onnxruntime_seconds(options.models, json.loads(options.part), options.threads)
    tool = binary(options)
    version = versions(["onnxruntime"])["onnxruntime"]
    print(f"{machine(options.folder)}, onnxruntime {version}, {options.threads} threads\n")
    with scratch(options) as folder:
        rows = [compare(tool, model, folder, options) for model in options.models]
    against = ["whole ÷ (run + f64)", "whole ÷ onnxruntime", "run ÷ onnxruntime"]
    markdown(["model", "samples: f32, f64", "whole, s", "compile", "run", "f64", "rest", *against], rows)


if __name__ == "__main__":
    main()
