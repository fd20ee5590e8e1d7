from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from caviar.analysis.models.watched import watched_results
from caviar.analysis.report.page.of_model import model_answer, model_screen
from caviar.analysis.report.screen_text import text
from caviar.analysis.report.write import write_report
from tests.analysis.models.made import watched_run


def test_the_screen_has_the_answers_first_and_the_caveat_last() -> None:
    lines = text(model_screen(watched_results(watched_run()), "mine"), 80, colour=False)
    assert lines.index("1 Are its running averages right? No:") < lines.index("2 How noisy")
    assert lines.splitlines()[-1] == "Next: caviar advise --run runs/mine"
    assert len(lines.splitlines()) <= 12


def test_in_full_every_sentence_is_told() -> None:
    results = watched_results(watched_run())
    told = model_answer(results)
    assert all(sentence in told for answer in results.answers for sentence in answer.more)


@pytest.mark.parametrize("probed", [True, False])
def test_the_page_is_written_with_its_tables(probed: bool, tmp_path: Path) -> None:
    results = watched_results(watched_run(probed=probed))
    page = write_report(results, tmp_path, ["ok     whole"]).read_text("utf-8")
    for one in results.tables:
        assert f'id="{one.name}"' in page
        assert (tmp_path / "tables" / f"{one.name}.csv").is_file()
    assert results.answers[0].says.split(" (")[0].split(" [")[0] in page
    first_screen = page[: page.index('aria-label="Contents"')]
    for answer in results.answers:
        for sentence in answer.more:  # Beside the figure that shows it, if there is one.
            words = escape(sentence, quote=False)
            assert page.count(words) == 1
            assert (words in first_screen) == (answer.table not in [t.name for t in results.tables])
    assert "Traceback" not in page and "None" not in page
