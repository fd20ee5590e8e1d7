"""Two kept audits compared: the verdict, the losses and every norm, before and after a change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from caviar.analysis.models.audited import PARTS, layer_table
from caviar.analysis.number_format import number
from caviar.analysis.run.read import Run

MOST_LAYERS = 12
"""Of more norms those are told whose divergence or cost changed most."""


@dataclass(frozen=True)
class LayerChange:
    """One norm in both audits: divergence per unit and cost in nats, None where not known, and the
    part of its error that changed most (`start`, `sampling`, `lag`, `bias` or `shift`)."""

    name: str
    kl_before: float | None
    kl_after: float | None
    loss_before: float | None
    loss_after: float | None
    part: str


@dataclass(frozen=True)
class TwoAudits:
    """Two audits: their causes and losses by statistics, norms in both, and those in one alone.

    `differ`: whether the causes are others.
    """

    causes: tuple[str, str]
    sentences: tuple[str, str]
    losses: dict[str, tuple[float | None, float | None]]
    layers: tuple[LayerChange, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    @property
    def differ(self) -> bool:
        return self.causes[0] != self.causes[1]


def compare_audits(first: Run, second: Run) -> TwoAudits:
    """What changed from the first audit to the second; raises ValueError for other runs."""
    for run in (first, second):
        if run.study.get("model", {}).get("kind") != "audit":
            raise ValueError(
                f"{str(run.where)!r} is no audit: two studies can be compared, or two audits, and "
                "nothing else"
            )
    before, after = (run.study["model"]["audit"] for run in (first, second))
    sides = [layer_table(told).set_index("layer") for told in (before, after)]
    names = [list(side.index) for side in sides]
    losses = [told["loss"] or {} for told in (before, after)]
    return TwoAudits(
        causes=(before["cause"], after["cause"]),
        sentences=(before["sentence"], after["sentence"]),
        losses={
            name: (losses[0].get(name), losses[1].get(name))
            for name in dict.fromkeys([*losses[0], *losses[1]])
        },
        layers=tuple(
            _change(name, sides[0].loc[name], sides[1].loc[name])
            for name in names[0]
            if name in names[1]
        ),
        only_before=tuple(name for name in names[0] if name not in names[1]),
        only_after=tuple(name for name in names[1] if name not in names[0]),
    )


def _change(name: str, before: Any, after: Any) -> LayerChange:
    moved = {
        part: max(
            abs(_or_0(after[f"{part}_{of}"]) - _or_0(before[f"{part}_{of}"]))
            for of in ("mean", "variance")
        )
        for part in PARTS
    }
    most = max(moved, key=lambda part: moved[part])
    return LayerChange(
        name,
        _known(before["kl_per_unit"]),
        _known(after["kl_per_unit"]),
        _known(before["loss"]),
        _known(after["loss"]),
        most if moved[most] > 0 else "",
    )


def _known(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _or_0(value: Any) -> float:
    return _known(value) or 0.0


def text(two: TwoAudits, first: Run, second: Run) -> str:
    """The verdict, then losses and norms; of each pair the first audit stands first."""
    same = "The verdict is the same" if not two.differ else "The verdict has changed"
    lines = [
        f"{same}: {two.causes[0]}, then {two.causes[1]}.",
        f"  1: {first.where}: {two.sentences[0]}",
        f"  2: {second.where}: {two.sentences[1]}",
    ]
    if two.losses:
        each = [f"{name} {_pair(*pair)}" for name, pair in two.losses.items()]
        lines.append(f"Loss by the statistics that normalise it, nats: {'; '.join(each)}.")
    shown = sorted(two.layers, key=_size, reverse=True)[:MOST_LAYERS]
    for layer in (one for one in two.layers if one in shown):
        cost = f"; loss added {_pair(layer.loss_before, layer.loss_after)}"
        known = layer.loss_before is not None or layer.loss_after is not None
        part = f"; most changed: {layer.part}" if layer.part else ""
        kl = _pair(layer.kl_before, layer.kl_after)
        lines.append(f"  norm {layer.name}: divergence per unit {kl}{cost if known else ''}{part}")
    if len(two.layers) > len(shown):
        lines.append(f"  {len(two.layers) - len(shown)} more norms changed less; --json has all")
    for where, names in (("first", two.only_before), ("second", two.only_after)):
        if names:
            lines.append(f"Norms of the {where} audit alone: {', '.join(names)}.")
    return "\n".join(lines)


def data(two: TwoAudits) -> dict[str, Any]:
    """The same as values for JSON."""
    return {"verdict": "differ" if two.differ else "same", **asdict(two)}


def _pair(before: float | None, after: float | None) -> str:
    return ", then ".join("?" if value is None else number(value) for value in (before, after))


def _size(layer: LayerChange) -> float:
    kl = abs(_or_0(layer.kl_after) - _or_0(layer.kl_before))
    return max(kl, abs(_or_0(layer.loss_after) - _or_0(layer.loss_before)))
