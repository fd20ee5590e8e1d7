"""Which path the trials of a run take: decided once, before workers start."""

from __future__ import annotations

from typing import Any

from caviar.runner.errors import RequestError, printable
from caviar.runner.session.loop import estimated_cost
from caviar.runner.session.run_folder import STUDY, read_study_json
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Plan
from caviar.runner.trial.changing.phases import training_after, trainings_of
from caviar.runner.trial.kernels import Kernels, TrainingPath, code_folder, compiled_by

WORTH = 1e11
"""Estimated multiply-adds from which on a run's own choice is the compiled path: some 10 s of
training. Every process takes half a second to load kernels, and the first one ever compiles."""


def path_of_run(
    kernels: Kernels, plan: Plan, storage: Storage, source: Storage | None = None
) -> TrainingPath:
    """The path of a run in a storage, made ready.

    `auto` goes on as a run was begun, or as that in `source`, from which trials are taken over.
    Raises RequestError where kernels are asked for and Numba cannot be imported.
    """
    if kernels is Kernels.off:
        return TrainingPath.numpy
    if kernels is Kernels.auto:
        begun = storage if STUDY in storage.names("") else source
        wanted = path_before(read_study_json(begun)) if begun else _worth(plan.whole)
        if wanted is TrainingPath.numpy:
            return wanted
    try:
        compiled_by()
    except ImportError as error:
        reason = printable(str(error))
        if kernels is Kernels.on:
            raise RequestError(
                f"--kernels on needs Numba, which cannot be imported here: {reason}; "
                "install it (pip install numba), or leave --kernels out"
            ) from None
        print(f"training on NumPy, which is slower: Numba cannot be imported ({reason})")
        return TrainingPath.numpy
    compile_for(plan.whole)
    return TrainingPath.compiled


def path_before(study: dict[str, Any]) -> TrainingPath:
    """The path of a run's last session; older runs had only one."""
    sessions = study["sessions"]
    return TrainingPath((sessions[-1] if sessions else {}).get("training", TrainingPath.numpy))


def _worth(plan: Plan) -> TrainingPath:
    """The compiled path if a run is long enough and one of its trials has a kernel."""
    from caviar.model.kernels.supported import without_kernel

    cost = sum(map(estimated_cost, plan.sample)) * plan.most / len(plan.sample)
    if cost < WORTH or all(
        without_kernel(training_after(trial, plan.data, 0)) for trial in plan.sample
    ):
        return TrainingPath.numpy
    return TrainingPath.compiled


def compile_for(plan: Plan) -> None:
    """Compile kernels here, so that no two workers do, or see that they are on disk."""
    if not any(code_folder().rglob("*.nbc")):
        print("compiling kernels for this processor, once: some 20 s", flush=True)
    from caviar.model.kernels.readiness import make_ready

    for dtype in sorted({trial.dtype for trial in plan.sample}):
        trials = (trial for trial in plan.sample if trial.dtype == dtype)
        trainings = (one for trial in trials for one in trainings_of(trial, plan.data))
        make_ready(trainings, plan.data.features.dtype, dtype)
