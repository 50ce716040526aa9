"""Argument words as a tuple, and elements moved whatever their dtype.

Numba intrinsics over int64; addresses are in bytes.
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.vector.vectype import ITEM_BYTES, pointer

I64, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


def _pointer(builder, address, index):  # type: ignore[no-untyped-def]
    return builder.gep(pointer(builder, address, I64), [index])


@intrinsic
def unpack(typing, address, count):  # type: ignore[no-untyped-def]
    """The first ``count`` (a literal) words at ``address``, as a tuple; of a tuple, its first ones."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    if isinstance(address, types.UniTuple):
        given = types.UniTuple(types.int64, count.literal_value)

        def cut(context, builder, signature, args):  # type: ignore[no-untyped-def]
            words = [builder.extract_value(args[0], k) for k in range(count.literal_value)]
            return context.make_tuple(builder, given, words)

        return given(address, count), cut
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
        kind = _bits(item)
        value = builder.load(pointer(builder, args[1], kind), align=item.literal_value)
        builder.store(value, pointer(builder, args[0], kind), align=item.literal_value)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, item), codegen


@intrinsic
def zero_element(typing, to, item):  # type: ignore[no-untyped-def]
    """Writes ``item`` (a literal) zero bytes at address ``to``."""
    if not isinstance(item, types.IntegerLiteral):
        return None

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind = _bits(item)
        builder.store(ir.Constant(kind, 0), pointer(builder, args[0], kind), align=item.literal_value)
        return context.get_dummy_value()

    return types.void(types.int64, item), codegen


def _transposed(builder, rows, lanes):  # type: ignore[no-untyped-def]
    """The columns of a square of vectors."""
    lane, distance = range(lanes), lanes // 2
    while distance:
        # the off-diagonal squares of ``distance`` lanes of each pair of rows ``distance`` apart change places
        upper = [k if not k & distance else lanes + k - distance for k in lane]
        lower = [k + distance if not k & distance else lanes + k for k in lane]
        masks = [ir.Constant(ir.VectorType(I32, lanes), order) for order in (upper, lower)]
        before, rows = rows, list(rows)
        for i in (i for i in lane if not i & distance):
            for place, mask in zip((i, i + distance), masks, strict=True):
                rows[place] = builder.shuffle_vector(before[i], before[i + distance], mask)
        distance //= 2
    return rows


@functools.cache
def transposer(scalar: str, lanes: int):  # type: ignore[no-untyped-def]
    """``transpose(source, stride, rows, to)``: a square of vectors, rows ``stride`` bytes apart, to contiguous columns.

    Rows from ``rows`` on repeat the last one.
    """
    element = ir.FloatType() if scalar == "f32" else ir.DoubleType()
    item = ITEM_BYTES[scalar]
    vector = ir.VectorType(element, lanes)

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
            for i, value in enumerate(_transposed(builder, values, lanes)):
                address = builder.add(target, ir.Constant(I64, i * lanes * item))
                builder.store(value, builder.inttoptr(address, vector.as_pointer()), align=item)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 4), codegen

    return transpose


@functools.cache
def spreader(scalar: str, lanes: int):  # type: ignore[no-untyped-def]
    """``spread(source, stride, to, to_stride, rows, columns)``: a square of vectors transposed, strides in bytes.

    Column k < ``columns`` becomes the first ``rows`` elements at to + k
    to_stride; both may exceed the lanes. All rows of the square are read.
    """
    element = ir.FloatType() if scalar == "f32" else ir.DoubleType()
    item = ITEM_BYTES[scalar]
    vector, mask_type = ir.VectorType(element, lanes), ir.VectorType(I1, lanes)
    masked = ir.FunctionType(ir.VoidType(), [vector, vector.as_pointer(), I32, mask_type])

    def mask_of(builder, rows, some):  # type: ignore[no-untyped-def]
        """The lanes below ``rows``, none unless ``some``."""
        kind = ir.VectorType(I64, lanes)
        rows = builder.select(some, rows, ir.Constant(I64, 0))
        one = builder.insert_element(ir.Constant(kind, ir.Undefined), rows, ir.Constant(I32, 0))
        all_rows = builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))
        return builder.icmp_signed("<", ir.Constant(kind, list(range(lanes))), all_rows)

    @intrinsic
    def spread(typing, source, stride, to, to_stride, rows, columns):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            start, step, target, to_step, rows, columns = args
            values = []
            for i in range(lanes):
                address = builder.add(start, builder.mul(ir.Constant(I64, i), step))
                values.append(builder.load(builder.inttoptr(address, vector.as_pointer()), align=item))
            places = [builder.add(target, builder.mul(ir.Constant(I64, i), to_step)) for i in range(lanes)]
            places = [builder.inttoptr(place, vector.as_pointer()) for place in places]
            values = _transposed(builder, values, lanes)
            size = ir.Constant(I64, lanes)
            fits = [builder.icmp_signed(">=", n, size) for n in (rows, columns)]
            with builder.if_else(builder.and_(*fits)) as (whole, part):
                with whole:
                    for value, place in zip(values, places, strict=True):
                        builder.store(value, place, align=item)
                with part:
                    name = f"llvm.masked.store.v{lanes}{scalar}.p0"
                    store = cgutils.get_or_insert_function(builder.module, masked, name)
                    for i, (value, place) in enumerate(zip(values, places, strict=True)):
                        some = builder.icmp_signed("<", ir.Constant(I64, i), columns)
                        builder.call(store, [value, place, ir.Constant(I32, item), mask_of(builder, rows, some)])
            return context.get_dummy_value()

        return types.void(*[types.int64] * 6), codegen

    return spread
