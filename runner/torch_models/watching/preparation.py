"""What a watch needs of a model before training: its norms, its probe, and its description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any, NamedTuple

import torch
from torch import nn

from caviar.model.averages.conventions import Tracker
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.running.batches import Examples, Part, Reader
from caviar.runner.torch_models.running.discovery import discovered
from caviar.runner.torch_models.running.losses import LossFunction, chosen_loss
from caviar.runner.torch_models.running.norms import TorchNorm, norms_of, unwrapped
from caviar.runner.torch_models.running.untouched import untouched
from caviar.runner.torch_models.watching.probes import Probe

SHOWN = 64
"""Examples of the pass that shows which norms the model calls."""

SIZES = (4, 8, 16, 32, 64, 128, 256)
"""Batch sizes at which noise is measured at the end, beside the one trained with."""


class Data(NamedTuple):
    """Batches to measure on, and what of a batch is what where it cannot be guessed."""

    train: Iterable[Any]
    test: Iterable[Any] | None
    examples: int
    loss: LossFunction | None
    inputs: Part
    target: Part


def watchable(model: nn.Module) -> nn.Module:
    """The model that hooks can be put on; raises RequestError where they would see nothing."""
    core = unwrapped(model)
    modules = [model, *core.modules()]
    compiled = any(
        "_orig_mod" in module._modules or getattr(module, "_compiled_call_impl", None) is not None
        for module in modules
    )
    if compiled:
        raise RequestError(
            "a compiled model calls no hooks, so that nothing could be watched; watch the module "
            "without torch.compile"
        )
    devices = getattr(model, "device_ids", None) if isinstance(model, nn.DataParallel) else None
    if devices and len(devices) > 1:
        raise RequestError(
            "DataParallel copies the model for every batch, so that its norms cannot be watched; "
            "use DistributedDataParallel, and watch on rank 0"
        )
    if _in_company() and any(isinstance(module, nn.SyncBatchNorm) for module in modules):
        raise RequestError(
            "SyncBatchNorm shares its statistics between processes, and one process sees only its "
            "own examples: a watch would measure another norm than the one that trains"
        )
    return core


def _in_company() -> bool:
    distributed = torch.distributed
    together = distributed.is_available() and distributed.is_initialized()
    return together and distributed.get_world_size() > 1


def probe_of(core: nn.Module, data: Data, trackers: tuple[Tracker, ...]) -> Probe:
    """The probe of a model; raises RequestError where the data or the loss do not fit it."""
    norms = norms_of(core)
    if data.examples < 2:
        raise RequestError(f"examples={data.examples}: moments need at least two examples")
    with untouched(core, data.train, data.test):
        train = _examples(data.train, core, data)
        test = None if data.test is None else _examples(data.test, core, data)
        some = train.take(slice(0, min(train.number, SHOWN)))
        discovery = discovered(core, norms, some)
        loss = None
        if some.targets is not None or data.loss is not None:
            loss = chosen_loss(data.loss, discovery.output, some.targets)
        if loss is not None:
            loss.scores(discovery.output, some.targets, some.number)
    if loss is not None and test is not None and test.targets is None:
        raise RequestError("the test batches hold no targets: give (inputs, labels), as in data")
    return Probe(discovery.subject, train, test, loss, trackers, SIZES)


def _examples(batches: Iterable[Any], core: nn.Module, data: Data) -> Examples:
    """The first examples: never more than asked for, as all go through the model at once."""
    read = Reader(batches, core, data.inputs, data.target).read(data.examples)
    return read.take(slice(0, min(read.number, data.examples)))


def described(core: nn.Module, norms: tuple[TorchNorm, ...], probe: Probe | None) -> dict[str, Any]:
    """What is known of a model, in plain values for `study.json`."""
    of_probe: Mapping[str, Any] = {}
    if probe is not None:
        test = None if probe.test is None else probe.test.number
        of_probe = {"train_examples": probe.train.number, "test_examples": test}
    return {
        "class": type(core).__name__,
        "framework": f"torch {metadata.version('torch')}",
        "device": str(next((p.device for p in core.parameters()), "cpu")),
        "parameters": sum(p.numel() for p in core.parameters()),
        "norms": [
            {
                "name": norm.name,
                "kind": type(norm.module).__name__,
                "momentum": norm.momentum,
                "epsilon": norm.epsilon,
                "positions": None if probe is None else probe.subject.positions.get(norm.name),
            }
            for norm in norms
        ],
        **of_probe,
    }


def trial_fields(
    core: nn.Module, norms: tuple[TorchNorm, ...], trackers: tuple[Tracker, ...], size: int | None
) -> dict[str, Any]:
    """The config fields that are known of a training; all others stay null."""
    epsilons = {norm.epsilon for norm in norms}
    decays = sorted({t.decay for t in trackers if t.convention.uses_decay})
    dtype = str(next((p.dtype for p in core.parameters()), torch.float32)).removeprefix("torch.")
    return {
        "norm": "batch",
        "norm_batch_size": size,
        "epsilon": epsilons.pop() if len(epsilons) == 1 else None,
        "conventions": list(dict.fromkeys(t.convention.name for t in trackers)),
        "decays": decays,
        "dtype": dtype,
    }
