"""From the arguments of a command to a spec and the net of one phase."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import click

from netspec.cli.options import spec_path
from netspec.graph import Net
from netspec.spec.diagnostics import SpecError
from netspec.spec.load import Spec, load_spec
from netspec.spec.render import wants_colour
from netspec.spec.toplevel import NO_EFFECT


def loaded(spec: str, overrides: Mapping[str, str], stages: Iterable[str], strict: bool, device: str = "cpu") -> Spec:
    """The spec behind a SPEC argument, to be run on a device; its warnings go to stderr.

    Raises
    ------
    UsageError
        No such file or net.
    SpecError
        The spec has errors, or warnings and ``strict`` is set.
    """
    found = load_spec(spec_path(spec), overrides=dict(overrides), stages=tuple(stages))
    if device.partition(":")[0] == "cuda":
        # what a CPU ignores, a GPU heeds
        found.diagnostics.without(NO_EFFECT)
    _refuse_warnings(found, strict)
    return found


def resolved(spec: Spec, phase: str | None, batch: int | None, strict: bool) -> Net:
    """The net of a phase (training unless named); warnings go to stderr.

    Raises
    ------
    SpecError
        As ``loaded``.
    """
    net = spec.net(phase or "train", batch=batch)
    tell_warnings(spec, strict)
    return net


def tell_warnings(spec: Spec, strict: bool) -> None:
    """Print what was found so far on stderr.

    Raises
    ------
    SpecError
        There is a warning and ``strict`` is set.
    """
    _refuse_warnings(spec, strict)
    if spec.diagnostics.items:
        click.echo(spec.diagnostics.render(colour=wants_colour(sys.stderr)), err=True)


def _refuse_warnings(spec: Spec, strict: bool) -> None:
    if strict and any(item.severity == "warning" for item in spec.diagnostics.items):
        raise SpecError(spec.diagnostics.strict())
