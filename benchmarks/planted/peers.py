"""What other tools make of a model: two recompute its statistics, always, and say nothing; one
lints.

`update_bn` averages the unbiased variances of train-mode batches; fvcore's PreciseBN takes the
total variance of the same batches, lower norms on their batches, too. torch-audit runs over a
training step on each of some batches and names rules (`pip install torch-audit`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from planted.faults import Batch
from planted.training import norms_of
from torch import Tensor, nn


def loss_of(model: nn.Module, batches: Sequence[Batch]) -> float:
    """The mean cross-entropy in eval mode."""
    model.eval()
    with torch.no_grad():
        losses = [nn.functional.cross_entropy(model(x), y, reduction="none") for x, y in batches]
    return float(torch.cat(losses).mean())


def after_update_bn(model: nn.Module, batches: Sequence[Batch]) -> nn.Module:
    """The model after PyTorch's `update_bn` over the batches."""
    model = copy.deepcopy(model)
    torch.optim.swa_utils.update_bn(((x, y) for x, y in batches), model)
    return model


def after_precise_bn(model: nn.Module, batches: Sequence[Batch]) -> nn.Module:
    """The model after fvcore's `update_bn_stats` over the batches, written out."""
    model = copy.deepcopy(model).train()
    sums: dict[str, list[Tensor]] = {name: [] for name in norms_of(model)}

    def watch(name: str) -> None:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0]
            over = [d for d in range(x.ndim) if d != 1]
            sums[name].append(torch.stack([x.mean(over), (x * x).mean(over)]))

        norms_of(model)[name].register_forward_pre_hook(hook)

    for name in sums:
        watch(name)
    with torch.no_grad():
        for x, _ in batches:
            model(x)
        for name, norm in norms_of(model).items():
            mean, square = torch.stack(sums[name]).mean(0)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(square - mean**2)
    return model


def lint_of(model: nn.Module, batches: Sequence[Batch], steps: int = 3) -> str:
    """The rules that torch-audit names in some training steps, whose updates are not made."""
    try:
        import torch_audit
    except ImportError:
        return "not installed"
    model = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    every = {"optimizer": optimizer, "every_n_steps": 1, "reporters": []}
    with torch_audit.audit_dynamic(model, **every) as auditor:
        for x, y in list(batches)[:steps]:
            optimizer.zero_grad()
            auditor.backward(nn.functional.cross_entropy(auditor.forward(x), y))
            auditor.optimizer_step()
    rules = {finding.rule_id for finding in auditor.finish(report=False).findings}
    return ", ".join(sorted(rules)) or "nothing"
