#!/usr/bin/env python3
"""Time and peak memory of `bn-tool fold --no-verify` on a model of 100,000 nodes.

    python3 benches/many_nodes.py [--nodes N] [--runs N] [--folder DIR]

Builds the release binary and the model: Conv 1x1, BatchNormalization, Relu, again and again,
with weights, attributes and names as PyTorch exports them (examples/many_nodes.rs). Prints wall
time, CPU time and peak resident memory (median, minimum, maximum) with a warm page cache.
Needs nothing but Python and cargo.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from copy_speed import BINARY, ROOT, run, summary


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=ROOT / "target", help="where to write: the file system counts")
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        model = Path(folder) / "model.onnx"
        command = ["cargo", "run", "--release", "--quiet", "--example", "many_nodes", "--", model, str(options.nodes)]
        subprocess.run(command, cwd=ROOT, check=True)
        out = Path(folder) / "out"
        print(f"{options.nodes} nodes, {model.stat().st_size / 1e6:.0f} MB")
        fold = [BINARY, "fold", model, "-o", out / "out.onnx", "--no-verify", "--quiet"]
        results = [run(fold, out) for _ in range(options.runs + 1)][1:]  # the first one warms the cache
        for name, figures in zip(["wall seconds", "CPU seconds", "peak MB"], zip(*results)):
            summary(name, figures)


if __name__ == "__main__":
    main()
