"""The graphs of fixtures/fold, each of which has one idea that breaks tools: what becomes of them."""

import collections
import json
import subprocess
import sys
from pathlib import Path

import onnx.parser

import tools
from measure import ROOT, markdown

HERE = Path(__file__).resolve().parent
# Graphs that say nothing about a tool, because the outputs are not defined well enough or no judge is right.
EXCLUDED = {
    "keeps_bn_9_five_outputs": "onnxruntime saves 1/sqrt(var + epsilon) where the specification says variance",
    "keeps_training_mode": "trains with one output, where the specification has three",
    "keeps_infinite_scale": "infinite or NaN depends on the order of operations",
    "keeps_zero_variance_zero_epsilon": "infinite or NaN depends on the order of operations",
    "keeps_constant_over_conv": "divides by numbers near zero: rounding shows",
    "sparse_variance": "onnx's parser cannot read it",
}


def graphs(folder):
    """Writes the fixtures that are evaluated as binary models, with ONNX's own parser."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "fixtures" / "fold").glob("*.onnxtxt")):
        text = path.read_text()
        if "\n# evaluate: no" not in text and path.stem not in EXCLUDED:
            target = folder / f"{path.stem}.onnx"
            onnx.save(onnx.parser.parse_model(text), target)
            yield target


def batch_norms(path):
    """How many there are in a file, those of subgraphs and functions included."""

    def count(nodes):
        return sum(
            (node.op_type == "BatchNormalization" and node.domain in ("", "ai.onnx"))
            + sum(count(attribute.g.node) for attribute in node.attribute)
            for node in nodes
        )

    model = onnx.load(path, load_external_data=False)
    return count(model.graph.node) + sum(count(function.node) for function in model.functions)


def outcomes(command, name, tasks):
    """What became of each graph with one tool: outcome and detail."""
    if name in tools.PACKAGES:
        lines = "".join(f"{source}\t{target}\n" for source, target in tasks)
        process = [sys.executable, str(HERE / "tools.py"), name]
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        done = subprocess.run(process, input=lines, text=True, check=True, **quiet)
        return [json.loads(line) for line in done.stdout.splitlines()]
    return [_outcome([str(part) for part in command(name, source, target)]) for source, target in tasks]


def _outcome(command):
    done = subprocess.run(command, capture_output=True, text=True)
    outcome = "done" if done.returncode == 0 else "failed" if done.returncode > 0 else "crashed"
    return {"outcome": outcome, "detail": done.stderr.strip()}


def judge(sources, names, kept):
    """The verdicts by graph and tool."""
    results = [{name: str(kept / name / source.name) for name in names} for source in sources]
    tasks = [json.dumps({"original": str(source), "results": files}) for source, files in zip(sources, results)]
    process = [sys.executable, str(HERE / "judge.py"), "--both"]
    done = subprocess.run(process, input="\n".join(tasks), stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(command, names, kept):
    """Runs all tools on all graphs, and prints how many come out right, and which do not, and why."""
    sources = list(graphs(kept / "original"))
    found = {}
    for name in names:
        (kept / name).mkdir(parents=True, exist_ok=True)
        found[name] = outcomes(command, name, [(source, kept / name / source.name) for source in sources])
    results = []
    for index, (source, verdicts) in enumerate(zip(sources, judge(sources, names, kept))):
        for name, verdict in verdicts.items():
            verdict["tool"] = found[name][index]
            if verdict["verdict"] != "missing":
                verdict["left"] = batch_norms(kept / name / source.name)
        results.append({"graph": source.stem, "norms": batch_norms(source), "tools": verdicts})
    report(results, names)
    return results


def reason(figures):
    return (figures["detail"] or figures["tool"]["detail"])[:300]


def report(results, names):
    kinds = ["same", "wrong", "invalid", "failed", "crashed", "disputed", "unjudged"]
    head = ["tool", *kinds, "BN folded, where it is the same"]
    norms = sum(result["norms"] for result in results)
    print(f"{len(results)} graphs with {norms} BatchNormalizations\n")
    rows, lists = [], []
    for name in names:
        by_kind = collections.defaultdict(list)
        folded = 0
        for result in results:
            figures = result["tools"][name]
            kind = figures["tool"]["outcome"] if figures["verdict"] == "missing" else figures["verdict"]
            by_kind[kind].append((result["graph"], figures))
            if kind == "same":
                folded += max(result["norms"] - figures["left"], 0)
        rows.append([name, *(len(by_kind[kind]) for kind in kinds), folded])
        for kind in kinds[1:-1]:
            lists += [f"{name}: {kind}: {graph}: {reason(figures)}" for graph, figures in by_kind[kind]]
    markdown(head, rows)
    print("\n".join(lists))
