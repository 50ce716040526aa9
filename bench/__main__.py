"""The benchmark's command line; see ``python -m bench --help``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench import gpu, machine, records
from bench.cases import CASES
from bench.contenders import EXTRA, INFERENCE, TRAINING
from bench.gpu_cases import CASES as GPU_CASES
from bench.gpu_cases import MATHS
from bench.infer import BATCHES
from bench.parts import PARTS, Job, jobs
from bench.process import ContenderError
from bench.report import report
from bench.report_more import sweep_table
from bench.threads import NETS


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What the caller asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="netspec against PyTorch and others: same weights, same batch, same pinned cores, one process a "
        "contender, in turns. Each row is kept in a file of its own, and the report is made from what is there. "
        "Run it in the repository's root on a machine that has nothing else to do.",
        epilog="Parts: train, a training step (forward, backward, SGD with momentum and weight decay); infer, the test "
        "phase; start, from process start to the end of the first step; size, bytes installed; sweep, random "
        f"convolutions; threads, more threads than cores and a busy neighbour (on {', '.join(NETS)} unless nets are "
        "named); report, no measurement, just the report of what is there.",
    )
    parser.add_argument("part", nargs="?", choices=[*PARTS, "report", "all"], default="all", help="default: all")
    parser.add_argument("nets", nargs="*", metavar="NET", help=f"default: {' '.join(CASES)}")
    parser.add_argument("--contenders", nargs="+", choices=[*INFERENCE, *EXTRA], metavar="NAME", help="these alone")
    parser.add_argument("--steps", type=int, default=20, help="timed steps a contender, at least (default 20)")
    parser.add_argument("--rounds", type=int, default=5, help="turns they are divided into (default 5)")
    parser.add_argument("--threads", type=_counts, help="cores and threads, as 1,2 (default: all there are)")
    parser.add_argument("--dtype", choices=("f32", "f64"), default="f32", help="of training steps")
    parser.add_argument("--batch", type=_counts, default=BATCHES, help="of inference, as 1,16 (the default)")
    parser.add_argument("--cases", type=int, default=100, help="convolutions of the sweep (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the sweep")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="cuda: training steps, convolutions, maps"
    )
    parser.add_argument("--math", nargs="+", choices=MATHS, default=MATHS[:2], help="on a GPU (default: fast tf32)")
    parser.add_argument("--missing", action="store_true", help="measure only rows that are not there yet")
    parser.add_argument("--output", type=Path, default=records.FOLDER, help=f"folder (default {records.FOLDER})")
    wanted = parser.parse_args(given)
    known = CASES if wanted.device == "cpu" else GPU_CASES
    unknown = [name for name in wanted.nets if name not in known]
    if unknown:
        parser.error(f"no net {unknown[0]!r}; there are {', '.join(known)}")
    wanted.train = [n for n in wanted.contenders or TRAINING if n in (*TRAINING, *EXTRA)]
    wanted.infer = [n for n in wanted.contenders or INFERENCE if n in (*INFERENCE, *EXTRA)]
    return wanted


def _counts(text: str) -> tuple[int, ...]:
    found = tuple(int(part) for part in text.split(","))
    if not found or min(found) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: whole numbers from 1, with commas between")
    return found


def measure(job: Job, folder: Path) -> bool:
    """Measures one row and keeps it; False if netspec failed or computed something else than the others."""
    start = time.perf_counter()
    try:
        record = job.run() | {"machine": machine.describe(), "commit": machine.commit()}
    except ContenderError as error:
        print(f"{job.name} failed: {error}", file=sys.stderr)
        return False
    record["seconds"] = round(time.perf_counter() - start, 1)
    records.save(folder, job.name, record)
    wrong = "netspec" in record.get("skipped", {}) or bool(record.get("disagree"))
    if wrong:
        print(f"{job.name}: netspec computes something else than the others", file=sys.stderr)
    return not wrong


def main() -> int:
    """Runs it; 1 if a row failed or netspec does not compute what the others do."""
    wanted = arguments()
    if wanted.device == "cuda":
        return gpu.main(wanted)
    available = machine.cores()
    if max(wanted.threads or (1,)) > len(available):
        print(f"--threads: there are {len(available)} cores; python -m bench threads asks for more", file=sys.stderr)
        return 2
    todo = jobs(wanted, available)
    if wanted.missing:
        todo = [job for job in todo if not records.exists(wanted.output, job.name)]
    right = [measure(job, wanted.output) for job in todo]
    found = records.load(wanted.output)
    text = report(found)
    wanted.output.mkdir(parents=True, exist_ok=True)
    (wanted.output / "bench.md").write_text(text)
    for record in found:
        if record["part"] == "sweep":
            lines = sweep_table(record["cases"])
            (wanted.output / f"sweep-{record['threads']}.md").write_text("\n".join(lines) + "\n")
    print(text)
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
