"""The lesson's trainings are studies, and what Enter asks are requests."""

from __future__ import annotations

import pytest

from caviar.analysis.terminal_width import wrapped
from caviar.runner.cli.panda.screen.layout import LEAST_PLOTS
from caviar.runner.cli.panda.screen.lesson.chapters import CHAPTERS, READS, STUDY, Chapter
from caviar.runner.cli.panda.screen.lesson.claims import TRAIN_EXAMPLES, WAIT
from caviar.runner.cli.panda.screen.lesson.guide import END, OVER
from caviar.runner.panda.requests import read_request
from caviar.runner.study.study_file import study_from_text


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[chapter.title for chapter in CHAPTERS])
def test_every_chapter_is_a_study_of_one_trial(chapter: Chapter) -> None:
    study = study_from_text(STUDY, chapter.settings)
    assert study.dataset.train == TRAIN_EXAMPLES
    assert study.draws.count == 1 and not study.scientific
    for task in chapter.tasks:
        if task.request:
            assert task.done in str(read_request(task.request))


def test_effects_are_told_before_the_training_pauses() -> None:
    assert READS > WAIT


def test_the_first_edit_is_due_at_the_end_of_an_epoch() -> None:
    """A norm batch size changes nowhere else."""
    assert all(chapter.begins % (TRAIN_EXAMPLES // 256) == 0 for chapter in CHAPTERS)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[chapter.title for chapter in CHAPTERS])
def test_all_that_is_told_fits_beside_the_plot_of_a_small_screen(chapter: Chapter) -> None:
    for task in chapter.tasks:
        lines = [
            chapter.title,
            *wrapped(task.says, 39),
            *max((wrapped(it, 39) for it in (END, OVER)), key=len),
        ]
        assert len(lines) <= LEAST_PLOTS
        assert len(wrapped(f"Enter does it: {task.request}", 39)) <= 2
