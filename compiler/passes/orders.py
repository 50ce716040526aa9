"""What readers ask of a value's order in memory, and the copies where it cannot be met.

Parameters, their gradients and what is computed from them alone are canonical:
row-major as they are named. Activations lie N H W C. A product reads its
weights canonical and its activations channels last; a padded one wants a halo.
"""

from __future__ import annotations

from math import prod

from compiler.ir import Op, Value
from compiler.passes.placement import Layout, common_shape
from runtime.expr import arg
from runtime.ops import (
    Concat,
    Conv,
    ConvInputGrad,
    ConvWeightGrad,
    Map,
    Pair,
    Reshape,
    Slice,
    Transpose,
    conv_input_grad_halo,
)
from runtime.ops_detection import RoiPool, RoiUnpool
from runtime.ops_space import Correlation, CorrelationGrad, Sample, SampleGrad

VIEWS = (Reshape, Slice, Transpose)


def mark_canonical(found: Layout) -> None:
    """Notes the values that lie row-major as they are named."""
    graph = found.graph
    found.canonical.update(s.read for s in graph.states.values())
    # what a recurrent layer carries from batch to batch are activations
    carried = {s.read for s in graph.states.values() if s.role == "carry"}
    for op in graph.ops:
        like = [v for v in op.inputs if v.shape == op.outputs[0].shape] if op.outputs else []
        from_canonical = isinstance(op.prim, Map) and any(v in found.canonical and v not in carried for v in like)
        if isinstance(op.prim, ConvWeightGrad) or from_canonical or op.segment == "init":
            found.canonical.update(op.outputs)
        elif isinstance(op.prim, Reshape) and len(op.prim.shape) == 4 and op.inputs[0].rank != 4:
            if op.inputs[0] in found.canonical:
                found.canonical.update(op.outputs)


def wants_canonical(op: Op, k: int) -> bool:
    """Whether ``op`` reads its operand ``k`` as weights."""
    return isinstance(op.prim, Conv | ConvInputGrad) and k == 1


def wants_channels_last(op: Op, k: int) -> bool:
    """Whether ``op`` reads its operand ``k`` as activations N H W C."""
    if isinstance(op.prim, Conv | ConvInputGrad | RoiPool):
        return k == 0
    if isinstance(op.prim, RoiUnpool):
        return k < 2
    if isinstance(op.prim, Correlation | CorrelationGrad | Sample | SampleGrad):
        return True
    return op.prim.kind in ("conv_weight_grad", "pool", "unpool", "window")


def copy_for_readers(found: Layout) -> None:
    """Copies the operands of convolutions that would lie in the wrong order."""
    graph = found.graph
    ops: list[Op] = []
    for op in graph.ops:
        if _regroups_channels(op):
            ops.append(_through_flat(op))
        inputs = list(op.inputs)
        for k, v in enumerate(inputs):
            wrong = wants_channels_last(op, k) and not _is_channels_last(found, v)
            if wrong or (wants_canonical(op, k) and not _is_canonical(found, v)):
                copy = copy_op(v, op)
                if wants_canonical(op, k):
                    found.canonical.update(copy.outputs)
                ops.append(copy)
                inputs[k] = copy.outputs[0]
        op.inputs = tuple(inputs)
        ops.append(op)
    graph.ops = ops


def _regroups_channels(op: Op) -> bool:
    """Whether a reshape joins or splits axes so that neither side can be written through the other, nor both split."""
    if not isinstance(op.prim, Reshape) or len(op.prim.shape) != 4:
        return False
    x = op.inputs[0]
    if x.rank != 4:
        return common_shape(x.shape, op.prim.shape) is None
    return [n for n in x.shape if n != 1] != [n for n in op.prim.shape if n != 1]


def _through_flat(op: Op) -> Op:
    """Makes ``op`` read a flat value in logical order; neither of its own sides could be copied through the other."""
    x = op.inputs[0]
    flat = Value((prod(x.shape),), x.dtype, builder=x.builder)
    op.inputs = (flat,)
    return Op(Reshape(flat.shape), (x,), (flat,), op.segment, op.origin)


def copy_op(v: Value, like: Op) -> Op:
    """An identity map of ``v``, in the segment and of the origin of another operation."""
    copy = Value(v.shape, v.dtype, v.name, builder=v.builder)
    return Op(Map((arg(0, v.kind),), v.shape), (v,), (copy,), like.segment, like.origin)


def _is_canonical(found: Layout, v: Value) -> bool:
    if v in found.canonical:
        return True
    return v.op is not None and isinstance(v.op.prim, Reshape) and _row_major_source(found, v.op.inputs[0])


def _row_major_source(found: Layout, v: Value) -> bool:
    return v in found.canonical or (v.rank not in (4, 5) and not (v.op is not None and isinstance(v.op.prim, VIEWS)))


def _is_channels_last(found: Layout, v: Value) -> bool:
    """Whether a rank-4 value will lie N H W C: its own memory, or a view that keeps channels together."""
    single = v.shape[2:] == (1, 1) or v.shape[1] == 1
    if v in found.canonical:
        return v.op is not None and single and v.op.prim.kind == "reshape"
    if v.op is None or not isinstance(v.op.prim, VIEWS):
        return True
    if isinstance(v.op.prim, Slice):
        return v.op.inputs[0].rank == 4 and _is_channels_last(found, v.op.inputs[0]) and v.op.prim.axis < 2
    return isinstance(v.op.prim, Reshape) and single and v.op.inputs[0].rank == 2


def halo_read(op: Op, k: int) -> Pair:
    """Rows and columns of zeros that ``op`` reads around its operand ``k``."""
    prim = op.prim
    if isinstance(prim, Conv | ConvWeightGrad) and k == 0:
        return prim.pad
    if isinstance(prim, ConvInputGrad) and k == 0:
        w, dy = op.inputs[1], op.inputs[0]
        return conv_input_grad_halo(prim, w.shape[2:], dy.shape[2:])  # type: ignore[arg-type]
    return (0, 0)


def find_halos(found: Layout) -> None:
    """Collects halos; a view that needs one becomes a copy with memory of its own."""
    graph = found.graph
    ops: list[Op] = []
    copied: dict[Value, Value] = {}
    for op in graph.ops:
        for k, v in enumerate(op.inputs):
            need = halo_read(op, k)
            if need == (0, 0):
                continue
            if v.op is not None and isinstance(v.op.prim, VIEWS):
                if v not in copied:
                    ops.append(copy_op(v, op))
                    copied[v] = ops[-1].outputs[0]
                v = copied[v]
                op.inputs = (*op.inputs[:k], v, *op.inputs[k + 1 :])
            have = found.halos.get(v, (0, 0))
            found.halos[v] = (max(have[0], need[0]), max(have[1], need[1]))
        ops.append(op)
    graph.ops = ops


def enter_concats(found: Layout) -> None:
    """Notes which operands can be written straight into their concatenation."""
    for op in reversed(found.graph.ops):
        if not isinstance(op.prim, Concat):
            continue
        out, start = op.outputs[0], 0
        counts = {v: op.inputs.count(v) for v in op.inputs}
        for v in op.inputs:
            if counts[v] == 1 and _may_enter(found, v, op):
                found.inside[v] = (out, op.prim.axis, start)
            start += v.shape[op.prim.axis]


def _may_enter(found: Layout, v: Value, op: Op) -> bool:
    owns = v.op is not None and not isinstance(v.op.prim, VIEWS) and v not in found.inside
    graph = found.graph
    bound = v in graph.grads.values() or any(v in (s.written, s.init) for s in graph.states.values())
    spatial = op.prim.axis >= 2 and v.rank == 4  # type: ignore[attr-defined]
    clash = spatial and (v in found.halos or op.outputs[0] in found.halos)
    return owns and not bound and not clash and v not in found.canonical
