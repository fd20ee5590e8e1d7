"""Kernels keep their machine code where the program keeps it."""

from __future__ import annotations

from caviar.runner.trial.kernels import compiled_by

compiled_by()
