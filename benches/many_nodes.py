#!/usr/bin/env python3
"""Time and peak memory of `bn-tool fold --no-verify` on a model of 100,000 nodes.

    python3 benches/many_nodes.py [--binary BINARY] [--nodes N] [--runs N] [--folder DIR]

Builds the model: Conv 1x1, BatchNormalization, Relu, again and again, with weights, attributes and names as
PyTorch exports them (examples/many_nodes.rs). Prints wall time, CPU time and peak resident memory with a warm
page cache. Needs nothing but Python, GNU time and cargo.
"""

from measure import arguments, binary, example, scratch, show_cost


def main():
    parser = arguments(__doc__, runs=15)
    parser.add_argument("--nodes", type=int, default=100_000)
    options = parser.parse_args()
    tool = binary(options)
    with scratch(options) as folder:
        model, out = folder / "model.onnx", folder / "out"
        example("many_nodes", model, options.nodes)
        print(f"{options.nodes} nodes, {model.stat().st_size / 1e6:.0f} MB")
        show_cost("fold", [tool, "fold", model, "-o", out / "out.onnx", "--no-verify", "--quiet"], out, options.runs)


if __name__ == "__main__":
    main()
