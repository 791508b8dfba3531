#!/usr/bin/env python3
"""Time and peak memory of `bn-tool diff` on a model of 100,000 nodes, and on one of 1 GB.

    python3 benches/diff.py [--binary BINARY] [--nodes N] [--runs N] [--folder DIR]

Builds the models (examples/many_nodes.rs, examples/resnet152.rs), folds them, and compares each with itself and
with what it was folded to. Prints wall time, CPU time and peak resident memory with a warm page cache. Needs
nothing but Python, GNU time and cargo.
"""

import subprocess

from measure import arguments, binary, example, scratch, show_cost


def main():
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--nodes", type=int, default=100_000)
    options = parser.parse_args()
    tool = binary(options)
    with scratch(options) as folder:
        for name, parameter in [("many_nodes", options.nodes), ("resnet152", 2)]:
            model, folded = folder / f"{name}.onnx", folder / f"{name}.folded.onnx"
            example(name, model, parameter)
            subprocess.run([tool, "fold", model, "-o", folded, "--no-verify", "--quiet"], check=True)
            print(f"{name}, {model.stat().st_size / 1e6:.0f} MB")
            show_cost("with itself", [tool, "diff", model, model], folder / "out", options.runs)
            show_cost("with the folded", [tool, "diff", model, folded], folder / "out", options.runs)


if __name__ == "__main__":
    main()
