"""E2xx: variables, expressions, blocks, overrides. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E201",
        "expression cannot be read",
        """\
What stands in `${..}` is no expression. The grammar: `or and not`, comparisons, `+ - * / // %`, `a if c else b`,
numbers, true, false, quoted texts (== and != only), `m[key]` on mappings, and the functions
min max abs floor ceil round sqrt log2 len. It is parsed, never run; there is no `**`, no `&&`, no other function.

    width: "${base ** 2}"
Remedy: width: "${base * base}".""",
    ),
    Code(
        "E202",
        "unknown variable",
        """\
An expression reads a name that is no variable there. Variables are those of `vars`, the parameters of the block
around, the keys of `each`, `i` (the turn of a `repeat` or `each`), and what the data source declares (`classes`).

    vars: {width: 64}
    layers:
      - {name: fc, type: InnerProduct, num_output: $widht}
Remedy: num_output: $width. A text that is meant to hold a dollar sign writes `$$`.""",
    ),
    Code(
        "E203",
        "wrong kind of value in an expression",
        """\
An operator or function got a value it does not work on: arithmetic wants numbers, `and or not if` want true or
false, texts know == and != only, `m[key]` wants a mapping (lists are walked by `each`), `len` a list or mapping.

    pad: "${kernel_size}"     with  vars: {kernel_size: "3"}    and then  "${kernel_size - 1}"
Remedy: write the variable as a number, without quotes.""",
    ),
    Code(
        "E204",
        "number too large",
        """\
Numbers in expressions stay below 2^63; no size, count or rate is larger, and a product of products would otherwise
grow until the machine stops.

    num_output: "${4000000000 * 4000000000}"
Remedy: look for a factor too many.""",
    ),
    Code(
        "E205",
        "division by zero",
        """`/`, `//` or `%` by a value that is 0.

    repeat: "${(depth - 2) / n}"     with  vars: {n: 0}
Remedy: change the variable, or guard it: "${(depth - 2) / n if n > 0 else 0}".""",
    ),
    Code(
        "E206",
        "not a whole number",
        """\
A whole number is due (a count, a size, a `repeat`), and the value is another one. `/` is exact, it never rounds.

    vars: {depth: 21}
    repeat: "${(depth - 2) / 6}"     repeat: (depth - 2) / 6 = 3.167 (depth = 21) is not a whole number
Remedy: change the variable (depth: 20), or say how to round: `//`, `floor`, `ceil`, `round`.""",
    ),
    Code(
        "E207",
        "expression too long or too deep",
        """An expression has at most 1,000 characters, 32 brackets within brackets and 100 operations above one another.

Remedy: compute parts of it under `vars`.""",
    ),
    Code(
        "E208",
        "lone dollar sign",
        """A dollar sign starts a variable (`$name`) or an expression (`${..}`); this one starts neither.

    name: "net for 5 $"
Remedy: `$$` is a dollar sign.""",
    ),
    Code(
        "E209",
        "no such key",
        """`m[key]` asks a mapping for a key that it does not have.

    vars: {depth: 34, units: {50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}}
    each: {n: "${units[depth]}"}
Remedy: add the key to the mapping, or choose one of those the hint lists.""",
    ),
)
