"""Argument words as a tuple, and elements moved whatever their dtype.

Numba intrinsics over int64; addresses are in bytes.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

I64 = ir.IntType(64)


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
