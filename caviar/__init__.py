"""Many small batch-norm networks at once: what does the mini-batch size do to batch norm?

Read a study, run it, and ask for tables:

>>> run = caviar.run(caviar.read_study("sizes.toml"), on="inline")
data, rows: 178
...
2/2 trials · ...
>>> effects = caviar.results(run)["effect_of_size"]

A name of `__all__` is imported when it is first used; `docs/python.md` describes them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caviar.analysis.audit.audit import Audit as Audit
    from caviar.analysis.compare.runs import TwoRuns as TwoRuns
    from caviar.analysis.findings.finding import Results as Results
    from caviar.analysis.run.read import Run as Run
    from caviar.analysis.run.read import read_run as read_run
    from caviar.analysis.run.stored.location import DamagedError as DamagedError
    from caviar.analysis.theory.advise import Advice as Advice
    from caviar.front_door import advise as advise
    from caviar.front_door import compare as compare
    from caviar.front_door import plan as plan
    from caviar.front_door import read_study as read_study
    from caviar.front_door import results as results
    from caviar.front_door import run as run
    from caviar.model.averages.bank import RunningStatistics as RunningStatistics
    from caviar.model.averages.conventions import CONVENTIONS as CONVENTIONS
    from caviar.model.averages.conventions import Convention as Convention
    from caviar.model.averages.conventions import trackers as trackers
    from caviar.model.averages.frameworks import FRAMEWORKS as FRAMEWORKS
    from caviar.model.layers import Dense as Dense
    from caviar.model.layers import Dropout as Dropout
    from caviar.model.layers import Relu as Relu
    from caviar.model.layers import Tanh as Tanh
    from caviar.model.network import Network as Network
    from caviar.model.network import mlp as mlp
    from caviar.model.norms.batch_norm import BatchNorm as BatchNorm
    from caviar.model.norms.layer_norm import LayerNorm as LayerNorm
    from caviar.model.norms.norm import Norm as Norm
    from caviar.model.steps.loss import cross_entropy as cross_entropy
    from caviar.model.steps.loss import mean_cross_entropy_gradient as mean_cross_entropy_gradient
    from caviar.model.steps.optimizers import Adam as Adam
    from caviar.model.steps.optimizers import Momentum as Momentum
    from caviar.model.steps.optimizers import Sgd as Sgd
    from caviar.model.steps.setup import Splits as Splits
    from caviar.model.steps.setup import Training as Training
    from caviar.model.train import train as train
    from caviar.panda_door import control as control
    from caviar.runner.cli.dry_run import describe as describe
    from caviar.runner.data.splits import make_splits as make_splits
    from caviar.runner.errors import RequestError as RequestError
    from caviar.runner.errors import StorageError as StorageError
    from caviar.runner.panda.requests import Answer as Answer
    from caviar.runner.study.plan import Plan as Plan
    from caviar.runner.study.study import Study as Study
    from caviar.runner.torch_models.measuring.repair import Repair as Repair
    from caviar.runner.torch_models.watching.watch import Watch as Watch
    from caviar.runner.torch_models.watching.watch import watch as watch
    from caviar.runner.trial.build import build as build
    from caviar.torch_door import audit as audit
    from caviar.torch_door import repair as repair

HOMES = {
    "read_study": "front_door",
    "Study": "runner.study.study",
    "plan": "front_door",
    "Plan": "runner.study.plan",
    "describe": "runner.cli.dry_run",
    "run": "front_door",
    "read_run": "analysis.run.read",
    "Run": "analysis.run.read",
    "results": "front_door",
    "Results": "analysis.findings.finding",
    "compare": "front_door",
    "TwoRuns": "analysis.compare.runs",
    "advise": "front_door",
    "Advice": "analysis.theory.advise",
    "audit": "torch_door",
    "Audit": "analysis.audit.audit",
    "repair": "torch_door",
    "Repair": "runner.torch_models.measuring.repair",
    "control": "panda_door",
    "Answer": "runner.panda.requests",
    "watch": "runner.torch_models.watching.watch",
    "Watch": "runner.torch_models.watching.watch",
    "Convention": "model.averages.conventions",
    "CONVENTIONS": "model.averages.conventions",
    "FRAMEWORKS": "model.averages.frameworks",
    "mlp": "model.network",
    "Network": "model.network",
    "Norm": "model.norms.norm",
    "BatchNorm": "model.norms.batch_norm",
    "LayerNorm": "model.norms.layer_norm",
    "Dense": "model.layers",
    "Relu": "model.layers",
    "Tanh": "model.layers",
    "Dropout": "model.layers",
    "cross_entropy": "model.steps.loss",
    "mean_cross_entropy_gradient": "model.steps.loss",
    "Sgd": "model.steps.optimizers",
    "Momentum": "model.steps.optimizers",
    "Adam": "model.steps.optimizers",
    "RunningStatistics": "model.averages.bank",
    "trackers": "model.averages.conventions",
    "build": "runner.trial.build",
    "make_splits": "runner.data.splits",
    "train": "model.train",
    "Training": "model.steps.setup",
    "Splits": "model.steps.setup",
    "RequestError": "runner.errors",
    "StorageError": "runner.errors",
    "DamagedError": "analysis.run.stored.location",
}
"""Every public name and the module under `caviar` that defines it, in the order of the page."""

__all__ = list(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'caviar' has no attribute {name!r}")
    try:
        value = globals()[name] = getattr(import_module(f"caviar.{HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(
            f"caviar.{name} needs PyTorch: pip install 'caviar[torch]'", name="torch"
        ) from error
    return value


def __dir__() -> list[str]:
    return __all__
