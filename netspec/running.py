"""The Python interface to nets: ``netspec.compile`` and ``netspec.load_weights``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from netspec.compiling import compile_spec
from netspec.net import Net
from netspec.reading import SpecLike, load_spec
from netspec.training.weights import LoadTable, load_section
from netspec.training.weights import load_weights as load_into


def compile(
    spec: SpecLike,
    phase: str = "train",
    batch_size: int | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    seed: int | None = None,
    threads: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    keep: Collection[str] | str = (),
    tune: bool = False,
) -> Net:
    """Compiles a net for one phase; its weights are what the spec's ``weights`` names, else what its fillers make.

    Parameters
    ----------
    spec
        A path, a dict, or what ``load_spec`` returns.
    phase
        ``train`` or ``test``.
    batch_size
        Samples a batch; None: the phase's, else 1.
    device
        ``cpu`` or ``reference``.
    dtype
        ``float32`` or ``float64``.
    seed
        Of all random numbers; None: ``solver.random_seed``, else 0.
    threads
        None: ``NETSPEC_THREADS``, else what affinity and quota allow.
    overrides
        Values by dotted key, as ``--set``.
    keep
        Blob and parameter names, or ``"all"``: values and gradients to hold
        on to through memory planning.
    tune
        Whether the ways of each convolution are timed (once; remembered in the
        folder of compiled kernels) and the fastest is taken, as ``--tune``.

    Raises
    ------
    SpecError
        A bad spec, with all diagnostics.
    UsageError
        An unknown phase, device, dtype or name in ``keep``; a missing file of weights.
    StateError
        Weights that do not fit.
    ResourceError
        More memory is needed than there is.
    """
    net = compile_spec(load_spec(spec, overrides), phase, batch_size, device, dtype, seed, threads, keep, tune)
    load_section(net, net.spec)
    return net


def load_weights(net: Net, path: str | Path, leave_out: Collection[str] = ()) -> LoadTable:
    """Copies the parameters and running states of a snapshot into a net, by name.

    What ``leave_out`` names, layers or single parameters, stays as it is (``--except``).
    """
    return load_into(net, path, leave_out)
