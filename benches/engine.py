#!/usr/bin/env python3
"""Times how fast bn-tool runs models, against onnxruntime on the same images, in pairs.

    python3 benches/engine.py MODEL.onnx... [--binary BINARY] [--other BINARY] [--rounds N] [--images N] [--threads N]

Needs a Python with numpy and onnxruntime, and the release binary. What bn-tool does is `recalibrate --method
fixed-point --max-passes 1`: one pass of the network over all images, with moments taken at every
BatchNormalization; it reports images per second itself, without loading and writing. onnxruntime runs the same
images, one by one, on as many threads. Each round is a process of its own per side; they alternate, and the
first round, which warms the page cache, is not counted. With `--other` a second binary takes the place of
onnxruntime, and the f64 of both is timed as well: the difference between `verify` with four samples and with one,
per sample and model (that of f32 included).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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

    def find(part):
        if isinstance(part, dict) and "samples_per_second" in part:
            return part["samples_per_second"]
        parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        return next((found for inner in parts if (found := find(inner)) is not None), None)

    return find(json.loads(subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=True).stdout))


def verify_seconds(binary, model, threads):
    """Per sample and model, f32 and f64 together."""

    def seconds(samples):
        start = time.perf_counter()
        command = [binary, "verify", model, model, "--samples", samples, "--threads", threads, "--quiet"]
        subprocess.run([str(part) for part in command], check=True)
        return time.perf_counter() - start

    return max((seconds(4) - seconds(1)) / 3 / 2, 1e-9)


def in_pairs(ours, theirs, rounds):
    """The figures of both sides, and the median of ours ÷ theirs."""
    pairs = []
    for index in range(rounds + 1):
        if index % 2 == 0:
            pair = (ours(), theirs())
        else:
            pair = tuple(reversed((theirs(), ours())))
        pairs.append(pair)
    pairs = pairs[1:]
    return *(statistics.median(side) for side in zip(*pairs)), statistics.median(a / b for a, b in pairs)


def compare(options, model, folder):
    import numpy as np

    data = Path(folder) / f"{model.stem}.npy"
    shape = [options.images, *shape_of(model)]
    np.save(data, np.random.default_rng(0).standard_normal(shape).astype(np.float32))

    def recalibrate(binary):
        tool = [binary, "recalibrate", model, "--data", data, "--threads", options.threads, "--format", "json"]
        passes = ["--method", "fixed-point", "--max-passes", 1, "--quiet", "-o", Path(folder) / "recalibrated.onnx"]
        return rate([*tool, *passes])

    if options.other:
        sides = (lambda: recalibrate(options.binary)), (lambda: recalibrate(options.other))
        print(model.name, "images/s: %.1f, other %.1f, ratio %.2f" % in_pairs(*sides, options.rounds))
        sides = [lambda binary=binary: verify_seconds(binary, model, options.threads) for binary in (options.other, options.binary)]
        print(model.name, "verify, s: other %.4f, %.4f, ratio %.2f" % in_pairs(*sides, options.rounds), flush=True)
    else:
        part = [sys.executable, __file__, model, "--part", data, "--threads", options.threads]
        sides = (lambda: recalibrate(options.binary)), (lambda: rate(part))
        print(model.name, "images/s: %.1f, onnxruntime %.1f, ratio %.2f" % in_pairs(*sides, options.rounds), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "bn-tool")
    parser.add_argument("--other", type=Path, help="a binary to compare with, in place of onnxruntime")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        return onnxruntime_rate(options.models[0], options.part, options.threads)
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            compare(options, model, folder)


if __name__ == "__main__":
    main()
