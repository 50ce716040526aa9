"""The errors a user may meet, each with the exit code of the command line."""

from __future__ import annotations


class NetspecError(Exception):
    """Base of every error that netspec raises on purpose.

    ``exit_code`` is what the command line answers with; a traceback, on the
    other hand, always means a bug of netspec itself.
    """

    exit_code = 1


class UsageError(NetspecError):
    """A wrong call: unknown name, wrong shape, a missing file, device or extra."""

    exit_code = 2


class DataError(NetspecError):
    """A data source that is missing, damaged or disagrees with the net."""

    exit_code = 3


class StateError(NetspecError):
    """A snapshot or an output folder that cannot be used."""

    exit_code = 4


class NumericError(NetspecError):
    """A value that is not finite, divergence, or a gradient check that failed."""

    exit_code = 5


class ResourceError(NetspecError):
    """More memory is needed than there is."""

    exit_code = 6
