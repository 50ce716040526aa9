"""A contender in a process of its own: answers requests, one JSON object a line.

The first answer is ``{"versions": .., "library_bytes": n}``: what is resident
once the library is loaded. Then

- ``{"do": "steps", "n": n}``: n steps; ``{"ms": [..], "values": [..]}``;
- ``{"do": "load", "case": ..}``: takes another case (sweep);
- ``{"do": "result"}``, ``{"do": "facts"}``, ``{"do": "compiled"}``: what the contender tells;
- ``{"do": "reset_peak"}``, ``{"do": "peak"}``: the high-water mark of memory.

The end of the input ends the process.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

from bench import memory
from bench.contenders import NEEDS, make


def main(text: str) -> None:
    """Serves until its input ends; ``text`` is the request of ``bench.process.Worker``."""
    request = json.loads(text)
    os.sched_setaffinity(0, request["cores"])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    importlib.import_module(NEEDS[request["contender"].partition("-")[0]])
    library = memory.resident()
    contender = make(request["task"], request["contender"], request)
    answers.write(json.dumps({"versions": contender.versions, "library_bytes": library}) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps(answer(contender, json.loads(line))) + "\n")


def answer(contender: Any, asked: dict[str, Any]) -> Any:
    """What the contender says to one request."""
    match asked["do"]:
        case "steps":
            return steps(contender, asked["n"])
        case "load":
            return contender.load(asked["case"])
        case "result":
            return contender.result()
        case "facts":
            return contender.facts()
        case "compiled":
            return contender.compiled()
        case "reset_peak":
            return memory.reset_peak()
        case "peak":
            return memory.peak()
    raise ValueError(f"unknown request {asked}")


def steps(contender: Any, n: int) -> dict[str, list[Any]]:
    """Each of n steps timed alone; ``values`` is what they return."""
    ms, values = [], []
    for _ in range(n):
        start = time.perf_counter()
        values.append(contender.step())
        ms.append(1e3 * (time.perf_counter() - start))
    return {"ms": ms, "values": values}


if __name__ == "__main__":
    main(sys.argv[1])
