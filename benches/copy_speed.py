#!/usr/bin/env python3
"""Times `bn-tool fold --no-verify` against `cp` and `dd` on models of 240 MB and 1 GB, in pairs.

    python3 benches/copy_speed.py [--runs N] [--model MODEL.onnx] [--folder DIR]

Builds the release binary and, unless a model is given, two ResNet-152 with random weights. Each
is measured in one file, and with external data. Runs alternate (A B, B A, A B, …) with a warm page
cache; the output is removed before each run. Prints the ratio of wall time and of CPU time per pair (median, minimum, maximum) and the
peak resident memory. `cp` copies inside the kernel where it can (copy_file_range); `dd` reads
and writes as a program must that changes the bytes. Needs nothing but Python and cargo. One
absolute time on a shared machine proves nothing: read the ratios.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "target" / "release" / "bn-tool"


def run(command, folder):
    """Wall seconds, CPU seconds and peak memory in MB of one run that writes to an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def summary(name, figures):
    print(f"{name:30} median {statistics.median(figures):6.2f}   min {min(figures):6.2f}   max {max(figures):6.2f}")


def compare(name, ours, theirs, folder, runs):
    other = theirs[0]
    pairs = []
    for index in range(runs + 1):
        order = [ours, theirs] if index % 2 == 0 else [theirs, ours]
        results = {id(command): run(command, folder) for command in order}
        if index > 0:  # the first pair warms the cache
            pairs.append((results[id(ours)], results[id(theirs)]))
    summary(f"{name}: wall ÷ {other}", [a[0] / b[0] for a, b in pairs])
    summary(f"{name}: CPU ÷ {other}", [a[1] / b[1] for a, b in pairs])
    summary(f"{name}: peak MB", [a[2] for a, _ in pairs])


def measure(model, data, folder, runs):
    out = folder / "out"
    files = [model, *data]
    size = sum(file.stat().st_size for file in files)
    print(f"{model.name}{' + ' if data else ''}{', '.join(file.name for file in data)}: {size / 1e6:.0f} MB")
    fold = [BINARY, "fold", model, "-o", out / "out.onnx", "--no-verify", "--quiet"]
    compare("fold", fold, ["cp", "-t", out, *files], out, runs)
    if not data:
        compare("fold", fold, ["dd", f"if={model}", f"of={out / 'out.onnx'}", "bs=256K", "status=none"], out, runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--folder", type=Path, default=ROOT / "target", help="where to write: the file system counts")
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        folder = Path(folder)
        if options.model:
            measure(options.model, [], folder, options.runs)
            return
        for width, name in [("1", "resnet152.onnx"), ("2", "wide.onnx")]:
            model, beside = folder / name, folder / f"external-{name}"
            command = ["cargo", "run", "--release", "--quiet", "--example", "resnet152", "--", model, width]
            subprocess.run(command, cwd=ROOT, check=True)
            measure(model, [], folder, options.runs)
            data = f"{name}.bin"
            external = ["fold", model, "--exclude", "*", "-o", beside, "--external-data", data, "--quiet"]
            subprocess.run([BINARY, *external], check=True)
            measure(beside, [folder / data], folder, options.runs)


if __name__ == "__main__":
    main()
