"""The CUDA engine: launchers (the file names of ``runtime.cpu``), their kernels, and the executor that replays a graph.

Kernels are written over the vector type of ``runtime.vector`` and the
primitives of ``simt``; numba-cuda compiles them, nvJitLink makes cubins. None of
this needs a driver.
"""
