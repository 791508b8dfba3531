"""Checks the textual syntax against the reference implementation, both ways.

    cargo build --bins --examples
    python tests/python/text_round_trip.py target/debug [--strings TEST]... [MODEL...]

MODEL is binary or text; all fixtures are `fixtures/*/*.onnx*`. `--strings` takes the texts out of
a Python or C++ file, such as the tests of the reference itself (tests/python/*_test.py and
tests/cpp/parser_test.cc of its repository): of each string that the reference parses as a model,
graph or function, both must make the same.

For each model, and some made up here that have all types: the reference parses what we print
with all weights, and we parse what the reference prints; both must give the model again, up to
what the syntax cannot say (see the documentation of `onnx::text`). Needs onnx 1.23 or later.
Prints one line for each model and direction that differs, with the reason, then the sums.
"""

import argparse
import ast
import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import Message
from onnx import numpy_helper

# What the syntax has no place for, by message.
SILENT = {
    "ModelProto": ["training_info", "configuration"],
    "FunctionProto": ["metadata_props"],
    "GraphProto": ["doc_string", "metadata_props", "quantization_annotation"],
    "NodeProto": ["doc_string", "metadata_props", "device_configurations"],
    "ValueInfoProto": ["doc_string", "metadata_props"],
    "AttributeProto": ["doc_string"],
    "TensorProto": ["doc_string", "metadata_props", "segment"],
    "TypeProto": ["denotation"],
    "Dimension": ["denotation"],
}
# The reference prints `...` for complex numbers and those of less than a byte.
LEFT_OUT = "the values of this tensor were left out when the text was printed"
DATA = ["float_data", "int32_data", "int64_data", "uint64_data", "double_data"]


def normalise(message: Message, lossy: dict[str, list[str]]) -> None:
    """Removes what the syntax cannot say, or says in one of several ways."""
    name = message.DESCRIPTOR.name
    for field in SILENT.get(name, []) + lossy.get(name, []):
        message.ClearField(field)
    if name == "TensorProto":
        normalise_tensor(message)
    if name == "AttributeProto" and message.HasField("t") and not message.t.name.isidentifier():
        message.t.ClearField("name")
    for field, value in message.ListFields():
        if isinstance(value, Message):
            normalise(value, lossy)
            if name == "ValueInfoProto" and field.name == "type" and not value.ListFields():
                message.ClearField("type")
        elif field.message_type is not None:
            for element in value:
                normalise(element, lossy)
        elif value in ("", 0) and name != "Dimension":
            message.ClearField(field.name)


def normalise_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.data_type == onnx.TensorProto.STRING:
        return
    data = numpy_helper.to_array(tensor)
    if data.dtype.kind in "fc" and data.dtype.itemsize >= 4:
        parts = data.copy().reshape(-1).view(f"f{data.dtype.itemsize // (2 if data.dtype.kind == 'c' else 1)}")
        parts[np.isnan(parts)] = np.copysign(np.nan, parts[np.isnan(parts)])
        data = parts
    for field in DATA:
        tensor.ClearField(field)
    tensor.raw_data = data.tobytes()


def difference(a: Message, b: Message, path: str = "") -> str:
    """Where two messages differ first."""
    fields = {field.name for message in (a, b) for field, _ in message.ListFields()}
    for name in (field.name for field in a.DESCRIPTOR.fields if field.name in fields):
        left, right = getattr(a, name), getattr(b, name)
        here = f"{path}.{name}"
        if isinstance(left, Message):
            if left != right or a.HasField(name) != b.HasField(name):
                return difference(left, right, here) or f"{here}: {a.HasField(name)} {b.HasField(name)}"
        elif isinstance(left, (str, bytes, int, float)):
            if left != right or a.HasField(name) != b.HasField(name):
                return f"{here}: {left!r:.60} {right!r:.60}"
        elif left != right:
            if len(left) != len(right):
                return f"{here}: {len(left)} and {len(right)}"
            index = next(index for index, pair in enumerate(zip(left, right)) if pair[0] != pair[1])
            here = f"{here}[{index}]"
            inner = isinstance(left[index], Message)
            return difference(left[index], right[index], here) if inner else f"{here}: {left[index]!r:.60} {right[index]!r:.60}"
    return ""


def same(model: onnx.ModelProto, other: onnx.ModelProto, lossy: dict[str, list[str]]) -> str:
    left, right = onnx.ModelProto(), onnx.ModelProto()
    left.CopyFrom(model)
    right.CopyFrom(other)
    for side in (left, right):
        side.DiscardUnknownFields()
        normalise(side, lossy)
    return "" if left == right else f"differs at {difference(left, right)}"


def one_line(text: str | bytes) -> str:
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(text.split())[-1000:]


def run(*command: str) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise ValueError(one_line(done.stderr))
    return done.stdout


def ours(binary: str, path: str, model: onnx.ModelProto) -> str:
    """The reference parses what we print."""
    try:
        text = run(f"{binary}/bn-tool", "print", path, "--weights").decode()
    except ValueError as error:
        return f"we cannot print it: {error}"
    try:
        return same(model, onnx.parser.parse_model(text), {})
    except Exception as error:  # noqa: BLE001 (the reference throws anything)
        return f"the reference cannot parse it: {one_line(str(error))}"


def theirs(binary: str, model: onnx.ModelProto) -> str:
    """We parse what the reference prints. It leaves out more than we do."""
    lossy = {"FunctionProto": ["doc_string", "attribute_proto", "value_info"], "GraphProto": ["sparse_initializer"]}
    try:
        text = onnx.printer.to_text(model)
    except Exception as error:  # noqa: BLE001
        return f"the reference cannot print it: {one_line(str(error))}"
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "model.onnxtxt"), Path(folder, "model.onnx")
        source.write_text(text)
        try:
            run(f"{binary}/examples/convert", str(source), str(out))
        except ValueError as error:
            return LEFT_OUT if LEFT_OUT in str(error) and "..." in text else f"we cannot parse it: {error}"
        return same(model, onnx.load(out, load_external_data=False), lossy)


def made_up() -> dict[str, onnx.ModelProto]:
    """A model for each element type, in each place that it may be stored, and more."""
    header = '<ir_version: 14, opset_import: ["" : 26]>'
    models = {}
    for name, code in onnx.TensorProto.DataType.items():
        if name in ("UNDEFINED", "STRING"):
            continue
        dtype = onnx.helper.tensor_dtype_to_np_dtype(code)
        bits = np.random.default_rng(0).integers(0, 256, 7 * dtype.itemsize, dtype=np.uint8)
        if name == "BOOL" or "4" in name and "8" not in name or "2" in name:
            bits &= 1 if name == "BOOL" else 3
        raw = numpy_helper.from_array(bits.view(dtype), "raw")
        typed = onnx.helper.make_tensor("typed", code, [7], bits.view(dtype), raw=False)
        node = onnx.helper.make_node("Constant", [], ["y"], value=raw)
        models[name] = onnx.helper.make_model(
            onnx.helper.make_graph([node], "g", [], [], [raw, typed]), ir_version=14
        )
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, 3.4028235e38, 1e16, 1e-7, 123456.79]
    tensors = [numpy_helper.from_array(np.array(special, kind), kind) for kind in ("f4", "f8", "c8")]
    node = onnx.helper.make_node("Foo", ["", "a b", 'quote " and \\'], ["y", ""], floats=special, domain="a.b", f=-0.0)
    node.attribute.append(onnx.helper.make_attribute("empty", [], attr_type=onnx.AttributeProto.INTS))
    models["special"] = onnx.helper.make_model(onnx.helper.make_graph([node], "inf", [], [], tensors))
    models["text"] = onnx.parser.parse_model(
        header
        + """ g (seq(map(int64, optional(float[N, ?, "a+b"]))) x, sparse_tensor(double[]) s, opaque(a.b, c) o) => (float[] y)
        <float[2] external = ["location": "weights.bin", "offset": "4"], string[2, 1] "two lines" = {"a\n", "\\""}>
        { [label] y, "" = my.domain.Op:v2 <t = float tensor {1}, i = -3, n = nan, s = "", k: type_proto = seq(int8)> (x,, o)
          y = If (x) <then_branch = a () => (float b) {b = Foo()}, else_branch = a () => (float b) <int4[3] z = {1, 2}> {}> }
        <domain: "my.domain", overload: "v2", opset_import: ["" : 26], doc_string: "text">
        Op <i, s, n: float = 1> (float[N] x, y) => (z) <double[] w> { z = Foo <i: int = @i> (x) }"""
    )
    return models


def again(binary: str, path: str) -> str:
    """We parse what we print, and print it again."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "model.onnxtxt"), Path(folder, "model.onnx")
        try:
            source.write_bytes(run(f"{binary}/bn-tool", "print", path, "--weights"))
            run(f"{binary}/examples/convert", str(source), str(out))
            return "" if run(f"{binary}/bn-tool", "print", str(out), "--weights") == source.read_bytes() else "differs"
        except ValueError as error:
            return str(error)


def strings(path: str) -> dict[str, str]:
    """The models in the strings of a Python or C++ file, and the graphs, each made a model of its own."""
    header = '<ir_version: 10, opset_import: ["" : 19]>'
    source = Path(path).read_text()
    if path.endswith(".py"):
        found = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    else:
        found = [match[2] for match in re.finditer(r'R"(\w*)\((.*?)\)\1"', source, re.DOTALL)]
    models = {}
    for index, string in enumerate(found):
        if not isinstance(string, str) or "=>" not in string:
            continue
        candidates = [string, header + string, f"{header} g () => () {{}}\n{string}"]
        text = next((text for text in candidates if is_model(text)), None)
        if text is not None:
            models[f"{path}:{index}"] = text
    return models


def is_model(text: str) -> bool:
    try:
        onnx.parser.parse_model(text)
    except Exception:  # noqa: BLE001
        return False
    return True


def read(path: str) -> onnx.ModelProto:
    if path.endswith(".onnxtxt"):
        return onnx.parser.parse_model(Path(path).read_text())
    return onnx.load(path, load_external_data=False)


def parsed(binary: str, path: str, model: onnx.ModelProto) -> str:
    """We and the reference parse the same text."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "model.onnx")
        try:
            run(f"{binary}/examples/convert", path, str(out))
        except ValueError as error:
            return f"we cannot parse it: {error}"
        return same(model, onnx.load(out, load_external_data=False), {})


def check(binary: str, path: str, counts: collections.Counter) -> None:
    try:
        model = read(path)
    except Exception as error:  # noqa: BLE001
        print(f"{path}: the reference cannot read it: {one_line(str(error))}")
        return
    reasons = {
        "the reference reads us": ours(binary, path, model),
        "we read the reference": theirs(binary, model),
        "we read us": again(binary, path),
    }
    if path.endswith(".onnxtxt"):
        reasons["we read the same text as the reference"] = parsed(binary, path, model)
    for direction, reason in reasons.items():
        counts[direction, "left out" if reason == LEFT_OUT else "differ" if reason else "same"] += 1
        if reason:
            print(f"{path}: {direction}: {reason}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="the folder of the binaries, target/debug")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--strings", action="append", default=[], metavar="TEST", help="a file with texts in it")
    arguments = parser.parse_args()
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, model in made_up().items():
            arguments.models.append(str(Path(folder, f"{name}.onnx")))
            onnx.save(model, arguments.models[-1])
        for index, (origin, text) in enumerate(pair for path in arguments.strings for pair in strings(path).items()):
            path = Path(folder, f"{index}-{Path(origin).name.replace(':', '-')}.onnxtxt")
            path.write_text(text)
            arguments.models.append(str(path))
        for path in arguments.models:
            check(arguments.binary, path, counts)
    for direction in sorted({direction for direction, _ in counts}):
        of = {what: counts[direction, what] for what in ("same", "differ", "left out")}
        print(f"{direction}: {of['same']} same, {of['differ']} differ, {of['left out']} with values left out")
    return int(any(what == "differ" for _, what in counts))


if __name__ == "__main__":
    sys.exit(main())
