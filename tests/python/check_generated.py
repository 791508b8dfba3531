"""Checks generated models with ONNX's checker.

    GENERATED=FOLDER cargo test --test it write_some_recipes -- --ignored
    python tests/python/check_generated.py FOLDER
"""

import collections
import pathlib
import sys

import onnx


def main():
    problems, operators = collections.Counter(), collections.Counter()
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
        model = onnx.load(path)
        operators.update(f"{node.op_type}-{model.opset_import[0].version}" for node in model.graph.node)
        try:
            onnx.checker.check_model(model, full_check=True)
        except Exception as error:  # noqa: BLE001: whatever is wrong is to be counted
            problems[str(error)[:200]] += 1
    for problem, count in problems.most_common():
        print(f"{count} × {problem}")
    print(dict(sorted(operators.items())))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
