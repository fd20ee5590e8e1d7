"""The parts of the page about question 1, regularisation."""

from __future__ import annotations

from caviar.analysis.figures import decompositions
from caviar.analysis.figures import overview as figures
from caviar.analysis.figures import robustness as robustness_figures
from caviar.analysis.report.section import Section, label, reference, symbol, whole

SECTIONS = (
    Section(
        key="noise_penalty",
        title="1. The price of noisy statistics at the same weights",
        says="Train-mode loss less the loss of the very same weights under population "
        "statistics, on the training split at the end of training. It is what batch noise "
        "adds to the objective, and so what training is pushed to make small. Every draw: all "
        "arms share the draws. Best draw: each arm at its own.",
        caption="A line falling along the dashed one is proportional to 1/m.",
        alt="Noise penalty against mini-batch size on logarithmic axes, with 95 % intervals.",
        draw=lambda f: figures.noise_penalty(whole(f, "noise_penalty"), label(f), symbol(f)),
    ),
    Section(
        key="noise_penalty_exponent",
        title="1. How the penalty scales",
        says="Exponents of the penalty in 1/m - 1/N, which is zero when the batch is everything: "
        "over all sizes from 8, over the sizes from 64, where theory expects 1, and between "
        "neighbours, which a power law has all equal. Seeds are averaged before the logarithm.",
    ),
    Section(
        key="effect_of_size",
        title="1. What it does to train and test loss",
        says="Both under population statistics, as differences from the largest size. Only train "
        "loss above zero together with test loss below zero is called regularisation, and only "
        "where the bands say so. Equivalent: surely within 0.005 nats, the margin named "
        "beforehand.",
        caption="Bars are 95 % intervals, each for itself; shaded bands hold for all sizes at "
        "once.",
        alt="Train and test loss less those at the largest size, with 95 % intervals.",
        draw=lambda f: figures.effect_of_size(whole(f, "effect_of_size"), label(f), reference(f)),
    ),
    Section(
        key="losses",
        title="1. The losses themselves",
        says="Means over units of train loss, test loss and test accuracy at the end of training.",
    ),
    Section(
        key="trends",
        title="1. Trends over all sizes",
        says="The slope of each quantity a doubling of the size, a slope a seed, below the size "
        "that others are held against; p_page is that of Page's test that the order of sizes is "
        "the order of values.",
    ),
    Section(
        key="best_size",
        title="1. The best size",
        says="The size with the lowest test loss. The range holds the truly lowest with 95 %; an "
        "edge says that it reaches the end of what was tried. p_u_shape tests that test loss "
        "falls before the best size and rises after it, the choice of the turning point paid for.",
    ),
    Section(
        key="chosen_draws",
        title="1. Which draw is best for each arm",
        says="The best draw of an arm has the lowest validation loss over the other seeds. "
        "Arms that choose different draws differ in more than their size; a choice at the edge "
        "of what was drawn may not be the best there is.",
    ),
    Section(
        key="arm_effects",
        title="1. Which mechanism does it",
        says="Every arm takes one part of batch norm away (studies/mechanisms.toml says which). "
        "Losses under population statistics at the end of training, less those of the arm that "
        "normalises by the whole training split at every step, paired by seed.",
        caption="An arm like batch norm's own row lacks nothing that matters; one near zero "
        "lacks all of it. Bold: the 95 % interval misses zero; ± is half its width, its ends are "
        "in the table. Colours end at 1 nat.",
        alt="Train and test loss of every control arm less those of population statistics.",
        draw=lambda f: decompositions.arm_effects(f.reading("arm_effects"), label(f)),
    ),
    Section(
        key="mechanism_shares",
        title="1. What each mechanism adds",
        says="Batch norm less population statistics, the whole effect, beside batch norm less the "
        "arm without one mechanism: self-influence (leave-one-out), the gradient through the "
        "statistics, gradient noise between partitions, noise between the classes of a ghost; "
        "and the effect of independent normal noise alone. Mechanisms interact, so shares need "
        "not add up.",
        caption="Below zero in test loss, the mechanism helps.",
        alt="Contribution of each mechanism to train and test loss against size.",
        draw=lambda f: decompositions.mechanism_shares(f.reading("mechanism_shares"), label(f)),
    ),
    Section(
        key="penalties",
        title="1. A network gets used to its own batches",
        says="The noise penalty R_in of each network at every size of the evaluated batch, by "
        "the size it was trained with, and the same with the statistics of as many other "
        "examples, R_ext.",
        caption="Down a column the penalty falls with the size at evaluation; along a row, "
        "training with small batches makes a network less sensitive to them. ± is half the width "
        "of the 95 % interval; its ends are in the table.",
        alt="Map of the noise penalty by size at evaluation and size at training.",
        draw=lambda f: decompositions.penalty_matrix(f.reading("penalties"), label(f)),
    ),
    Section(
        key="penalty_split",
        title="1. Noise and self-influence",
        says="The penalty at the size trained with. R_ext leaves the example out of its own "
        "statistics; the difference is self-influence, which one backward pass predicts to first "
        "order in 1/m. In networks of several batch norms the prediction leaves out what an "
        "example does to deeper statistics through the layers below.",
        caption="Where the two self-influence lines meet, the first order is enough. The axis is "
        "linear near zero: self-influence is negative where R_ext is above R_in. Bars are 95 % "
        "intervals.",
        alt="R_in, R_ext and self-influence, measured and predicted, against size.",
        draw=lambda f: decompositions.penalty_split(f.reading("penalty_split"), label(f)),
    ),
    Section(
        key="gradient_noise",
        title="1. Ghosts also make gradient noise",
        says="The same batch cut into other ghosts gives another gradient: the share of the "
        "gradient's variance, over batches and partitions, that lies between partitions.",
        caption="Near one, who shares a ghost matters more to a step than which examples it sees.",
        alt="Share of gradient variance between partitions against size.",
        draw=lambda f: decompositions.gradient_noise(f.reading("gradient_noise"), label(f)),
    ),
    Section(
        key="equivalent_dropout",
        title="1. Equivalent dropout",
        says="The dropout rate on population statistics that leaves the same train loss as batch "
        "norm at m, measured seed by seed on the arms with dropout, beside the rate whose noise "
        "has the variance of batch norm's. Right: test loss of batch norm less that of dropout "
        "at the measured rate. Outside counts seeds that no rate matches.",
        caption="Below zero on the right, batch norm's noise is the better regulariser.",
        alt="Equivalent dropout rate measured and predicted, and test loss difference at it.",
        draw=lambda f: decompositions.equivalent_dropout(f.reading("equivalent_dropout"), label(f)),
    ),
    Section(
        key="tuning",
        title="1. Tuning",
        says="Test loss of every draw against what was drawn, for every size; the table has "
        "validation loss too. The best draw is chosen on validation by the other seeds, as in the "
        "reading of that name; chosen_by counts the seeds whose choice a draw is.",
        caption="Points of one draw stand beside each other. A hollow star is a best draw with "
        "none drawn beyond it: a better one may lie there. Where the lines' lowest points lie "
        "apart, sizes need different tuning. Bars are 95 % intervals over seeds, from five seeds "
        "on.",
        alt="Test loss against each drawn field for every size, with the best draws starred.",
        draw=lambda f: robustness_figures.tuning(f.reading("tuning"), symbol(f)),
    ),
    Section(
        key="tuning_spread",
        title="1. How much hangs on the draw",
        says="Standard deviation between draws, of their means over seeds (study variance), "
        "beside that between seeds of the same draw. Where the first is the larger, a comparison "
        "at one draw says more of that draw than of the size. Intervals are over draws or over "
        "seeds, units of them, from five on.",
    ),
    Section(
        key="specifications",
        title="1. Robustness: the effect under every specification",
        says="Test loss less that at the largest size for every crossed field, data set and draw "
        "by itself: of the smallest size, which nothing chose, and of the best of all its draws, "
        "whose choice on the same seeds flatters it. Specifications share seeds and data, so "
        "their number is no number of independent confirmations.",
        caption="One specification above another's marks; below each, what makes it. A value "
        "whose marks crowd at one end moves the effect. Bars are 95 % intervals, each for itself, "
        "from five seeds on; surely: the interval misses zero. The axis is linear near zero.",
        alt="Effects of size on test loss in their order, with intervals, over the fields that "
        "make each specification.",
        draw=lambda f: robustness_figures.specifications(f.reading("specifications")),
    ),
    Section(
        key="designs",
        title="1. Designs beside each other",
        says="Train and test loss under population statistics at every size, less those at the "
        "largest size that all the designs have. What is left of a naive effect where only the "
        "statistics' batch moves is the work of the statistics; where only the update's batch "
        "moves at equal steps, that of gradient noise; the rest goes with the number of steps. "
        "Every draw: shared learning rates. Best draw: each size at its own.",
        caption="Bars are 95 % intervals over seeds.",
        alt="Train and test loss against size for several designs.",
        draw=lambda f: decompositions.designs(f["designs"]),
    ),
    Section(
        key="across_data_sets",
        title="1. Across data sets",
        says="The same comparison on several data sets as one number: the interquartile mean over "
        "the seeds of all of them of the difference in loss, as a share of each data set's loss "
        "at the reference. Seeds are resampled within data sets; the interval speaks of these.",
    ),
)
