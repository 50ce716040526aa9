"""Primitives written once for every device: launchers and kernels of which a chunk needs no other.

On the CPU a member of the team does chunk after chunk, on a GPU every thread one.
"""
