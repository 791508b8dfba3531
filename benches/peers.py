#!/usr/bin/env python3
"""Compares bn-tool with other tools that fold BatchNormalization, on the same models.

    python3 benches/peers.py [MODEL.onnx...] [--binary BINARY] [--runs N] [--folder DIR] [--keep DIR] [--json FILE]
    python3 benches/peers.py --fixtures ...    what each makes of the graphs of fixtures/fold

Needs a Python with numpy, onnx, onnxruntime, onnxsim, onnxslim, onnxscript and onnxoptimizer, and GNU time. Without
models it takes those of fixtures/; benches/networks.py makes large ones. Prints the versions, and per model and
tool

- BatchNormalizations left, and whether the result is wrong (benches/judge.py says who decides and how);
- time ÷ `cp` of the same file: the whole process, in pairs with `cp`, and in brackets without the start of Python and
  the imports (benches/tools.py has how each tool is run);
- peak memory ÷ size of the file.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import small_graphs
import tools
from measure import ROOT, Failed, arguments, binary, in_pairs, machine, markdown, peak, run, scratch, spread, versions
from small_graphs import batch_norms

HERE = Path(__file__).resolve().parent
OURS = {"bn-tool": [], "bn-tool --no-verify": ["--no-verify"]}
TOOLS = [*OURS, *tools.PACKAGES]


def command(tool, name, source, target):
    """How a tool makes one file of another."""
    if name in OURS:
        return [tool, "fold", source, "-o", target, "--quiet", *OURS[name]]
    return [sys.executable, HERE / "tools.py", name, source, target]


def measured(tool, name, model, folder, kept, runs):
    """What a tool does to a model: the result goes to `kept`, the rest is figures."""
    out, size = folder / "out", model.stat().st_size
    work = command(tool, name, model, out / "out.onnx")

    def ours():
        done = run(work, empty=out, output=True)
        return done.wall, json.loads(done.output)["seconds"] if done.output else done.wall, done.cpu

    def cp():
        copied = run(["cp", model, out / "out.onnx"], empty=out)
        return copied.wall, copied.wall, max(copied.cpu, 1e-4)

    try:
        pairs = in_pairs(ours, cp, runs)
        memory = peak(work, empty=out)
    except Failed as error:
        return {"failed": str(error)}
    kept.mkdir(parents=True, exist_ok=True)
    for file in out.iterdir():
        shutil.move(file, kept / file.name)
    whole, inner, cpu = (spread(a[index] / b[index] for a, b in pairs) for index in range(3))
    left = batch_norms(kept / "out.onnx")
    return {"left": left, "wall": whole, "inner": inner, "cpu": cpu, "memory": memory * 2**20 / size}


def judge(model, kept):
    """The verdicts on the results of all tools, by name."""
    task = {"original": str(model), "results": {name: str(kept / name / "out.onnx") for name in TOOLS}}
    process = [sys.executable, str(HERE / "judge.py")]
    done = subprocess.run(process, input=json.dumps(task), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def compare(tool, model, folder, kept, runs):
    """Everything about one model."""
    figures = {name: measured(tool, name, model, folder, kept / name, runs) for name in TOOLS}
    for name, verdict in judge(model, kept).items():
        figures[name] |= verdict
    return {"model": model.name, "size": model.stat().st_size, "norms": batch_norms(model), "tools": figures}


def cell_left(figures):
    if "failed" in figures:
        return "failed"
    verdict = figures["verdict"]
    return f"{figures['left']}" if verdict == "same" else f"{figures['left']}, **{verdict}**"


def cell_difference(figures):
    return "–" if figures.get("difference") is None else f"{figures['difference']:.1e}"


def cell_time(figures):
    if "failed" in figures:
        return "failed"
    whole, inner = figures["wall"].median, figures["inner"].median
    return f"{whole:.1f}" if whole == inner else f"{whole:.0f} ({inner:.1f})"


def cell_number(figures, number):
    return "failed" if "failed" in figures else f"{number():.1f}"


def tables(results):
    def rows(cell):
        return [[result["model"], *(cell(result["tools"][name]) for name in TOOLS)] for result in results]

    print("BatchNormalizations left\n")
    head = ["model", "size, MB", "BN", *TOOLS]
    facts = [[f"{result['size'] / 1e6:.1f}", result["norms"]] for result in results]
    markdown(head, [[row[0], *fact, *row[1:]] for row, fact in zip(rows(cell_left), facts)])
    print("Largest difference\n")
    markdown(["model", *TOOLS], rows(cell_difference))
    print("Time ÷ cp: the whole process (without start and imports)\n")
    markdown(["model", *TOOLS], rows(cell_time))
    print("Processor time ÷ cp, the whole process\n")
    markdown(["model", *TOOLS], rows(lambda figures: cell_number(figures, lambda: figures["cpu"].median)))
    print("Peak memory ÷ size of the file\n")
    markdown(["model", *TOOLS], rows(lambda figures: cell_number(figures, lambda: figures["memory"])))


def main():
    parser = arguments(__doc__, runs=5)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--fixtures", action="store_true", help="the graphs of fixtures/fold in place of models")
    parser.add_argument("--keep", type=Path, help="keep what the tools write here")
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args()
    tool = binary(options)
    packages = ["numpy", "onnx", *sorted(set(tools.PACKAGES.values()))]
    named = [f"{name} {version}" for name, version in versions(packages).items()]
    own = run([tool, "--version"], output=True).output.decode().strip()
    print(f"{machine(options.folder)}\n{', '.join([own, *named])}\n")
    with scratch(options) as folder:
        kept = options.keep or folder / "kept"
        if options.fixtures:
            results = small_graphs.compare(lambda *parts: command(tool, *parts), TOOLS, kept)
        else:
            models = options.models or sorted(ROOT.glob("fixtures/digits/*.onnx"))
            results = [compare(tool, model, folder, kept / model.stem, options.runs) for model in models]
            tables(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
