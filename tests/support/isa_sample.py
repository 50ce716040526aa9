"""Run by ``test_isa`` in a process with another instruction set: a sample of kernels against the reference."""

from __future__ import annotations

import math
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from cpu_cases import check_case  # noqa: E402
from kernel_calls import apply, ulps  # noqa: E402
from primitive_cases import fixed  # noqa: E402

from runtime import ops  # noqa: E402
from runtime.cpu.isa import detect  # noqa: E402

ERF = np.vectorize(math.erf, otypes=[float])
MAPS = ("relu-2x17x3x5", "dropout-2x17x3x5", "to_int-2x17x3x5", "logic-2x17x3x5", "u8_operand", "max-special")


def main() -> None:
    """Checks, then prints the instruction set and ok."""
    cases = [c for c in fixed(ops.Map) if str(c) in MAPS]
    cases += [fixed(ops.Reduce)[0], fixed(ops.Reduce)[9], fixed(ops.Moments)[0], fixed(ops.LogSumExp)[0]]
    numbered = (ops.Gather, ops.ScatterAdd, ops.TopK, ops.Patches, ops.Unpatch)
    cases += [fixed(prim)[k] for prim in numbered for k in (1, 4)]
    for case in cases:
        check_case(case, "float32", 3, (1, 2))
    check_case(cases[0], "float64", 4, (2,))
    x = np.random.default_rng(0).uniform(-80, 80, 5001).astype(np.float32)
    for text, function in (("exp(v)", np.exp), ("tanh(v)", np.tanh), ("sin(v)", np.sin), ("erf(v)", ERF)):
        assert ulps(apply(text, x), function(x.astype(np.float64))) <= 2.0
    print(detect().isa, "ok")


if __name__ == "__main__":
    main()
