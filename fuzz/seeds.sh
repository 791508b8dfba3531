#!/bin/sh
# Seeds for `decode`: the text fixtures as protobuf, in fuzz/corpus/decode. The other targets
# take the text as it is.
set -eu
cd "$(dirname "$0")/.."
mkdir -p fuzz/corpus/decode fuzz/corpus/text fuzz/corpus/fold
for text in fixtures/*/*.onnxtxt; do
    binary=fuzz/corpus/decode/$(basename "$text" .onnxtxt).onnx
    target/debug/bn-tool fold --no-verify -o "$binary" "$text" >/dev/null 2>&1 || echo "no graph: $text"
done
