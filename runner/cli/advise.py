"""`caviar advise`: command-line arguments become a rule, and answers become text."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caviar.model.averages.conventions import Convention
from caviar.runner.cli.convention_names import rows_named, same_rule_named
from caviar.runner.cli.conventions import KEEP, SECOND
from caviar.runner.errors import RequestError

if TYPE_CHECKING:
    from caviar.analysis.theory.advise import Advice
    from caviar.analysis.theory.question import Question


@dataclass(frozen=True)
class Setup:
    """How many values share one mean: examples on devices, positions of a convolution.

    `batch_size` and `per_device` both are the examples of one device; one of them is given. Raises
    RequestError with a sentence where they do not fit.
    """

    batch_size: int | None = None
    per_device: int | None = None
    devices: int = 1
    sync: bool = False
    accumulate: int = 1
    positions: int = 1
    effective_positions: float | None = None

    def __post_init__(self) -> None:
        if (self.batch_size is None) == (self.per_device is None):
            raise RequestError(
                "say how many examples share one mean: --batch-size 32, or --per-device 4 "
                "--devices 8 (and --sync where devices share it)"
            )
        if self.sync and self.devices == 1:
            raise RequestError("--sync shares a mean between devices; add --devices 8")
        if self.sync and self.per_device is None:
            raise RequestError("with --sync say how many examples each device has: --per-device 4")
        if self.accumulate < 1:
            raise RequestError(f"--accumulate counts batches, 1 or more; got {self.accumulate}")
        if self.effective_positions is not None and self.positions == 1:
            raise RequestError("--effective-positions says what --positions are worth; add them")

    @property
    def on_one_device(self) -> int:
        """Examples of one batch on one device."""
        return self.per_device if self.batch_size is None else self.batch_size  # type: ignore[return-value]

    @property
    def norm_batch_size(self) -> int:
        """Examples that share one mean; accumulation does not enlarge it."""
        return self.on_one_device * (self.devices if self.sync else 1)

    def fields(self) -> dict[str, Any]:
        """The fields of a question to theory that it decides."""
        return {
            "norm_batch_size": self.norm_batch_size,
            "devices": 1 if self.sync else self.devices,
            "positions": self.positions,
            "effective_positions": self.effective_positions,
        }


def rule_of(name: str, decay: float | None) -> tuple[Convention, float]:
    """The convention that a name means, the likeliest of those that average alike, and the given
    decay or else its own.

    Raises RequestError for a name that means none or several that differ, for a rule without a
    decay of its own if none is given, and for a given decay if the rule has none.
    """
    row = same_rule_named(name)[0]
    if not row.uses_decay:
        if decay is not None:
            raise RequestError(f"convention {row.name!r} has no decay; leave --decay out")
        return row, 0.0
    chosen = row.decay if decay is None else decay
    if chosen is None:
        raise RequestError(f"convention {row.name!r} has no decay of its own; add --decay 0.99")
    return row, chosen


def head(setup: Setup, asked: dict[str, Any]) -> tuple[str, ...]:
    """What was asked, a sentence each; what is unknown about positions comes first."""
    return (*_worth(setup), _asked(setup, asked))


def _worth(setup: Setup) -> tuple[str, ...]:
    if setup.positions == 1:
        return ()
    m, positions = setup.norm_batch_size, setup.positions
    over = f"Each mean is over {m:,} example{'s' * (m > 1)} x {positions:,} positions, worth "
    if setup.effective_positions is not None:
        return (f"{over}{m * setup.effective_positions:,.4g} independent values.",)
    return (
        f"{over}{m:,} independent values if all positions of an example are alike, "
        f"{m * positions:,} if they are independent. Numbers are given for both ends; to know "
        "where between you are, add --effective-positions: a channel's variance over the variance "
        "of its means per image.",
    )


def _asked(setup: Setup, asked: dict[str, Any]) -> str:
    steps, examples = asked["steps"], asked["dataset_size"]
    updates = "update" if steps == 1 else "updates"
    when = "in the long run" if isinf(steps) else f"after {steps:,} {updates}"
    drawn = (
        "independent batches" if isinf(examples) else f"shuffled epochs of {examples:,} examples"
    )
    kurtosis = asked["excess_kurtosis"]
    law = f"inputs of excess kurtosis {kurtosis:.3g}" if kurtosis else "normal inputs"
    return (
        f"Batches of {_batch(setup)}, {when}, {drawn}, {law}. Sigma is their standard deviation "
        "over all examples."
    )


def _batch(setup: Setup) -> str:
    words = f"{setup.norm_batch_size:,}"
    if setup.sync:
        words += f" ({setup.on_one_device:,} on each of {setup.devices:,} devices, shared)"
    elif setup.devices > 1:
        words += f" on each of {setup.devices:,} devices, not shared"
    if setup.accumulate > 1:
        words += (
            f" (accumulating {setup.accumulate:,} does not enlarge them: it updates the averages "
            f"{setup.accumulate:,} times per weight update)"
        )
    return words


def rule_in_words(
    row: Convention, decay: float, setting: str, alike: tuple[Convention, ...] = ()
) -> str:
    """How the rule averages, and where that is known from; `setting` is the framework's decay.

    `alike` are other rows that the name may mean, which average in the same way.
    """
    kept = f"average <- k average + (1 - k) batch's value, with k = {KEEP[row.keep]}"
    if row.uses_decay:
        kept += f" and {'T' if row.keep == 'time_constant' else 'd'} = {decay:.12g}"
    origin = ""
    if row.version:
        how = "reproduces recorded numbers of" if row.verified else "was read from the source of"
        origin = f" This row {how} the framework, {row.version}."
    told = f" ({setting})" if row.uses_decay else ""
    same = f" {' and '.join(one.name for one in alike)} averages in the same way." if alike else ""
    return (
        f"Rule {row.name}{told}: {kept}; the variance enters as {SECOND[row.second]}.{origin}{same}"
    )


def finite(value: Any) -> Any:
    """The same values for JSON, which has neither infinity nor NaN: they become null."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def inputs(excess_kurtosis: float, mean: float, variance: float) -> dict[str, float]:
    """The fields of a question about the law of batch norm's inputs."""
    return {"excess_kurtosis": excess_kurtosis, "input_mean": mean, "input_variance": variance}


def fields_of(
    row: Convention,
    decay: float,
    setup: Setup,
    steps: float | None,
    dataset_size: float | None,
    law: dict[str, float],
) -> dict[str, Any]:
    """The fields of the question to theory; `steps` and `dataset_size` are infinite by default.

    `steps` counts updates of weights, the question updates of the averages. `law` holds what is
    known of the inputs.
    """
    return {
        **setup.fields(),
        **law,
        "decay": decay,
        "keep": row.keep,
        "second": row.second,
        "epsilon": row.epsilon,
        "steps": inf if steps is None else steps * setup.accumulate,
        "dataset_size": inf if dataset_size is None else dataset_size,
        "initial_mean": row.initial_mean,
        "initial_second": row.initial_second,
    }


def rules_between(
    source: str | None, target: str | None
) -> tuple[tuple[Convention, ...], tuple[Convention, ...]]:
    """The rows that the two names of a translation may mean; raises RequestError if one lacks."""
    if source is None:
        raise RequestError(
            f"--to {target} without --from: name the framework whose settings are translated, "
            f"such as --from {_another_than(target)}"
        )
    if target is None:
        raise RequestError(
            f"--from {source} without --to: for advice on {source} write --convention {source}; "
            f"to translate its settings, name where to, such as --to {_another_than(source)}"
        )
    return rows_named(source), rows_named(target)


def _another_than(name: str | None) -> str:
    return "keras" if name is not None and "torch" in name.lower() else "pytorch"


def advised(asked: Any, plot: Path | None, everything: bool, as_json: bool) -> str:
    """The answer to the arguments of `caviar advise`, as text or JSON; `plot` is drawn."""
    import json
    from dataclasses import asdict

    from caviar.analysis.theory.advice.framework_words import setting, words_of
    from caviar.analysis.theory.advice.text import text
    from caviar.analysis.theory.advise import advise as answer
    from caviar.analysis.theory.question import Question

    convention, decay, setup, *rest = asked
    row, chosen = rule_of(convention, decay)
    words = words_of(row.name)
    try:
        question = Question(**fields_of(row, chosen, setup, *rest))
        advice = answer(question, words)
        drawn = _drawn(advice, question, plot) if plot else ""
    except ValueError as error:
        raise RequestError(str(error)) from None
    fields = asdict(question)
    if as_json:
        told = {"convention": row.name, "setup": asdict(setup), "question": fields}
        told |= asdict(advice)
        return json.dumps(finite(told), indent=1)
    rule = rule_in_words(row, chosen, setting(question, words), same_rule_named(convention)[1:])
    return text(head(setup, fields), advice, rule, everything) + drawn


def _drawn(advice: Advice, question: Question, plot: Path) -> str:
    from caviar.analysis.figures.advice import advice_against_size
    from caviar.analysis.report.figure_files import write_figure
    from caviar.analysis.theory.advice.curve import in_words
    from caviar.analysis.theory.advice.text import wrapped

    try:
        write_figure(plot, lambda: advice_against_size(advice.curve, question.norm_batch_size))
    except OSError as error:
        raise RequestError(f"--plot {plot} cannot be written: {error.strerror}") from None
    return f"\n\n{wrapped(f'{plot}: {in_words(advice.curve, question)}')}"


def translated(
    source: str | None,
    target: str | None,
    decay: float | None,
    arguments: tuple[Any, ...],
    as_json: bool,
) -> str:
    """One framework's batch norm in the settings of another, as text or JSON.

    `arguments` are those of a `Setup`, which may say how many examples share one mean.
    """
    import json
    from dataclasses import asdict, fields

    from caviar.analysis.theory.advice.differences import Rule
    from caviar.analysis.theory.advice.translation import text, translate_any

    sources, targets = (
        [Rule(*(getattr(row, name) for name in Rule.__match_args__)) for row in rows]
        for rows in rules_between(source, target)
    )
    nothing_said = arguments == tuple(field.default for field in fields(Setup))
    setup = None if nothing_said else Setup(*arguments)
    m, positions = (setup.norm_batch_size, setup.positions) if setup else (None, 1)
    try:
        first, *others = translate_any(sources, targets, decay, m, positions)
    except ValueError as error:
        raise RequestError(f"--from {source} --to {target}: {error}") from None
    return json.dumps(asdict(first), indent=1) if as_json else text(first, others)
