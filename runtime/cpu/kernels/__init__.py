"""Sources of kernels: read as text, their constants filled in, compiled by ``runtime.cpu.build``."""
