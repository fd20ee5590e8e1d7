"""What `import caviar` does with PyTorch models; PyTorch is imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from caviar.analysis.audit.audit import Audit
from caviar.runner.cli.models.audit import must_have_torch

if TYPE_CHECKING:
    from torch import nn

    from caviar.runner.torch_models.measuring.repair import Repair

Part = Callable[[Any], Any] | str | int | None


def audit(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    test: Iterable[Any] | None = None,
    inputs: Part = None,
    target: Part = None,
    batch_size: int | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> Audit:
    """Whether the batch-norm statistics of a PyTorch model are right, why not, and what to do.

    `batches` are those of training, `test` others: iterables of (inputs, targets), dicts or
    tensors; `inputs` and `target` are an index, a key or a function of a batch, and `loss` a
    function of output and targets, where they cannot be guessed (cross-entropy for classes).
    `batch_size` is how many examples shared one mean in training, by default a batch; `steps` how
    often the statistics were updated, where the model does not count it. The model stays as it
    is. Raises RequestError, in one sentence, for what cannot be audited.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8))
    >>> x = torch.randn(512, 2, generator=torch.Generator().manual_seed(0))
    >>> audit = caviar.audit(model, [(10 * x[i : i + 64],) for i in range(0, 512, 64)])
    >>> audit
    <Audit of 1 norm: never-updated>
    >>> print(audit.actions[0])
    Recompute the statistics at these weights: ...
    """
    must_have_torch()
    from caviar.runner.torch_models.measuring.measure import measure

    given: dict[str, Any] = dict(loss=loss, inputs=inputs, target=target, batch_size=batch_size)
    return Audit(measure(model, batches, **given, test=test, steps=steps, seed=seed))


def repair(
    model: nn.Module,
    batches: Iterable[Any] | None = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    inputs: Part = None,
    target: Part = None,
    seed: int = 0,
) -> Repair:
    """Write into every batch norm of a PyTorch model the moments that its inputs have.

    Layer by layer, each with all lower norms already right. `batches` are training data, in
    batches of any size: it has no part in the result. As many examples are read as errors of
    0.005 ask for (in deviations of the mean, as log ratio of the variance). Without data, the
    start (mean 0, variance 1) is taken out of averages in which it still weighs. `loss`, `inputs`
    and `target` are as for an audit. Raises RequestError, and changes nothing, where it cannot be
    done, and where the loss would clearly rise, since the weights were trained with what is
    stored.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8))
    >>> x = torch.randn(512, 2, generator=torch.Generator().manual_seed(0))
    >>> repair = caviar.repair(model, [10 * x[i : i + 64] for i in range(0, 512, 64)])
    >>> caviar.audit(model, [10 * x])
    <Audit of 1 norm: healthy>
    """
    must_have_torch()
    from caviar.runner.torch_models.measuring.repair import repair as repaired

    return repaired(model, batches, loss=loss, inputs=inputs, target=target, seed=seed)
