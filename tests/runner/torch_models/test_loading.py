"""Files of a user that a command line names: what they hold, or one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.loading import data_at, loss_at, model_at, object_at, part_at

MODEL = """
import torch
from its_width import WIDTH

def build():
    return torch.nn.Sequential(torch.nn.Linear(2, WIDTH), torch.nn.BatchNorm1d(WIDTH))

made = build()
needs = lambda depth: build()
nothing = 3

def fails():
    raise ValueError("no GPU")

def batches():
    yield torch.zeros(4, 2)

first = lambda batch: batch[0]
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "its_width.py").write_text("WIDTH = 3", encoding="utf-8")
    path = tmp_path / "users_model.py"
    path.write_text(MODEL, encoding="utf-8")
    yield path
    for name in ("users_model", "its_width", "users_broken"):
        sys.modules.pop(name, None)


def test_a_model_is_built_or_taken(file: Path) -> None:
    assert len(model_at(f"{file}:build")) == 2  # type: ignore[arg-type]
    assert model_at(f"{file}:made") is object_at(f"{file}:made")
    assert str(file.parent) not in sys.path


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("{file}", "names no object of a file; write model.py:build"),
        ("{file}:biuld", "has no 'biuld'; did you mean 'build'"),
        ("{file}:nothing", "is an int: it must be or return a torch.nn.Module"),
        ("{file}:needs", "is called without arguments and fails: TypeError"),
        ("{file}:fails", r"ValueError: no GPU \(line 13\)"),
        ("missing.py:build", "there is no file 'missing.py'"),
    ],
)
def test_what_is_no_model_is_a_sentence(file: Path, place: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        model_at(place.format(file=file))


def test_a_file_that_cannot_be_run_names_its_line(file: Path) -> None:
    broken = file.parent / "users_broken.py"
    broken.write_text("import torch\nraise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(RequestError, match=r"cannot be run: SystemExit: 3 \(line 2\)"):
        object_at(f"{broken}:build")
    assert "users_broken" not in sys.modules


def test_data_are_an_iterable_or_a_function_of_one(file: Path) -> None:
    assert [batch.shape for batch in data_at(f"{file}:batches")] == [(4, 2)]
    with pytest.raises(RequestError, match="it must be or return an iterable of batches"):
        data_at(f"{file}:nothing")


def _weights(file: Path, value: object) -> Path:
    torch.save(value, file.parent / "w.pt")
    return file.parent / "w.pt"


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
def test_weights_are_found_in_a_checkpoint_and_without_prefixes(file: Path, prefix: str) -> None:
    state = model_at(f"{file}:build").state_dict()
    held = {"epoch": 3, "state_dict": {prefix + name: value for name, value in state.items()}}
    model = model_at(f"{file}:build", _weights(file, held))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


class Code:
    """What a pickle could run."""


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (Code(), "is not loaded, since it may hold code or is damaged"),
        ({}, "holds a dict; --weights takes a state dict"),
        (torch.zeros(3), "holds a Tensor; --weights takes a state dict"),
        ({"0.weight": torch.zeros(7, 2)}, "do not fit the model"),
    ],
)
def test_other_weights_are_a_sentence(file: Path, held: object, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        model_at(f"{file}:build", _weights(file, held))
    with pytest.raises(RequestError, match="there is no file"):
        model_at(f"{file}:build", file.parent / "none.pt")


def test_losses_and_parts_of_a_batch(file: Path) -> None:
    assert loss_at(None) is None
    assert loss_at("mse_loss") is nn.functional.mse_loss
    assert loss_at(f"{file}:needs") is object_at(f"{file}:needs")
    with pytest.raises(RequestError, match="did you mean 'cross_entropy'"):
        loss_at("crossentropy")
    with pytest.raises(RequestError, match="is an int: a loss is called"):
        loss_at(f"{file}:nothing")
    assert (part_at(None), part_at("1"), part_at("image")) == (None, 1, "image")
    assert part_at(f"{file}:first") is object_at(f"{file}:first")
