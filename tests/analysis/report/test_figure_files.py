"""A figure's files: one per format, the SVG also for the page."""

from __future__ import annotations

import base64
import warnings
from pathlib import Path

from matplotlib.figure import Figure

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.figure_files import FORMATS, figure_files
from tests.analysis.synthetic import crossed, results_in, run_of


def line(results: Results) -> Figure:
    """A line under a name that no font here can write."""
    figure = Figure(figsize=(4, 2), layout="constrained")
    figure.subplots().set_title(f"{results.run.name} \N{CJK UNIFIED IDEOGRAPH-4E2D}")
    return figure


def test_a_figure_is_written_in_every_format_and_given_to_the_page(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    results = results_in(run_of(tmp_path / "run", crossed(levels), scientific=levels))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg, width = figure_files(line, results, tmp_path / "line")
    written = {path.suffix[1:]: path.read_bytes() for path in tmp_path.glob("line.*")}
    assert written.keys() == FORMATS.keys() and width == 96 * 4
    assert base64.b64decode(svg) == written["svg"] and b"<svg" in written["svg"]
    assert written["pdf"].startswith(b"%PDF") and written["png"].startswith(b"\x89PNG")
    figure_files(line, results, tmp_path / "alone", formats=("svg",))
    assert [path.name for path in tmp_path.glob("alone.*")] == ["alone.svg"]
