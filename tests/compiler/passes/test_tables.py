"""tables: products with gathered rows as products with the table."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.passes.simplify import simplify
from compiler.passes.tables import FEWER, tables
from runtime.ops import Matmul

WORDS, WIDTH, OUT = 3, 4, 5


def embedded(rows: int, keep: bool = False) -> Builder:
    """Rows of a table, a product of them, the gradients of table and weights."""
    b = Builder("train", "f64", rows)
    table, w = b.input("table", (WORDS, WIDTH)), b.input("w", (OUT, WIDTH))
    x = b.gather(table, b.input("numbers", (rows,), "i32"))
    z = b.matmul(x, w, transpose_b=True)
    loss = b.as_scalar(b.sum(z * z))
    grads = gradients(b, loss, [table, w, *([x] if keep else [])])
    b.graph.loss = loss
    b.graph.outputs = {"z": z, **{f"d{k}": g for k, g in enumerate(grads)}}
    return b


def found(b: Builder, rows: int) -> list:
    random = np.random.default_rng(0)
    given = {
        "table": random.standard_normal((WORDS, WIDTH)),
        "w": random.standard_normal((OUT, WIDTH)),
        # -1 and WORDS are no words: their rows are 0
        "numbers": random.integers(-1, WORDS + 1, rows).astype(np.int32),
    }
    values = run_graph(b.graph, given, {}).values
    return [values[v] for v in b.graph.outputs.values()]


def rows_of_products(b: Builder) -> list:
    return sorted(max(v.shape[0] for v in op.inputs[:1]) for op in b.graph.ops if isinstance(op.prim, Matmul))


def test_products_have_the_rows_of_the_table() -> None:
    rows = FEWER * WORDS
    b = embedded(rows)
    before = found(b, rows)
    simplify(b.graph)
    assert rows_of_products(b) == [rows, rows, rows]
    tables(b.graph)
    assert rows_of_products(b) == [WORDS, WORDS, WORDS]
    for one, other in zip(found(b, rows), before, strict=True):
        # the same sums in another order, float64
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_a_table_that_is_hardly_smaller_stays() -> None:
    b = embedded(FEWER * WORDS - 1)
    simplify(b.graph)
    before = str(b.graph)
    tables(b.graph)
    assert str(b.graph) == before


def test_a_gradient_of_the_rows_that_somebody_wants_is_still_made() -> None:
    rows = FEWER * WORDS
    b = embedded(rows, keep=True)
    before = found(b, rows)
    simplify(b.graph)
    tables(b.graph)
    assert rows_of_products(b) == [WORDS, WORDS, rows]
    for one, other in zip(found(b, rows), before, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)  # as above


@pytest.mark.parametrize("shape", [(FEWER, WORDS), (2, FEWER, WORDS)])
def test_rows_are_found_behind_other_axes(shape) -> None:
    b = Builder("test", "f64", 1)
    table, w = b.input("table", (WORDS, WIDTH)), b.input("w", (OUT, WIDTH))
    x = b.gather(table, b.input("numbers", shape, "i32"))
    b.graph.outputs = {"z": b.matmul(b.reshape(x, (int(np.prod(shape)), WIDTH)), w, transpose_b=True)}
    simplify(b.graph)
    tables(b.graph)
    assert rows_of_products(b) == [WORDS]
