"""Options that commands share, each decorator adding the keyword arguments it names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from netspec import zoo
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.render import escaped
from runtime.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def _overrides(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(
                f"{escaped(text)!r} is no KEY=VALUE, for instance solver.base_lr=0.1", ctx, parameter
            )
        found[key.strip()] = value
    return found


def _stack(function: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def format_option(function: F) -> F:
    """Add ``--format text|json`` as ``format``: one JSON document on stdout and nothing else."""
    kinds = click.Choice(["text", "json"], case_sensitive=False)
    return click.option("--format", type=kinds, default="text", show_default=True, help="Form of the answer.")(function)


_SET = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_overrides,
    help="Override a value, read as YAML: vars.depth=56, solver.base_lr=0.1; an empty one takes the key away.",
)
_STAGE = click.option("--stage", "stages", metavar="NAME", multiple=True, help="Set a stage for include and exclude.")
_BATCH = click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Batch size, in place of the spec's.")
_STRICT = click.option("--strict", is_flag=True, help="Warnings are errors.")


def _phase(phases: str, text: str) -> Callable[[F], F]:
    """``--phase`` of a command; ``phases`` are those that its help offers."""
    kinds = click.Choice(["train", "test"], case_sensitive=False)
    return click.option("--phase", type=kinds, metavar=phases, help=text)


def net_options(function: F) -> F:
    """Add ``overrides`` (dict of YAML texts), ``phase``, ``stages``, ``batch``, ``strict`` and ``format``."""
    return _stack(function, _SET, _phase("[train|test]", "One phase alone."), _STAGE, _BATCH, _STRICT, format_option)


def spec_options(function: F) -> F:
    """Add the argument ``spec`` and everything of `net_options`."""
    return click.argument("spec", metavar="SPEC")(net_options(function))


def training_options(function: F) -> F:
    """Add what `spec_options` does, for a command that works in phase train alone."""
    phase = _phase("train", "The only one there is a gradient in.")
    return click.argument("spec", metavar="SPEC")(_stack(function, _SET, phase, _STAGE, _BATCH, _STRICT, format_option))


def data_options(function: F) -> F:
    """Add ``spec``, ``overrides``, ``stages``, ``strict`` and ``format``: the net itself is not run."""
    return click.argument("spec", metavar="SPEC")(_stack(function, _SET, _STAGE, _STRICT, format_option))


def weights_options(function: F) -> F:
    """Add ``weights``, ``leave_out`` and ``quiet``: a net with its weights."""
    return _stack(
        function,
        click.option("--weights", metavar="F", help="A snapshot, or any safetensors file with the net's names."),
        click.option(
            "--except", "leave_out", metavar="NAME", multiple=True,
            help="A layer or parameter that --weights leaves alone.",
        ),
        click.option("--quiet", is_flag=True, help="Only warnings and errors on stderr."),
    )  # fmt: skip


def _there(ctx: click.Context, parameter: click.Parameter, device: str) -> str:
    """The device, if this machine has it: said before anything is read, compiled or written."""
    if device in ("cpu", "reference"):
        return device
    from netspec.reports.devices import known

    return known(device)


def _any_device(ctx: click.Context, parameter: click.Parameter, device: str) -> str:
    """The device, if there is one of this name somewhere."""
    if device in ("cpu", "reference"):
        return device
    from netspec.reports.devices import known_kind

    return known_kind(device)


def device_options(function: F) -> F:
    """Add ``device`` (default ``cpu``) and ``threads`` (default None: what affinity and quota allow)."""
    return _device_options(function, _there)


def plan_device_options(function: F) -> F:
    """Add what `device_options` does, for a command that runs nothing: the device need not be there."""
    return _device_options(function, _any_device)


def _device_options(function: F, check: Callable[[click.Context, click.Parameter, str], str]) -> F:
    return _stack(
        function,
        click.option(
            "--device",
            metavar="cpu|cuda[:N]|reference",
            default="cpu",
            show_default=True,
            callback=check,
            help="Where to compute.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(min=1),
            metavar="N",
            help="Threads; default: NETSPEC_THREADS, else what affinity and cgroup quota allow.",
        ),
    )


def tune_option(function: F) -> F:
    """Add ``--tune`` as ``tune``: ways of convolutions are timed, not estimated."""
    text = "Measure the algorithms of each convolution on this machine (once; kept) and take the fastest."
    return click.option("--tune", is_flag=True, help=text)(function)


def spec_path(spec: str) -> Path:
    """Return the file of a SPEC: a path, or the bare name of a zoo net.

    Raises
    ------
    UsageError
        Neither a file nor a name of the zoo.
    """
    if not os.path.isfile(spec):  # a folder may have the name of a net; os.path answers, pathlib may raise
        found = zoo.find(spec)
        if found is not None:
            return found
    if not os.path.exists(spec):
        near = did_you_mean(spec, zoo.names()) if "/" not in spec else _of_the_zoo(spec)
        hint = near or f"nets of the zoo: {', '.join(zoo.names())}"
        raise UsageError(f"no spec {spec!r}: no such file, and no net of the zoo ({hint})")
    return Path(spec)


def _of_the_zoo(spec: str) -> str | None:
    """A hint for ``specs/lenet.yaml`` outside a checkout."""
    name = spec.rpartition("/")[2].removesuffix(".yaml")
    return f"did you mean `{name}`?" if name in zoo.names() else None


def echo_json(document: Any) -> None:
    """Print one JSON document on stdout (non-finite numbers would be no JSON and are refused)."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
