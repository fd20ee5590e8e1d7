"""The scorecard's command and pages: its grid, and the README's rows in docs/scorecard.md."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from caviar.analysis.scorecard.page import FOR_PRACTICE
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.runner.errors import RequestError
from studies.scorecard import (
    DESIGNS,
    FOLDER,
    STUDIES,
    chosen,
    grid,
    register,
    with_rows,
    write_tables,
)

ROOT = Path(__file__).parents[2]
PAGE, README = ROOT / "docs" / "scorecard.md", ROOT / "README.md"
SHARED = ROOT.parent / "shared" / "data"


def rows_of(page: Path) -> list[str]:
    """The lines of the table of orderings."""
    text = page.read_text(encoding="utf-8")
    start = text.index("| source | ordering |")
    return text[start : text.index("\n\n", start)].splitlines()


def test_the_readme_s_rows_are_the_page_s_word_for_word() -> None:
    whole, kept = rows_of(PAGE), rows_of(README)
    assert kept[:2] == whole[:2] and set(kept) <= set(whole) and len(kept) == 7
    texts = {claim.text for claim in CLAIMS if claim.key in FOR_PRACTICE}
    assert {row.split(" | ")[1] for row in kept[2:]} == texts


def test_every_claim_is_on_the_page_in_the_registry_s_order() -> None:
    cells = [row.strip("| ").split(" | ")[:2] for row in rows_of(PAGE)[2:]]
    assert cells == [[claim.source, claim.text] for claim in CLAIMS]


def test_every_claim_has_a_run_on_the_digits_at_both_budgets() -> None:
    cells = {run.cell for run in grid()}
    for claim in CLAIMS:
        assert {("digits", budget, claim.design) for budget in ("short", "long")} <= cells
    assert {run.cell.design for run in grid()} == {path.stem for path in STUDIES.glob("*.toml")}


@pytest.mark.parametrize("design", DESIGNS["digits"])
def test_a_design_tunes_over_eight_rates_on_fresh_seeds_and_four_where_it_is_longer(
    design: str,
) -> None:
    short, longer = (
        next(run for run in grid() if run.name == f"digits-{budget}-{design}").plan()
        for budget in ("short", "long")
    )
    assert (short.study.draws.count, longer.study.draws.count) == (8, 4)
    assert (short.study.seed, short.study.replicas) == (2000, 14)
    steps = {t.batch_size: t.steps for t in short.trials}
    assert {t.batch_size: t.steps / 10 for t in longer.trials} == steps


def test_a_selection_names_runs_by_how_they_begin() -> None:
    assert {run.cell.budget for run in chosen(["digits-short"])} == {"short"}
    assert len(chosen(["digits-short", "mnist"])) == 6 + 6
    with pytest.raises(RequestError, match="no run begins with 'cifar'; runs: digits-short-gh"):
        chosen(["cifar"])


def test_a_registration_of_the_grid_fixes_every_run(tmp_path: Path) -> None:
    runs = chosen(["digits-short-batch", "digits-long-batch"])
    register(tmp_path / "r.toml", runs)
    fixed = tomllib.loads((tmp_path / "r.toml").read_text(encoding="utf-8"))["runs"]
    assert [run["name"] for run in fixed] == [run.name for run in runs]
    assert [run["trials"] for run in fixed] == [24, 12]
    assert fixed[0]["plan"] != fixed[1]["plan"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="images and letters are not part of the repository")
def test_images_and_letters_are_planned_from_their_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(SHARED))
    for name, features, classes in (("mnist", 784, 10), ("letters", 16, 26)):
        plan = next(run for run in grid() if run.name == f"{name}-short-ghost-size").plan()
        assert (plan.data.features.shape[1], len(plan.data.classes)) == (features, classes)


def test_pages_without_runs_say_that_nothing_was_run(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(
        "Before.\n\n| source | ordering |\n| old | row |\n\nAfter.\n", encoding="utf-8"
    )
    missing = tmp_path / "none.toml"
    write_tables(grid(), missing, tmp_path / "runs", tmp_path / "page.md", readme)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("Before.\n\n| source | ordering | known |") and "old" not in text
    assert text.endswith("\n\nAfter.\n")
    assert "No run is finished yet." in (tmp_path / "page.md").read_text(encoding="utf-8")
    assert with_rows(text, rows_of(readme)) == text
