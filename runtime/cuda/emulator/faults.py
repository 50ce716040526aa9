"""What the emulator stops at."""

from __future__ import annotations


class Fault(Exception):
    """A kernel did what a GPU does not forgive: its message says what, where and which thread."""
