"""Claims about other norms: group and layer norm, renormalisation, sorted and exclusive ghosts."""

from __future__ import annotations

from caviar.analysis.scorecard.claim import ABOVE_ZERO, SMALLEST, THIS_STUDY, Claim, Parts
from caviar.analysis.scorecard.claims_of_size import SMALL_NETWORKS
from caviar.analysis.scorecard.seedwise import OWN_AVERAGES, Place, Seedwise
from caviar.analysis.scorecard.sizes import RUNNING, ghost_sizes, size_label

TYPICAL = 64
"""A norm batch at which batch norm is said to lose nothing."""
CALM = 16
"""From this norm batch up, E[1 / v] of a ghost without the example exists with room to spare."""
CLOSE = 0.02
"""Nats within which group norm counts as comparable with batch norm at a typical batch."""


def shared(s: Seedwise, **fields: object) -> list[Place]:
    """The arms with these fields, at each size that batch norm has too."""
    return [place for place in s.places_with(**fields) if place[1] in ghost_sizes(s)]


def group_norm_small(s: Seedwise) -> Parts | None:
    """Batch norm at its smallest size less group norm."""
    return _without_batch(s, "group")


def layer_norm_small(s: Seedwise) -> Parts | None:
    """Batch norm at its smallest size less layer norm."""
    return _without_batch(s, "layer")


def _without_batch(s: Seedwise, norm: str) -> Parts | None:
    places, sizes = s.places_with(norm=norm), ghost_sizes(s)
    if not places or not sizes:
        return None
    return {size_label(sizes[0]): s.loss(s.batch_norm, sizes[0]) - s.loss(*places[0])}


def group_norm_typical(s: Seedwise) -> Parts | None:
    """Group norm less batch norm at a typical size."""
    places = s.places_with(norm="group")
    if not places or TYPICAL not in ghost_sizes(s):
        return None
    return {size_label(TYPICAL): s.loss(*places[0]) - s.loss(s.batch_norm, TYPICAL)}


def renorm_helps_small(s: Seedwise) -> Parts | None:
    """Batch norm less renormalisation at the smallest size, each read with its own averages: batch
    norm's of the variance, renormalisation's of the deviation, by which it trained."""
    sizes = ghost_sizes(s)
    places = [p for p in shared(s, norm="renorm", ghosts="random") if p[1] == sizes[0]]
    if not places or OWN_AVERAGES not in s.losses:
        return None
    batch_norm = s.loss(s.batch_norm, sizes[0], RUNNING)
    return {size_label(sizes[0]): batch_norm - s.best_of(places, OWN_AVERAGES)}


def renorm_helps_sorted(s: Seedwise) -> Parts | None:
    """The same on class-sorted ghosts of one size."""
    sorted_ghosts = s.places_with(norm="batch", ghosts="class-sorted")
    if not sorted_ghosts or OWN_AVERAGES not in s.losses:
        return None
    arm, size = sorted_ghosts[0]
    places = [p for p in s.places_with(norm="renorm", ghosts="class-sorted") if p[1] == size]
    if not places:
        return None
    return {size_label(size): s.loss(arm, size, RUNNING) - s.best_of(places, OWN_AVERAGES)}


def sorted_ghosts_hurt(s: Seedwise) -> Parts | None:
    """Class-sorted less random ghosts, both read with population statistics."""
    return {
        size_label(size): s.loss(arm, size) - s.loss(s.batch_norm, size)
        for arm, size in shared(s, norm="batch", ghosts="class-sorted")
    } or None


def leave_one_out_helps(s: Seedwise) -> Parts | None:
    """Batch norm less leave-one-out statistics, from a size up at which those are calm."""
    return {
        size_label(size): s.loss(s.batch_norm, size) - s.loss(arm, size)
        for arm, size in shared(s, norm="leave-one-out")
        if size >= CALM
    } or None


CLAIMS = (
    Claim(
        key="group-norm-small",
        source="Wu & He 2018",
        text="At the smallest norm batch, group norm generalises better than batch norm.",
        tag="V",
        quote="abstract: “BN’s error increases rapidly when the batch size becomes smaller”; "
        "“GN has 10.6% lower error than its BN counterpart when using a batch size of 2”",
        quantity="test loss of batch norm at the smallest norm batch, read with population "
        "statistics, less that of group norm",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=group_norm_small,
        differs=f"{SMALL_NETWORKS}; 8 groups of 16 units; m = 4 examples, where the paper's two "
        "images have many positions each.",
        not_tested="Running averages at test time, with which batch norm loses more.",
    ),
    Claim(
        key="group-norm-typical",
        source="Wu & He 2018",
        text=f"At a norm batch of 64, group norm is within {CLOSE:g} nats of batch norm.",
        tag="V",
        quote="abstract: “when using typical batch sizes, GN is comparably good with BN”; the "
        f"tolerance of {CLOSE:g} nats is ours",
        quantity="test loss of group norm less that of batch norm at m = 64",
        region=(-CLOSE, CLOSE),
        smallest=0.0,
        unit="nats",
        design="norms",
        measure=group_norm_typical,
        differs=f"{SMALL_NETWORKS}; 8 groups of 16 units.",
        not_tested="Train loss, which the paper finds lower under group norm.",
    ),
    Claim(
        key="renorm-helps-small",
        source="Ioffe 2017",
        text="At the smallest norm batch, batch renormalisation generalises better than batch "
        "norm.",
        tag="V",
        quote="abstract: “Models trained with Batch Renormalization perform substantially better "
        "than batchnorm when training with small or non-i.i.d. minibatches.”",
        quantity="test loss of batch norm at the smallest norm batch less that of renormalisation "
        "at the better of two pairs of limits, both read with running averages of their own "
        "batches",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=renorm_helps_small,
        differs=f"{SMALL_NETWORKS}; r_max 3 and d_max 5 as in the paper, or 1.5 and 0.5, opened "
        "over the first quarter of training.",
        not_tested="Limits besides these two pairs.",
    ),
    Claim(
        key="renorm-helps-sorted",
        source="Ioffe 2017",
        text="On class-sorted mini-batches, batch renormalisation generalises better than batch "
        "norm.",
        tag="V",
        quote="abstract, as above; the paper's section on such mini-batches could not be had: its "
        "set-up is told after readers' notes",
        quantity="test loss of batch norm on class-sorted ghosts of 16 less that of "
        "renormalisation on the same, both read with running averages of their own batches",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=renorm_helps_sorted,
        differs=f"{SMALL_NETWORKS}; ghosts of one or two classes of ten, where the paper draws two "
        "images of each of 16 classes, which is far milder; limits as above.",
        not_tested="Test batches sorted like those of training.",
    ),
    Claim(
        key="sorted-ghosts-hurt",
        source="Ioffe 2017",
        text="Mini-batches that are not drawn at random hurt batch norm.",
        tag="V",
        quote="abstract: “its effectiveness diminishes when the training minibatches are small, or "
        "do not consist of independent samples”; the section on the experiment could not be had: "
        "its set-up is told after readers' notes",
        quantity="test loss of training on class-sorted ghosts of 16 less that on random ones, "
        "both read with population statistics",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=sorted_ghosts_hurt,
        differs=f"{SMALL_NETWORKS}; ghosts of one or two classes of ten, where the paper draws two "
        "images of each of 16 classes, which is far milder.",
        not_tested="Test batches sorted like those of training, under which the damage should "
        "vanish.",
    ),
    Claim(
        key="layer-norm-small",
        source=f"layer norm, {THIS_STUDY}",
        text="At the smallest norm batch, layer norm generalises better than batch norm.",
        tag="D",
        quote="the row of group norm with the norm that has one group",
        quantity="test loss of batch norm at the smallest norm batch, read with population "
        "statistics, less that of layer norm",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=layer_norm_small,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Running averages at test time, with which batch norm loses more.",
    ),
    Claim(
        key="leave-one-out-helps",
        source=f"exclusive statistics, {THIS_STUDY}",
        text="From 16 examples up, statistics without the example itself generalise better.",
        tag="D",
        quote="expected of the exclusive batch norm in the code of Kosson et al. 2024; their text "
        "on it was not read here",
        quantity="test loss of batch norm less that of leave-one-out statistics, at m = 16 and 64",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=leave_one_out_helps,
        differs=f"{SMALL_NETWORKS}; one position per example, epsilon 1e-5.",
        not_tested="Smaller ghosts, where few other examples leave the variance near zero.",
    ),
)
