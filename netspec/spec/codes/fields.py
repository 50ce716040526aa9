"""E5xx: fields and values of typed entries. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E501",
        "unknown key",
        """The entry has no field of this name. The hint gives the nearest one; `netspec layers TYPE` lists all.

    - {name: conv1, type: Convolution, nun_output: 20}
Remedy: num_output: 20. Names of other frameworks are known too: `filters`, `units` -> num_output, `padding` -> pad.""",
    ),
    Code(
        "E502",
        "missing field",
        """A field without a default is not given, neither on the entry nor in `defaults`.

    - {name: fc, type: InnerProduct}
Remedy: add it (num_output: 10), or give it for all layers of the type: defaults: {InnerProduct: {num_output: 10}}.""",
    ),
    Code(
        "E503",
        "wrong type",
        """\
A value of another type is due. Types are strict: no text becomes a number, no number a boolean. A single value may
stand for a list of one.

    - {name: conv1, type: Convolution, num_output: many}
Remedy: num_output: 20.""",
    ),
    Code(
        "E504",
        "out of range",
        """The value lies outside what the field allows. Where a range is stated, .nan and .inf are refused too.

    - {name: drop, type: Dropout, dropout_ratio: 1.5}
Remedy: dropout_ratio: 0.5.""",
    ),
    Code(
        "E505",
        "unknown choice",
        """The field takes one of a few words, in any case; this is none of them.

    - {name: pool1, type: Pooling, pool: AVG}
Remedy: pool: AVE.""",
    ),
    Code(
        "E506",
        "unknown type",
        """No layer (filler, solver, source) has this name. `netspec layers` lists them all.

    - {name: conv1, type: Conv2d}
Remedy: type: Convolution.""",
    ),
    Code(
        "E507",
        "empty value",
        """The key stands there without a value. (Only in a block's `params` does that mean something: required.)

    - {name: conv1, type: Convolution, num_output: }
Remedy: write the value, or delete the key to get the default.""",
    ),
    Code(
        "E508",
        "a spelling that readers take differently",
        """\
YAML 1.1 and 1.2 read some words differently: `010` is 8 or 10, `1_000` is 1000 or a text, `12:30` is 750 or a text,
`on`, `yes`, `no` are booleans or texts, `2026-11-21` is a date or a text. Netspec reads by YAML 1.2, and where a number
or a boolean is due it asks instead of guessing.

    - {name: conv1, type: Convolution, num_output: 010, bias_term: no}
Remedy: num_output: 10, bias_term: false.""",
    ),
    Code(
        "E509",
        "number with a unit",
        """Values are plain numbers: iterations, pixels, bytes, or a fraction of 1. Units are not read.

    solver: {max_iter: 5 epochs, base_lr: 1%}
Remedy: max_iter: 4690 (iterations = epochs * samples / batch_size), base_lr: 0.01.""",
    ),
    Code(
        "E510",
        "number or boolean in quotes",
        """What stands in quotes is text.

    solver: {base_lr: "1e-3"}
Remedy: base_lr: 1e-3.""",
    ),
    Code(
        "E511",
        "fields exclude each other",
        """Two keys of one entry say the same thing, or things that cannot both hold.

    - {name: conv1, type: Convolution, num_output: 8, kernel_size: 3, kernel_h: 5}
Remedy: delete one of the two.""",
    ),
    Code(
        "E512",
        "wrong length",
        """A list has more or fewer values than the field takes.

    data: {source: mnist, part: [0.8]}
Remedy: part: [0, 0.8].""",
    ),
    Code(
        "E520",
        "a formula cannot be read",
        """The `expr` of an Expression breaks a rule of formulas.

They know `+ - * / **`, comparisons, `where(c, a, b)`, `exp log sqrt sin cos tanh sigmoid erf relu abs
sign floor min max clip`, numbers, `$variables` and the names of bottoms. `x ^ 2` is written `x ** 2`.""",
    ),
    Code(
        "E521",
        "names in a formula and bottoms differ",
        """Each bottom is used in the formula, and each name in it is a bottom.

A name with `/` or `-` gets a short one: `bottom: {r: res1/conv2, h: h}`, `expr: "r * h"`.""",
    ),
    Code(
        "E522",
        "a field needs another field",
        """The field has a meaning only beside another one.

`coeff` belongs to `operation: SUM`, `scale_filler` to `scale_bias: true`.""",
    ),
    Code(
        "E523",
        "an even window has no middle",
        """LRN looks equally far to both sides, so `local_size` is odd: 3, 5, ..""",
    ),
)
