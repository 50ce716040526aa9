"""E5xx: fields and values of typed entries. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code("E501", "unknown key", """A key that the entry does not have."""),
    Code("E502", "missing field", """A field without a default is not given."""),
    Code("E503", "wrong type", """A value of another type is due."""),
    Code("E504", "out of range", """A value outside what the field allows."""),
    Code("E505", "unknown choice", """A value that is none of the field's choices."""),
    Code("E506", "unknown type", """A `type` that no layer, filler, solver or source has."""),
    Code("E507", "empty value", """A key without a value."""),
    Code("E508", "written as another YAML reads it", """A value YAML 1.1 took for a number or boolean."""),
    Code("E509", "number with a unit", """Values are plain numbers."""),
    Code("E510", "number or boolean in quotes", """What is quoted is text."""),
    Code("E511", "fields exclude each other", """Two fields that say the same."""),
    Code("E512", "wrong length", """A list with the wrong number of items."""),
)
