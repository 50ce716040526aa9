"""Data: readers, order, transforms and prefetching. Recipes are plain; NumPy comes in with `open`."""
