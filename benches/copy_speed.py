#!/usr/bin/env python3
"""Times `bn-tool fold --no-verify` against `cp` and `dd` on models of 240 MB and 1 GB, in pairs.

    python3 benches/copy_speed.py [--binary BINARY] [--runs N] [--model MODEL.onnx] [--folder DIR]

Unless a model is given, builds two ResNet-152 with random weights (examples/resnet152.rs). Each is measured
in one file, and with external data. The output is removed before each run. Prints the ratio of wall time
and of CPU time per pair, and the peak resident memory. `cp` copies inside the kernel where it can
(copy_file_range); `dd` reads and writes as a program must that changes the bytes. Needs nothing but Python, GNU
time and cargo. One absolute time on a shared machine proves nothing: read the ratios.
"""

import subprocess
from pathlib import Path

from measure import arguments, binary, example, in_pairs, peak, ratios, run, scratch, show


def compare(ours, theirs, folder, runs):
    pairs = in_pairs(lambda: run(ours, empty=folder), lambda: run(theirs, empty=folder), runs)
    show(f"fold: wall ÷ {theirs[0]}", ratios(pairs, lambda run: run.wall))
    show(f"fold: CPU ÷ {theirs[0]}", ratios(pairs, lambda run: run.cpu))


def measure(tool, model, data, folder, runs):
    out = folder / "out"
    files = [model, *data]
    size = sum(file.stat().st_size for file in files)
    print(f"{' + '.join(file.name for file in files)}: {size / 1e6:.0f} MB")
    fold = [tool, "fold", model, "-o", out / "out.onnx", "--no-verify", "--quiet"]
    compare(fold, ["cp", "-t", out, *files], out, runs)
    if not data:
        compare(fold, ["dd", f"if={model}", f"of={out / 'out.onnx'}", "bs=256K", "status=none"], out, runs)
    print(f"fold: peak {peak(fold, empty=out):.1f} MB")


def main():
    parser = arguments(__doc__, runs=15)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    tool = binary(options)
    with scratch(options) as folder:
        if options.model:
            measure(tool, options.model, [], folder, options.runs)
            return
        for width, name in [("1", "resnet152.onnx"), ("2", "wide.onnx")]:
            model, beside = folder / name, folder / f"external-{name}"
            example("resnet152", model, width)
            measure(tool, model, [], folder, options.runs)
            data = f"{name}.bin"
            external = ["fold", model, "--exclude", "*", "-o", beside, "--external-data", data, "--quiet"]
            subprocess.run([tool, *external], check=True)
            measure(tool, beside, [folder / data], folder, options.runs)


if __name__ == "__main__":
    main()
