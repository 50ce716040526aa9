"""Convolution by the fast Fourier transform of 16 x 16 tiles."""
