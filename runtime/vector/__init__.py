"""What the kernels of every device are written in: the vector type, its functions, and the emitter of their text."""
