"""Run by ``test_isa`` in a process with another instruction set: steps of whole nets against the reference."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from netspec.compiling import compile_spec  # noqa: E402
from netspec.spec.load import load_spec  # noqa: E402
from runtime.cpu.isa import detect  # noqa: E402

LARGEST, NORM = {"float32": 1e-3, "float64": 1e-7}, 0.1
"""How far a gradient may be off, in its root mean square.

At its largest by what layers by Winograd may be (DESIGN.md, section 6). Of a
deep net in float32 only as a whole: of 180,000 rectified numbers one or two lie
so near 0 that they fall on the other side, and each changes every gradient
before it by some percent; a wrong kernel changes it by 100. In float64 none does.
"""


def check(name: str, batch: int, dtype: str, deep: bool = False) -> None:
    """One forward and backward and one step of a zoo net on the CPU and on the reference, in float64 there."""
    spec = load_spec(ROOT / "specs" / f"{name}.yaml")
    mine = compile_spec(spec, batch_size=batch, seed=1, threads=2, dtype=dtype)
    other = compile_spec(spec, batch_size=batch, seed=1, device="reference", dtype="float64")
    other.import_state(mine.export_state())
    rng = np.random.default_rng(2)
    shape = mine.resolved.inputs["data"].shape
    given = {"data": rng.standard_normal(shape).astype(np.float32), "label": rng.integers(0, 10, batch)}
    for net in (mine, other):
        net.forward(**given)
        net.backward()
    for key, want in other.param_grads.items():
        error = (mine.param_grads[key] - want) / np.sqrt((want**2).mean())
        off = np.sqrt((error**2).mean()) if deep else np.abs(error).max()
        assert off < (NORM if deep else LARGEST[dtype]), f"{name}: the gradient of {key} is off by {off:.1e} in {dtype}"
    losses = [float(net.step(**given)["loss"]) for net in (mine, other)]
    assert abs(losses[0] - losses[1]) < 1e-4 * abs(losses[1])
    ways = {s.algorithm for s in mine.plan.steps if s.algorithm}
    print(name, *sorted(ways))


def main() -> None:
    """Prints the instruction set, then each net with its ways of convolution."""
    print(detect().isa)
    for dtype in ("float32", "float64"):
        check("lenet", 4, dtype)
        check("resnet20", 2, dtype, deep=dtype == "float32")


if __name__ == "__main__":
    main()
