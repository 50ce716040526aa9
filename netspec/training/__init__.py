"""Training: the loop, tests, snapshots, resume, stop; everything a run writes."""
