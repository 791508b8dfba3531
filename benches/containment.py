#!/usr/bin/env python3
"""What it costs to run models in a child process: `verify` on the digits with and without one, in pairs.

    python3 benches/containment.py [--binary BINARY] [--runs N]
"""

import os

from measure import ROOT, arguments, binary, in_pairs, run, show


def main():
    options = arguments(__doc__, runs=50).parse_args()
    model = ROOT / "fixtures" / "digits" / "digits.onnx"
    command = [binary(options), "verify", "--quiet", "--threads", "1", model, model]
    # What the tool tells its child: who believes to be one has none.
    alone = dict(os.environ, BN_TOOL_CHILD=f"{os.getpid()} {1 << 62}")
    pairs = in_pairs(lambda: run(command), lambda: run(command, environment=alone), options.runs)
    for name, side in [("in a child: ms", 0), ("alone: ms", 1)]:
        show(name, [pair[side].wall * 1e3 for pair in pairs])
    show("more in a child: ms", [(child.wall - alone.wall) * 1e3 for child, alone in pairs])


if __name__ == "__main__":
    main()
