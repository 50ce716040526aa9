"""Texts of the kernels that every device runs: ``kernel(args, first, last, thread)``."""
