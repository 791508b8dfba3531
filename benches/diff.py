#!/usr/bin/env python3
"""Time and peak memory of `bn-tool diff` on a model of 100,000 nodes, and on one of 1 GB.

    python3 benches/diff.py [--nodes N] [--runs N] [--folder DIR]

Builds the release binary and the models (examples/many_nodes.rs, examples/resnet152.rs), folds
them, and compares each with itself and with what it was folded to. Prints wall time, CPU time and
peak resident memory (median, minimum, maximum) with a warm page cache. Needs nothing but Python
and cargo.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from copy_speed import BINARY, ROOT, run, summary


def measure(what, command, scratch, runs):
    results = [run(command, scratch) for _ in range(runs + 1)][1:]  # the first one warms the cache
    for name, figures in zip(["wall seconds", "CPU seconds", "peak MB"], zip(*results)):
        summary(f"{what}: {name}", figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=ROOT / "target", help="where to write: the file system counts")
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        folder = Path(folder)
        for example, argument in [("many_nodes", str(options.nodes)), ("resnet152", "2")]:
            model, folded = folder / f"{example}.onnx", folder / f"{example}.folded.onnx"
            command = ["cargo", "run", "--release", "--quiet", "--example", example, "--", model, argument]
            subprocess.run(command, cwd=ROOT, check=True)
            subprocess.run([BINARY, "fold", model, "-o", folded, "--no-verify", "--quiet"], check=True)
            print(f"{example}, {model.stat().st_size / 1e6:.0f} MB")
            measure("with itself", [BINARY, "diff", model, model], folder / "out", options.runs)
            measure("with the folded", [BINARY, "diff", model, folded], folder / "out", options.runs)


if __name__ == "__main__":
    main()
