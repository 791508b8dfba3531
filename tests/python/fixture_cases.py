"""Writes the fixtures as cases for the conformance test, with the outputs of onnxruntime or,
where that has no such operator, of ONNX's reference evaluator.

    python tests/python/fixture_cases.py FOLDER
    ONNX_CASES=FOLDER cargo test --test it conformance -- --ignored --nocapture
"""

import collections
import pathlib
import sys

import numpy as np
import onnx.parser
from cases import by_reference, expected, random_input, write

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "fold"
# These are evaluated and not compared.
NOT_COMPARED = {
    "bn_9_empty_outputs": "onnxruntime crashes, the reference evaluator is wrong at opsets 9 to 13",
    "keeps_bn_7_one_extra_output": "the same",
    "keeps_bn_9_five_outputs": "onnxruntime saves 1/sqrt(var + epsilon) where the specification says variance",
    "keeps_f16_weight_overflow": "the peer's f16 overflows",
    "keeps_f16_bias_overflow": "the peer's f16 overflows",
    "keeps_constant_over_conv": "ill-conditioned: the peer's f32 is far off",
    "keeps_infinite_scale": "infinite or NaN depends on the order of operations",
    "keeps_zero_variance_zero_epsilon": "infinite or NaN depends on the order of operations",
}


def inputs_of(model, rng):
    """An array for each input that is not an initializer; those come last in the fixtures."""
    initializers = {tensor.name for tensor in model.graph.initializer}
    values = {}
    for value in model.graph.input:
        if value.name == "shape":
            values[value.name] = np.array([-1, 3])
        elif value.name not in initializers:
            values[value.name] = random_input(value, rng, {"H": 3, "W_": 3})
    return values


def main():
    folder = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(1)
    by = collections.Counter()
    for path in sorted(FIXTURES.glob("*.onnxtxt")):
        text = path.read_text()
        if "\n# evaluate: no" in text:
            by["not evaluated"] += 1
            continue
        model = onnx.parser.parse_model(text)
        inputs = inputs_of(model, rng)
        outputs, peer = (None, "nobody") if path.stem in NOT_COMPARED else expected(model, inputs)
        by[peer] += 1
        if peer in ("nobody", by_reference.__name__):
            print(f"{path.stem}: {peer}")
        write(folder, path.stem, model, inputs.values(), outputs)
    print(dict(by))


if __name__ == "__main__":
    main()
