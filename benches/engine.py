#!/usr/bin/env python3
"""Times how fast bn-tool runs models, against onnxruntime on the same images, in pairs.

    python3 benches/engine.py MODEL.onnx... [--binary BINARY] [--other BINARY] [--runs N] [--images N] [--threads N]

Needs a Python with numpy and onnxruntime, and the release binary. What bn-tool does is `recalibrate --method
exact`: one pass of the network over all images, with moments taken at every BatchNormalization; it reports images per second itself, without loading and writing. onnxruntime runs the same
images, one by one, on as many threads. Each round is a process of its own per side; they alternate, and the
first round, which warms the page cache, is not counted. With `--other` a second binary takes the place of
onnxruntime, and `verify` of both is compared as well, by what it says itself that running 16 samples took.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from measure import arguments, binary, found, in_pairs, ratios, run, scratch, spread


def shape_of(model):
    import onnxruntime

    (port,) = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()
    return [axis if isinstance(axis, int) else 1 for axis in port.shape[1:]]


def onnxruntime_rate(model, data, threads):
    """The part that runs in a process of its own."""
    import numpy as np
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    images = np.load(data)
    session.run(None, {port.name: images[:1]})
    start = time.perf_counter()
    for index in range(len(images)):
        session.run(None, {port.name: images[index : index + 1]})
    print(json.dumps({"samples_per_second": len(images) / (time.perf_counter() - start)}))


def rate(command):
    """The first `samples_per_second` of the JSON that a command prints."""
    return found(json.loads(run(command, output=True, errors=True).output), "samples_per_second")


def verify_seconds(tool, model, threads):
    """What `verify` says that running took, in f32 and in f64."""
    command = [tool, "verify", model, model, "--samples", 16, "--threads", threads, "--format", "json"]
    seconds = found(json.loads(run(command, output=True, errors=True).output), "seconds")
    return seconds["run"], seconds["f64"]


def compare(options, tool, model, folder):
    import numpy as np

    data = folder / f"{model.stem}.npy"
    shape = [options.images, *shape_of(model)]
    np.save(data, np.random.default_rng(0).standard_normal(shape).astype(np.float32))

    def recalibrate(binary):
        command = [binary, "recalibrate", model, "--data", data, "--threads", options.threads, "--format", "json"]
        passes = ["--method", "exact", "--quiet", "-o", folder / "recalibrated.onnx"]
        return rate([*command, *passes])

    def report(what, form, other, pairs):
        figures = [spread(side) for side in zip(*pairs)] + [ratios(pairs, lambda figure: figure)]
        print(f"{model.name}: {what} {figures[0]:{form}}, {other} {figures[1]:{form}}, ÷ {figures[2]:.2f}", flush=True)

    if options.other:
        both = [tool, options.other]
        pairs = in_pairs(*(lambda binary=binary: recalibrate(binary) for binary in both), options.runs)
        report("images/s", ".1f", "other", pairs)
        verify = [lambda binary=binary: verify_seconds(binary, model, options.threads) for binary in both]
        pairs = in_pairs(*verify, options.runs)
        report("verify in f32, s", ".4f", "other", [(ours[0], theirs[0]) for ours, theirs in pairs])
        report("verify in f64, s", ".4f", "other", [(ours[1], theirs[1]) for ours, theirs in pairs])
    else:
        part = [sys.executable, __file__, model, "--part", data, "--threads", options.threads]
        report("images/s", ".1f", "onnxruntime", in_pairs(lambda: recalibrate(tool), lambda: rate(part), options.runs))


def main():
    parser = arguments(__doc__, runs=5)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--other", type=Path, help="a binary to compare with, in place of onnxruntime")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        return onnxruntime_rate(options.models[0], options.part, options.threads)
    tool = binary(options)
    with scratch(options) as folder:
        for model in options.models:
            compare(options, tool, model, folder)


if __name__ == "__main__":
    main()
