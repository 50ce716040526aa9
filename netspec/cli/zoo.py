"""``netspec zoo``: the nets that come with netspec, listed or copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from netspec import zoo
from netspec.cli.options import echo_json, format_option
from netspec.reports.tables import terminal_width
from netspec.reports.zoo import to_text
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.render import escaped
from runtime.errors import StateError, UsageError


class _Zoo(click.Group):
    """A group that knows what may have been meant: its one command, or a net."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            word = args[0]
            if word in zoo.names():
                hint = f"`netspec zoo copy {word}` writes it, `netspec inspect {word}` shows it"
            else:
                hint = did_you_mean(word, [*self.commands, *zoo.names()]) or "`netspec zoo` lists the nets"
            raise click.UsageError(f"no command {escaped(word)!r} of zoo; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group("zoo", cls=_Zoo, invoke_without_command=True)
@click.option("--task", metavar="TASK", help="Only the nets for one task, for instance classification.")
@format_option
@click.pass_context
def command(ctx: click.Context, task: str | None, format: str) -> None:
    """List the nets that come with netspec, or copy one to edit.

    Parameters are all that a net has; FLOPs are those of one item, forward: 2 for a multiply-add, 1 for any other
    operation. Every command that takes a SPEC takes the name of a net.
    """
    if ctx.invoked_subcommand is not None:
        return
    found = zoo.entries()
    if task is not None:
        tasks = sorted({entry.task for entry in found})
        if task not in tasks:
            hint = did_you_mean(task, tasks) or f"there are {', '.join(tasks)}"
            raise UsageError(f"no net for the task {escaped(task)!r}; {hint}")
        found = [entry for entry in found if entry.task == task]
    if format == "json":
        echo_json({"nets": [entry.to_dict() for entry in found]})
    else:
        click.echo(to_text(found, terminal_width()), nl=False)


@command.command("copy")
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", metavar="FILE", help="Where to; default: NAME.yaml here.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@format_option
def copy(name: str, output: str | None, force: bool, format: str) -> None:
    """Write a net's file, and the tables and pictures it reads, to edit.

    A net that extends another one goes on reading that from the zoo.
    """
    source = zoo.find(name.removesuffix(".yaml"))
    if source is None:
        hint = did_you_mean(name, zoo.names()) or "`netspec zoo` lists them"
        raise UsageError(f"no net {escaped(name)!r} in the zoo; {hint}")
    target = Path(source.name if output is None else output)
    if target.is_dir():
        target = target / source.name
    others = zoo.companions(source.read_text(encoding="utf-8"))
    copies = {source: target, **{path: target.parent / path.name for path in others}}
    there = [path for path in copies.values() if path.exists()]
    if there and not force:
        remedy = (
            "--force overwrites"
            if output is not None or len(there) > 1
            else "-o FILE names another, --force overwrites"
        )
        raise StateError(f"{', '.join(map(str, there))}: already there; {remedy}")
    for path, place in copies.items():
        try:
            shutil.copyfile(path, place)
        except OSError as error:
            raise StateError(f"{place}: not written: {error.strerror} (errno {error.errno})") from error
    if format == "json":
        echo_json({"file": str(target), "with": [str(path) for path in copies.values() if path != target]})
    else:
        click.echo(f"wrote {', '.join(escaped(str(path)) for path in copies.values())}", err=True)
