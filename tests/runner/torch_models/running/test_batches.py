from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.running import batches as source
from caviar.runner.torch_models.running.batches import Examples, Part, Place, Reader, examples_of
from tests.runner.torch_models.nets import mlp

X, Y = torch.arange(12.0).reshape(4, 3), torch.arange(4)
PLACE = Place(torch.device("cpu"), torch.float64)


class OfTwo(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left + right


def read(batch: Any, inputs: Part = None, target: Part = None) -> Examples:
    return examples_of(batch, OfTwo(), inputs, target, PLACE)


@pytest.mark.parametrize(
    "batch, inputs, target",
    [
        (X, None, None),
        ((X, Y), None, None),
        ([X, Y, ["a", "b", "c", "d"]], None, None),
        ((X.numpy(), Y.numpy()), None, None),
        ((X, Y.tolist()), None, None),
        ({"image": X, "label": Y, "path": "a"}, None, None),
        ({"anything": X, "target": Y}, None, None),
        ({"a": X, "b": Y}, "a", "b"),
        ((Y, X), 1, 0),
        ((Y, X), lambda batch: batch[1], lambda batch: batch[0]),
    ],
)
def test_the_inputs_and_targets_of_a_batch(batch: Any, inputs: Part, target: Part) -> None:
    examples = read(batch, inputs, target)
    assert examples.named == {}
    assert torch.equal(examples.positional[0], X.double())
    assert examples.positional[0].dtype == torch.float64
    assert examples.targets is None or torch.equal(examples.targets, Y)
    assert (examples.targets is None) is isinstance(batch, Tensor)


def test_a_model_is_called_with_the_entries_that_it_names() -> None:
    examples = read({"left": X, "right": -X, "labels": Y, "id": Y})
    assert (sorted(examples.named), examples.number) == (["left", "right"], 4)
    assert read((X, X, Y), lambda batch: batch[:2], 2).call.positional[1].shape == (4, 3)


@pytest.mark.parametrize(
    "batch, inputs, sentence",
    [
        (("a", Y), None, "are no tensors"),
        ((X, Y), lambda batch: (X, Y[:2]), r"tensors of different lengths \[2, 4\]"),
        ({"one": X, "two": X}, None, "the entries one, two, and the model takes left, right"),
        ({"one": X}, "two", "`inputs` = 'two' fails on a batch, a dict"),
    ],
)
def test_a_batch_that_cannot_be_read_is_one_sentence(
    batch: Any, inputs: Part, sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        read(batch, inputs)


def reader(batches: Iterable[Any]) -> Reader:
    return Reader(batches, mlp(4, features=3), None, None)


def test_no_more_is_read_than_asked_for() -> None:
    taken = []

    def endless() -> Iterable[Any]:
        for i in itertools.count():
            taken.append(i)
            yield X + i, Y

    reading = reader(endless())
    assert reading.read(5).number == 8
    assert reading.read(6).number == 8
    examples = reading.read(10)
    assert (examples.number, taken, reading.ended) == (12, [0, 1, 2], False)
    assert examples.positional[0][:, 0].tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]


def test_the_size_of_a_batch_is_the_most_frequent_one() -> None:
    reading = reader([X[:3], X[:3], X[:1], X])
    assert (reading.read(100).number, reading.batch_size, reading.ended) == (11, 3, True)


def test_memory_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_BYTES", 3 * X.numel() * 8)
    reading = reader(itertools.repeat(X))
    assert (reading.read(10**9).number, reading.ended) == (12, False)


@pytest.mark.parametrize(
    "batches, sentence",
    [
        ([], "the data end before the first example"),
        (itertools.repeat(X[:0]), "the data end before the first example"),
        (X, "the data are a Tensor: give an iterable of batches"),
        (3, "the data are a int"),
        ([X, X[:, :2]], "batches differ in more than how many examples they hold"),
        ([X, (X, Y)], "batches differ in more than how many examples they hold"),
    ],
)
def test_data_that_cannot_be_read_are_one_sentence(batches: Any, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        reader(batches).read(100)


def test_data_that_fail_on_the_way_are_one_sentence() -> None:
    def broken() -> Iterable[Any]:
        yield X
        raise OSError("the disk is gone")

    with pytest.raises(RequestError, match=r"the data fail after 4 examples \(OSError: the disk"):
        reader(broken()).read(100)


def test_half_precision_and_whole_numbers_keep_their_type() -> None:
    place = Place(torch.device("cpu"), torch.float16)
    examples = examples_of((np.ones((2, 3)), [1, 2]), OfTwo(), None, None, place)
    assert examples.positional[0].dtype == torch.float16
    tokens = examples_of(torch.ones(2, 3, dtype=torch.int64), OfTwo(), None, None, place)
    assert tokens.positional[0].dtype == torch.int64
