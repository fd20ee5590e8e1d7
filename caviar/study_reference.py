"""The page about a study file, from the models that read it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

from caviar.model.norms.kind import NormKind
from caviar.model.norms.registry import NORMS
from caviar.runner.reference.study_fields import PARTS, StudyField, study_fields
from caviar.runner.session.stopping.waves import FIRST
from caviar.runner.study.distributions import RANGES, Choice
from caviar.runner.trial.median_rule import FEWEST

PAGE = """\
# The study file

Generated from the models that read it by `python -m caviar.reference`; a test fails when it is
stale. `caviar fields NAME` prints a row of it, and names the nearest field where there is none.

A study is a TOML file of one page. Only `name` and `dataset` must be given. The fields of a trial
stand in `[fixed]` with one value, in `[scientific]` with a list of values, all combinations of
which are run, or in `[nuisance]` with a range that values are drawn from. A field that no trial
reads is refused, and `caviar run STUDY --dry-run` prints every field with its value.

```toml
{example}
```

Editors complete and check a study whose first line names its JSON Schema
(`#:schema study.schema.json`; Taplo reads it, and editors that use Taplo, such as VS Code with Even
Better TOML). `caviar schema > study.schema.json` writes the schema; the studies of this repository
name `runner/reference/study.schema.json`.

{parts}

## What `norm` may be

{norms}

## What is drawn: scales of `[nuisance]`

{scales}

## What changes during training: `changes`

A trial may change while it trains. Each entry of `changes` names a step, at whose end it takes
effect, and what it does; several at one step apply in their order.

```toml
[arms]
unedited = {{}}
edited = {{ changes = ["400: learning_rate = 0.03", "600: recompute running statistics"] }}
```

- **Set a field**: `learning_rate`, `momentum`, `weight_decay`, `dropout`, `decay`, `schedule` or
  `norm_batch_size`, within the bounds above. `learning_rate` is the rate that `schedule`
  multiplies, so that under a cosine the step after takes less. `norm_batch_size` changes at the
  end of an epoch only. A change that leaves everything as it was is refused.
- **`reset LAYER`** begins a layer anew: the weights of a `dense` layer are drawn again (a draw of
  the seed and the step), gamma and beta of a `norm` layer are 1 and 0, its running averages are at
  their start, and the optimiser remembers nothing of it.
- **`recompute running statistics`** gives every running average the mean and variance of the
  training split at the weights of that step. They go on from there.
- A running average keeps what it has averaged when `decay` changes, and is named by the new decay
  from there on. If `decays` has that decay already, the average of `decay` takes its name and the
  one beside it ends.
- What is measured, and when, is decided by the settings at the start, so that the rows of two arms
  can be paired. The table `trials` lists the changes of each trial; its other columns say how
  training started.
- `changes` stand in `[fixed]` or in an arm; they are neither crossed nor drawn, and set no field
  that is. `caviar report` of a study whose arms differ in them says what they did.

## Trials without a chance: `stop = "median"`

In a random search most trials are known to be bad long before their end. With `stop = "median"`
the first {first} draws train to their end. The next {first} are held against them, the {twice}
after those against all that trained to their end until then, and so on: each wave has as many draws
as all before it. Whenever a trial measures its losses (`evaluations`), it is stopped if its
validation loss, a mean over seeds under population statistics, is above the median of what those
trials had measured by the same share of training. Fewer than {fewest} of them stop nothing.

- **The order in which trials end changes nothing.** A wave begins when the one before has ended, so
  that whether a trial is stopped depends on the study alone: not on the number of workers, on how
  fast they are, or on interruptions. The price is that workers wait at the end of a wave, which is
  much where there are more workers than draws in it. The one exception: a trial that failed or was
  lost is not among those that are compared with; when it is tried again, the trials that were
  stopped meanwhile stay as they are.
- A stopped trial keeps the rows that it has measured, which are those of the whole trial up to
  there. Its outcome is `stopped`. It is counted by `caviar status`, `verify` and the report, and it
  is neither ranked nor compared: a loss half way is not the last one.
- A loss half way is a guess at the last one, and it is unfair to some. High learning rates look bad
  until the schedule lowers them; a search that stops trials finds fewer of them. Nothing is stopped
  by default.
- A study that crosses something is refused, since a level without its worst trials would look
  better than it is. So are further seeds (`--extend`) and trials of another run (`--from`).

The rule is that of Optuna's `MedianPruner`, which compares with the completed trials at the same
step and by default with {fewest} of them or more. Google Vizier's compares with the running average
of each of them up to that step (Golovin et al. 2017). Both judge a trial by its best loss so far;
here it is the present one, because trials are ranked by their last.
"""

EXAMPLE = """\
#:schema study.schema.json
name = "sizes"
dataset = { path = "mine.csv", label = "species" }
replicas = 8                                   # seeds, paired across all trials
budget = { epochs = 30 }
draws = { count = 4, sampler = "sobol" }

[fixed]
hidden = [128, 128]
batch_size = 128

[scientific]
norm_batch_size = [8, 32, 128]

[nuisance]
learning_rate = { scale = "log_uniform", low = 0.01, high = 1.0 }"""

HEAD = ("field", "meaning", "unit", "default", "allowed", "example")


def page() -> str:
    """The content of `docs/study.md`."""
    return PAGE.format(
        example=EXAMPLE,
        parts="\n\n".join(_parts()),
        norms=_norms(),
        scales=_scales(),
        first=FIRST,
        twice=2 * FIRST,
        fewest=FEWEST,
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; bars in cells are escaped."""
    whole = [tuple(head), ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in whole
    )


def first_sentence(text: str) -> str:
    """A docstring's first paragraph on one line."""
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())


def _parts() -> Iterable[str]:
    for part, title in PARTS.items():
        rows = [_row(field) for field in study_fields() if field.part == part]
        yield f"## {title}\n\n{markdown(HEAD, rows)}"


def _row(field: StudyField) -> tuple[str, ...]:
    default = field.default if field.default in ("none", "must be given") else f"`{field.default}`"
    name, allowed = f"`{field.name}`", field.allowed
    return (name, field.says, field.unit, default, allowed, f"`{field.example}`")


def _norms() -> str:
    rows = [(f"`{name}`", _about(kind)) for name, kind in NORMS.items()]
    return markdown(("value", "meaning"), rows)


def _about(kind: NormKind) -> str:
    if kind.normaliser is None:
        return "No norm at all."
    about = first_sentence(kind.normaliser.__doc__ or "")
    if kind.mechanism is None:
        return about
    name, contrast = kind.mechanism
    return f"{about} It shows what {name} does, {contrast}."


def _scales() -> str:
    ends = [
        (f'`{{ scale = "{name}", low = ..., high = ... }}`', first_sentence(law.__doc__ or ""))
        for name, law in RANGES.items()
    ]
    choice = ('`{ scale = "choice", values = [...] }`', first_sentence(Choice.__doc__ or ""))
    return markdown(("scale", "what is drawn"), [*ends, choice])
