"""Several designs on one axis."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.findings.registry import BY_NAME
from caviar.analysis.report.figure_files import picture_and_files
from caviar.analysis.report.page.section import code_of
from caviar.analysis.run.read import Run
from caviar.analysis.tables.designs import designs_beside
from caviar.runner.config import TrialConfig
from tests.analysis.page import has_section, run_code
from tests.analysis.synthetic import World, compared, crossed, results_in, run_of, size, stored_run

GHOSTS = {"norm_batch_size": [8, 64, 256, 1024]}
UPDATES = {"batch_size": [64, 256, 512]}


def ghosts(root: Path) -> Run:
    world = World(test=lambda config, seed: seed + 1 / size(config))
    return stored_run(root, crossed(GHOSTS), world, scientific=GHOSTS, name="ghosts")


def updates(root: Path, **levels: list[int]) -> Run:
    def loss(config: TrialConfig, seed: int) -> float:
        return 10 * seed + config.batch_size / 1024

    sizes = levels or UPDATES
    trials = crossed(sizes, norm_batch_size=32, rates=(0.1, 0.2))
    return stored_run(root, trials, World(test=loss), scientific=sizes, name="updates")


def test_every_design_is_held_against_the_largest_size_that_all_have(tmp_path: Path) -> None:
    table = designs_beside([compared(ghosts(tmp_path / "a")), compared(updates(tmp_path / "b"))])
    table = table[table["quantity"] == "test_loss"]
    by_key = {(r["study"], r["reading"], r["level"]): r for r in table.to_dict("records")}
    for level in (8, 64, 1024):
        row = by_key["ghosts", "every draw", level]
        assert row["mean"] == pytest.approx(1 / level - 1 / 256)
        assert (row["axis"], row["units"], row["left_out"]) == ("norm_batch_size", 6, 0)
    for reading in ("every draw", "best draw"):
        for level in (64, 512):
            row = by_key["updates", reading, level]
            assert row["mean"] == pytest.approx((level - 256) / 1024)
    assert not [key for key in by_key if key[2] == 256]


def test_runs_without_a_common_size_are_refused(tmp_path: Path) -> None:
    other = updates(tmp_path / "b", batch_size=[32, 128])
    with pytest.raises(ValueError, match=r"no size in common: ghosts has 8, 64, 256, 1024; upd"):
        designs_beside([compared(ghosts(tmp_path / "a")), compared(other)])


def test_one_comparison_is_not_two(tmp_path: Path) -> None:
    single = {"norm_batch_size": [8]}
    alone = run_of(tmp_path / "b", crossed(single), scientific=single)
    with pytest.raises(ValueError, match="two runs that compare sizes"):
        results_in(ghosts(tmp_path / "a"), alone)["designs"]


def test_the_page_has_them_where_they_are_asked_for(tmp_path: Path) -> None:
    run, other = ghosts(tmp_path / "a"), updates(tmp_path / "b")
    without, with_it = results_in(run), results_in(run, other)
    assert without["designs"].empty and len(with_it["designs"])
    assert not has_section(without, "designs") and has_section(with_it, "designs")
    assert run_code(code_of(with_it, "designs")).equals(with_it["designs"])
    draw = BY_NAME["designs"].draw
    assert draw is not None
    picture_and_files(draw, with_it, tmp_path / "designs", ("svg", "pdf"))
    assert (tmp_path / "designs.pdf").read_bytes().startswith(b"%PDF")
