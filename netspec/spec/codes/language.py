"""E2xx: variables, expressions, blocks, overrides. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code("E201", "expression cannot be read", """The text in `${..}` is no expression."""),
    Code("E202", "unknown variable", """An expression names a variable that is not there."""),
    Code("E203", "wrong kind of value in an expression", """An operator got a value it does not work on."""),
    Code("E204", "number too large", """Numbers in expressions stay below 2^63."""),
    Code("E205", "division by zero", """An expression divides by zero."""),
    Code("E206", "not a whole number", """A whole number is due where an expression gives another."""),
    Code("E207", "expression too long or too deep", """Expressions have limits."""),
    Code("E208", "lone dollar sign", """Write `$$` for a dollar."""),
    Code("E209", "no such key", """`m[key]` asks a mapping for a key it lacks."""),
)
