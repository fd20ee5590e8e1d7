"""Simulations of what intervals and tests promise: `python -m tests.inference --write`."""
