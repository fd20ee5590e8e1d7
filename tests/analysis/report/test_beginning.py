"""What a page begins with: the arms, a search's ranking, or neither."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.beginning import Beginning, beginning
from caviar.analysis.results import results_of
from tests.analysis.page import page_without_figures
from tests.analysis.tables.configurations.searches import search


def test_a_study_with_control_arms_begins_with_them(findings: Results, tmp_path: Path) -> None:
    begins = beginning(findings)
    assert begins.title == "What the arms say" and begins.names == ("arm_effects",)
    assert begins.says == tuple(findings.sentences("mechanism_shares"))
    assert begins.says[0].startswith("At m = 8 batch norm changes test loss by")
    heads = page_without_figures(findings, tmp_path).texts["h2"]
    assert heads[:2] == ["What the arms say", "What every arm changes"]


def test_a_search_begins_with_its_ranking_and_other_studies_with_the_questions(
    findings: Results, tmp_path: Path
) -> None:
    searched = results_of(search(tmp_path, 24))
    assert isinstance(searched, Results)
    begins = beginning(searched)
    assert begins.title == "What the search says" and begins.names == ("field_importance", "best")
    without = replace(findings)
    without._kept["arm_effects"] = pd.DataFrame()
    assert beginning(without) == Beginning()
