"""What the compiler must know of the machine a plan is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A device as the passes see it.

    Parameters
    ----------
    device
        ``cpu``, ``cuda`` or ``reference``.
    dtype
        ``f32`` or ``f64``.
    alignment
        Bytes to which buffers are aligned.
    vector_bytes
        Bytes of a vector register.
    algorithms
        By a primitive's class name, the ways (``runtime.ways``) that
        the device has kernels for; the plain ones are always possible.
    exact
        ``math: exact``: sums of products alone, in full precision.
    small
        ``memory: small``: maps are computed again rather than kept.
    """

    device: str = "cpu"
    dtype: str = "f32"
    alignment: int = 64
    vector_bytes: int = 64
    algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exact: bool = False
    small: bool = False
