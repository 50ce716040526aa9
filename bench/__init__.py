"""The benchmark: netspec against PyTorch on the same cores. ``python -m bench --help``."""
