"""The launches of zoo nets on a GPU, and their kernels compiled by two processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from compiler.compile import compile_graph
from compiler.target import Target
from netspec import zoo
from netspec.lowering import build_graph
from netspec.spec.load import load_spec
from runtime.cuda import families  # noqa: F401  (fills the registry of launchers)
from runtime.cuda.launch import Context, Launch
from runtime.cuda.stop import stoppable
from runtime.plan import Plan, Step

REGISTERS = 65536
"""Of a block of threads at most."""


@dataclass(frozen=True)
class Form:
    """A kernel as it is compiled: its name and text, argument words, threads a block."""

    name: str
    text: str
    words: int
    block: int


def plans(name: str, dtype: str = "f32") -> Iterator[Plan]:
    """The plans of the phases that a zoo net has data for."""
    spec = load_spec(zoo.find(name))
    target = Target("cuda", dtype, vector_bytes=16, halo=False, fused_updates=False)
    for phase in spec.phases:
        solver = spec.solver if phase == "train" else None
        graph = build_graph(spec.net(phase), dtype, (), solver, open_files=False)
        yield compile_graph(graph, target)


def launches(plan: Plan) -> Iterator[tuple[Step, list[Launch]]]:
    """The steps of a plan with their launches."""
    context = Context(plan.dtype)
    for step in plan.steps:
        yield step, stoppable(step, context.launches(step))


def forms(names: Iterable[str], kinds: tuple[str, ...], dtype: str = "f32") -> list[Form]:
    """The distinct kernels of zoo nets whose names begin with one of ``kinds``."""
    found: dict[Form, None] = {}
    for name in names:
        for plan in plans(name, dtype):
            for _, made in launches(plan):
                for launch in made:
                    kernel = launch.kernel
                    if kernel.name.removeprefix("stop_").startswith(kinds):
                        found[Form(kernel.name, kernel.text, len(launch.args), launch.block)] = None
    return list(found)


def faults(forms: list[Form], archs: tuple[tuple[int, int], ...]) -> list[str]:
    """What is wrong with the machine code of kernels; empty where it is as it should be."""
    jobs = [(form, arch) for arch in archs for form in forms]
    # no fork: numba's threads may be running
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        return [fault for found in pool.map(_faults, jobs, chunksize=4) for fault in found]


def _faults(job: tuple[Form, tuple[int, int]]) -> list[str]:
    from runtime.cuda.build import build  # it imports numba-cuda, which only the processes that compile need
    from runtime.vector.kernel import Kernel

    form, arch = job
    made = build(Kernel(form.name, form.text), form.words, form.block, arch)
    wrong = {"spills": made.spilled, "stack": made.stack, "registers": max(0, made.registers * form.block - REGISTERS)}
    return [f"{form.name} for sm_{arch[0]}{arch[1]}: {key} {value}" for key, value in wrong.items() if value]
