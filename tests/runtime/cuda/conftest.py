from __future__ import annotations

import pytest

from runtime.cuda import sharing


@pytest.fixture
def many_segments(monkeypatch):
    """A device that few threads keep busy, so that tiny ranges are cut."""
    monkeypatch.setattr(sharing, "ENOUGH", 256)
    monkeypatch.setattr(sharing, "SERIAL", 1)
    monkeypatch.setattr(sharing, "BLOCK", 32)
    monkeypatch.setattr(sharing, "SMALL", 32)
