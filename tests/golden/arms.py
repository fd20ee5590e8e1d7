"""The trials whose rows are compared bit by bit: every norm, optimiser and training setting."""

from __future__ import annotations

Settings = tuple[str, ...]

TINY: Settings = (
    'dataset={ name = "wine", train = 96, validation = 40 }',
    "seed=3",
    "replicas=2",
    "budget={ steps = 14 }",
    "draws={ count = 1 }",
    "hidden=[5, 4]",
    "batch_size=16",
    "norm_batch_size=16",
    "learning_rate=0.1",
    "evaluations=2",
    "curve_rows=3",
)
"""Two epochs of six steps, and two steps of the third."""

MEASURED: Settings = (
    *TINY,
    "norm_batch_size=8",
    "probe_batch_sizes=[4, 16]",
    "probe_share=0.99",
    "decays=[0.5]",
)
"""Two ghosts per step; at the end everything is measured, including gradient noise."""


FOUR_GHOSTS: Settings = (*MEASURED, "norm_batch_size=4")

CONVENTIONS = (
    *("biased", "unbiased", "debiased", "cumulative", "caffe", "caffe2", "cntk", "dl4j-old"),
    *("dl4j", "keras-2", "keras-3", "lasagne", "mxnet-gluon", "mxnet-symbol", "paddle"),
    *("tensorflow-layers", "tensorflow-slim", "theano", "torch7", "pytorch"),
    *("pytorch-cumulative",),
)


def _measured(**arms: Settings) -> dict[str, Settings]:
    return {name.replace("_", "-"): (*MEASURED, *settings) for name, settings in arms.items()}


def _norms() -> dict[str, Settings]:
    noises = ("shift-noise", "scale-noise", "shift-and-scale-noise")
    kinds = ("leave-one-out", "other-examples", "stop-gradient", "renorm", *noises)
    arms = {name: (*MEASURED, f"norm={name}") for name in kinds}
    arms |= {f"{name}-double": (*settings, "dtype=float64") for name, settings in arms.items()}
    for name in noises:
        arms[f"{name}-example"] = (*MEASURED, f"norm={name}", "noise_shared=example")
    renorm = ("renorm_r_max=1.5", "renorm_d_max=0.5", "renorm_decay=0.5", "renorm_ramp=0.5")
    return {
        **_measured(batch=(), batch_double=("dtype=float64",)),
        **arms,
        "renorm-narrow": (*MEASURED, "norm=renorm", *renorm),
        "renorm-whole": (*MEASURED, "norm=renorm", "norm_batch_size=train"),
        "layer": (*TINY, "norm=layer"),
        "layer-double": (*TINY, "norm=layer", "dtype=float64"),
        "none": (*TINY, "norm=none"),
        "none-deep": (*TINY, "norm=none", "hidden=[5, 4, 3]", "activation=tanh"),
        "none-linear": (*TINY, "norm=none", "hidden=[]", "dtype=float64"),
        "leave-one-out-large": (*MEASURED, "norm=leave-one-out", "norm_batch_size=24"),
        "other-examples-large": (*MEASURED, "norm=other-examples", "norm_batch_size=24"),
    }


def _sizes_and_ghosts() -> dict[str, Settings]:
    return _measured(
        one_ghost=("norm_batch_size=16",),
        larger_than_batch=("norm_batch_size=32",),
        whole_split=('norm_batch_size="train"',),
        pairs=("norm_batch_size=2", "dtype=float64"),
        four_ghosts=("norm_batch_size=4", "dtype=float64"),
        stratified=("ghosts=stratified",),
        class_sorted=("ghosts=class-sorted",),
        partitions=("partitions=3",),
        partitions_stratified=("partitions=2", "ghosts=stratified", "dropout=0.2"),
        digits=(
            'dataset={ name = "digits", train = 200, validation = 60, test = 60 }',
            "batch_size=40",
            "norm_batch_size=8",
            "hidden=[6]",
            "budget={ epochs = 2 }",
        ),
    )


def _steps() -> dict[str, Settings]:
    adam = ("optimizer=adam", "momentum=0.8", "beta2=0.95", "adam_epsilon=1e-6")
    arms = _measured(
        sgd=("optimizer=sgd",),
        momentum=("optimizer=momentum", "momentum=0.5"),
        adam=(*adam, "learning_rate=0.02"),
        adam_double=("optimizer=adam", "dtype=float64"),
        gamma_decay=("gamma_decay=0.05",),
        gamma_decay_adam=(*adam, "gamma_decay=0.05", "weight_decay=0.02"),
        dropout=("dropout=0.3",),
        tanh=("activation=tanh", "epsilon=0.01"),
        constant=("schedule=constant",),
        step=("schedule=step",),
        diverges=("learning_rate=1e30", "optimizer=sgd", "weight_decay=0.5"),
    )
    for style in ("decoupled", "coupled"):
        for scope in ("weights", "all"):
            decay = (f"weight_decay_style={style}", f"weight_decay_scope={scope}")
            arms[f"{style}-{scope}"] = (*MEASURED, "weight_decay=0.05", *decay)
    arms["decoupled-adam"] = (*MEASURED, *adam, "weight_decay=0.05")
    return arms


def _averages() -> dict[str, Settings]:
    every = f"conventions={list(CONVENTIONS)}"
    arms = _measured(
        conventions=(every,),
        conventions_shadow=(every, "shadow=true"),
        pytorch_epsilon=("convention=pytorch",),
        shadow_renorm=("shadow=true", "norm=renorm"),
    )
    for update in ("first", "sequential", "average", "total"):
        arms[f"ghosts-{update}"] = (*FOUR_GHOSTS, f"ghost_update={update}", "shadow=true")
    return arms


EVERYTHING: Settings = (
    *MEASURED,
    *("norm=renorm", "optimizer=adam", "weight_decay=0.01", "dropout=0.2", "partitions=2"),
    *("shadow=true", "norm_batch_size=40", "log_probabilities=true"),
)
"""An arm that draws from every stream and carries every kind of state."""

ARMS: dict[str, Settings] = {
    **_norms(),
    **_sizes_and_ghosts(),
    **_steps(),
    **_averages(),
    "everything": EVERYTHING,
    "everything-double": (*EVERYTHING, "dtype=float64"),
    "ghost-noise": (*MEASURED, "norm=ghost-noise"),
    "drawn-ghost-noise": (*MEASURED, "norm=drawn-ghost-noise"),
    "drawn-ghost-noise-double": (*MEASURED, "norm=drawn-ghost-noise", "dtype=float64"),
}

CHECKPOINTED = {
    "batch": 7,
    "none": 6,
    "renorm": 9,
    "shift-and-scale-noise": 7,
    "decoupled-adam": 7,
    "everything": 8,
    "everything-double": 13,
}
"""The arms whose checkpoint is kept, and the step after which it is taken."""
