"""Checks external data against the reference implementation, both ways.

    cargo build --release
    python tests/python/external_data.py target/release/bn-tool MODEL...

For each model: the reference writes it with external data in several layouts; we fold each, beside
the input, elsewhere, and in place. The reference must load every result, its checker accept it, and
all tensors have the bytes that folding the model in one piece gives. Then the other way round: what
we write with --external-data the reference loads, and --inline gives the one-piece result to the
byte. Needs onnx 1.16 or later. Prints one line per model, and each difference.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
from onnx import numpy_helper

LAYOUTS = {
    "one file": dict(all_tensors_to_one_file=True, location="weights.bin", size_threshold=1024),
    "one file, all tensors, attributes": dict(
        all_tensors_to_one_file=True, location="all.bin", size_threshold=0, convert_attribute=True
    ),
    "a file per tensor": dict(all_tensors_to_one_file=False, size_threshold=1024),
}


def fold(tool: Path, model: Path, *arguments: object) -> None:
    command = [tool, "fold", model, "--no-verify", "--quiet", *arguments]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip())


def tensors(graph: onnx.GraphProto) -> dict[str, bytes]:
    found = {}
    for tensor in graph.initializer:
        found[tensor.name] = numpy_helper.to_array(tensor).tobytes()
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                found[f"{node.output[0]}.{attribute.name}"] = numpy_helper.to_array(attribute.t).tobytes()
            elif attribute.type == onnx.AttributeProto.GRAPH:
                for name, data in tensors(attribute.g).items():
                    found[f"{node.output[0]}.{attribute.name}.{name}"] = data
    return found


def compare(what: str, expected: dict[str, bytes], path: Path) -> list[str]:
    found = tensors(onnx.load(path).graph)
    onnx.checker.check_model(str(path))
    if found.keys() != expected.keys():
        return [f"{what}: other tensors: {sorted(found.keys() ^ expected.keys())[:5]}"]
    return [f"{what}: `{name}` differs" for name, data in expected.items() if found[name] != data]


def check(tool: Path, path: Path, folder: Path) -> list[str]:
    whole = folder / "whole.onnx"
    fold(tool, path, "-o", whole)
    expected = tensors(onnx.load(whole).graph)
    problems = []
    for index, (name, layout) in enumerate(LAYOUTS.items()):
        inside, elsewhere = folder / f"{index}", folder / f"{index}-elsewhere"
        inside.mkdir()
        elsewhere.mkdir()
        model = inside / "model.onnx"
        onnx.save(onnx.load(path), model, save_as_external_data=True, **layout)
        fold(tool, model, "-o", inside / "folded.onnx")
        fold(tool, model, "-o", elsewhere / "folded.onnx")
        fold(tool, model, "-o", folder / "inline.onnx", "--inline")
        fold(tool, model, "--in-place")
        for target in [inside / "folded.onnx", elsewhere / "folded.onnx", model, folder / "inline.onnx"]:
            problems += compare(f"{name}, {target.parent.name}/{target.name}", expected, target)
    ours, back = folder / "ours.onnx", folder / "back.onnx"
    fold(tool, path, "-o", ours, "--external-data", "ours.bin")
    problems += compare("--external-data", expected, ours)
    fold(tool, ours, "-o", back, "--inline")
    problems += compare("--inline", expected, back)
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()
    failed = 0
    for path in options.models:
        with tempfile.TemporaryDirectory() as folder:
            try:
                problems = check(options.tool.resolve(), path, Path(folder))
            except Exception as error:  # the checker raises several kinds
                problems = [f"{type(error).__name__}: {error}"]
        failed += bool(problems)
        print(f"{path.name}: {'same' if not problems else problems[0]}")
        for problem in problems[1:]:
            print(f"    {problem}")
    print(f"{len(options.models) - failed} of {len(options.models)} the same")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
