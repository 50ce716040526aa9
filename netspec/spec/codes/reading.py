"""E1xx: reading bytes and YAML. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E101", "file too large", """A spec is at most 8 MiB. Repetition belongs into `repeat`, `each` or `blocks`."""
    ),
    Code("E102", "not UTF-8", """A spec is UTF-8 text. Save the file as UTF-8."""),
    Code("E103", "character not allowed", """Control, NUL and private-use characters are refused."""),
    Code("E104", "not YAML", """The text breaks a rule of YAML."""),
    Code("E105", "empty file", """The file holds no mapping."""),
    Code("E106", "second document", """A spec is one YAML document."""),
    Code("E107", "nested too deeply", """Lists and mappings nest at most 64 deep."""),
    Code("E108", "too many nodes", """A spec has at most 100,000 values."""),
    Code("E109", "anchor, alias or merge key", """Use `vars`, `defaults` or `blocks` instead."""),
    Code("E110", "tag", """YAML tags are refused."""),
    Code("E111", "key is not a scalar", """Keys are plain text."""),
    Code("E112", "key written twice", """A key may stand once in a mapping."""),
    Code("E113", "not a mapping", """A spec is a mapping."""),
)
