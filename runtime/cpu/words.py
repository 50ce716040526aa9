"""Argument words as a tuple, and elements moved whatever their dtype.

Numba intrinsics over int64; addresses are in bytes.
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

I64, I32 = ir.IntType(64), ir.IntType(32)


def _pointer(builder, address, index):  # type: ignore[no-untyped-def]
    return builder.gep(builder.inttoptr(address, I64.as_pointer()), [index])


@intrinsic
def unpack(typing, address, count):  # type: ignore[no-untyped-def]
    """The first ``count`` (a literal) words at ``address``, as a tuple."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    result = types.UniTuple(types.int64, count.literal_value)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        words = [builder.load(_pointer(builder, args[0], ir.Constant(I64, k))) for k in range(count.literal_value)]
        return context.make_tuple(builder, result, words)

    return result(types.int64, count), codegen


def _bits(item):  # type: ignore[no-untyped-def]
    return ir.IntType(8 * item.literal_value)


@intrinsic
def copy_element(typing, to, source, item):  # type: ignore[no-untyped-def]
    """Copies ``item`` (a literal) bytes from address ``source`` to ``to``."""
    if not isinstance(item, types.IntegerLiteral):
        return None

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind = _bits(item).as_pointer()
        value = builder.load(builder.inttoptr(args[1], kind), align=item.literal_value)
        builder.store(value, builder.inttoptr(args[0], kind), align=item.literal_value)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, item), codegen


@intrinsic
def zero_element(typing, to, item):  # type: ignore[no-untyped-def]
    """Writes ``item`` (a literal) zero bytes at address ``to``."""
    if not isinstance(item, types.IntegerLiteral):
        return None

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind = _bits(item)
        builder.store(ir.Constant(kind, 0), builder.inttoptr(args[0], kind.as_pointer()), align=item.literal_value)
        return context.get_dummy_value()

    return types.void(types.int64, item), codegen


@functools.cache
def transposer(scalar: str, lanes: int):  # type: ignore[no-untyped-def]
    """``transpose(source, stride, rows, to)``: a square of vectors, rows ``stride`` bytes apart, to contiguous columns.

    Rows from ``rows`` on repeat the last one.
    """
    element = ir.FloatType() if scalar == "f32" else ir.DoubleType()
    item = 4 if scalar == "f32" else 8
    vector = ir.VectorType(element, lanes)

    def exchange(builder, rows, distance):  # type: ignore[no-untyped-def]
        """Swaps the off-diagonal squares of ``distance`` lanes of each pair of rows ``distance`` apart."""
        lane = range(lanes)
        upper = [k if not k & distance else lanes + k - distance for k in lane]
        lower = [k + distance if not k & distance else lanes + k for k in lane]
        masks = [ir.Constant(ir.VectorType(I32, lanes), order) for order in (upper, lower)]
        result = list(rows)
        for i in (i for i in lane if not i & distance):
            for place, mask in zip((i, i + distance), masks, strict=True):
                result[place] = builder.shuffle_vector(rows[i], rows[i + distance], mask)
        return result

    @intrinsic
    def transpose(typing, source, stride, rows, to):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            start, step, count, target = args
            last = builder.sub(count, ir.Constant(I64, 1))
            values = []
            for i in range(lanes):
                at = ir.Constant(I64, i)
                at = builder.select(builder.icmp_signed("<", at, last), at, last)
                address = builder.add(start, builder.mul(at, step))
                values.append(builder.load(builder.inttoptr(address, vector.as_pointer()), align=item))
            distance = lanes // 2
            while distance:
                values = exchange(builder, values, distance)
                distance //= 2
            for i, value in enumerate(values):
                address = builder.add(target, ir.Constant(I64, i * lanes * item))
                builder.store(value, builder.inttoptr(address, vector.as_pointer()), align=item)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 4), codegen

    return transpose
