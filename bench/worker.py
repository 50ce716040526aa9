"""A contender in a process of its own: answers requests, one JSON object a line.

``{"steps": n}`` makes n training steps and answers ``{"ms": [..], "losses":
[..], "peak_bytes": n}``. The end of the input ends the process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

from bench.cases import CASES
from bench.contenders import make


def main(request: str) -> None:
    """Serves until its input ends; ``request`` names case, contender, threads, cores and dropout."""
    wanted = json.loads(request)
    os.sched_setaffinity(0, wanted["cores"])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    contender = make(wanted["contender"], CASES[wanted["case"]], wanted["threads"], wanted["dropout"])
    answers.write(json.dumps({"versions": contender.versions}) + "\n")
    for line in sys.stdin:
        ms, losses = [], []
        for _ in range(json.loads(line)["steps"]):
            start = time.perf_counter()
            losses.append(contender.step())
            ms.append(1e3 * (time.perf_counter() - start))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answers.write(json.dumps({"ms": ms, "losses": losses, "peak_bytes": peak}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
