"""What this study derived, or saw once, and now claims: as data, like the published claims."""

from __future__ import annotations

import math

from caviar.analysis.scorecard.literature import SURELY, Claim

HYPOTHESES = (
    Claim(
        "dropout-strength",
        "equivalent dropout, this study",
        "Batch norm's noise fits like dropout at a rate of nu / (1 + nu) with nu = 1.5 / m, "
        "within a factor of two.",
        "derived",
        "measured less predicted dropout rate at equal train loss",
        (-1.0, 1.0),
        "Sizes and seeds whose train loss lies outside what the run's dropout rates give.",
        "doublings of the rate",
    ),
    Claim(
        "better-than-dropout",
        "equivalent dropout, this study",
        "At equal train loss, batch norm's noise generalises better than dropout.",
        "derived",
        "test loss of dropout less that of batch norm, at equal train loss",
        SURELY,
        "Sizes and seeds whose train loss lies outside what the run's dropout rates give; dropout "
        "beside batch norm.",
    ),
    Claim(
        "self-influence-share",
        "self-influence, this study",
        "An example's part in its own statistics is more than a tenth of the noise penalty.",
        "derived and measured once",
        "self-influence less a tenth of the penalty, from m = 64 up",
        SURELY,
        "Small norm batches, where deeper layers absorb the noise that examples share.",
    ),
    Claim(
        "self-influence-predicted",
        "self-influence, this study",
        "One backward pass predicts self-influence within a quarter, from m = 64 up.",
        "derived and measured once",
        "measured over predicted self-influence, a mean over seeds of each",
        (0.75, 1.25),
        "What an example does to deeper statistics through the layers below.",
        "ratio",
    ),
    Claim(
        "adaptation",
        "adaptation, this study",
        "Networks trained with small norm batches are less sensitive to them.",
        "derived and measured once",
        "penalty in groups of 8 of networks trained at the largest size less at the smallest",
        SURELY,
        "Sizes between, and other sizes at evaluation.",
    ),
    Claim(
        "partition-share-falls",
        "ghosts and gradient noise, this study",
        "The share of gradient noise that ghosts make falls with every step up in size.",
        "derived and measured once",
        "share at each size less that at the next one",
        SURELY,
        "Batches of other sizes than the run's.",
        "share of variance",
    ),
    Claim(
        "partition-share-at-16",
        "ghosts and gradient noise, this study",
        "Ghosts of 16 in batches of 256 make 44 % of the gradient's variance, within ten points.",
        "derived and measured once",
        "share of the gradient's variance between partitions at m = 16",
        (0.34, 0.54),
        "Other architectures, and the course of training: the share is read at its end.",
        "share of variance",
    ),
    Claim(
        "shuffling-helps",
        "shuffled running averages, this study",
        "At an epoch's end running means scatter less than over independent batches.",
        "derived and measured once",
        "squared sampling error of the first running mean over (1 - d) / (1 + d) / m, m >= 64",
        (-math.inf, 1.0),
        "Within an epoch; small ghosts, which see too little of an epoch to gain.",
        "ratio",
    ),
    Claim(
        "staleness-stays",
        "three errors of running averages, this study",
        "As the norm batch grows, sampling error falls and staleness falls less than a quarter "
        "as fast.",
        "derived and measured once",
        "fall of the last running mean's sampling error, and a quarter of it less staleness's",
        SURELY,
        "Learning rates that grow with the batch, where staleness should grow.",
        "halvings of the error a doubling of m",
    ),
    Claim(
        "bessel-first-layer",
        "Bessel's correction, this study",
        "In the first layer the unbiased rule has no bias, within two percent.",
        "derived and measured once",
        "bias of the unbiased running variance, log ratio, from m = 8 up",
        (-0.02, 0.02),
        "Decays whose starting value has not been forgotten.",
        "log ratio",
    ),
    Claim(
        "bessel-deeper",
        "Bessel's correction, this study",
        "In the second layer the unbiased rule's variance is too large.",
        "derived and measured once",
        "bias of the unbiased running variance, log ratio, up to m = 32",
        SURELY,
        "Layers beyond the second.",
        "log ratio",
    ),
)
