"""E1xx: reading bytes and YAML. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "E101",
        "file too large",
        """A spec has at most 8 MiB (8,388,608 bytes). The size is looked at before the file is read.

Provoked by a data file or a log in place of a spec.
Remedy: check the path. Long nets are short specs: `repeat: 36`, `each` and `blocks` write a layer once.""",
    ),
    Code(
        "E102",
        "not UTF-8",
        """A spec is UTF-8 text, strictly: a byte that is none is refused, and the message gives its offset in the file.

Provoked by a file saved as Latin-1 (`# größe` with the byte 0xf6) or UTF-16 (it starts with ff fe).
Remedy: save it as UTF-8; `iconv -f latin1 -t utf-8 net.yaml` converts.""",
    ),
    Code(
        "E103",
        "character not allowed",
        """\
NUL and other control characters, surrogates and private-use characters (U+E000 to U+F8FF and the planes 15 and 16)
cannot stand in a spec. Netspec uses private-use characters itself while it reads `${..}`.

Provoked by a binary file, or text copied from a terminal or a PDF.
Remedy: delete the character at the place shown.""",
    ),
    Code(
        "E104",
        "not YAML",
        """\
The text breaks a rule of YAML. The usual causes: a tab in the indentation (only spaces indent), no space after the
colon (`type:ReLU`), a bracket or quote that is never closed, items of one list at two depths.

    layers:
      - {name: conv1, type: Convolution      <- the brace is never closed
Remedy: the hint names the likeliest cause. An expression with brackets or `: ` in it goes into quotes: "${..}".""",
    ),
    Code(
        "E105",
        "empty file",
        """The file holds nothing but comments and white space.

Remedy: the least spec has inputs and layers:
    inputs: {data: [3, 32, 32]}
    layers:
      - {name: fc, type: InnerProduct, num_output: 10}""",
    ),
    Code(
        "E106",
        "second document",
        """`---` starts a second YAML document. A file is one spec; a second one would be read by nobody.

Remedy: delete the `---`, or put the second spec into a file of its own.""",
    ),
    Code(
        "E107",
        "nested too deeply",
        """Lists and mappings may nest 64 deep; a net needs about eight.

Provoked by thousands of `[` in a row, as files made to break readers have.
Remedy: close the bracket; nest `blocks`, not brackets.""",
    ),
    Code(
        "E108",
        "too many values",
        """A file holds at most 100,000 keys, values, lists and mappings together (a net of 5,000 layers written out).

Remedy: write repetition with `repeat`, `each` and `blocks`; after expansion 50,000 layers are allowed.""",
    ),
    Code(
        "E109",
        "anchor, alias or merge key",
        """\
YAML's own shorthand (`&name`, `*name`, `<<:`) is refused: one line of a spec has one value, and nine lines of
aliases can stand for a billion values.

    defaults: &conv {kernel_size: 3}
    layers:
      - {<<: *conv, name: conv1, type: Convolution}
Remedy: `vars` for values (`$name`), `defaults: {Convolution: {kernel_size: 3}}` for fields, `blocks` for layers.""",
    ),
    Code(
        "E110",
        "tag",
        """YAML tags (`!!python/object`, `!!str`, `!mine`) are refused. Nothing in a spec is ever constructed or run.

Remedy: delete the tag. Text that would read as a number goes into quotes: name: "12".""",
    ),
    Code(
        "E111",
        "key is not a text",
        """\
A key is a single word or number. A list or a mapping as a key usually is an expression without its dollar sign, or
braces in the wrong place.

    kernel_size: {{k}}
Remedy: kernel_size: "${k}".""",
    ),
    Code(
        "E112",
        "key written twice",
        """A mapping has each key once. YAML readers keep the last one and say nothing; here both places are shown.

    - {name: conv1, type: Convolution, pad: 1, num_output: 20, pad: 2}
Remedy: delete one of the two.""",
    ),
    Code(
        "E113",
        "not a mapping",
        """A spec is a mapping with `layers` (or `net`), `data`, `solver`, .. at its top.

Provoked by a file that starts with the list of layers.
Remedy: put `layers:` above the list.""",
    ),
)
