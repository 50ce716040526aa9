from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.barriers import set_barriers
from runtime.expr import arg
from runtime.ops import ClearHalo, Map
from runtime.plan import Origin, Step, View


def view(offset: int, halo: tuple[int, int] = (0, 0)) -> View:
    """One image of 2 x 2 pixels, 16 bytes from ``offset``."""
    return View("arena", offset, (1, 1, 2, 2), (4, 1, 2, 1), "f32", halo)


def copy(source: int, target: int, segment: str = "forward") -> Step:
    return Step(Map((arg(0),), (1, 1, 2, 2)), (view(source),), (view(target),), segment, (Origin("x", "forward"),))


def barriers(*steps: Step) -> list[bool]:
    return [step.barrier for step in set_barriers(list(steps))]


@pytest.mark.parametrize(
    ("second", "waits"),
    [
        (copy(64, 96), False),
        (copy(0, 96), False),  # both read the same bytes
        (copy(32, 96), True),  # reads what the first writes
        (copy(64, 0), True),  # writes what the first reads
        (copy(64, 32), True),  # writes where the first writes
        (copy(64, 44), True),  # a part of it is enough
        (replace(copy(64, 96), segment="backward"), True),
    ],
)
def test_a_step_waits_for_the_bytes_it_needs(second, waits):
    assert [True, waits] == barriers(copy(0, 32), second)


def test_a_barrier_settles_all_steps_before_it():
    assert [True, False, True, False] == barriers(copy(0, 32), copy(0, 64), copy(32, 96), copy(64, 128))


def test_a_writer_does_not_wait_for_the_step_that_clears_its_halo():
    around = view(128, halo=(1, 1))
    clear = Step(ClearHalo(), (), (around,), "forward", (Origin("x", "forward"),))
    write = replace(copy(0, 128), writes=(around,))
    read = replace(copy(128, 320), reads=(around,))
    assert [True, False] == barriers(clear, write)
    assert [True, True] == barriers(clear, read)
