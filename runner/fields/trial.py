"""All fields of a trial that a study may fix, cross or draw, with what is measured last."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from caviar.model.averages.bank import GhostUpdate
from caviar.model.averages.conventions import CONVENTIONS
from caviar.model.averages.frameworks import ALL
from caviar.model.norms.registry import NORMS
from caviar.runner.errors import nearest
from caviar.runner.fields.frozen import Decay, Fraction, Moments, Size, listed, setting
from caviar.runner.fields.network import Rule
from caviar.runner.fields.training import TrainingFields
from caviar.runner.limits import MOST_CURVE_ROWS


class TrialFields(TrainingFields):
    """Every field that a study may fix, cross or draw; the defaults are a sensible network."""

    conventions: listed(Rule) = setting(  # type: ignore[valid-type]
        "The rules of running averages that watch the training, rows of `caviar conventions`. They "
        "never change the training, so that one trial measures all of them.",
        tuple(CONVENTIONS),
        example=["unbiased", "biased"],
        also=("rules", "trackers", "frameworks"),
    )
    decay: Decay = setting(
        "The weight of the old value in running averages whose rule has no decay of its own "
        "(PyTorch: 1 - momentum).",
        0.9,
        unit="share",
        example=0.99,
        also=("ema", "ema_decay", "bn_momentum", "running_decay"),
    )
    decays: listed(Decay) = setting(  # type: ignore[valid-type]
        "More decays that are tracked beside `decay` on the same training.",
        (0.99,),
        unit="share",
        example=[0.99, 0.999],
    )
    ghost_update: GhostUpdate = setting(
        "What running averages take from the ghosts of an update: the `first` ghost, every ghost "
        "in turn (`sequential`), the `average` of their statistics, or the statistics of the whole "
        "batch (`total`).",
        "first",
        example="average",
    )
    probe_batch_sizes: listed(Size) = setting(  # type: ignore[valid-type]
        "The sizes of batches at which noise and penalties are measured at frozen weights, "
        "whatever the size trained with.",
        (4, 8, 16, 32, 64, 128, 256),
        unit="examples",
        example=[8, 64],
    )
    evaluations: Moments = setting(
        "How often losses are measured during training, evenly spread; the last time is the end. "
        "Fewer are made where `probe_share` does not pay for them.",
        4,
        unit="moments",
        example=1,
        also=("n_evaluations", "eval_every"),
    )
    probe_share: Fraction = setting(
        "The most time that measuring at frozen weights may take, as a share of the trial's.",
        0.2,
        unit="share",
        example=0.5,
    )
    shadow: bool = setting(
        "Whether the errors of running averages are split into sampling, staleness and "
        "propagation; it costs a pass over the training split in every update.",
        False,
        example=True,
    )
    log_probabilities: bool = setting(
        "Whether the log-probabilities of every test example are kept, in the table `predictions`.",
        False,
        example=True,
        also=("predictions", "probabilities", "logits"),
    )
    curve_rows: Annotated[int, Field(ge=1, le=MOST_CURVE_ROWS)] = setting(
        "How many rows of training loss and gradient norm are kept for each seed, evenly spread.",
        40,
        unit="rows",
        example=100,
        also=("log_every", "logs"),
    )
    dtype: Literal["float32", "float64"] = setting(
        "The precision of training.",
        "float32",
        example="float64",
        also=("precision",),
        words={"single": "float32", "float": "float32", "double": "float64"},
    )

    @model_validator(mode="after")
    def _consistent(self) -> TrialFields:
        named = [*self.conventions, *([self.convention] if self.convention is not None else [])]
        for name in named:
            if name not in ALL:
                raise ValueError(f"convention {name!r} is unknown; {nearest(name, ALL)}")
        if self.norm != "none" and not self.hidden:
            raise ValueError(
                f"norm = {self.norm!r} needs at least one hidden layer; hidden is empty"
            )
        kind, size = NORMS[self.norm], self.norm_batch_size
        refusal = kind.refusal(vars(self))
        if refusal:
            raise ValueError(refusal)
        if not kind.uses_batch_statistics or not isinstance(size, int):
            return self
        if size < self.batch_size and self.batch_size % size:
            raise ValueError(
                f"norm_batch_size {size} does not divide batch_size {self.batch_size}: "
                f"{self.batch_size} / {size} leaves {self.batch_size % size}"
            )
        if size < kind.smallest_norm_batch_size:
            raise ValueError(
                f"norm = {kind.name!r} needs a norm_batch_size of "
                f"{kind.smallest_norm_batch_size} or more; got {size}"
            )
        return self
