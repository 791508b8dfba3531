#!/usr/bin/env python3
"""How long bn-tool takes to do nothing much: `--version`, `explain`, `inspect` of a small model, beside `true`.

    python3 benches/startup.py [--binary BINARY] [--runs N]
"""

from measure import ROOT, arguments, binary, in_pairs, peak, run, show


def main():
    options = arguments(__doc__, runs=100).parse_args()
    tool = binary(options)
    model = ROOT / "fixtures" / "digits" / "digits.onnx"
    for parts in (["--version"], ["explain"], ["explain", "padding"], ["inspect", model]):
        pairs = in_pairs(lambda: run([tool, *parts]), lambda: run(["true"]), options.runs)
        name = f"bn-tool {' '.join(getattr(part, 'name', part) for part in parts)}"
        show(f"{name}: ms", [ours.wall * 1e3 for ours, _ in pairs])
        show(f"{name}: ms more than true", [(ours.wall - theirs.wall) * 1e3 for ours, theirs in pairs])
        show(f"{name}: CPU ms", [ours.cpu * 1e3 for ours, _ in pairs])
        print(f"{name}: peak {peak([tool, *parts]):.1f} MB")


if __name__ == "__main__":
    main()
