"""The fields of a trial that say how its network is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from caviar.model.steps.optimizers import WeightDecayScope
from caviar.model.steps.schedules import ScheduleName
from caviar.runner.fields.changes import canonical
from caviar.runner.fields.frozen import Decay, NonNegative, Positive, listed, setting
from caviar.runner.fields.network import NetworkFields


class TrainingFields(NetworkFields):
    """And its training: dropout, optimiser, learning rate and decays."""

    dropout: Decay = setting(
        "The probability with which a unit of a hidden layer is set to 0 in training.",
        0.0,
        unit="share",
        example=0.2,
        also=("dropout_rate", "drop_rate", "p"),
    )
    optimizer: Literal["sgd", "momentum", "adam"] = setting(
        "How gradients become steps: plain gradient descent, heavy-ball momentum, or Adam.",
        "momentum",
        example="adam",
        also=("optimiser", "optim", "opt"),
        words={"adamw": "adam", "nesterov": "momentum", "sgdm": "momentum", "gd": "sgd"},
    )
    learning_rate: Positive = setting(
        "The learning rate at the start; `schedule` lowers it during training.",
        0.1,
        unit="factor on the gradient",
        example=0.05,
        also=("lr", "eta", "step_size", "alpha", "rate", "learningrate"),
    )
    momentum: Decay = setting(
        "The weight of the earlier gradients: of heavy-ball momentum, and of Adam's first average "
        "(beta1).",
        0.9,
        unit="share",
        example=0.95,
        also=("beta1", "mu", "beta"),
    )
    beta2: Decay = setting(
        "The weight of the earlier squared gradients in Adam.", 0.999, unit="share", example=0.99
    )
    adam_epsilon: Positive = setting(
        "What Adam adds to the root of the averaged squared gradients.",
        1e-8,
        unit="units of the gradient",
        example=1e-6,
    )
    weight_decay: NonNegative = setting(
        "How strongly weights are drawn to 0, as a factor on the weights.",
        0.0,
        unit="per unit of learning rate",
        example=5e-4,
        also=("wd", "l2", "weightdecay", "regularization"),
    )
    weight_decay_style: Literal["decoupled", "coupled"] = setting(
        "`decoupled`: weights shrink beside the step of the optimiser, by the learning rate times "
        "`weight_decay` (AdamW); `coupled`: the decay is added to the gradient (L2).",
        "decoupled",
        example="coupled",
    )
    weight_decay_scope: WeightDecayScope = setting(
        "What decays: the weight matrices alone (`weights`), or biases, gamma and beta too "
        "(`all`).",
        "weights",
        example="all",
    )
    gamma_decay: NonNegative = setting(
        "A decay of the norm's scale gamma alone, added to its gradient (Luo et al. 2019).",
        0.0,
        unit="factor on gamma",
        example=0.01,
    )
    schedule: ScheduleName = setting(
        "How the learning rate falls: not at all (`constant`), to a tenth half way and a hundredth "
        "at three quarters (`step`), or along a cosine to 0 (`cosine`).",
        "cosine",
        example="constant",
        also=("scheduler", "lr_schedule", "lr_scheduler"),
        words={"none": "constant", "fixed": "constant", "multistep": "step", "cos": "cosine"},
    )
    changes: listed(str) = setting(  # type: ignore[valid-type]
        "What changes during training, each as `STEP: WHAT`, at the end of that step. A field is "
        "set (`400: learning_rate = 0.03`; also momentum, weight_decay, dropout, decay, "
        "norm_batch_size, schedule), a layer is begun anew (`400: reset dense2`), or every running "
        "average takes the statistics of the training split (`400: recompute running statistics`). "
        "All other fields say how training starts.",
        (),
        unit="changes",
        example=["400: learning_rate = 0.03"],
        also=("edits", "interventions", "milestones"),
    )

    @field_validator("changes")
    @classmethod
    def _canonical(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return canonical(texts)
