"""The hidden layers of a network, as kernels take them. Nothing here imports Numba."""

from __future__ import annotations

from typing import Any, NamedTuple

from caviar.model.contract import Layer
from caviar.model.layers import Dense, Dropout, Relu
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.group_norm import GroupNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.noise.drawn_ghost_noise import DrawnGhostNoiseNorm
from caviar.model.norms.noise.ghost_noise import GhostNoiseNorm
from caviar.model.norms.noise.injected_noise import NoisyNorm
from caviar.model.norms.norm import Norm, Normaliser
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm

WITH_KERNEL: frozenset[type[Normaliser]] = frozenset(
    {
        BatchNorm,
        BatchRenorm,
        DrawnGhostNoiseNorm,
        GhostNoiseNorm,
        GroupNorm,
        LayerNorm,
        LeaveOneOutNorm,
        NoisyNorm,
        OtherExamplesNorm,
        StopGradientNorm,
    }
)
"""The normalisers in `registry.py`; all others train on NumPy."""

KINDS: tuple[type[Any], ...] = (Dense, Norm, Relu, Dropout)
"""The parts of a hidden layer, in order; norm and dropout may be missing."""

Named = list[tuple[str, Layer]]


class Names(NamedTuple):
    """The names of a hidden layer's parts."""

    dense: str
    norm: str
    relu: str
    dropout: str


class Hidden(NamedTuple):
    """A dense layer with its norm, ReLU and dropout, by name; without one, "" and None."""

    dense: Dense
    norm: Norm | None
    dropout: Dropout | None
    names: Names

    @property
    def normaliser(self) -> Normaliser | None:
        return None if self.norm is None else self.norm.normaliser


def at_dense_layers(network: Network) -> list[Named]:
    """The layers in parts that begin with a dense layer each."""
    parts: list[Named] = []
    for name, layer in network.layers:
        if isinstance(layer, Dense) or not parts:
            parts.append([])
        parts[-1].append((name, layer))
    return parts


def hidden_layers(network: Network) -> list[Hidden]:
    """The hidden layers, of a network in which `not_hidden` finds none that is not one."""
    return [_hidden(part) for part in at_dense_layers(network)[:-1]]


def _hidden(part: Named) -> Hidden:
    of_kind = {type(layer): (name, layer) for name, layer in part}
    names, layers = zip(*(of_kind.get(kind, ("", None)) for kind in KINDS), strict=True)
    dense, norm, _, dropout = layers
    return Hidden(dense, norm, dropout, Names(*names))


def not_hidden(part: Named) -> Layer | None:
    """What keeps layers from being a hidden layer with a kernel; None if nothing does."""
    order = [KINDS.index(type(layer)) if type(layer) in KINDS else -1 for _, layer in part]
    for i, (_, layer) in enumerate(part):
        if order[i] < 0 or (i and order[i] <= order[i - 1]) or not _has_kernel(layer):
            return layer
    return None if KINDS.index(Relu) in order else part[-1][1]


def _has_kernel(layer: Layer) -> bool:
    return not isinstance(layer, Norm) or type(layer.normaliser) in WITH_KERNEL
