from __future__ import annotations

import pytest

from runtime.cuda import fold


@pytest.fixture
def many_segments(monkeypatch):
    """A device that few threads keep busy, so that tiny ranges are cut."""
    monkeypatch.setattr(fold, "ENOUGH", 256)
    monkeypatch.setattr(fold, "SERIAL", 1)
    monkeypatch.setattr(fold, "BLOCK", 32)
    monkeypatch.setattr(fold, "SMALL", 32)
