"""The batch norms of a PyTorch model: which modules they are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.lazy import LazyModuleMixin

from caviar.analysis.audit.evidence import Moments
from caviar.runner.errors import RequestError

BUFFERS = ("running_mean", "running_var")


class TorchNorm(NamedTuple):
    """A batch norm of a model, by its dotted name."""

    name: str
    module: nn.Module

    @property
    def epsilon(self) -> float:
        return float(getattr(self.module, "eps", 1e-5))

    @property
    def momentum(self) -> float | None:
        """PyTorch's, the weight of the new batch; None for a cumulative average."""
        value = getattr(self.module, "momentum", None)
        return None if value is None else float(value)

    @property
    def keep(self) -> float:
        """The weight that an update leaves to what is held; 1 stands for a cumulative average."""
        return 1.0 if self.momentum is None else 1.0 - self.momentum

    @property
    def updates(self) -> int | None:
        counted = getattr(self.module, "num_batches_tracked", None)
        return None if counted is None else int(counted)

    @property
    def updatable(self) -> bool:
        """Whether a pass in train mode can move what it holds: not of a `FrozenBatchNorm2d`."""
        return isinstance(self.module, _BatchNorm) or hasattr(self.module, "momentum")

    def stored(self) -> Moments | None:
        """What it holds, float64; None where it keeps no statistics."""
        kept = [getattr(self.module, name, None) for name in BUFFERS]
        values = [v.detach().cpu().double().numpy().copy() for v in kept if v is not None]
        return Moments(*values) if len(values) == len(BUFFERS) else None


def is_norm(module: nn.Module) -> bool:
    """Whether a module is a batch norm of any kind, a frozen one included."""
    if isinstance(module, _BatchNorm | torch.jit.ScriptModule):
        return isinstance(module, _BatchNorm)
    kept = [module._buffers.get(name) for name in BUFFERS]
    one_each = all(value is not None and value.ndim == 1 for value in kept)
    return one_each and not isinstance(module, _InstanceNorm)


def unwrapped(model: nn.Module) -> nn.Module:
    """The module itself, out of `torch.compile`, data-parallel and averaging wrappers.

    Raises RequestError for what is no module.
    """
    if not isinstance(model, nn.Module):
        raise RequestError(
            f"a {type(model).__name__} is not a model: give a torch.nn.Module, such as "
            "`build()` returns"
        )
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while True:
        if isinstance(compiled := model._modules.get("_orig_mod"), nn.Module):
            model = compiled
        elif isinstance(model, (*wrappers, torch.optim.swa_utils.AveragedModel)):
            model = cast(nn.Module, model.module)
        else:
            return model


def norms_of(model: nn.Module) -> tuple[TorchNorm, ...]:
    """Every batch norm of an unwrapped model, in the order of `named_modules`.

    Names leave out what `torch.compile` adds. Raises RequestError for a model without one, and
    for one that is not built yet.
    """
    named = [(name.replace("_orig_mod.", ""), module) for name, module in model.named_modules()]
    for name, module in named:
        if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():  # type: ignore[misc]
            raise RequestError(
                f"layer {name!r} is not built yet (a lazy {type(module).__name__}): call the model "
                "once on a batch, or load its weights, before the audit"
            )
    norms = tuple(TorchNorm(name or "norm", module) for name, module in named if is_norm(module))
    if not norms:
        raise RequestError(_without_norms(type(model).__name__, (m for _, m in named)))
    return norms


def _without_norms(kind: str, modules: Iterable[nn.Module]) -> str:
    if any(isinstance(module, torch.jit.ScriptModule) for module in modules):
        return f"the model {kind} is scripted, so its layers cannot be read: give the module itself"
    return (
        f"the model {kind} has no batch norm (BatchNorm1d, 2d, 3d, SyncBatchNorm or a subclass), "
        "so there is nothing to measure"
    )


def frozen_in_training(model: nn.Module, norms: tuple[TorchNorm, ...]) -> frozenset[str]:
    """Names of the norms that a train-mode pass would leave as they are.

    Call it inside `untouched`, since a model's `train` may do more than set the mode. What it
    does to parameters (merging of adapters) is undone here.
    """
    if not model.training:
        kept = {p: p.detach().clone() for p in model.parameters()} if _own_train(model) else {}
        versions = {p: p._version for p in kept}
        model.train()
        with torch.no_grad():
            for parameter, value in kept.items():
                if parameter._version != versions[parameter]:
                    parameter.copy_(value)
    still = {norm.name for norm in norms if not (norm.updatable and norm.module.training)}
    return frozenset(still | {norm.name for norm in norms if norm.momentum == 0.0})


def _own_train(model: nn.Module) -> bool:
    return any(type(module).train is not nn.Module.train for module in model.modules())
