"""Members of a set drawn at random, a fixed number at most, the same for every number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


def drawn(b: Builder, members: Value, keys: Value, quota: int | Value, most: int) -> Value:
    """Which members are among the ``quota`` with the largest keys of their row, the first of equal ones first.

    Parameters
    ----------
    members
        b1, N x K.
    keys
        Random numbers from 0 on, N x K.
    quota
        How many, or a value N x 1 with as many as ``most``.
    most
        What the quota does not exceed.

    Returns
    -------
    b1, N x K.
    """
    count = members.shape[1]
    most = min(most, count)
    if most == 0:
        return b.both(members, keys < 0.0)
    wanted = min(quota, most) if isinstance(quota, int) else b.minimum(quota, float(most))
    marks = b.where(members, keys, -1.0)
    values, places = b.top_k(marks, most)
    last = b.equal(b.index(values.shape, 1), wanted - 1)
    bar, place = b.sum(b.where(last, values, 0.0), 1), b.sum(b.where(last, b.to_float(places), 0.0), 1)
    ahead = b.either(marks > bar, b.both(b.equal(marks, bar), b.to_float(b.index(marks.shape, 1)) <= place))
    found = b.both(members, ahead)
    return found if isinstance(wanted, int) else b.both(found, wanted > 0.0)
