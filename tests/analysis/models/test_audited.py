from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.models.audited import audited_results, divergence_of, layer_table
from caviar.analysis.report.write import write_report
from tests.analysis.models.audits import audit_run, told


def test_the_verdict_its_actions_and_the_cost_of_noise_are_told() -> None:
    results = audited_results(audit_run())
    assert results.opening.endswith("(2 batch norms) on 1,000 examples found: healthy.")
    verdict, noise = results.answers
    assert (verdict.says, verdict.more[0]) == ("It is healthy.", "Do this.")
    assert verdict.more[1].endswith("stored 0.51, population 0.5, precise 0.5, batch 0.6.")
    assert noise.says.startswith("At m = 16 the statistics of a batch add 0.1 nats")
    assert noise.more == ("In batches of other sizes: 0.02 at 64.",)


def test_what_was_not_measured_is_not_told() -> None:
    results = audited_results(audit_run(loss=None, batch_noise=None))
    assert results.answers[0].more == ("Do this.",)
    assert results.answers[1].says.startswith("Not known at m = 16")


def test_a_norm_has_a_row_with_the_size_of_each_part() -> None:
    table = layer_table(told(kl=0.02)).set_index("layer")
    assert table.loc["first", "start_mean"] == 0.2 and table.loc["second", "kl_per_unit"] == 0.04
    assert table["lag_mean"].isna().all()


def test_parts_add_up_to_the_divergence_of_small_errors() -> None:
    """Two normal laws with means 0.02 apart and a log ratio of variances of 0.03."""
    table = pd.DataFrame({"lag_mean": [0.02, None], "lag_variance": [0.03, None]})
    exact = 0.5 * (0.03 + np.exp(-0.03) * (1 + 0.02**2) - 1)
    assert divergence_of(table, "lag").tolist() == pytest.approx([exact, 0.0], rel=0.05)


def test_the_page_has_the_norms_and_the_noise(tmp_path: Path) -> None:
    page = write_report(audited_results(audit_run()), tmp_path, ["ok     whole"])
    text = page.read_text("utf-8")
    assert 'id="layers"' in text and 'id="batch_noise"' in text and text.count("<svg") >= 3
