"""Whether an audit names the right cause: planted faults of four architectures, healthy models.

Models are trained once and kept in a folder (`--folder`). MNIST's test images are read from
`--data`; without them every network learns scikit-learn's digits.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # For what benchmarks share.

import machine  # isort: skip  # sets the threads before numpy loads

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import torch
from planted.faults import Planted, Site
from planted.images import MNIST, Images
from planted.kept import planted_at
from planted.networks import ARCHITECTURES
from planted.peers import after_precise_bn, after_update_bn, lint_of, loss_of

from caviar.analysis.audit.audit import Audit
from caviar.runner.torch_models.measuring.measure import measure


class Sizes(NamedTuple):
    """Architectures, the seeds of their faults and of healthy models, and training steps (None:
    drawn by the site)."""

    architectures: tuple[str, ...]
    seeds: tuple[int, ...]
    healthy: tuple[int, ...]
    steps: int | None


QUICK = Sizes(("mlp",), (20,), (200,), 120)


def full(first: int, count: int) -> Sizes:
    """`count` seeds of every fault from `first` on, and five healthy models for each of them."""
    healthy = range(first + 180, first + 180 + 5 * count)
    return Sizes(tuple(ARCHITECTURES), tuple(range(first, first + count)), tuple(healthy), None)


@dataclass(frozen=True)
class Row:
    """One audited model: what was planted and what was said."""

    planted: Planted
    audit: Audit
    images: Images

    @property
    def right(self) -> bool:
        return self.audit.cause == self.planted.cause


def audited(planted: Planted, images: Images) -> Row:
    """The audit of a planted model on its own loader and test set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evidence = measure(
            planted.model(images), planted.batches(images), test=planted.test(images)
        )
    return Row(planted, Audit(evidence), images)


def rows(sizes: Sizes, folder: Path, data: Path) -> Iterator[Row]:
    """Every planted and every healthy model, audited one after another."""
    for architecture in sizes.architectures:
        for seed in sizes.seeds:
            site = Site(architecture, seed, data, sizes.steps)
            for fault in site.faults:
                yield audited(planted_at(folder, site, fault), site.images)
        for seed in sizes.healthy:
            site = Site(architecture, seed, data, sizes.steps)
            yield audited(planted_at(folder, site, "healthy"), site.images)


def told(row: Row) -> str:
    """A line of one model that was told wrong."""
    planted = row.planted
    recipe = planted.recipe
    return (
        f"{recipe.architecture} {recipe.seed}, {planted.fault} ({planted.what}), m = "
        f"{recipe.batch_size}, {recipe.optimizer}: {row.audit.cause}. {row.audit.sentence}"
    )


def table(kept: list[Row], architectures: tuple[str, ...]) -> list[str]:
    """Right causes of each planted fault by architecture, and what it was taken for."""
    lines = [f"| planted | {' | '.join(architectures)} | taken for |"]
    lines += [f"| --- |{' ---: |' * len(architectures)} --- |"]
    for fault in dict.fromkeys(row.planted.fault for row in kept):
        cells = []
        for architecture in architectures:
            these = [r for r in kept if _is(r, fault, architecture)]
            cells.append(f"{sum(r.right for r in these)} of {len(these)}" if these else "")
        wrong = Counter(r.audit.cause for r in kept if r.planted.fault == fault and not r.right)
        taken = ", ".join(f"{cause} {count}" for cause, count in wrong.items())
        lines.append(f"| {fault} | {' | '.join(cells)} | {taken} |")
    return lines


def _is(row: Row, fault: str, architecture: str) -> bool:
    return (row.planted.fault, row.planted.recipe.architecture) == (fault, architecture)


def peers(kept: list[Row]) -> list[str]:
    """Median losses of what is evaluated: as stored, after each tool, and by our population."""
    heads = "planted | stored | update_bn | PreciseBN | population | audit says | torch-audit says"
    lines = [f"| {heads} |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | --- | --- |"]
    for fault in dict.fromkeys(row.planted.fault for row in kept):
        these = [row for row in kept if row.planted.fault == fault]
        losses = [median(column) for column in zip(*map(_losses, these), strict=True)]
        cells = " | ".join(f"{loss:.3f}" for loss in losses)
        cause = Counter(row.audit.cause for row in these).most_common(1)[0][0]
        planted, images = these[0].planted, these[0].images
        linted = lint_of(planted.model(images), planted.batches(images))
        lines.append(f"| {fault} | {cells} | {cause} | {linted} |")
    return lines


def _losses(row: Row) -> tuple[float, ...]:
    model, batches = row.planted.model(row.images), row.planted.batches(row.images)
    test = row.planted.test(row.images) or batches
    readings = row.audit.evidence.test or row.audit.evidence.train
    assert readings is not None
    recomputed = (after_update_bn(model, batches), after_precise_bn(model, batches))
    return (
        loss_of(model, test),
        *(loss_of(one, test) for one in recomputed),
        readings.population.loss,
    )


def main() -> None:
    """Print the tables, and every model that was told wrong."""
    arguments = machine.parser(__doc__)
    arguments.add_argument("--folder", type=Path, default=None)
    arguments.add_argument("--data", type=Path, default=MNIST)
    arguments.add_argument("--architectures", default="")
    arguments.add_argument("--first", type=int, default=20, help="the first seed; default: 20")
    arguments.add_argument("--count", type=int, default=5, help="seeds per fault; default: 5")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    print(machine.describe(), f"; torch {torch.__version__}", sep="")
    sizes = QUICK if given.quick else full(given.first, given.count)
    if given.architectures:
        sizes = sizes._replace(architectures=tuple(given.architectures.split(",")))
    folder = given.folder or Path(tempfile.gettempdir()) / f"caviar-planted-{sizes.steps or 'full'}"
    kept = []
    for row in rows(sizes, folder, given.data):
        kept.append(row)
        if not row.right:
            print(told(row), file=sys.stderr, flush=True)
    print("\n" + "\n".join(table(kept, sizes.architectures)))
    faults = [row for row in kept if row.planted.cause != "healthy"]
    healthy = [row for row in kept if row.planted.cause == "healthy"]
    right, alarms = sum(r.right for r in faults), sum(not r.right for r in healthy)
    print(f"\nRight causes: {right} of {len(faults)}; alarms: {alarms} of {len(healthy)} healthy.")
    first = [row for row in kept if row.planted.recipe.seed in (sizes.seeds[0], sizes.healthy[0])]
    print("\n" + "\n".join(peers(first)))


if __name__ == "__main__":
    main()
