"""The terms that the page uses, each explained in a sentence or two."""

from __future__ import annotations

from caviar.analysis.tables.families import MARGINS

GLOSSARY = (
    (
        "m, B, N",
        "m: examples behind one mean and variance (the norm batch). B: examples behind one "
        "update. N: examples of the training split.",
    ),
    (
        "train mode, population statistics",
        "Train mode normalises by the batch's own mean and variance, as in training. Population "
        "statistics are those of the whole training split at the same weights, layer by layer; "
        "they have no noise.",
    ),
    (
        "running average, running statistics",
        "Averages over past batches that replace batch statistics at test time. Biased and "
        "unbiased: the batch variance is divided by m or by m - 1. Debiased: the average is "
        "divided by 1 - decay^t, which removes the starting value. Cumulative: the plain mean of "
        "all batches. Decay: the weight of the old value, 1 minus PyTorch's momentum; the memory "
        "is 1/(1 - decay) updates.",
    ),
    (
        "arm, draw, facet",
        "Arm: one setting that is compared. Draw: one random choice of the fields that are not "
        "compared (such as the learning rate), the same for every arm. Facet: one combination of "
        "the other fields that the study crosses.",
    ),
    (
        "every draw, best draw",
        "Two readings of a search. Every draw: the average over all draws, which the arms share. "
        "Best draw: for each arm the draw with the lowest validation loss over the first third of "
        "the seeds, read at the other seeds, which had no part in the choice.",
    ),
    (
        "mean [low, high], units, left_out",
        "The mean over seeds (or over trials, where nothing is paired) with its 95 % interval "
        "(the farther of Student's t and bootstrap-t); the number of seeds; the number of "
        "measurements that are missing because networks diverged or trials failed. A seed is the "
        "unit: its draws are averaged first.",
    ),
    (
        "significantly",
        "The 95 % interval, or the band that holds for all sizes together, excludes 0.",
    ),
    (
        "p_value, p_family, seeds_needed, detectable, equivalent",
        "The p-value of sign flips over seeds; the same, adjusted over all sizes of one "
        "quantity, one reading and one facet (max-t); how many seeds that agree it takes for a p "
        "of 0.05, where the run has fewer; the difference that this many seeds find with "
        "80 % power; whether the difference is "
        f"significantly smaller than {MARGINS['test_loss']:g} nats ({MARGINS['test_accuracy']:g} "
        "of accuracy), by two one-sided tests.",
    ),
    (
        "gap, test loss at equal train loss",
        "Gap: test loss less train loss, both under population statistics. At equal train loss: "
        "each network is read when its train loss first reaches the largest final train loss of "
        "all sizes with the same seed and draw, interpolated between two evaluations whose train "
        "losses lie within a factor of two; empty where no evaluation is near.",
    ),
    (
        "moves, stays, undecided",
        "Moves (rises, falls): differs from the largest size by more than "
        f"{MARGINS['test_loss']:g} nats ({MARGINS['test_accuracy']:g} of accuracy), and the band "
        "for all sizes together excludes 0. Stays: significantly within that margin. Undecided: "
        "neither.",
    ),
    (
        "R_in, R_ext, self-influence",
        "R_in: train-mode less population loss at the same weights. R_ext: the same with the "
        "statistics of m other examples. Self-influence: R_in less R_ext, the effect of an "
        "example on its own statistics.",
    ),
    ("nats", "Cross-entropy with the natural logarithm."),
)
