#!/usr/bin/env python3
"""What it costs to run models in a child process: interleaved runs of `verify` on the digits.

    python3 benches/containment.py [BINARY] [RUNS]
"""

import os
import statistics
import subprocess
import sys
import time

BINARY = sys.argv[1] if len(sys.argv) > 1 else "target/release/bn-tool"
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 50
MODEL = os.path.join(os.path.dirname(__file__), "../fixtures/digits/digits.onnx")
COMMAND = [BINARY, "verify", "--quiet", "--threads", "1", MODEL, MODEL]


def milliseconds(environment):
    start = time.perf_counter()
    subprocess.run(COMMAND, env=environment, check=True)
    return (time.perf_counter() - start) * 1e3


# What the tool tells its child: who believes to be one has none.
alone = dict(os.environ, BN_TOOL_CHILD=f"{os.getpid()} {1 << 62}")
pairs = [(milliseconds(alone), milliseconds(os.environ)) for _ in range(RUNS)]
for name, times in zip(("alone", "in a child"), zip(*pairs)):
    print(f"{name:10}  least {min(times):6.1f} ms  median {statistics.median(times):6.1f} ms")
