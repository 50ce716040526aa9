"""What ``compile`` is asked for: is it a phase, a size, a seed that can be."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from runtime.errors import UsageError

DTYPES = {"float32": "f32", "float64": "f64"}
LARGEST_SEED = 2**53 - 1
"""Seeds travel as float64."""


def check_arguments(phase: Any, batch_size: Any, device: Any, dtype: Any, seed: Any) -> None:
    """Refuse what no net can be compiled for; None stands for a default where there is one.

    Raises
    ------
    UsageError
        Names the argument, what it is and what it may be.
    """
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise UsageError(f"dtype {dtype!r}: float32 or float64")
    if not isinstance(device, str):
        raise UsageError(f"device {device!r}: a name, such as cpu")
    check_phase(phase)
    check_count("batch_size", batch_size, 1)
    check_count("seed", seed, 0, LARGEST_SEED)


def check_phase(phase: Any) -> None:
    """Refuse a phase that is neither of the two nor named like a further test source, ``test_NAME``.

    Raises
    ------
    UsageError
        With the two.
    """
    if phase not in ("train", "test") and not (isinstance(phase, str) and phase.startswith("test_")):
        raise UsageError(f"no phase {phase!r}: train or test")


def check_count(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Refuse what is neither None nor a whole number in a range.

    Raises
    ------
    UsageError
        With the range.
    """
    if value is None:
        return
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        limit = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UsageError(f"{name} {value!r}: a whole number {limit}")
