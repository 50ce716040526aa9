"""Texts of kernels that are not generated; numba-cuda compiles them, the emulator runs them."""
