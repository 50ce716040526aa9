"""Runs the text of CUDA kernels in NumPy, thread by thread, and looks for what a GPU would not forgive.

Every thread of a block is a generator that stops at barriers and at what a warp
does together; between two stops the threads run in a random order. Addresses
out of bounds, shared memory read before it is written or written by one thread
and touched by another without a barrier between them are faults; bank conflicts
are counted. Slow: for tiny shapes.
"""

from runtime.cuda.emulator.faults import Fault
from runtime.cuda.emulator.machine import Machine

__all__ = ["Fault", "Machine"]
