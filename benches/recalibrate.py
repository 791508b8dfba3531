#!/usr/bin/env python3
"""Times `bn-tool recalibrate --method exact` against PyTorch's `update_bn` on ResNet-50, in pairs.

    python3 benches/recalibrate.py [BINARY] [--python PYTHON] [--rounds N] [--model MODEL.onnx] [--data IMAGES.npy]

Needs a Python with numpy, torch, torchvision and onnx (`--python`, default: the one that runs this), and
the release binary. Unless they are given, the model (random weights, every BatchNormalization kept) and
256 smooth random images of 3 x 224 x 224 are made in a temporary folder; a model that is given must be
a ResNet-50, or the two do not do the same work.

Each side is a process of its own; they alternate (A B, B A, A B, …) on an otherwise idle machine, and
the first pair, which warms the page cache, is not counted. `images/s` leaves out start, loading and
writing on both sides: torch times the call of `update_bn` on batches in memory (after one batch to warm up),
the tool reports `samples_per_second` itself. `whole process` is wall time with all of that. Printed are
medians, minima and maxima, the median over the pairs of tool ÷ torch, and the peak resident memory of the largest
process. The two measure different things: `exact` is what `update_bn` comes near to with large batches.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def make(model, data, count):
    """The part that runs under --python: what is missing of the model and the images."""
    import numpy as np
    import torch
    import torchvision

    if not model.exists():
        torch.manual_seed(0)
        torch.onnx.export(
            torchvision.models.resnet50(weights=None).eval(),
            (torch.zeros(1, 3, 224, 224),),
            str(model),
            dynamo=False,
            opset_version=17,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
            training=torch.onnx.TrainingMode.PRESERVE,  # EVAL would fold every BatchNormalization
            do_constant_folding=False,
        )
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


def run(command):
    """Wall seconds, peak memory in MB and the JSON that the command prints."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)
    report = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"exit status {process.returncode}: {' '.join(map(str, command))}")
    return {"wall": wall, "peak": usage.ru_maxrss / 1024, "rate": find(json.loads(report), "samples_per_second")}


def find(report, name):
    """The first value of that name, however deep; None if there is none."""
    if isinstance(report, dict) and name in report:
        return report[name]
    parts = report.values() if isinstance(report, dict) else report if isinstance(report, list) else []
    return next((found for part in parts if (found := find(part, name)) is not None), None)


def summary(name, figures):
    print(f"{name:34} median {statistics.median(figures):8.2f}   min {min(figures):8.2f}   max {max(figures):8.2f}")


def compare(ours, theirs, rounds):
    pairs = []
    for index in range(rounds + 1):
        order = [ours, theirs] if index % 2 == 0 else [theirs, ours]
        results = {id(command): run(command) for command in order}
        if index > 0:  # the first pair warms the cache
            pairs.append((results[id(ours)], results[id(theirs)]))
    for side, name in enumerate(["bn-tool", "update_bn"]):
        if all(pair[side]["rate"] for pair in pairs):
            summary(f"{name}: images/s", [pair[side]["rate"] for pair in pairs])
        summary(f"{name}: whole process, s", [pair[side]["wall"] for pair in pairs])
        summary(f"{name}: peak MB", [pair[side]["peak"] for pair in pairs])
    if all(pair[0]["rate"] for pair in pairs):
        summary("images/s, bn-tool ÷ update_bn", [a["rate"] / b["rate"] for a, b in pairs])
    else:
        print("the tool's report has no samples_per_second: only whole processes are compared")
    summary("whole process, update_bn ÷ bn-tool", [b["wall"] / a["wall"] for a, b in pairs])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", nargs="?", type=Path, default=ROOT / "target" / "release" / "bn-tool")
    parser.add_argument("--python", default=sys.executable, help="a Python with torch, torchvision, numpy and onnx")
    parser.add_argument("--rounds", type=int, default=5)
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
    with tempfile.TemporaryDirectory() as folder:
        model, data = options.model or Path(folder) / "resnet50.onnx", options.data or Path(folder) / "images.npy"
        torch = [options.python, __file__, "--data", data, "--threads", options.threads]
        made = [*torch, "--part", "make", "--model", model, "--images", options.images]
        subprocess.run([str(part) for part in made], stderr=subprocess.DEVNULL, check=True)
        tool = [options.binary, "recalibrate", model, "--data", data, "--method", "exact", "--threads", options.threads]
        ours = [*tool, "--format", "json", "--quiet", "-o", Path(folder) / "recalibrated.onnx"]
        theirs = [*torch, "--part", "update_bn", "--batch", options.batch, "--layout", options.layout]
        compare(ours, theirs, options.rounds)


if __name__ == "__main__":
    main()
