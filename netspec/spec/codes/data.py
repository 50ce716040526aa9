"""Codes of the data: sources beside each other, their blobs, what tells their shapes."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES = (
    Code(
        "E659",
        "two sources of a phase give one blob",
        """A phase may have a list of sources; each gives blobs of its own.

`train: [{source: npz, file: a.npz}, {source: npz, file: b.npz}]` would give `data` twice. Name the blobs of one of
them: `tops: [other, other_label]`.""",
    ),
    Code(
        "E660",
        "sources of a phase with different batch sizes",
        """One batch takes as many samples of each source of a phase.

Write one `batch_size` beside the phases, or the same in each source.""",
    ),
    Code(
        "E661",
        "size of the pictures",
        """Pictures in files have any size; the spec says what comes of them, so that nothing has to be opened.

`crop_size: 224` cuts a square, random in training; `new_height` and `new_width` (both) scale; `resize: 256` scales the
shorter side; `shape: [3, 32, 32]` says that all have this size already.""",
    ),
    Code(
        "E662",
        "blobs of a source",
        """`tops` names the blobs of a source, in the order of its documentation, each once.

`mnist` gives two (a picture and a class), three with `pairs: true`; `shapes` knows its own names.""",
    ),
    Code(
        "E663",
        "a field that the source has no use for",
        """Some sources cannot do what others do: a text has no pixels to scale, and its order is its meaning.

Leave the field out.""",
    ),
    Code(
        "E664",
        "columns or class names",
        """`columns` of a source `csv` gives each blob a column, or a list of them, by the names in the first line.

`columns: {x: [area, age], y: price}`. `class_names` lists texts in the order of their numbers: `classes` follows.""",
    ),
    Code(
        "E665",
        "where the pictures are",
        """A source `images` reads a list (`list: train.txt`, lines `path class`) or a folder (`folder: train`, with a
subfolder for each class), one of the two. A folder needs `classes: 10`, or `class_names`: the subfolders of training
and of test are numbered by their names, and are the same classes only if there are as many.""",
    ),
)
