from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.interventions.results import edited_results
from caviar.analysis.report.page.of_model import model_screen
from caviar.analysis.report.screen_text import text
from caviar.analysis.report.write import write_report
from tests.analysis.interventions.made import Made, panda

EDITS = [Made(0, 20, "learning_rate = 0.03"), Made(1, 40, "reset dense2", "too slow")]


def test_the_opening_counts_edits_and_what_was_refused() -> None:
    run = panda(EDITS, refused=3)
    assert edited_results(run).opening == (
        "bear on digits: a training of 100 updates and 8 seeds, edited twice while it ran, beside "
        "its twin without edits; 5 requests, 3 refused."
    )
    assert (
        "and 1 seed, not edited while it ran"
        in edited_results(panda([], seeds=1, refused=1)).opening
    )


def test_a_training_of_which_nothing_was_asked_says_so() -> None:
    results = edited_results(replace(panda([]), interventions=pd.DataFrame()))
    assert results.opening.endswith(
        "not edited while it ran, beside its twin without edits; 0 requests, 0 refused."
    )
    assert results.answers[0].says.startswith("Nothing was edited")
    assert results.following.endswith("and make an edit.")


def test_one_edit_has_one_answer_and_several_have_two() -> None:
    assert [len(edited_results(panda(EDITS[:n], refused=1)).answers) for n in (0, 1, 2)] == [
        1,
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("how", "following"),
    [
        ({}, "caviar export runs/panda --schedule > edited.toml, then caviar run edited.toml"),
        ({"left": (2,)}, "caviar panda --resume runs/panda"),
        ({"moved_to": 0}, "caviar panda --resume runs/panda, and make an edit"),
    ],
)
def test_the_next_step_is_the_one_that_is_missing(how: dict[str, object], following: str) -> None:
    assert edited_results(panda(EDITS, **how)).following.startswith(following)  # type: ignore[arg-type]


def test_the_first_screen_warns_once_that_edits_were_chosen_on_these_seeds() -> None:
    screen = text(model_screen(edited_results(panda(EDITS)), "bear"), 80, colour=False)
    words = " ".join(screen.split())
    assert words.count("chosen on these seeds") == 1 and "Fresh seeds are the test." in words
    assert len(screen.splitlines()) <= 14 and "In full: caviar report bear --full" in words


def test_the_page_has_the_curves_the_effects_and_the_log(tmp_path: Path) -> None:
    results = edited_results(panda(EDITS, refused=1))
    page = write_report(results, tmp_path, ["ok     whole"]).read_text("utf-8")
    for name in ("losses_with_edits", "effects_of_edits", "requests"):
        assert f'id="{name}"' in page and (tmp_path / "tables" / f"{name}.csv").is_file()
    assert "In order: 3 requests, 1 refused; the reason stands in <code>note</code>." in page
    asked = pd.read_csv(tmp_path / "tables/requests.csv")
    assert asked["note"].tolist()[1:] == ["too slow", "learning_rate is above 0"]
    assert "Traceback" not in page and ">None<" not in page


def test_a_run_that_is_still_trained_is_not_to_be_resumed() -> None:
    run = replace(panda(EDITS, left=(2,)), note="This run is still running: 0 of 1 trials.")
    results = edited_results(run)
    assert results.following == "caviar report runs/panda, once the run has ended."
    assert "--resume" not in " ".join(answer.says for answer in results.answers)
