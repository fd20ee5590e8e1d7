"""What the literature claims, as data: which quantity decides, and in which region it must lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Tag = Literal["read in the paper", "derived and measured once", "derived", "recalled"]

MARGIN = 0.005
"""Nats within which two losses count as equal; the same as in `advise`."""
SURELY = (0.0, math.inf)
EQUAL = (-MARGIN, MARGIN)


@dataclass(frozen=True)
class Claim:
    """A published claim, or one derived for this study, in terms of one quantity.

    It holds where `quantity`, in `unit`, lies inside the open interval `region` at every size or
    place that it is measured. `tag` says how the claim is known: numbers of a paper are stated
    only where they were read there or measured. `not_tested` is what a verdict leaves open.
    """

    key: str
    paper: str
    says: str
    tag: Tag
    quantity: str
    region: tuple[float, float]
    not_tested: str
    unit: str = "nats"


CLAIMS = (
    Claim(
        "noise-regularises",
        "Ioffe & Szegedy 2015",
        "The noise of mini-batch statistics regularises.",
        "recalled",
        "train loss above, and test loss below, that of population statistics at the best size",
        SURELY,
        "Faster training; whether less dropout is needed.",
    ),
    Claim(
        "u-shaped",
        "Wu & Johnson 2021",
        "Test loss is U-shaped in the norm batch size: both ends are worse than the middle.",
        "recalled",
        "test loss at either end less that at the best size between",
        SURELY,
        "Where the best size of large image networks lies.",
    ),
    Claim(
        "precise-while-moving",
        "Wu & Johnson 2021",
        "While weights still move, precise statistics beat running averages.",
        "read in the paper",
        "test loss under the running average less that under precise statistics",
        SURELY,
        "Larger training batches than the run has, and whether validation curves are steadier.",
    ),
    Claim(
        "precise-equal-at-end",
        "Wu & Johnson 2021",
        "Once training has come to rest, running averages are as good as precise statistics, "
        "unless the norm batch is tiny.",
        "read in the paper",
        "test loss under the running average less that under precise statistics, from m = 16 up",
        EQUAL,
        "Norm batches below 16, and decays other than the study's own.",
    ),
    Claim(
        "small-batch-best",
        "Masters & Luschi 2018",
        "The best mini-batch has between 2 and 32 examples.",
        "read in the paper",
        "test loss at the best size above 32 less that at the best size up to 32",
        SURELY,
        "Sizes that the run lacks; the range of stable learning rates. Statistics, gradient "
        "noise and the number of updates move together here.",
    ),
    Claim(
        "large-batch-harmless",
        "Shallue et al. 2019",
        "There is no evidence that larger batch sizes degrade out-of-sample performance.",
        "read in the paper",
        "test loss at each larger batch, at its best draw, less that at the smallest",
        (-math.inf, MARGIN),
        "Other budgets; momentum and schedule tuned again for every size.",
    ),
    Claim(
        "small-batch-at-equal-steps",
        "Smith, Elsen & De 2020",
        "At equal steps and a fixed ghost size, smaller batches generalise better.",
        "read in the paper",
        "slope of test loss on log2 B, each batch at its best draw",
        SURELY,
        "Batches beyond the run's, and equal epochs.",
        "nats a doubling of B",
    ),
    Claim(
        "ghosts-help-medium",
        "Summers & Dinneen 2020",
        "Ghost batches lower test loss at medium batch sizes too.",
        "read in the paper",
        "test loss with the whole update's batch as norm batch less that with the best ghosts",
        SURELY,
        "Convolutional networks, and running averages at test time.",
    ),
    Claim(
        "small-underfits",
        "Yong et al. 2020",
        "Small norm batches underfit: the noise keeps train loss up.",
        "read in the paper",
        "train loss under population statistics at the smallest size less that at the largest",
        SURELY,
        "Whether train loss falls at every size between.",
    ),
    Claim(
        "layer-norm-crosses",
        "Wu & He 2018",
        "Without batch statistics one does better at the smallest norm batch and worse at a "
        "medium one.",
        "recalled",
        "test loss lost by batch norm at the smallest size, and by layer norm against m = 32",
        SURELY,
        "Group norm itself; that layer norm does not depend on m holds by construction.",
    ),
    Claim(
        "renorm-closes-gap",
        "Ioffe 2017",
        "Batch renormalisation closes most of what small norm batches cost.",
        "recalled",
        "half of what batch norm loses from m = 64 to m, less what renormalisation loses",
        SURELY,
        "The paper's own limits for r and d, and running averages at test time.",
    ),
    Claim(
        "sorted-ghosts-hurt",
        "Ioffe 2017",
        "Mini-batches that are not drawn at random hurt batch norm read with fixed statistics.",
        "recalled",
        "test loss of training on class-sorted ghosts less that on random ghosts",
        SURELY,
        "Test batches sorted like those of training, under which the damage should vanish.",
    ),
    Claim(
        "leave-one-out-helps",
        "Kosson et al. 2024",
        "At small norm batches, statistics without the example itself generalise better.",
        "recalled",
        "test loss of batch norm less that of leave-one-out statistics, m = 4 and 8",
        SURELY,
        "Convolutional networks, whose statistics have many positions behind each example.",
    ),
    Claim(
        "injected-noise-as-good",
        "Kosson et al. 2024",
        "Noise drawn like a ghost's, on population statistics, does at least as well as ghosts.",
        "recalled",
        "test loss of injected noise at its best size less that of batch norm at its own",
        (-math.inf, MARGIN),
        "Noise drawn from other batches instead of a normal law.",
    ),
    Claim(
        "injected-noise-optimum",
        "Kosson et al. 2024",
        "Injected noise is best at no larger a size than ghost batches are.",
        "recalled",
        "best size of injected noise against that of batch norm",
        (-math.inf, 0.5),
        "Sizes between the run's.",
        "doublings of m",
    ),
    Claim(
        "gamma-decay-closes-gap",
        "Luo et al. 2019",
        "Batch norm's regularisation is a decay of gamma: it closes most of the gap between "
        "population statistics and batch norm.",
        "recalled",
        "what gamma decay at its best strength gains, less half of what batch norm at its best "
        "size gains",
        SURELY,
        "The strength that the paper's formula gives, and strengths outside the run's.",
    ),
    Claim(
        "evalnorm-helps",
        "Singh & Shrivastava 2019",
        "For small norm batches, statistics that count the test example in lower test loss.",
        "read in the paper",
        "test loss under population statistics less that under EvalNorm, up to m = 8",
        SURELY,
        "Against running averages, and convolutional networks at two images a batch.",
    ),
    Claim(
        "penalty-exponent",
        "Luo et al. 2019",
        "The penalty of batch noise is linear in 1/m - 1/N, from m = 64 up.",
        "derived and measured once",
        "exponent of the noise penalty in 1/m - 1/N at frozen weights",
        (0.9, 1.1),
        "The paper's factor, which takes features as independent.",
        "exponent",
    ),
)
