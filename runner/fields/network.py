"""The fields of a trial that say what network it trains, and what normalises it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from caviar.model.averages.frameworks import ALL
from caviar.model.network import Activation
from caviar.model.norms.registry import NORMS
from caviar.runner.fields.frozen import (
    Count,
    Decay,
    Frozen,
    Moments,
    NonNegative,
    Positive,
    Size,
    Width,
    listed,
    setting,
)

ROW = {"type": "string", "enum": list(ALL), "in_words": "a row of `caviar conventions`"}
Rule = Annotated[str, WithJsonSchema(ROW)]
"""A row of `caviar conventions`."""


class NetworkFields(Frozen):
    """The network: its layers, and what normalises the inputs of its activations."""

    hidden: listed(Width) = setting(  # type: ignore[valid-type]
        "The width of each hidden layer, from the input on; their number is the depth. `[]` is a "
        "linear classifier.",
        (128, 128),
        unit="units",
        example=[256, 256],
        also=("depth", "width", "widths", "layers", "units", "hidden_sizes", "hidden_layers"),
    )
    activation: Activation = setting(
        "What follows the norm of each hidden layer.",
        "relu",
        example="tanh",
        also=("nonlinearity", "act"),
    )
    norm: Literal[*NORMS] = setting(  # type: ignore[valid-type]
        "What normalises the inputs of each activation. `batch` is batch norm, `layer` and `group` "
        "use no statistics of the batch, and `none` leaves the inputs as they are. The others are "
        "batch norm with one part changed or taken out.",
        "batch",
        example="layer",
        also=("bn", "batchnorm", "batch_norm", "normalization", "normalisation", "norm_type"),
        words={
            **dict.fromkeys(("bn", "batchnorm", "batch_norm"), "batch"),
            **dict.fromkeys(("ln", "layernorm", "layer_norm"), "layer"),
            **dict.fromkeys(("gn", "groupnorm", "group_norm"), "group"),
            **dict.fromkeys(("no", "off", "identity"), "none"),
            **dict.fromkeys(("brn", "batch-renorm", "batch_renorm"), "renorm"),
            "xbn": "leave-one-out",
        },
    )
    batch_size: Size = setting(
        "Examples behind one update of the weights: those whose loss is averaged. Norms that take "
        "statistics of the batch cut it into ghosts of `norm_batch_size`.",
        128,
        unit="examples",
        example=256,
        also=("batch", "bs", "batchsize", "mini_batch", "minibatch_size"),
    )
    norm_batch_size: Size | Literal["train"] | None = setting(
        "Examples that share one mean and one variance: the m of the answer. By default "
        '`batch_size`. Above it, examples without a loss are added; `"train"` is the whole '
        "training split.",
        None,
        unit="examples",
        example=16,
        also=("ghost_batch_size", "ghost_size", "m", "virtual_batch_size", "norm_batch"),
    )
    ghosts: Literal["random", "stratified", "class-sorted"] = setting(
        "Which examples of a batch share a ghost: any (`random`), so that each ghost has its share "
        "of every class (`stratified`), or those of the same class (`class-sorted`).",
        "random",
        example="stratified",
    )
    partitions: Moments = setting(
        "Random cuts of the same batch into ghosts over which the gradient of an update is "
        "averaged. More of them remove the noise of the cut and keep the size of the ghosts.",
        1,
        unit="partitions",
        example=4,
    )
    noise_shared: Literal["ghost", "example"] = setting(
        "For the norms that inject noise: whether all examples of a ghost share one draw, or each "
        "has its own.",
        "ghost",
        example="example",
    )
    renorm_r_max: Annotated[float, Field(ge=1, allow_inf_nan=False)] = setting(
        "For batch renormalisation: the most by which it corrects the deviation of a ghost, as a "
        "factor (Ioffe 2017).",
        3.0,
        unit="factor",
        example=2.0,
    )
    renorm_d_max: NonNegative = setting(
        "For batch renormalisation: the most by which it corrects the mean of a ghost.",
        5.0,
        unit="standard deviations",
        example=3.0,
    )
    renorm_decay: Decay = setting(
        "For batch renormalisation: the weight of the old value in the averages that it corrects "
        "towards.",
        0.9,
        unit="share",
        example=0.99,
    )
    renorm_ramp: Annotated[float, Field(ge=0, le=1)] = setting(
        "For batch renormalisation: the share of training over which its limits open, from plain "
        "batch norm to `renorm_r_max` and `renorm_d_max`.",
        0.25,
        unit="share",
        example=0.5,
    )
    norm_groups: Count = setting(
        'Groups that norm = "group" cuts the features of a hidden layer into; the default width of '
        "128 gives groups of 16 (Wu & He 2018, section 4.1, group division).",
        8,
        unit="groups",
        example=4,
        also=("groups", "num_groups"),
    )
    running_weight: Decay = setting(
        'Weight of the steps before in the statistics of norm = "momentum-batch"; 1/2 leaves a '
        "third of a ghost's noise in the mean.",
        0.5,
        unit="share",
        example=0.9,
    )
    convention: Rule | None = setting(
        "The framework whose epsilon the norm takes, a row of `caviar conventions`; by default "
        "none, which is an epsilon of 1e-5.",
        None,
        example="keras-3",
        also=("framework",),
    )
    epsilon: Positive | None = setting(
        "What is added to a variance before its root is taken; by default that of `convention`, or "
        "1e-5.",
        None,
        unit="squared units of the layer's input",
        example=0.001,
        also=("eps", "bn_eps", "norm_eps"),
    )
