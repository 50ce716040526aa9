"""The spec files that a spec names: found, read once each, with `extends` followed; circles and crowds are refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netspec import zoo
from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.edit import edited
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, kind
from netspec.spec.read import read_file
from runtime.errors import UsageError

MAX_DEPTH = 32
MAX_FILES = 100
MAX_CHARACTERS = 8 * 2**20
"""In all files that a spec names, together."""


class Files:
    """The spec files of one reading.

    Parameters
    ----------
    diagnostics : Diagnostics
        Takes what is wrong with a file, or with naming it.
    """

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self._read: dict[str, Mapping | None] = {}
        self._characters = 0
        self._open: dict[str, str] = {}  # real path -> path as named, outermost first

    def first(self, path: str | Path) -> Mapping | None:
        """Return the file that the reading begins with, its base under it; None after saying why.

        Raises
        ------
        UsageError
            The file is missing, or no file.
        """
        root = read_file(path, self.diagnostics)
        if root is None:
            return None
        self._open[os.path.realpath(path)] = str(path)
        return self.extended(root)

    def extended(self, root: Mapping) -> Mapping:
        """Return a spec as its base edited by it; without ``extends`` the same."""
        named = root.get("extends")
        if named is None:
            for key in ("remove", "change"):
                if (written := root.key(key)) is not None:
                    message = f"`{key}` edits the layers of a base, and this spec extends none"
                    self.diagnostics.error("E243", written.mark, message, "add `extends: base.yaml`, or delete it")
            return root
        found = self.named(named, "extends", "extended")
        return root if found is None else edited(found[0], root, found[1].name, self.diagnostics)

    def named(self, node: Node, key: str, how: str) -> tuple[Mapping, Path] | None:
        """Return the spec file that a node names, `extended`, and its path; None after saying why.

        Parameters
        ----------
        key : str
            What names it, for messages: ``extends``.
        how : str
            How the reading gets there, in words for the diagnostics inside: ``extended``.
        """
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
            message = f"{key} is the path of a spec, got {kind(node)}"
            self.diagnostics.error("E240", node.mark, message, f"{key}: base.yaml")
            return None
        if "$" in node.value:
            message = f"{key} names a file, and files are read before variables"
            self.diagnostics.error("E240", node.mark, message, "write the path itself")
            return None
        path = _found(node)
        real = os.path.realpath(path)
        if self._leads_back(real, node.mark):
            return None
        if real not in self._read:
            limit = None
            if len(self._read) >= MAX_FILES:
                limit = f"more than {MAX_FILES} spec files"
            elif self._characters > MAX_CHARACTERS:
                limit = f"the files that the spec names have more than {MAX_CHARACTERS:,} characters together"
            if limit is not None:
                self.diagnostics.error("E242", node.mark, limit, "put what they share into one base")
                return None
            self._read[real] = self._spec(path, node.mark, how)
        root = self._read[real]
        return None if root is None else (root, path)

    def _spec(self, path: Path, mark: Mark, how: str) -> Mapping | None:
        self.diagnostics.reached.setdefault(str(path), (how, mark))
        try:
            return self.read(path)
        except UsageError as error:
            self.diagnostics.error("E240", mark, str(error), _hint(path))
            return None

    def read(self, path: Path) -> Mapping | None:
        """Return the spec in a file, `extended`.

        Raises
        ------
        UsageError
            The file is missing, or no file.
        """
        root = read_file(path, self.diagnostics)
        if root is None:
            return None
        self._characters += len(self.diagnostics.sources[str(path)].text)
        with self.opened(path):
            return self.extended(root)

    @contextmanager
    def opened(self, path: Path) -> Iterator[None]:
        """Say that what is read now is named by this file: it may not lead back to it."""
        real = os.path.realpath(path)
        self._open[real] = str(path)
        try:
            yield
        finally:
            del self._open[real]

    def _leads_back(self, real: str, mark: Mark) -> bool:
        """Whether a file may not be read now: it names this one, or too many lie between. Either is reported."""
        if real in self._open:
            names = list(self._open.values())
            circle = names[list(self._open).index(real) :]
            circle.append(circle[0])
            shown = " -> ".join(circle if len(circle) < 9 else [*circle[:7], "..", circle[-1]])
            message = f"{circle[-1]} extends or contains itself: {shown}"
            self.diagnostics.error("E241", mark, message, "one of the files has to do without the other")
            return True
        if len(self._open) >= MAX_DEPTH:
            message = f"specs name specs more than {MAX_DEPTH} deep"
            self.diagnostics.error("E242", mark, message, "put what they share into one base")
            return True
        return False


def _found(named: Scalar) -> Path:
    """The file beside the one that names it; a bare name that is not there may be a net of the zoo."""
    text = str(named.value)
    beside = Path(named.mark.file).parent / text
    if not os.path.exists(beside) and os.sep not in text:
        return zoo.find(text.removesuffix(".yaml")) or beside
    return beside


def _hint(path: Path) -> str:
    near = did_you_mean(path.name.removesuffix(".yaml"), zoo.names())
    beside = "the path is relative to the file that names it"
    return beside if near is None else f"{beside}; of the zoo, {near}"
