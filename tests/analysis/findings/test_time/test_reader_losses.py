"""The plot of readers names what frameworks store."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.test_time.reader_losses import READER_LOSSES


def test_frameworks_and_statistics_are_named(findings: Results) -> None:
    assert READER_LOSSES.draw is not None
    (axes, *_) = READER_LOSSES.draw(findings).axes
    names = " = ".join(axes.get_legend_handles_labels()[1])
    for name in ("population statistics", "PyTorch's average", "Keras's average"):
        assert name in names
