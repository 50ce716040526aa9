"""The benchmark's command line; see ``python -m bench --help``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench import machine
from bench.cases import CASES, DEFAULT_CASES
from bench.contenders import CONTENDERS, DEFAULT_CONTENDERS
from bench.report import markdown
from bench.runner import run
from bench.start_up import start_up


def arguments() -> argparse.Namespace:
    """What the caller asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="A training step (forward, backward, SGD with momentum and weight decay) of netspec against "
        "PyTorch: same weights, same batch, same pinned cores, one process a contender, in turns. "
        "Run it in the repository's root.",
    )
    parser.add_argument("nets", nargs="*", type=_net, metavar="NET", help=f"default: {' '.join(DEFAULT_CASES)}")
    parser.add_argument("--all", action="store_true", help="every net of the table")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(DEFAULT_CONTENDERS))
    parser.add_argument("--steps", type=int, default=20, help="timed steps a contender, at least (default 20)")
    parser.add_argument("--rounds", type=int, default=5, help="turns they are divided into (default 5)")
    parser.add_argument("--threads", type=int, help="cores and threads (default: all this process may use)")
    parser.add_argument("--no-start-up", action="store_true", help="leave out LeNet's cold and warm start")
    parser.add_argument("--output", type=Path, default=Path("bench/results"), help="folder (default bench/results)")
    return parser.parse_args()


def _net(name: str) -> str:
    if name not in CASES:
        raise argparse.ArgumentTypeError(f"no net {name!r}; there are {', '.join(CASES)}")
    return name


def main() -> int:
    """Runs it; 1 if two contenders do not compute the same thing."""
    wanted = arguments()
    available = machine.cores()
    cores = available[: wanted.threads or len(available)]
    about = machine.describe() | {"threads": len(cores)}
    names = list(CASES) if wanted.all else (wanted.nets or list(DEFAULT_CASES))
    results = []
    for name in names:
        print(f"{name} ..", file=sys.stderr, flush=True)
        results.append(run(CASES[name], wanted.contenders, cores, max(15, wanted.steps), wanted.rounds))
    start = None if wanted.no_start_up or "netspec" not in wanted.contenders else start_up(len(cores))
    wanted.output.mkdir(parents=True, exist_ok=True)
    document = {"machine": about, "results": [r.to_dict() for r in results], "start_up": start}
    (wanted.output / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    table = markdown(results, about, start)
    (wanted.output / "bench.md").write_text(table)
    print(table)
    return 0 if all(result.agrees for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
