"""The group ``netspec``: commands are imported when called, errors end as one message and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

import netspec
from netspec.spec.diagnostics import SpecError, did_you_mean
from netspec.spec.render import escaped, wants_colour
from runtime.errors import NetspecError, ResourceError, StateError

# name -> first line of its help, so that `--help` imports no command (a test compares them)
COMMANDS = {
    "train": "Train a net to the end of its solver.",
    "test": "Report losses and metrics over the whole test source.",
    "predict": "Tell what a trained net predicts for files.",
    "sample": "Write text with a trained net of characters or words.",
    "inspect": "Show shapes, parameters, cost and memory of a net.",
    "check": "Report every mistake in specs, of both phases.",
    "expand": "Print the flat net after blocks, variables and defaults.",
    "plan": "Show the fused plan: steps, algorithms, memory, and what was not fused.",
    "draw": "Draw the layers of a net, its blocks as boxes.",
    "gradcheck": "Compare the compiled gradient with centred differences in float64.",
    "time": "Measure steps and layers, rates and share of peak.",
    "baseline": "Report what simple methods reach on a net's data.",
    "zoo": "List the nets that come with netspec, or copy one to edit.",
    "layers": "List the layer types, or the fields of one.",
    "explain": "Explain a diagnostic code.",
    "devices": "List the devices that nets can run on.",
    "schema": "Print the JSON schema of specs, for editors.",
    "doctor": "Check this installation.",
}
BROKEN_PIPE = 141  # as a program that SIGPIPE ended


class Lazy(click.Group):
    """A group whose commands are the modules of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown one."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"netspec.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, naming the nearest one when there is none."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = did_you_mean(args[0], COMMANDS)
            raise click.UsageError(f"no command {escaped(args[0])!r}" + (f": {near}" if near else ""), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader that has gone ends it quietly (click itself would exit with 1)."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _leave_pipe()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its exit code (INTERFACES: errors and exit codes)."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            if sys.stdout is not None:  # it is where the caller closed it
                sys.stdout.flush()
        except BrokenPipeError:
            _leave_pipe()
        except OSError as error:
            if error.filename is not None:
                raise
            _leave_full(error)
        except MemoryError:
            sys.exit(_report(ResourceError("out of memory; a smaller --batch helps")))
        except (click.exceptions.Abort, KeyboardInterrupt):
            click.echo("stopped", err=True)
            sys.exit(130)
        except (NetspecError, click.ClickException) as error:
            sys.exit(_report(error))
        sys.exit(result if isinstance(result, int) else 0)


def _leave_pipe() -> NoReturn:
    """End quietly: whoever read stdout has gone, and flushing at exit must not complain either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(BROKEN_PIPE)


def _leave_full(error: OSError) -> NoReturn:
    """End with a reason: stdout could not be written, and flushing at exit must not try again."""
    code = _report(StateError(f"stdout: not written: {error.strerror} (errno {error.errno})"))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _report(error: NetspecError | click.ClickException) -> int:
    """Print an error on stderr and return its exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, SpecError):
        click.echo(error.diagnostics.render(colour=wants_colour(sys.stderr)), err=True)
    else:
        text = "\n".join(escaped(line) for line in str(error).splitlines())
        click.echo(f"{click.style('error', fg='red', bold=True)}: {text}", err=True)
    return error.exit_code


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    click.echo(f"netspec {netspec.__version__}")
    ctx.exit()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show the version.")
def main() -> None:
    """Neural networks from declarative specs: check, inspect, compile, train.

    A SPEC is a YAML file, or the bare name of a net that comes with netspec (lenet, resnet20, ..).
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # an ASCII terminal must not end in a traceback


if __name__ == "__main__":
    main()
