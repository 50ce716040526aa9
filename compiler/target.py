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
    halo
        Whether kernels read zeros around a map that is padded; else they test for its border.
    fused_updates
        Whether products of fully connected layers can update their weight in place of writing its gradient.
    math
        The spec's: ``fast``, ``exact`` (sums of products alone, in full precision), ``tf32`` or ``bf16`` (factors of
        products may be rounded to it, where the device can).
    small
        ``memory: small``: maps are computed again rather than kept.
    """

    device: str = "cpu"
    dtype: str = "f32"
    alignment: int = 64
    vector_bytes: int = 64
    algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    halo: bool = True
    fused_updates: bool = True
    math: str = "fast"
    small: bool = False

    @property
    def exact(self) -> bool:
        """Whether no approximate way of a convolution may be taken."""
        return self.math == "exact"
