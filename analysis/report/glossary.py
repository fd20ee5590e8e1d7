"""The words that the page uses, each in a sentence."""

from __future__ import annotations

from caviar.analysis.tables.families import MARGINS

GLOSSARY = (
    (
        "m, B, N",
        "Examples behind one mean and variance (the norm batch), examples behind one update, "
        "examples of the training split.",
    ),
    (
        "train mode, population statistics",
        "Normalised by the batch's own mean and variance, as training does; or by those of the "
        "whole training split at the same weights, layer by layer, which have no noise.",
    ),
    (
        "running average, running statistics",
        "The averages over past batches that stand in at test time. Biased and unbiased: of the "
        "batch variance over m and over m - 1. Debiased: divided by 1 - decay^t, so that the start "
        "is forgotten. Cumulative: the plain mean of all batches. Decay: the weight of the "
        "old value, 1 less PyTorch's momentum; its memory is 1/(1 - decay) updates.",
    ),
    (
        "arm, draw, facet",
        "One setting that is compared; one random choice of what is not (the learning rate, say), "
        "the same for every arm; one value of what else the study crosses.",
    ),
    (
        "every draw, best draw",
        "Two readings: all draws, averaged, so that arms share them; or for each arm and seed the "
        "draw with the lowest validation loss over the other seeds.",
    ),
    (
        "mean [low, high], units, left_out",
        "The mean over seeds (or over trials, where nothing is paired) with its 95 % "
        "interval, studentised bootstrap; how many seeds stand behind it; how many measurements "
        "are missing because networks diverged or trials failed. A seed is the unit: its draws "
        "are averaged first.",
    ),
    ("surely", "The interval, or the band that holds for all sizes together, misses zero."),
    (
        "p_value, p_family, detectable, equivalent",
        "Sign flips over seeds; the same by Holm over all sizes; the difference that so many "
        "seeds find with 80 % power; whether the difference is surely within "
        f"{MARGINS['test_loss']:g} nats ({MARGINS['test_accuracy']:g} of accuracy), by two "
        "one-sided tests.",
    ),
    (
        "R_in, R_ext, self-influence",
        "Train-mode less population loss at the same weights; the same with the statistics of m "
        "other examples; R_in less R_ext, what an example gains by being in its own statistics.",
    ),
    ("nats", "Cross-entropy with the natural logarithm."),
)
