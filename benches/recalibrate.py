#!/usr/bin/env python3
"""Times `bn-tool recalibrate --method exact` against PyTorch's `update_bn` on ResNet-50, in pairs.

    python3 benches/recalibrate.py [--binary BINARY] [--python PYTHON] [--runs N] [--model MODEL.onnx] [--data X.npy]

Needs a Python with numpy, torch, torchvision and onnx (`--python`, default: the one that runs this). Unless they
are given, the model (random weights, every BatchNormalization kept) and 256 smooth random images of 3 x 224 x 224
are made in a temporary folder; a model that is given must be a ResNet-50, or the two do not do the same work.

Each side is a process of its own; they alternate on an otherwise idle machine. `images/s` leaves out start,
loading and writing on both sides: torch times the call of `update_bn` on batches in memory (after one batch to
warm up), the tool reports `samples_per_second` itself. `whole process` is wall time with all of that. Printed are
the ratios of the pairs, too, and the peak resident memory of the largest process. The two measure different
things: `exact` is what `update_bn` comes near to with large batches.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import networks
from measure import arguments, binary, found, in_pairs, peak, ratios, run, scratch, show


def make(model, data, count):
    """The part that runs under --python: what is missing of the model and the images."""
    import numpy as np
    import torch

    if not model.exists():
        networks.export("resnet50", model)
    if not data.exists():
        coarse = torch.randn(count, 3, 14, 14, generator=torch.Generator().manual_seed(0))
        np.save(data, torch.nn.functional.interpolate(coarse, (224, 224), mode="bicubic").numpy())


def update_bn(data, batch, layout, threads):
    """The other part that runs under --python: one measurement."""
    import numpy as np
    import torch
    import torchvision

    torch.set_num_threads(threads)
    memory_format = getattr(torch, layout)
    network = torchvision.models.resnet50(weights=None).to(memory_format=memory_format)
    images = torch.from_numpy(np.load(data)).float()
    batches = [part.contiguous(memory_format=memory_format) for part in images.split(batch)]
    torch.optim.swa_utils.update_bn(batches[:1], network)
    start = time.perf_counter()
    torch.optim.swa_utils.update_bn(batches, network)
    seconds = time.perf_counter() - start
    print(json.dumps({"samples": len(images), "samples_per_second": len(images) / seconds}))


def compare(ours, theirs, rounds):
    """Prints images per second, whole processes and memory of both."""
    results = [
        [(rate_of(result), result.wall) for result in pair]
        for pair in in_pairs(lambda: run(ours, output=True), lambda: run(theirs, output=True), rounds)
    ]
    for side, (name, command) in enumerate([("bn-tool", ours), ("update_bn", theirs)]):
        show(f"{name}: images/s", [pair[side][0] for pair in results])
        show(f"{name}: whole process, s", [pair[side][1] for pair in results])
        print(f"{name}: peak {peak(command):.0f} MB")
    show("images/s, bn-tool ÷ update_bn", ratios(results, lambda result: result[0]))
    show("whole process, bn-tool ÷ update_bn", ratios(results, lambda result: result[1]))


def rate_of(result):
    return found(json.loads(result.output), "samples_per_second")


def main():
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--python", default=sys.executable, help="a Python with torch, torchvision, numpy and onnx")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32, help="of update_bn")
    parser.add_argument("--layout", choices=["contiguous_format", "channels_last"], default="contiguous_format")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--part", choices=["make", "update_bn"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "make":
        return make(options.model, options.data, options.images)
    if options.part == "update_bn":
        return update_bn(options.data, options.batch, options.layout, options.threads)
    with scratch(options) as folder:
        model, data = options.model or folder / "resnet50.onnx", options.data or folder / "images.npy"
        torch = [options.python, __file__, "--data", data, "--threads", options.threads]
        run([*torch, "--part", "make", "--model", model, "--images", options.images])
        tool = [binary(options), "recalibrate", model, "--data", data, "--method", "exact"]
        ours = [*tool, "--threads", options.threads, "--format", "json", "--quiet", "-o", folder / "recalibrated.onnx"]
        theirs = [*torch, "--part", "update_bn", "--batch", options.batch, "--layout", options.layout]
        compare(ours, theirs, options.runs)


if __name__ == "__main__":
    main()
