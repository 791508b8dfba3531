#!/bin/sh
# Seeds for all targets in fuzz/corpus: the fixtures as text, as protobuf and with their weights
# in a data file, and some models of the tests' generator.
set -eu
cd "$(dirname "$0")/.."
SEEDS=$PWD/fuzz/corpus cargo test --quiet --test it write_seeds -- --ignored
