"""Panels: the words of a state, rows that keep to their columns, colours of differences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.analysis.terminal_width import columns
from caviar.runner.cli.panda.screen import panels
from caviar.runner.cli.panda.screen.contrast import readings
from tests.runner.cli.panda.screen.made import MadePanda, edited

VIEW = edited().view()


def test_the_state_is_that_of_the_current_model() -> None:
    assert panels.state_of(VIEW) == "training"
    assert panels.state_of(replace(VIEW, paused=True)) == "paused"
    assert panels.state_of(replace(VIEW, ended=True)) == "ended"
    lost = replace(VIEW.lineages[1], state="diverged")
    assert panels.state_of(replace(VIEW, lineages=(VIEW.lineages[0], lost))) == "diverged"


@pytest.mark.parametrize("width", [80, 109, 110, 200])
def test_every_row_of_the_table_keeps_to_the_window(width: int) -> None:
    lines = panels.table(readings(VIEW, 0), VIEW, 0, width)
    assert len(lines) == 6
    assert all(columns(line.plain) <= width for line in lines)


def test_a_decided_difference_is_green_where_it_is_better() -> None:
    line = panels.table(readings(VIEW, 0), VIEW, 0, 80)[5]
    assert [str(span.style) for span in line.spans] == ["green", "green"]
    back = edited()
    back.ask("select 0", "screen")
    twin = panels.table(readings(back.view(), 1), back.view(), 1, 80)[5]
    assert {str(span.style) for span in twin.spans} == {"red"}


def test_settings_are_shown_as_far_as_there_is_room() -> None:
    assert "momentum" not in panels.status(VIEW, 80).plain
    assert panels.status(VIEW, 140).plain.rstrip().endswith("norm_batch_size 16")


def test_layers_that_do_not_fit_are_counted() -> None:
    many = replace(VIEW, layers={1: VIEW.layers[1] * 5, 0: VIEW.layers[0] * 5})
    lines = panels.layers(many, 47, 6)
    assert len(lines) == 6 and lines[-1].plain == "and 6 more layers"
    assert [line.plain.split()[0] for line in panels.layers(VIEW, 47, 5)] == [
        *("layer", "norm1", "twin", "norm2", "twin")
    ]


def test_the_log_says_what_was_refused_and_who_asked() -> None:
    words = " ".join(line.plain.strip() for line in panels.log(VIEW, 31))
    assert words == (
        "600 learning_rate 0.1 → 0.2 (screen) 1,200 refused: unknown field 'learnin_rate'; do you "
        "mean learning_rate? (control mia@lab)"
    )
    assert "no edit yet" in panels.log(MadePanda().view(), 31)[0].plain


def test_every_model_is_one_line() -> None:
    lines = [line.plain.rstrip() for line in panels.models(VIEW, 60)]
    assert lines == [
        " 0 twin, unedited, training at 1,200",
        "▸1 learning_rate = 0.2 at 600, of 0, training at 1,200",
    ]


def test_wide_names_are_cut_by_columns() -> None:
    assert panels.cut("批次大小", 5) == "批次…"
    assert panels.cut("ab", 4) == "ab  "


def test_long_numbers_of_the_log_get_four_digits() -> None:
    assert panels.shortened("rate 0.7790600350781199 → 1.5 from step 12,345") == (
        "rate 0.7791 → 1.5 from step 12,345"
    )


def test_a_training_that_stands_still_has_no_speed() -> None:
    assert "· 19.6 steps/s (pace 20)" in panels.status(VIEW, 80).plain
    assert "· 0 steps/s (pace 20)" in panels.status(replace(VIEW, paused=True), 80).plain
