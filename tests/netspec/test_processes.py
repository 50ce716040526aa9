from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[1] / "support" / "process_sample.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_and_spawned_children_run_steps_and_so_does_their_parent():
    done = subprocess.run([sys.executable, str(SAMPLE)], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("ok\n", "")
