"""Points that fill the unit cube evenly, scrambled by a seed.

`scipy.stats.qmc` gives the same numbers for the same seed, but its import takes longer than all
else that a run does before its first trial.
"""
