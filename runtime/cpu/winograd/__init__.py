"""Winograd convolution on the CPU: transforms of tiles, one product a point."""
