from __future__ import annotations

from pathlib import Path

from caviar.analysis.interventions.schedule_results import schedule_results
from caviar.analysis.report.answer import answer
from caviar.analysis.report.beginning import beginning
from caviar.analysis.report.first_screen import first_screen
from caviar.analysis.report.write import write_report
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from tests.analysis.interventions.arms import arms_run
from tests.analysis.synthetic import results_in


def test_a_study_of_edits_at_one_size_answers_whether_they_help(tmp_path: Path) -> None:
    run = arms_run(-0.05)
    assert isinstance(results_of(run), NoComparison)
    results = schedule_results(run)
    assert results is not None and results.opening.startswith(
        "synthetic on digits: the same training with edits and without (edited against unedited), "
        "seeds 0 to 7; 2 of 2 trials completed"
    )
    (only,) = results.answers
    assert only.says.startswith("Yes, with population statistics: ")
    page = write_report(results, tmp_path, ["ok     whole"]).read_text("utf-8")
    assert 'id="effects_of_schedules"' in page and "replicas=20" in page


def test_another_study_has_no_such_answer() -> None:
    assert schedule_results(arms_run(-0.05, changes=())) is None


def test_where_sizes_are_crossed_the_sentence_stands_beside_both_answers() -> None:
    results = results_in(arms_run(-0.05, sizes=(8, 64)))
    says = "At norm_batch_size = 8: yes, with population statistics: "
    third = first_screen(results, "edited").verdicts[2]
    assert third.says.startswith(f"3 Do the edits help on these seeds? {says}")
    assert third.more[0].startswith("At norm_batch_size = 64: yes, with ")
    assert beginning(results).says[0].startswith(says)
    assert f"3. Edits\n  {says}" in answer(results)
