"""Writes a net as ONNX, in a process of its own: what it loads is nobody's memory or time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.cases import CASES
from bench.process import LIMIT, ROOT


def export(net: str, batch: int, path: Path) -> str | None:
    """None if the file was written, else why not."""
    command = [sys.executable, "-m", "bench.export", net, str(batch), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, cwd=ROOT)
    if done.returncode == 0:
        return None
    last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return f"torch.onnx could not export it: {last[0][:200]}"


if __name__ == "__main__":
    from bench.torch_side import export as write  # torch is loaded in this process alone

    write(CASES[sys.argv[1]], int(sys.argv[2]), Path(sys.argv[3]))
