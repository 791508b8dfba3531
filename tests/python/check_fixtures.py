"""Parses every fixture with ONNX's own parser and checks it with ONNX's own checker.

    python tests/python/check_fixtures.py

The checker is not asked where the idea of a fixture is that a model is malformed, or spelt as
the checker does not know it.
"""

import pathlib
import re
import sys

import onnx
import onnx.checker
import onnx.parser

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "fold"
UNCHECKED = {
    "ai_onnx_domain": "the checker does not know the domain by this name",
    "keeps_training_mode": "shape inference wants three outputs in training, runtimes do not",
    "keeps_parameter_of_rank_two": "malformed",
    "keeps_conv_bias_of_rank_two": "malformed",
    "keeps_gemm_integer_weight": "malformed",
    "keeps_group_normalization_18": "deprecated",
    "keeps_value_info_contradicts": "shape inference is strict",
}
EXPECTATION = re.compile(r"folded|keeps [a-z]+(-[a-z]+)*|none")


def batch_norms(model):
    """The number of BatchNormalization nodes, with those of subgraphs and functions."""

    def count(nodes):
        total = 0
        for node in nodes:
            total += node.op_type == "BatchNormalization" and node.domain in ("", "ai.onnx")
            for attribute in node.attribute:
                total += count(attribute.g.node) + sum(count(graph.node) for graph in attribute.graphs)
        return total

    return count(model.graph.node) + sum(count(function.node) for function in model.functions)


def problems(path):
    text = path.read_text()
    idea, expect, *_ = text.splitlines()
    if not idea.startswith("# ") or not expect.startswith("# expect: "):
        yield "the first two lines must be an idea and an expectation"
        return
    entries = expect.removeprefix("# expect: ").split(", ")
    yield from (f"`{entry}` is no expectation" for entry in entries if not EXPECTATION.fullmatch(entry))
    if ("keeps" in expect or "none" in expect) != path.stem.startswith("keeps_"):
        yield "the name and the expectation disagree"
    try:
        model = onnx.parser.parse_model(text)
        if path.stem not in UNCHECKED:
            onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # noqa: BLE001: whatever is wrong is to be shown
        yield str(error)
        return
    found = batch_norms(model)
    # Constant affine nodes that are folded count, too.
    if found > sum(entry != "none" for entry in entries):
        yield f"{found} BatchNormalizations, {len(entries)} expectations"


def main():
    paths = sorted(FIXTURES.glob("*.onnxtxt"))
    failed = False
    for path in paths:
        for problem in problems(path):
            failed = True
            print(f"{path.name}: {problem}")
    print(f"{len(paths)} fixtures, {sum(path.stem.startswith('keeps_') for path in paths)} of them refusals")
    sys.exit(failed)


if __name__ == "__main__":
    main()
