"""What a command line names: a model, its weights and its data, from files of the user.

A Python file is run to get at what it holds, and `model.py:build` is called; weights are tensors
and are loaded as nothing else.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from caviar.runner.errors import RequestError, StorageError, nearest
from caviar.runner.torch_models.running.batches import Part

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and `torch.compile` put before the names of parameters."""

INSIDE = ("state_dict", "model_state_dict", "model", "weights")
"""Under which key a checkpoint may hold the weights."""


def object_at(place: str) -> Any:
    """The object that `FILE.py:NAME` names. Raises RequestError where there is none."""
    path, _, name = place.rpartition(":")
    if not path or not name.isidentifier():
        raise RequestError(f"{place!r} names no object of a file; write model.py:build")
    module = _module_at(Path(path))
    if not hasattr(module, name):
        public = [word for word in vars(module) if not word.startswith("_")]
        raise RequestError(f"{path} has no {name!r}; {nearest(name, public)}")
    return getattr(module, name)


def _module_at(file: Path) -> ModuleType:
    """The module of a file, run once; its folder is searched for what it imports."""
    if not file.is_file():
        raise RequestError(f"there is no file {str(file)!r}; name a Python file, as model.py:build")
    loaded = sys.modules.get(file.stem)
    if loaded is not None and _same_file(getattr(loaded, "__file__", None), file):
        return loaded
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise RequestError(f"{str(file)!r} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    if loaded is None:
        sys.modules[file.stem] = module
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(file.stem, None) if loaded is None else None
        raise RequestError(f"{file} cannot be run: {_where(error, file)}") from error
    finally:
        sys.path.remove(str(file.resolve().parent))
    return module


def _same_file(one: str | None, other: Path) -> bool:
    return one is not None and os.path.realpath(one) == os.path.realpath(other)


def _where(error: BaseException, file: Path) -> str:
    """An error in words, with the line of the user's file that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if _same_file(frame.filename, file)]
    line = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {error}{line}"


def _kind(value: object) -> str:
    """What a value is, with its article: `a list`, `an int`."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"


def _called(value: Callable[[], Any], place: str) -> Any:
    try:
        return value()
    except Exception as error:
        file = Path(place.rpartition(":")[0])
        raise RequestError(
            f"{place} is called without arguments and fails: {_where(error, file)}"
        ) from error


def model_at(place: str, weights: Path | None = None) -> nn.Module:
    """The model that `FILE.py:NAME` is, or returns, with the weights of a file.

    Raises RequestError where it is none or the weights do not fit.
    """
    value = object_at(place)
    if not isinstance(value, nn.Module) and callable(value):
        value = _called(value, place)
    if not isinstance(value, nn.Module):
        raise RequestError(f"{place} is {_kind(value)}: it must be or return a torch.nn.Module")
    if weights is not None:
        _load(value, weights)
    return value


def save_weights(model: nn.Module, out: Path) -> None:
    """Write a model's state dict to a file, as tensors. Raises StorageError where it fails."""
    try:
        torch.save(model.state_dict(), out)
    except (OSError, RuntimeError) as error:
        raise StorageError(f"cannot write the weights to {str(out)!r}: {error}") from error


def data_at(place: str) -> Iterable[Any]:
    """The batches that `FILE.py:NAME` is, or returns.

    Raises RequestError where it is no iterable.
    """
    value = object_at(place)
    if callable(value) and not hasattr(value, "__iter__"):
        value = _called(value, place)
    if not hasattr(value, "__iter__") or isinstance(value, str | Mapping | torch.Tensor):
        raise RequestError(
            f"{place} is {_kind(value)}: it must be or return an iterable of batches, such as a "
            "torch.utils.data.DataLoader"
        )
    return value  # type: ignore[no-any-return]


def loss_at(name: str | None) -> Callable[..., Any] | None:
    """A loss: `FILE.py:NAME`, or the name of one in `torch.nn.functional`."""
    if name is None:
        return None
    if ":" in name:
        value = object_at(name)
        if isinstance(value, type):
            value = _called(value, name)
        if not callable(value):
            raise RequestError(f"{name} is {_kind(value)}: a loss is called with output and target")
        return value  # type: ignore[no-any-return]
    functional = nn.functional
    if not callable(function := getattr(functional, name, None)):
        losses = [word for word in dir(functional) if word.endswith(("loss", "entropy", "logits"))]
        raise RequestError(
            f"--loss {name!r} is no loss of torch.nn.functional; {nearest(name, losses)}"
        )
    return function  # type: ignore[no-any-return]


def part_at(name: str | None) -> Part:
    """A part of a batch: an index, a key, or a function `FILE.py:NAME` of the batch."""
    if name is None:
        return None
    if ":" in name:
        return object_at(name)  # type: ignore[no-any-return]
    return int(name) if name.lstrip("-").isdigit() else name


def _load(model: nn.Module, file: Path) -> None:
    state = _state_in(file)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise RequestError(f"the weights of {file} do not fit the model: {error}") from error


def _state_in(file: Path) -> dict[str, Any]:
    """The state dict of a file: its own, or that inside a checkpoint; names without prefixes."""
    try:
        held = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RequestError(f"there is no file {str(file)!r}; --weights names one") from None
    except Exception as error:
        raise RequestError(
            f"{file} is not loaded, since it may hold code or is damaged ({type(error).__name__}); "
            "save tensors only: torch.save(model.state_dict(), FILE)"
        ) from error
    for key in INSIDE:
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not held:
        raise RequestError(f"{file} holds {_kind(held)}; --weights takes a state dict")
    state = {str(key): value for key, value in held.items()}
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state
