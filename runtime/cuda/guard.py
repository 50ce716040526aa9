"""Guard on a GPU: writes the status word if a number is not finite.

The host has launched the rest by then; ``runtime.cuda.stop`` keeps it from the states.
"""

from __future__ import annotations

from runtime import ops
from runtime.cuda.launch import Context, Launch, kernel_file, launcher
from runtime.cuda.stop import STATUS
from runtime.executor import NOT_FINITE
from runtime.plan import Step
from runtime.vector import nest
from runtime.vector.streams import operand_stream

BLOCK = 32


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
    words = (stream.base, stride, view.count, STATUS, NOT_FINITE)
    return [Launch(kernel_file("guard", DTYPE=view.dtype), words, (1, 1, 1), BLOCK)]
