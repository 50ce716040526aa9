"""From bytes to a tree of nodes with marks: every limit is checked before anything large is made.

PyYAML gives events only (its C composer dies on deep nesting, its constructor
knows YAML 1.1, tags and objects); the tree is built here from the events, with
its own limits, and scalars stay text until `netspec.spec.scalars` reads them.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from netspec.spec import yaml_errors
from netspec.spec.diagnostics import Diagnostics, Related
from netspec.spec.marks import Mark, Source, place_of
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence
from runtime.errors import UsageError

MAX_BYTES = 8 * 2**20
MAX_DEPTH = 64
MAX_NODES = 100_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # wheels without libyaml exist

# Unquoted `{n: ${w * 2}}` is no YAML: inside ${..} the characters that mean something to YAML
# are replaced one for one by private-use characters (so that columns stay exact) and put back.
_SPECIAL = "{},[]:#\"'? &*!|>%@`"
_MASK = str.maketrans({c: chr(0xE000 + k) for k, c in enumerate(_SPECIAL)})
_UNMASK = str.maketrans({chr(0xE000 + k): c for k, c in enumerate(_SPECIAL)})
_MASKS = re.compile(f"[\ue000-{chr(0xE000 + len(_SPECIAL) - 1)}]")
_MASKED = re.compile(
    r"""(?<![^\s\[\]{},:])"[^"\\]*+(?:\\.[^"\\]*+)*+"   # quoted text needs no mask
    |(?<![^\s\[\]{},:])'[^']*+(?:''[^']*+)*+'
    |(?<!\S)\#[^\n]*+                                   # neither does a comment
    |\$\{[^{}\n]*+\}""",
    re.VERBOSE | re.DOTALL,
)
# control characters but tab and the line ends, surrogates, private use, byte order marks and non-characters
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ue000-\uf8ff\ufeff\ufffe\uffff\U000f0000-\U0010ffff]"
)
_KINDS = {
    "Cc": "a control character",
    "Cs": "a surrogate",
    "Co": "a private-use character",
    "Cf": "a byte order mark",
    "Cn": "no character",
}


class _Stop(Exception):
    """Reading cannot go on; the diagnostic is already made."""


def read_file(path: str | Path, diagnostics: Diagnostics) -> Mapping | None:
    """Read a spec file; None if it cannot be read as a mapping (``diagnostics`` then says why).

    Raises
    ------
    UsageError
        The file is missing, unreadable, or no regular file. A FIFO is never opened for reading.
    """
    file = str(path)
    data = _bytes_of(file, diagnostics)
    if data is None:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse_encoding(data, error, file, diagnostics)
        return None
    return read_text(text, file, diagnostics)


def _bytes_of(file: str, diagnostics: Diagnostics) -> bytes | None:
    try:
        # O_NONBLOCK: opening a FIFO without a writer would wait for ever
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the spec {file!r}: {_reason(error)}") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        what = "a folder" if stat.S_ISDIR(about.st_mode) else "no regular file"
        raise UsageError(f"cannot read the spec {file!r}: it is {what}")
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(MAX_BYTES + 1) if about.st_size <= MAX_BYTES else None
    if data is None or len(data) > MAX_BYTES:
        size = max(about.st_size, MAX_BYTES + 1)
        diagnostics.error(
            "E101",
            Mark.start(file),
            f"the file has {size:,} bytes; a spec has at most {MAX_BYTES:,}",
            hint="is this a spec? Repetition is written with `repeat`, `each` and `blocks`",
        )
        return None
    return data


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOENT:
        return "no such file"
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error)


def _refuse_encoding(data: bytes, error: UnicodeDecodeError, file: str, diagnostics: Diagnostics) -> None:
    shown = data.decode("utf-8", errors="replace")
    diagnostics.add_source(Source(file, shown))
    hint = "save the file as UTF-8"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        hint = "this is UTF-16; save the file as UTF-8"
    diagnostics.error(
        "E102",
        place_of(shown, len(data[: error.start].decode("utf-8")), file),
        f"byte {data[error.start]:#04x} at offset {error.start:,} is not UTF-8 ({error.reason})",
        hint=hint,
    )


def read_text(text: str, file: str, diagnostics: Diagnostics) -> Mapping | None:
    """Read a spec from text (for instance of ``--set``); marks name ``file``."""
    root = read_node(text, file, diagnostics)
    if root is None or isinstance(root, Mapping):
        return root
    if isinstance(root, Scalar) and root.is_null:
        diagnostics.error("E105", root.mark, "the file is empty", hint="a spec starts with `name:` and `layers:`")
        return None
    is_list = isinstance(root, Sequence)
    diagnostics.error(
        "E113",
        root.mark,
        f"a spec is a mapping of `name`, `layers`, ..; this is {'a list' if is_list else 'a single value'}",
        hint="put `layers:` above the list" if is_list else "write `key: value`, with a colon and a space",
    )
    return None


def read_node(text: str, file: str, diagnostics: Diagnostics) -> Node | None:
    """Read any YAML value with marks; None if it cannot be read (``diagnostics`` then says why)."""
    text = text.removeprefix("\ufeff")
    diagnostics.add_source(Source(file, text))
    if not _characters_allowed(text, file, diagnostics):
        return None
    if (expressions := text.count("${")) > MAX_NODES:
        diagnostics.error(
            "E108", Mark.start(file), f"the file has {expressions:,} expressions; {MAX_NODES:,} are allowed"
        )
        return None
    masked = _MASKED.sub(_mask, text) if expressions else text
    builder = _Builder(masked, file, diagnostics)
    try:
        for event in _events(masked):
            builder.take(event)
    except _Stop:
        return None
    except yaml.YAMLError as error:
        yaml_errors.report(error, text, file, diagnostics)
        return None
    return builder.root or Scalar("", False, Mark.start(file))


def _mask(match: re.Match[str]) -> str:
    found = match[0]
    return "$" + found[1:].translate(_MASK) if found[0] == "$" else found


def _events(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _characters_allowed(text: str, file: str, diagnostics: Diagnostics) -> bool:
    """Refuse control, private-use and surrogate characters at the first one."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return True
    diagnostics.error(
        "E103",
        place_of(text, found.start(), file),
        f"U+{ord(found[0]):04X} ({_KINDS[unicodedata.category(found[0])]}) is not allowed in a spec",
        hint="delete it",
    )
    return False


class _Open:
    """A list or mapping that is being read."""

    __slots__ = ("key", "mark", "node", "seen")

    def __init__(self, node: Sequence | Mapping) -> None:
        self.node = node
        self.key: Scalar | None = None
        self.seen: dict[str, Scalar] = {}


class _Builder:
    """Takes events, builds the tree, and refuses what a spec does not use."""

    def __init__(self, text: str, file: str, diagnostics: Diagnostics) -> None:
        self.text = text
        self.file = file
        self.diagnostics = diagnostics
        self.root: Node | None = None
        self.stack: list[_Open] = []
        self.count = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.document(event)

    def mark(self, event: Any) -> Mark:
        first, last = event.start_mark, event.end_mark
        column = first.column + 1
        end = last.column + 1 if last.line == first.line else column + 1
        return Mark(self.file, first.line + 1, column, max(end, column))

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.diagnostics.error(
                "E106",
                self.mark(event),
                "a second YAML document starts here; a spec is one",
                hint="delete the `---`, or put each spec into a file of its own",
            )
            raise _Stop

    def scalar(self, event: Any) -> None:
        quoted = bool(event.style)  # None in PyYAML, "" in libyaml for a plain scalar
        mark = self.mark(event)
        self.refuse_properties(event, mark)
        text = event.value if event.value.isascii() else self.unmasked(event, mark)
        if event.style == '"' and _FORBIDDEN.search(text):
            self.diagnostics.error(
                "E103", mark, "an escape sequence makes a character that is not allowed", hint="delete it"
            )
            raise _Stop
        self.add(Scalar(text, quoted, mark))

    def unmasked(self, event: Any, mark: Mark) -> str:
        """Put back what was masked; a private-use character that an escape made was not."""
        written = self.text[event.start_mark.index : event.end_mark.index]
        masked = event.style != '"' or _MASKS.search(written)
        return str(event.value.translate(_UNMASK) if masked else event.value)

    def open(self, event: Any) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self.diagnostics.error(
                "E107",
                self.mark(event),
                f"lists and mappings are nested deeper than {MAX_DEPTH}",
                hint="is a bracket never closed?",
            )
            raise _Stop
        first = event.start_mark
        mark = Mark(self.file, first.line + 1, first.column + 1, first.column + 2)
        self.refuse_properties(event, mark)
        is_list = isinstance(event, yaml.SequenceStartEvent)
        node: Sequence | Mapping = Sequence([], mark) if is_list else Mapping([], mark)
        self.add(node)
        self.stack.append(_Open(node))

    def alias(self, event: Any) -> None:
        self.diagnostics.error(
            "E109",
            self.mark(event),
            f"YAML aliases (`*{event.anchor}`) are not used in specs",
            hint="name the value under `vars` and write `$name`, or use `defaults` or `blocks`",
            notes=("why: one line has one value, and a few aliases can stand for billions of values",),
        )
        raise _Stop

    def refuse_properties(self, event: Any, mark: Mark) -> None:
        if event.anchor is not None:
            self.diagnostics.error(
                "E109",
                mark,
                f"YAML anchors (`&{event.anchor}`) are not used in specs",
                hint="name the value under `vars` and write `$name`, or use `defaults` or `blocks`",
            )
        if event.tag is not None and event.tag != "!":
            self.diagnostics.error(
                "E110",
                mark,
                f"YAML tags (`{event.tag[:60]}`) are refused; nothing is constructed",
                hint="delete the tag; put text into quotes",
            )

    def add(self, node: Node) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self.diagnostics.error(
                "E108",
                node.mark,
                f"the file has more than {MAX_NODES:,} values",
                hint="write repetition with `repeat`, `each` and `blocks`",
            )
            raise _Stop
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
        elif parent.key is None:
            self.key(parent, node)
        else:
            if parent.key.text not in parent.seen:
                parent.seen[parent.key.text] = parent.key
                parent.node.pairs.append((parent.key, node))
            parent.key = None

    def key(self, parent: _Open, node: Node) -> None:
        if not isinstance(node, Scalar):
            what = "a list" if isinstance(node, Sequence) else "a mapping"
            self.diagnostics.error(
                "E111",
                node.mark,
                f"a key is plain text; this one is {what}",
                hint='an expression in braces needs quotes: "${..}"',
            )
            raise _Stop
        if node.text == "<<" and not node.quoted:
            self.diagnostics.error(
                "E109",
                node.mark,
                "YAML merge keys (`<<`) are not used in specs",
                hint="common fields go into `defaults`, common layers into `blocks`",
            )
        first = parent.seen.get(node.text)
        if first is not None:
            self.diagnostics.error(
                "E112",
                node.mark,
                f"key `{node.text}` is written twice",
                hint="delete one of the two",
                related=(Related("first written here", first.mark),),
            )
        parent.key = node
