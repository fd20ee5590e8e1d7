from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.models.watched_figures import (
    added_by_decay,
    errors_while_training,
    losses_while_training,
    noise_by_size,
)
from caviar.analysis.models.watched_tables import averages, batch_noise, error_over_layers
from tests.analysis.models.made import watched_run

RUN = watched_run()


def test_losses_are_drawn_by_update() -> None:
    (axes,) = losses_while_training(RUN.curves, RUN.evaluations).axes
    drawn = {line.get_label(): list(np.asarray(line.get_ydata())) for line in axes.lines}
    assert drawn == {
        "train mode": [1.0, 0.5],
        "train examples, population statistics": [0.5, 0.5],
        "test examples, population statistics": [0.5, 0.5],
    }


def test_only_the_model_s_own_average_and_pytorch_s_rule_are_drawn_over_time() -> None:
    mean, variance = errors_while_training(error_over_layers(RUN.statistics)).axes
    assert [line.get_label() for line in mean.lines] == ["the model's own", "unbiased/0.9"]
    assert np.asarray(variance.lines[0].get_ydata()) == pytest.approx(np.array([0.1, 0.1]))


def test_averages_are_drawn_by_their_memory() -> None:
    (axes,) = added_by_decay(averages(RUN)).axes
    (points,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert np.asarray(points.get_xydata()) == pytest.approx(np.array([[10, 0.02]]))


def test_noise_is_drawn_by_size_for_every_layer() -> None:
    network, layers = noise_by_size(batch_noise(RUN)).axes
    assert [len(axes.containers) for axes in (network, layers)] == [1, 2]
    drawn = np.asarray(network.lines[0].get_xydata())
    assert drawn == pytest.approx(np.array([[16, 1 / 16], [64, 1 / 64]]))
