"""Recorded numbers of real frameworks, and the check of the conventions against them.

Every `.npz` beside this file was made by running the framework named, seven training steps and
one test-mode forward on `inputs.npz`; `recordings.py` says which array is what.
"""
