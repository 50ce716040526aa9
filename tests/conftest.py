"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.cpu import team


@pytest.fixture(autouse=True, scope="session")
def _as_many_threads_as_asked_for() -> Iterator[None]:
    """Teams of more members than cores: races show themselves only between real threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(team, "crew", lambda threads: threads)
        yield
