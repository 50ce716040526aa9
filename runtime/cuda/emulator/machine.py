"""The emulated GPU: texts of kernels made into generators; blocks one after the other, and threads, in random order.

Two blocks are never under way at once: what they do to each other shows only as other results in another order.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Generator, Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np

from runtime.cuda.emulator.access import Access
from runtime.cuda.emulator.faults import Fault
from runtime.cuda.emulator.functions import FUNCTIONS
from runtime.cuda.emulator.memory import GlobalMemory, SharedMemory
from runtime.cuda.emulator.simt import WARP, Request, Simt
from runtime.cuda.emulator.tensor import Tensor
from runtime.vector.kernel import Kernel

_OF_NUMBA = re.compile(r"^(?:import|from) (?:numba|llvmlite)", re.M)
"""Modules of constants beside intrinsics; their functions are of no use here."""

Thread = Generator[Request, Any, None]


class Machine:
    """Runs kernels over a global memory.

    Parameters
    ----------
    memory
        What addresses point into.
    seed
        Of the order in which blocks run, and threads between barriers.

    Attributes
    ----------
    accesses, conflicts
        Passes of warps over shared memory in all launches, and how many more they took because of bank conflicts.
    """

    def __init__(self, memory: GlobalMemory, seed: int = 0) -> None:
        self.memory = memory
        self.accesses = self.conflicts = 0
        self.thread = self.threads = 0
        self.block = (0, 0, 0)
        self.shared = SharedMemory(0)
        self._random = random.Random(seed)
        access, simt, tensor = Access(memory).names(), Simt(self).names(), Tensor(self).names()
        self._emulated = {
            "runtime.vector.simd": {**FUNCTIONS, **access},
            "runtime.vector.access": {**FUNCTIONS, **access},
            "runtime.vector.philox": access,
            "runtime.vector.words": access,
            "runtime.cuda.simt": simt,
            "runtime.cuda.ptx": tensor,
            "runtime.cuda.ptx_copies": tensor,
        }
        self._modules: dict[str, SimpleNamespace] = {}
        self._kernels: dict[str, Any] = {}

    def launch(self, kernel: Kernel, args: Sequence[int], grid: tuple[int, int, int], block: int, shared: int) -> None:
        """Runs a grid of threads.

        Raises
        ------
        Fault
            What a GPU would not forgive.
        """
        run = self._generator(kernel)
        self.threads = block
        words = tuple(int(a) for a in args)
        across, down, deep = map(range, grid)
        blocks = list(product(across, down, deep))
        self._random.shuffle(blocks)
        with np.errstate(all="ignore"):
            for place in blocks:
                self.block = place
                self._run_block(kernel, run, words, block, shared)

    def _run_block(self, kernel: Kernel, run: Any, words: tuple[int, ...], count: int, shared: int) -> None:
        self.shared = SharedMemory(shared)
        threads: dict[int, Thread] = {t: run(words) for t in range(count)}
        answers: dict[int, Any] = dict.fromkeys(threads)
        waiting: dict[int, Request] = {}
        try:
            while threads:
                self._advance(threads, answers, waiting)
                if waiting:
                    self._meet(threads, answers, waiting, count)
        except Fault as fault:
            raise Fault(f"kernel {kernel.name}, block {self.block}: {fault}") from fault
        self.shared.finish()
        self.accesses += self.shared.accesses
        self.conflicts += self.shared.conflicts

    def _advance(self, threads: dict[int, Thread], answers: dict[int, Any], waiting: dict[int, Request]) -> None:
        """Runs every thread that waits for nobody up to its next stop or its end."""
        order = [t for t in threads if t not in waiting]
        self._random.shuffle(order)
        for t in order:
            self.thread = t
            try:
                waiting[t] = threads[t].send(answers[t])
            except StopIteration:
                del threads[t]

    def _meet(
        self, threads: dict[int, Thread], answers: dict[int, Any], waiting: dict[int, Request], count: int
    ) -> None:
        """Lets those go on whose warp, or whose block, is there."""
        asked = {r.name for r in waiting.values()}
        if asked == {"barrier"}:
            if len(waiting) != count:
                raise Fault(f"{len(waiting)} of {count} threads reach a barrier, the others have ended")
            self.shared.barrier()
            answers.update(dict.fromkeys(waiting))
            waiting.clear()
            return
        met = False
        for first in range(0, count, WARP):
            warp = range(first, first + WARP)
            requests = [waiting[t] for t in warp if t in waiting]
            if not requests or requests[0].resolve is None:
                continue
            if len(requests) != WARP or len({r.name for r in requests}) != 1:
                raise Fault(f"the threads of warp {first // WARP} do not do {requests[0].name!r} together")
            self.thread = first
            answers.update(zip(warp, requests[0].resolve([r.args for r in requests]), strict=True))
            for t in warp:
                del waiting[t]
            met = True
        if not met:
            raise Fault(f"threads wait for {', '.join(sorted(asked))} at the same time")

    def _generator(self, kernel: Kernel) -> Any:
        found = self._kernels.get(kernel.text)
        if found is None:
            found = self._kernels[kernel.text] = self._load(kernel.text, f"<kernel {kernel.name}>")["kernel"]
        return found

    def _load(self, text: str, path: str) -> dict[str, Any]:
        """Runs a module's text with our names for those of a GPU; its kernel becomes a generator."""
        tree = ast.parse(text, path)
        names: dict[str, Any] = {"__name__": path}
        body = []
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("runtime."):
                self._import(node, names)
            elif not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                body.append(node)
        # the helpers first: which names stop a thread is known once they are bound
        kernels = [n for n in body if isinstance(n, ast.FunctionDef) and n.name == "kernel"]
        exec(_compiled([n for n in body if n not in kernels], path), names)
        for node in kernels:
            exec(_compiled([_Stops(names).visit(node)], path), names)
        return names

    def _import(self, node: ast.ImportFrom, names: dict[str, Any]) -> None:
        module = str(node.module)
        for alias in node.names:
            inner = f"{module}.{alias.name}"
            if inner in self._emulated or _is_module(inner):
                names[alias.asname or alias.name] = self._module(inner)
                continue
            there = vars(self._module(module))
            if alias.name == "*":
                names.update({k: v for k, v in there.items() if not k.startswith("_")})
            elif alias.name not in there:
                raise Fault(f"the emulator has no {inner}")
            else:
                names[alias.asname or alias.name] = there[alias.name]

    def _module(self, name: str) -> SimpleNamespace:
        """A module as kernels see it: ours, or its own text run with our names."""
        found = self._modules.get(name)
        if found is None:
            if name in self._emulated:
                found = SimpleNamespace(**self._emulated[name])
            else:
                spec = find_spec(name)
                if spec is None or spec.origin is None:
                    raise Fault(f"there is no module {name}")
                text = Path(spec.origin).read_text(encoding="utf-8")
                if _OF_NUMBA.search(text):
                    found = SimpleNamespace(**vars(__import__(name, fromlist=["*"])))
                else:
                    found = SimpleNamespace(**self._load(text, spec.origin))
            self._modules[name] = found
        return found


def _is_module(name: str) -> bool:
    package, _, inner = name.rpartition(".")
    spec = find_spec(package)
    folders = (spec.submodule_search_locations or []) if spec else []
    return any((Path(f) / f"{inner}.py").is_file() for f in folders)


def _compiled(body: list[ast.stmt], path: str) -> CodeType:
    return compile(ast.fix_missing_locations(ast.Module(body, [])), path, "exec")


class _Stops(ast.NodeTransformer):
    """Turns calls of what threads do together into yields of the thread's generator."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call by name of something collective."""
        self.generic_visit(node)
        named = isinstance(node.func, ast.Name) and self.names.get(node.func.id)
        return ast.Yield(node) if getattr(named, "collective", False) else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """The kernel; with a yield that is never reached it is a generator even if nothing stops it."""
        self.generic_visit(node)
        node.body.append(ast.parse("if False:\n    yield").body[0])
        return node
