"""From a loaded spec to a compiled net."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from netspec.arguments import DTYPES, check_arguments
from netspec.net import Net

if TYPE_CHECKING:
    from netspec.spec.load import Spec


def compile_spec(
    spec: Spec,
    phase: str = "train",
    batch_size: int | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    seed: int | None = None,
    threads: int | None = None,
    keep: Collection[str] | str = (),
    tune: bool = False,
    choices: Mapping[str, str] | None = None,
) -> Net:
    """Compiles a loaded spec; see ``netspec.compile``.

    Parameters
    ----------
    choices
        Ways of convolutions to take again, as ``Plan.choices`` of an earlier run had them.
    """
    check_arguments(phase, batch_size, device, dtype, seed)
    resolved = spec.net(phase, batch=batch_size)
    if seed is None:
        seed = spec.solver.random_seed if spec.solver is not None else 0
    return Net(resolved, device, DTYPES[dtype], seed, threads, keep, None, choices, tune)
