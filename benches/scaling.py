#!/usr/bin/env python3
"""How the cost of each command grows: with the number of nodes, and with the size of the weights.

    python3 benches/scaling.py [--binary BINARY] [--runs N] [--folder DIR] [--csv FILE] [--timeout S] [--only nodes|size]
    python3 benches/scaling.py --plot FILE.csv    draws docs/scaling-nodes.svg and docs/scaling-size.svg

`nodes`: 1,000 to 100,000 nodes that compute little (examples/many_nodes.rs). `size`: eight layers with 1 MB to 1.9 GB
of weights (2 GiB is the most that one protobuf file can be), beside `cp` and `dd`. Per command: the least wall time of
the runs, processor time of the same run, and the largest resident memory, with a warm page cache. The last columns
of the table are exponents over the last factor of ten: 1 is growth in proportion. What takes longer than `--timeout` is
left out from there on.
"""

import csv
import math
import random
import subprocess
from array import array
from pathlib import Path

import chart
from measure import ROOT, Failed, arguments, binary, example, machine, markdown, peak, run, scratch

NODES = [1_000, 3_000, 10_000, 30_000, 100_000]
SIZES = [1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 1_900_000_000]
LAYERS = 8
FIELDS = ["growth", "command", "n", "bytes", "wall", "cpu", "peak"]


def many_nodes(tool, path, nodes):
    example("many_nodes", path, nodes)


def many_weights(tool, path, size):
    """Eight times Conv 1x1, BatchNormalization and Relu on images of 2 x 2."""
    channels = math.isqrt(size // 4 // LAYERS)
    data, text = path.with_suffix(".bin"), path.with_suffix(".onnxtxt")
    bound, generator = math.sqrt(3 / channels), random.Random(0)
    block = array("f", (generator.uniform(-bound, bound) for _ in range(1 << 18))).tobytes()
    parameters = array("f", (generator.uniform(0.5, 1.5) for _ in range(channels))).tobytes()
    length = channels * channels * 4
    with data.open("wb") as file:
        file.write(parameters)
        file.writelines(block[: length - start] for start in range(0, length, len(block)))
    text.write_text(layers(channels, data.name))
    # All layers read the same numbers; in one file, each has its own.
    inline = ["fold", text, "--exclude", "*", "--inline", "--no-verify", "-q", "-o", path]
    subprocess.run([tool, *inline], check=True)
    data.unlink()


def layers(channels, data):
    """The network as text, with weights in a file."""
    image, weight, parameter = f"float[1,{channels},2,2]", f"float[{channels},{channels},1,1]", f"float[{channels}]"

    def at(offset, length):
        return f'["location": "{data}", "offset": "{offset}", "length": "{length}"]'

    weights, parameters = at(channels * 4, channels * channels * 4), at(0, channels * 4)
    tensors = [f"{weight} w{layer} = {weights}" for layer in range(LAYERS)]
    tensors += [f"{parameter} {name}{layer} = {parameters}" for layer in range(LAYERS) for name in "sbmv"]
    nodes = "".join(
        f"c{i} = Conv (x{i}, w{i})\nn{i} = BatchNormalization (c{i}, s{i}, b{i}, m{i}, v{i})\nx{i + 1} = Relu (n{i})\n"
        for i in range(LAYERS)
    )
    head = '<ir_version: 8, opset_import: ["" : 17]>'
    return f"{head}\nweights ({image} x0) => ({image} x{LAYERS})\n<{', '.join(tensors)}>\n{{\n{nodes}}}\n"


def commands(tool, folder, out):
    """What is measured, by name. The first ones make the models that others read, and come first."""
    model, folded, biased = (folder / f"{name}.onnx" for name in ("model", "folded", "biased"))
    subprocess.run([tool, "fold", model, "-o", folded, "--no-verify", "-q"], check=True)
    subprocess.run([tool, "insert", folded, "-o", biased, "--no-verify", "-q"], check=True)
    written = ["-q", "-o", out / "out.onnx"]
    return {
        "fold --no-verify": [tool, "fold", model, "--no-verify", *written],
        "insert --no-verify": [tool, "insert", folded, "--no-verify", *written],
        "strip-bias --no-verify": [tool, "strip-bias", biased, "--no-verify", *written],
        "inspect": [tool, "inspect", model],
        "print": [tool, "print", model],
        "diff": [tool, "diff", model, folded],
        "verify": [tool, "verify", model, folded, "-q"],
        "fold": [tool, "fold", model, *written],
        "cp": ["cp", model, out / "out.onnx"],
        "dd bs=256K": ["dd", f"if={model}", f"of={out / 'out.onnx'}", "bs=256K", "status=none"],
    }


def measured(command, out, options):
    """Wall and processor seconds of the quickest run, and the peak in MB."""
    memory = peak(command, empty=out, timeout=options.timeout)
    runs = [run(command, empty=out, timeout=options.timeout) for _ in range(options.runs)]
    best = min(runs, key=lambda result: result.wall)
    return {"wall": round(best.wall, 5), "cpu": round(best.cpu, 5), "peak": round(memory, 2)}


def growth(name, make, amounts, tool, options):
    """The figures of one series of models."""
    slow = set()
    for amount in amounts:
        with scratch(options) as folder:
            make(tool, folder / "model.onnx", amount)
            size = (folder / "model.onnx").stat().st_size
            for command, parts in commands(tool, folder, folder / "out").items():
                if command in slow:
                    continue
                try:
                    row = {"growth": name, "command": command, "n": amount, "bytes": size}
                    yield row | measured(parts, folder / "out", options)
                except Failed as error:
                    print(f"{name} {amount}: {command}: {error}", flush=True)
                    slow.add(command)


def table(rows, name):
    """Seconds and MB by command and amount, and the exponents in the end."""
    rows = [row for row in rows if row["growth"] == name]
    amounts = sorted({row["n"] for row in rows})
    lines = []
    for command in dict.fromkeys(row["command"] for row in rows):
        by_amount = {row["n"]: row for row in rows if row["command"] == command}
        cells = [f"{r['wall']:.3f} s, {r['peak']:.0f} MB" if (r := by_amount.get(n)) else "–" for n in amounts]
        lines.append([command, *cells, *exponents(by_amount)])
    markdown([name, *(f"{amount:,}" for amount in amounts), "exponent: wall", "CPU", "peak"], lines)


def exponents(by_amount):
    if len(by_amount) < 2:
        return ["–"] * 3
    last = max(by_amount)
    a, b = by_amount[max([n for n in by_amount if n * 10 <= last], default=min(by_amount))], by_amount[last]
    times = math.log(b["n"] / a["n"])
    return [f"{math.log(max(b[what], 1e-4) / max(a[what], 1e-4)) / times:.2f}" for what in ("wall", "cpu", "peak")]


def plot(rows, name, label, form):
    """A chart of time and one of memory."""
    rows = [row for row in rows if row["growth"] == name]

    def series(what):
        for command in dict.fromkeys(row["command"] for row in rows):
            points = [(row["n"], row[what]) for row in rows if row["command"] == command]
            reference = command.split()[0] in ("cp", "dd")
            if not (reference and what == "peak"):
                yield chart.Series(command, points, reference)

    panels = [
        chart.Panel("wall time", label, "seconds", list(series("wall")), x_form=form),
        chart.Panel("peak memory", label, "MB", list(series("peak")), x_form=form, y_form="{:,.0f}".format),
    ]
    chart.write(ROOT / "docs" / f"scaling-{name}.svg", panels)


def bytes_form(value):
    return f"{value / 1e9:g} GB" if value >= 1e9 else f"{value / 1e6:g} MB"


def main():
    parser = arguments(__doc__, runs=3)
    parser.add_argument("--only", choices=["nodes", "size"])
    parser.add_argument("--csv", type=Path, default=ROOT / "target" / "scaling.csv")
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--plot", type=Path, metavar="FILE.csv", help="measure nothing, draw what is in this file")
    options = parser.parse_args()
    if not options.plot:
        tool = binary(options)
        print(machine(options.folder))
        kinds = {"nodes": (many_nodes, NODES), "size": (many_weights, SIZES)}
        with options.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            for name in [options.only] if options.only else kinds:
                for row in growth(name, *kinds[name], tool, options):
                    writer.writerow(row)
                    file.flush()
    with (options.plot or options.csv).open(newline="") as file:
        rows = [row | {field: float(row[field]) for field in FIELDS[2:]} for row in csv.DictReader(file)]
    rows = [row | {"n": int(row["n"])} for row in rows]
    for name, label, form in [("nodes", "nodes", "{:,.0f}".format), ("size", "weights", bytes_form)]:
        if any(row["growth"] == name for row in rows):
            table(rows, name)
            plot(rows, name, label, form)


if __name__ == "__main__":
    main()
