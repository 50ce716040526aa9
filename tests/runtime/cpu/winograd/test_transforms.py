from __future__ import annotations

from fractions import Fraction

import pytest

from runtime.cpu.winograd.transforms import program
from runtime.winograd import ERROR, matrices


@pytest.mark.parametrize(("m", "r"), sorted(ERROR))
@pytest.mark.parametrize("which", ["at", "g", "bt"])
def test_a_program_computes_its_matrix(m, r, which):
    matrix = getattr(matrices(m, r), which)
    sums, places = program(matrix)
    for column in range(len(matrix[0])):
        values = [float(j == column) for j in range(len(matrix[0]))]
        for terms in sums:
            values.append(sum(c * values[j] for c, j in terms))
        # coefficients such as 1/3 are rounded once in the program, once here
        assert [values[p] for p in places] == pytest.approx(
            [float(row[column]) for row in matrix], rel=1e-15, abs=1e-15
        )


def operations(matrix) -> int:
    return sum(len(terms) - 1 + all(abs(c) != 1 for c, _ in terms) for terms in program(matrix)[0])


def test_even_and_odd_parts_are_computed_once():
    square = tuple(tuple(Fraction(c) for c in row) for row in ((1, 2, 4, 8), (1, -2, 4, -8)))
    sums, _ = program(square)
    assert ((1.0, 0), (4.0, 2)) in sums
    assert ((1.0, 1), (4.0, 3)) in sums
    assert operations(matrices(4, 3).bt) < sum(sum(c != 0 for c in row) - 1 for row in matrices(4, 3).bt)


def test_a_row_that_is_one_value_costs_nothing():
    assert operations(((Fraction(0), Fraction(1)),)) == 0
