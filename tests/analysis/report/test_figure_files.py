"""A figure's files: one per format, the SVG also for the page."""

from __future__ import annotations

import warnings
from pathlib import Path

from matplotlib.figure import Figure

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.figure_files import FORMATS, picture_and_files
from caviar.analysis.report.page.picture import picture_of
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
        picture = picture_and_files(line, results, tmp_path / "figures" / "line")
    written = {path.suffix[1:]: path.read_bytes() for path in tmp_path.glob("figures/line.*")}
    assert written.keys() == FORMATS.keys() == set(picture.files)
    assert picture.panels == picture_of(line, results, tmp_path / "line").panels
    assert b"<svg" in written["svg"] and b"\xe4\xb8\xad" in written["svg"]  # Text stays text.
    assert written["pdf"].startswith(b"%PDF") and written["png"].startswith(b"\x89PNG")
    picture_and_files(line, results, tmp_path / "alone", formats=("svg",))
    assert [path.name for path in tmp_path.glob("alone.*")] == ["alone.svg"]
