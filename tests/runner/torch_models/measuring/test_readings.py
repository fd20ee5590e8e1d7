from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from caviar.analysis.audit.evidence import Moments
from caviar.runner.torch_models.measuring import readings as source
from caviar.runner.torch_models.measuring.readings import (
    Kinds,
    Losses,
    Scored,
    batch_sizes,
    charged,
    difference,
    readings,
)
from caviar.runner.torch_models.running.losses import chosen_loss
from tests.runner.torch_models.nets import cnn, examples, images, subject

DATA = images(40)
MODEL = cnn(3, 4)


def _held(model: nn.Sequential) -> dict[str, Moments]:
    return {
        name: Moments(norm.running_mean.numpy().copy(), norm.running_var.numpy().copy())
        for name, norm in model.named_children()
        if isinstance(norm, nn.BatchNorm2d)
    }


def _scored() -> Scored:
    model = copy.deepcopy(MODEL)
    loss = chosen_loss(None, model.eval()(DATA[0]), DATA[1])
    assert loss is not None
    return Scored(subject(model, DATA), examples(DATA), loss)


def _by_hand(x: torch.Tensor, labels: torch.Tensor, **held: Any) -> np.ndarray:
    """Losses by example of the model in evaluation mode with other statistics."""
    model = copy.deepcopy(MODEL).eval()
    for name, moments in held.items():
        norm = model[int(name.strip("_"))]
        norm.running_mean.copy_(torch.as_tensor(moments.mean))
        norm.running_var.copy_(torch.as_tensor(moments.variance))
    return cross_entropy(model(x), labels, reduction="none").numpy()


@torch.no_grad()
def test_every_reading_is_that_of_the_model_with_these_statistics() -> None:
    scored, order = _scored(), np.random.default_rng(1).permutation(40)
    other = {name: Moments(m.mean + 0.1, m.variance * 2) for name, m in _held(MODEL).items()}
    third = {name: Moments(m.mean - 0.1, m.variance * 3) for name, m in _held(MODEL).items()}
    kinds = Kinds(_held(MODEL), other, third, third)
    read = readings(scored, kinds, 4, order)
    stored = _by_hand(*DATA)
    population = _by_hand(*DATA, _1=other["1"], _4=other["4"])
    assert read.stored is not None and read.stored.loss == pytest.approx(stored.mean())
    assert read.stored.error == pytest.approx(stored.std(ddof=1) / 40**0.5)
    assert read.population.loss == pytest.approx(population.mean())
    moved = _by_hand(*DATA, _1=third["1"], _4=third["4"])
    assert read.precise.loss == pytest.approx(moved.mean())
    assert read.other is not None and read.other.loss == pytest.approx(moved.mean())
    away = stored - population
    assert read.stored_minus_population is not None
    assert read.stored_minus_population.loss == pytest.approx(away.mean())
    assert read.stored_minus_population.error == pytest.approx(away.std(ddof=1) / 40**0.5)
    of_second = _by_hand(*DATA, _1=other["1"]) - population
    charges = charged(scored, kinds, read.stored_minus_population, order)
    assert charges["4"].loss == pytest.approx(of_second.mean())
    model = copy.deepcopy(MODEL).eval()
    accuracy = (model(DATA[0]).argmax(dim=1) == DATA[1]).double().mean()
    assert read.stored.accuracy == pytest.approx(float(accuracy))


@torch.no_grad()
@pytest.mark.parametrize("by_row", [True, False])
def test_batch_readings_are_those_of_train_mode(by_row: bool) -> None:
    scored = _scored()
    scored = scored._replace(subject=scored.subject._replace(by_row=by_row))
    order, model = np.random.default_rng(1).permutation(40), copy.deepcopy(MODEL).train()
    kinds = Kinds(None, _held(MODEL), _held(MODEL))
    read = readings(scored, kinds, 8, order)

    def trained(rows: np.ndarray) -> np.ndarray:
        parts = torch.as_tensor(rows).split(8)
        return np.concatenate(
            [cross_entropy(model(DATA[0][p]), DATA[1][p], reduction="none") for p in parts]
        )

    shuffled = trained(order)
    assert read.batch.loss == pytest.approx(shuffled.mean())
    others = batch_sizes(scored, _held(MODEL), 8, order)
    assert others[8].loss == pytest.approx(shuffled.mean())
    assert read.loaded is not None
    assert read.loaded.loss == pytest.approx(trained(np.arange(40)).mean())
    away = (shuffled - _by_hand(*DATA)[order]).reshape(5, 8).mean(axis=1)
    assert read.batch_minus_population.loss == pytest.approx(away.mean())
    assert read.batch_minus_population.error == pytest.approx(away.std(ddof=1) / 5**0.5)
    assert (sorted(others), read.stored) == ([4, 8, 16], None)


@torch.no_grad()
def test_a_last_batch_is_filled_and_each_example_scored_once() -> None:
    scored, model = _scored(), copy.deepcopy(MODEL).train()
    losses = scored.in_batches(np.arange(10), 4).loss
    last = torch.tensor([8, 9, 0, 1])
    expected = cross_entropy(model(DATA[0][last]), DATA[1][last], reduction="none")
    assert losses[8:] == pytest.approx(expected[:2].numpy())
    assert len(losses) == 10


@torch.no_grad()
def test_readings_at_other_sizes_take_as_many_batches_as_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "FEWEST_GROUPS", 2)
    scored, order = _scored(), np.arange(40)
    huge = {name: Moments(m.mean, m.variance + 1e6) for name, m in _held(MODEL).items()}
    assert batch_sizes(scored, huge, 8, order)[4].examples == 40
    monkeypatch.setattr(source, "MOST_GROUPED", 16)
    assert batch_sizes(scored, huge, 8, order)[4].examples == 16
    monkeypatch.setattr(source, "NOTABLE", 1e9)
    assert batch_sizes(scored, huge, 8, order)[4].examples == 8


@torch.no_grad()
def test_readings_and_charges_take_as_many_examples_as_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "FEWEST_READ", 10)
    monkeypatch.setattr(source, "FEWEST_CHARGED", 10)
    scored, order = _scored(), np.arange(40)
    moved = {name: Moments(m.mean + 1, m.variance * 9) for name, m in _held(MODEL).items()}
    kinds = Kinds(moved, _held(MODEL), moved)
    effect = readings(scored, kinds, 4, order).stored_minus_population
    assert effect is not None
    assert readings(scored, kinds, 4, order).population.examples == 40
    errors = charged(scored, kinds, effect, order)
    monkeypatch.setattr(source, "NOTABLE", 1e9)
    assert readings(scored, kinds, 4, order).population.examples == 10
    assert charged(scored, kinds, effect, order)["1"].error > errors["1"].error


def test_differences_count_a_batch_as_one() -> None:
    losses = Losses(np.repeat([1.0, 3.0], 4), None)
    zero = Losses(np.zeros(8), None)
    assert difference(losses, zero, 4).error == pytest.approx(1.0)
    assert difference(losses, zero, 8).error == pytest.approx(8**-0.5 * losses.loss.std(ddof=1))
    nothing = difference(Losses(np.full(4, np.nan), None), Losses(np.ones(4), None), 1)
    assert np.isnan(nothing.loss)
