"""A net on the fake CUDA driver: ``--device cuda`` without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fake_cuda import FakeCodes, FakeCuda

from runtime.cuda import executor, measure
from runtime.cuda.driver import Driver
from runtime.cuda.gpu import Gpu


def fake_gpu(api: FakeCuda | None = None) -> Gpu:
    """A GPU of the fake driver."""
    return Gpu(Driver(api or FakeCuda()), 0, FakeCodes())


def shorten_measurements(patch: pytest.MonkeyPatch) -> None:
    """What a GPU does in milliseconds would take the emulator hours."""
    patch.setattr(measure, "COPIED", 1 << 12)
    patch.setattr(measure, "ROUNDS", 3)
    patch.setattr(measure, "BLOCK", 32)
    patch.setattr(measure, "BLOCKS_A_PROCESSOR", 1)


@contextmanager
def on_fake_gpu() -> Iterator[FakeCuda]:
    """The device cuda is a fake one; afterwards nothing of it may be left."""
    api = FakeCuda()
    gpu = fake_gpu(api)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "open_gpu", lambda index: gpu)
        shorten_measurements(patch)
        yield api
    gpu.close()
    assert api.leaks() == []
