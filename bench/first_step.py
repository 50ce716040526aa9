"""A process that makes one training step as soon as it can, then tells how long another takes.

Its parent has the clock: ``python -m bench.first_step CONTENDER NET THREADS``.
"""

from __future__ import annotations

import sys
import time

from bench.contenders import make


def main(contender: str, net: str, threads: str) -> None:
    """Answers ``stepped`` after the first step and then the shortest of two more, in seconds."""
    request = {"net": net, "threads": int(threads), "dtype": "f32", "dropout": True, "pairing": False}
    made = make("train", contender, request)
    made.step()
    print("stepped", flush=True)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        made.step()
        seconds.append(time.perf_counter() - start)
    print(min(seconds), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
