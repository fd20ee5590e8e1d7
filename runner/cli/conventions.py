"""The rules for running statistics as a table: for a terminal, as JSON, and as a page.

python -m caviar.runner.cli.conventions > docs/conventions.md
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from caviar.model.averages.conventions import Convention
from caviar.model.averages.frameworks import ALL

SECOND = {
    "biased": "sum of squares / m",
    "unbiased": "sum of squares / (m - 1)",
    "guarded": "sum of squares / (m - 1 - epsilon)",
    "inverse_deviation": "1 / sqrt(variance + epsilon)",
    "biased_plus_epsilon": "sum of squares / m + epsilon",
}
KEEP = {
    "constant": "d",
    "debiased": "d, divided by 1 - d^t",
    "cumulative": "(t - 1) / t",
    "time_constant": "exp(-m / T), the first batch whole",
}
HEADER = (
    *("name", "epsilon", "old value keeps", "default d or T", "averaged", "starts at"),
    *("batch of one", "gamma", "updated in", "version", "verified"),
)

PAGE = """\
# How frameworks average the statistics that test time uses

Generated from the rows in `model/averages/conventions.py` and `frameworks.py` by
`python -m caviar.runner.cli.conventions > docs/conventions.md`; a test fails when it is stale.

Common to all: training normalises with the biased variance of the mini-batch, epsilon stands inside
the root, and gradients flow through mean and variance. Each update is
r <- keep * r + (1 - keep) * s for the mean and for what stands under "averaged"; m is the number of
examples behind a statistic, the sum of squares that of their distances from the batch's mean, and t
the number of the update. Rows are those of fully connected layers. In a convolution m counts
examples times positions, and layers of tf.layers and of tf.keras before Keras 3 call TensorFlow's
fused kernel there, so that `tensorflow-fused` is the row of their variance. "Verified" rows
reproduce recorded numbers of the real framework: `python -m tests.golden`.
`caviar advise --from keras --to pytorch` translates one row into another.

{table}

## Sources

{sources}
"""


def cells(row: Convention) -> tuple[str, ...]:
    """A row in words, one text per column of `HEADER`."""
    keep = KEEP[row.keep]
    if row.mean_keep:
        keep += f"; the mean {KEEP[row.mean_keep]}"
    return (
        row.name,
        f"{row.epsilon:g}",
        keep,
        "chosen" if row.decay is None and row.uses_decay else f"{row.decay or '-':}",
        SECOND[row.second],
        f"{row.initial_mean:g}, {row.initial_second:g}",
        row.batch_of_one,
        row.gamma,
        row.updates,
        row.version or "-",
        "yes" if row.verified else "no" if row.version else "-",
    )


def data() -> list[dict[str, Any]]:
    """Every row as plain values."""
    return [asdict(row) for row in ALL.values()]


def text() -> str:
    """The table in columns for a terminal."""
    rows = [HEADER, *(cells(row) for row in ALL.values())]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def markdown() -> str:
    """The content of `docs/conventions.md`."""
    rows = [HEADER, ("---",) * len(HEADER), *(cells(row) for row in ALL.values())]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    sources = "\n".join(f"- {row.name}: `{row.source}`" for row in ALL.values() if row.source)
    return PAGE.format(table=table, sources=sources)


if __name__ == "__main__":
    print(markdown(), end="")
