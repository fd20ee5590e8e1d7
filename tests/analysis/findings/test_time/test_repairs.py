"""What is said of other statistics at test time."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.test_time.repairs import REPAIRS
from tests.analysis.synthetic import crossed, results_in, run_of


def test_repairs_at_the_smallest_size(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [4, 64]}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    (sentence,) = REPAIRS.sentences(results_in(run))
    assert sentence.startswith(
        "Change of test loss at m = 4 with other statistics in place of the population's: precise "
        "statistics −0.125"
    )
    assert "; EvalNorm +0.25 [" in sentence and sentence.endswith(" nats.")
