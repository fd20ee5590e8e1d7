"""What a run compares: axis, levels, facets and unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caviar.analysis.run.design import Design, design_of, facet_of
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import crossed, run_of, trial


def design(
    root: Path, trials: Sequence[TrialConfig], scientific: Mapping[str, Any]
) -> Design | None:
    return design_of(run_of(root, trials, scientific=scientific))


def the_design(root: Path, scientific: Mapping[str, Any], **fields: Any) -> Design:
    compared = design(root, crossed(scientific, seeds=[0], **fields), scientific)
    assert compared is not None
    return compared


def test_ghost_batches(tmp_path: Path) -> None:
    compared = the_design(tmp_path, {"norm_batch_size": [64, 4, 256]})
    assert compared == Design("norm_batch_size", (4, 64, 256), (), "seed", "norm batch size m")
    assert compared.paired and compared.reference == 256


def test_the_norm_batch_follows_the_batch(tmp_path: Path) -> None:
    compared = the_design(tmp_path, {"batch_size": [32, 64]})
    assert compared == Design("batch_size", (32, 64), (), "seed", "mini-batch size m = B")


def test_batch_size_alone(tmp_path: Path) -> None:
    compared = the_design(tmp_path, {"batch_size": [32, 64]}, norm_batch_size=16)
    assert compared == Design("batch_size", (32, 64), (), "seed", "batch size B")


def test_both_sizes_crossed(tmp_path: Path) -> None:
    compared = the_design(tmp_path, {"batch_size": [32, 64], "norm_batch_size": [8, 16]})
    assert compared == Design(
        "norm_batch_size", (8, 16), ("batch_size",), "seed", "norm batch size m"
    )


def test_other_crossed_fields_are_facets(tmp_path: Path) -> None:
    compared = the_design(
        tmp_path, {"norm": ["batch", "renorm"], "norm_batch_size": [8, 16], "dropout": [0.0, 0.5]}
    )
    assert compared.axis == "norm_batch_size"
    assert compared.facets == ("norm", "dropout")


def test_drawn_learning_rates_change_nothing(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 16]}
    compared = design(tmp_path, crossed(levels, seeds=[0], rates=(0.1, 0.2)), levels)
    assert compared == Design("norm_batch_size", (8, 16), (), "seed", "norm batch size m")


def searched(**drawn: Sequence[int]) -> list[TrialConfig]:
    """A random search: every trial has its own learning rate and sizes."""
    points = [dict(zip(drawn, point, strict=True)) for point in zip(*drawn.values(), strict=True)]
    return [
        trial(seeds=[0], learning_rate=0.1 + 0.01 * i, draw=i, **point)
        for i, point in enumerate(points)
    ]


def test_random_search_has_trials_as_units(tmp_path: Path) -> None:
    compared = design(tmp_path, searched(norm_batch_size=[8, 64, 8, 32]), {})
    assert compared == Design("norm_batch_size", (8, 32, 64), (), "trial_id", "norm batch size m")
    assert not compared.paired


def test_random_search_over_both_sizes_looks_at_the_norm_batch(tmp_path: Path) -> None:
    compared = design(tmp_path, searched(norm_batch_size=[8, 64, 8], batch_size=[64, 64, 128]), {})
    assert compared is not None
    assert (compared.axis, compared.levels, compared.unit) == (
        "norm_batch_size",
        (8, 64),
        "trial_id",
    )


def test_a_drawn_size_beside_a_crossed_field_is_not_paired(tmp_path: Path) -> None:
    levels = {"norm": ["batch", "renorm"]}
    trials = [
        trial(seeds=[0], norm=norm, batch_size=size, draw=i)
        for i, size in enumerate([32, 64])
        for norm in levels["norm"]
    ]
    compared = design(tmp_path, trials, levels)
    assert compared is not None
    assert (compared.axis, compared.unit, compared.facets) == (
        "norm_batch_size",
        "trial_id",
        ("norm",),
    )


def test_nothing_to_compare(tmp_path: Path) -> None:
    levels = {"dropout": [0.0, 0.5]}
    assert design(tmp_path, crossed(levels, seeds=[0]), levels) is None


def test_levels_are_those_planned_whether_finished_or_not(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 16, 32]}
    trials = crossed(levels, seeds=[0])
    run = run_of(
        tmp_path,
        trials,
        scientific=levels,
        status=lambda config: "completed" if config.norm_batch_size == 8 else None,
    )
    compared = design_of(run)
    assert compared is not None and compared.levels == (8, 16, 32)


def test_the_text_of_a_facet(tmp_path: Path) -> None:
    levels = {"norm": ["batch", "renorm"], "dropout": [0.0, 0.5], "norm_batch_size": [8, 16]}
    run = run_of(tmp_path, crossed(levels, seeds=[0]), scientific=levels)
    compared = design_of(run)
    assert compared is not None
    rows = run.evaluations
    text = facet_of(rows, compared)
    assert set(text) == {
        f"norm = {n}, dropout = {p}" for n in ("batch", "renorm") for p in (0.0, 0.5)
    }
    assert (text.str.contains("renorm") == (rows["norm"] == "renorm")).all()


def test_without_facets_there_is_no_text(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 16]}
    run = run_of(tmp_path, crossed(levels, seeds=[0]), scientific=levels)
    compared = design_of(run)
    assert compared is not None
    assert set(facet_of(run.noise, compared)) == {""}


def test_lists_can_be_facets(tmp_path: Path) -> None:
    levels = {"hidden": [(8,), (16, 8)], "norm_batch_size": [8, 16]}
    run = run_of(tmp_path, crossed(levels, seeds=[0]), scientific=levels)
    compared = design_of(run)
    assert compared is not None
    text = facet_of(run.evaluations, compared)
    wide = run.evaluations["hidden"].map(lambda hidden: np.size(hidden) == 2)
    assert text[wide].nunique() == text[~wide].nunique() == 1
    assert set(text[wide]) != set(text[~wide])


def test_a_field_crossed_with_one_level(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 16], "activation": ["relu"]}
    run = run_of(tmp_path, crossed(levels, seeds=[0]), scientific=levels)
    compared = design_of(run)
    assert compared is not None
    assert facet_of(run.evaluations, compared).nunique() == 1


def test_a_norm_batch_size_crossed_with_one_level_is_not_the_axis(tmp_path: Path) -> None:
    compared = the_design(tmp_path, {"batch_size": [32, 64], "norm_batch_size": [16]})
    assert (compared.axis, compared.levels) == ("batch_size", (32, 64))
