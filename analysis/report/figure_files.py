"""A figure as files for papers and slides: SVG, PNG and PDF."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import style
from caviar.analysis.findings.finding import Results
from caviar.analysis.report.page.picture import Picture, picture_of


def picture_and_files(
    draw: Callable[[Results], Figure],
    results: Results,
    path: Path,
    formats: Sequence[str] = ("pdf", "svg", "png"),
) -> Picture:
    """The figure for the page; writes it with its legend in every format beside that."""
    with style(), warnings.catch_warnings():
        # A user's name may have letters that the font lacks: each is drawn as a box.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        figure = draw(results)
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
        figure.set_layout_engine("none")  # The layout is computed once, not twice per file.
        files = {kind: FORMATS[kind](figure) for kind in formats}
    path.parent.mkdir(parents=True, exist_ok=True)
    for kind, content in files.items():
        path.with_suffix(f".{kind}").write_bytes(content)
    return picture_of(draw, results, path)._replace(files=tuple(formats))


def write_figure(path: Path, draw: Callable[[], Figure]) -> None:
    """Draw a figure in the project's style and write it in the format of the path's suffix.

    Raises ValueError for a suffix of no format.
    """
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise ValueError(
            f"a figure ends in {', '.join(f'.{known}' for known in FORMATS)}; got {path}"
        )
    with style():
        content = FORMATS[kind](draw())
    path.write_bytes(content)


def _pdf(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasPdf(figure)
    buffer = io.BytesIO()
    canvas.print_pdf(buffer, metadata={"CreationDate": None})
    return buffer.getvalue()


def _svg(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasSVG(figure)
    buffer = io.BytesIO()
    canvas.print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()


def _png(figure: Figure) -> bytes:
    figure.set_dpi(160)
    canvas: Any = FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[Figure], bytes]] = {"pdf": _pdf, "svg": _svg, "png": _png}
"""The formats of every figure."""
