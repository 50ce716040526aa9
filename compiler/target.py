"""What the compiler must know of the machine a plan is for."""

from __future__ import annotations

from dataclasses import dataclass


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
    algorithms
        Ways of convolution the device has kernels for.
    """

    device: str = "cpu"
    dtype: str = "f32"
    alignment: int = 64
    algorithms: tuple[str, ...] = ("direct",)
