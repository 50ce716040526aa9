"""The examples of the language with something broken: each is answered with a net or with diagnostics, nothing else."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from net_support import spec_of

from netspec.checking import check
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.nodes import to_value
from netspec.spec.read import read_file

FOLDER = Path(__file__).parents[2] / "language"
MUTANTS = 25
GARBAGE: list[Any] = [
    None, True, 3, -1, 0.5, 1e30, "x", "", "$i", "${1/0}", "${x", "lenet.yaml", "no.yaml", "conv*", "*", "label", "a/b",
    [], {}, [1, "a"], ["data"], [{}], {"a": 1}, {"file": "f"}, {"x": "f"},
]  # fmt: skip
KEYS = (
    "share outputs weights extends remove change block bottom top if repeat each include lr_mult loss_weight params "
    "file blocks data inputs"
).split()


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every part of some plain data."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0):
        yield from paths(value[key], (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def mutant(chance: random.Random, value: Any) -> Any:
    """A copy with one part replaced, deleted or added."""
    value = copy.deepcopy(value)
    every = [path for path in paths(value) if path]
    path = chance.choice(every)
    parent, what = at(value, path[:-1]), chance.choice(["replace", "replace", "delete", "move", "add"])
    if what == "delete":
        del parent[path[-1]]
    elif what == "add" and isinstance(parent, dict):
        parent[chance.choice(KEYS)] = copy.deepcopy(chance.choice(GARBAGE))
    else:
        chosen = at(value, chance.choice(every)) if what == "move" else chance.choice(GARBAGE)
        parent[path[-1]] = copy.deepcopy(chosen)
    return value


@pytest.mark.parametrize(
    "name",
    "char_lstm fast_rcnn fcn8s fgsm fgsm_one_picture finetune flownet_c gru_by_hand show_attend_tell siamese stages "
    "style_transfer".split(),
)
def test_a_broken_example_is_answered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)  # where the files it names lie
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    written = to_value(read_file(f"{name}.yaml", Diagnostics()))
    for seed in range(MUTANTS):
        found = check(mutant(random.Random(seed), written))
        if found.ok and found.spec is not None:
            text = found.spec.resolved()
            assert spec_of(text).resolved() == text, (name, seed)
        else:
            assert found.errors, (name, seed)
