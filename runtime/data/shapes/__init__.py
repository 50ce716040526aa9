"""Scenes of coloured shapes with everything known about them: drawn from a seed, the same bits on any machine.

``scene`` draws what there is, ``raster`` says which shape each pixel shows, and one small file each makes pictures,
boxes, regions, flow and captions of it. No transcendental function of NumPy takes part (its last bit depends on the
processor): directions come from a rounded table, noise from whole numbers.
"""
