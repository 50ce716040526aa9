"""Guard on the CPU: writes the status word, at which the walk stops, if a number is not finite."""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, kernel_file, launcher
from runtime.executor import NOT_FINITE
from runtime.plan import Step
from runtime.vector import nest
from runtime.vector.kernel import Address
from runtime.vector.streams import operand_stream


@launcher(ops.Guard)
def guard_step(step: Step, context: Context) -> list[Launch]:
    """The launch of a guard over a scalar, or over elements at one stride.

    Raises
    ------
    ValueError
        The operand is not one run of elements.
    """
    view = step.reads[0]
    stream = operand_stream(view, view.shape)
    dims = nest.merge(nest.dims_of(view.shape, [stream]))
    if len(dims) > 1:
        raise ValueError(f"a guard wants a scalar, got shape {view.shape}")
    stride = dims[0].strides[0] if dims else 0
    kernel = kernel_file("guard", DTYPE=view.dtype, LANES=context.lanes(view.dtype))
    words = (stream.base, stride, view.count, Address("status", 0), NOT_FINITE)
    return [Launch(kernel, words, 1)]
