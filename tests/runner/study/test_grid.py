"""Studies of millions of trials: planned without laying them out, or refused at once."""

from __future__ import annotations

import itertools
import pickle
import resource
import subprocess
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.runner.cli.dry_run import describe
from caviar.runner.errors import RequestError
from caviar.runner.study.bench import Bench
from caviar.runner.study.distributions import Uniform
from caviar.runner.study.grid import Layout
from caviar.runner.study.plan import EXACT, Plan
from caviar.runner.study.sampling import Sampler, draw, points
from caviar.runner.study.study_file import read_study
from tests.runner.helpers import TINY, command, data_of, plan_of, settings_of

MANY_DRAWS = "draws.count=500_000"
RATES = 'learning_rate={ scale = "log_uniform", low = 0.01, high = 0.3 }'
TENTHS = "dropout=[" + ", ".join(str(i / 1000) for i in range(500)) + "]"
DECAYS = "weight_decay=[" + ", ".join(str(i / 1000) for i in range(1000)) + "]"
MANY_LEVELS = (f"scientific.{TENTHS}", f"scientific.{DECAYS}", "draws.count=1")
BIG: dict[str, tuple[str, ...]] = {"draws": (MANY_DRAWS,), "levels": MANY_LEVELS}


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laying out a whole large plan would take minutes: nothing may ask for it."""

    def trials(plan: Plan) -> Any:
        assert plan.small, "a large plan was laid out"
        return plan.sample

    monkeypatch.setattr(Plan, "trials", property(trials))


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("kind", BIG)
def test_a_million_trials_are_described_from_a_sample(kind: str) -> None:
    plan = plan_of(*TINY, RATES, *BIG[kind])
    assert (plan.most, plan.small) == (1_000_000, False)
    text = describe(plan)
    assert text.splitlines()[0].endswith(": at most 1,000,000 trials of 2 seeds")
    assert f"sample: {len(plan.sample):,} trials were laid out and checked" in text
    assert len(text) < 10_000 and len(plan.sample) <= EXACT


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("kind", BIG)
def test_memory_does_not_grow_with_the_number_of_trials(kind: str) -> None:
    def peak(settings: tuple[str, ...]) -> int:
        study = read_study(None, (*TINY, RATES, *settings))
        tracemalloc.start()
        for _ in Layout(study, study.draws.count).spread(EXACT):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(BIG[kind])
    few = {"draws": ("draws.count=2000",), "levels": (f"scientific.{DECAYS}",)}[kind]
    assert peak(BIG[kind]) < 2 * peak(few) < 4_000_000


def test_the_sample_has_every_level_at_the_first_draws() -> None:
    plan = plan_of(*TINY, RATES, MANY_DRAWS)
    seen = [(trial.draw, trial.norm_batch_size) for trial in plan.sample]
    assert seen == list(itertools.product(range(EXACT // 2), (4, 16)))
    assert "every level at the first 500 draws" in describe(plan)


def test_the_sample_has_every_value_of_every_crossed_field_where_they_are_few() -> None:
    ten = "weight_decay=[" + ", ".join(str(i / 100) for i in range(10)) + "]"
    many = "momentum=[" + ", ".join(str(i / 500) for i in range(480)) + "]"
    plan = plan_of(*TINY, RATES, f"scientific.{ten}", f"scientific.{many}", "arms={a={},b={}}")
    assert plan.most == 10 * 480 * 2 * 2 * 2
    for field, values in plan.study.scientific.items():
        assert {getattr(trial, field) for trial in plan.sample} == set(values)
    assert {trial.arm for trial in plan.sample} == {"a", "b"}
    together = {t.weight_decay for t in plan.sample if t.momentum > 0.5 and t.draw == 1}
    assert len(together) == 10


def test_a_wrong_value_deep_in_a_crossing_is_found_before_the_run() -> None:
    with pytest.raises(RequestError, match=r"momentum: must be less than 1; got 1.5 \(at .*1.5"):
        momenta = "momentum=[" + ", ".join(str(i / 1000) for i in range(200)) + ", 1.5, 0.9]"
        plan_of(*TINY, f"scientific.{TENTHS}", f"scientific.{momenta}")


def test_a_large_plan_lays_out_the_same_trials_as_a_small_one() -> None:
    """The order, the numbers of draws and what is left out as a repetition."""
    rates = "learning_rate={ scale = 'choice', values = [0.1, 0.2, 0.3] }"
    for settings in ((RATES, "draws.count=20"), (rates, "draws.count=30"), ("draws.count=3",)):
        small = plan_of(*TINY, *settings)
        large = replace(small, small=False, sample=())
        assert large.trials == small.trials
        assert [t.draw for t in large.trials] == [t.draw for t in small.trials]
        assert replace(large, limit=3).trials == small.trials[:3]
        assert len(small.trials) <= large.most


def test_the_first_trials_of_a_large_plan_are_laid_out_alone() -> None:
    few = plan_of(*TINY, RATES, MANY_DRAWS, trials=7)
    assert few.small and len(few.trials) == few.most == 7
    crossed = plan_of(*TINY, RATES, *MANY_LEVELS, trials=5)
    assert [t.weight_decay for t in crossed.trials] == [0.0, 0.001, 0.002, 0.003, 0.004]


def test_a_discrete_space_is_drawn_until_every_point_was_there() -> None:
    """Six trials, however many draws: neither time nor the count may grow with them."""
    rates = "learning_rate={ scale = 'choice', values = [0.1, 0.2, 0.3, 0.1] }"
    plan = plan_of(*TINY, rates, "draws.count=10_000_000")
    assert plan.small and plan.most == len(plan.trials) == 6
    alone = plan_of("dataset=wine", "batch_size=16", "norm_batch_size=8", "nuisance={}", MANY_DRAWS)
    assert len(alone.trials) == 1


def test_an_arm_that_fixes_a_crossed_field_is_counted_once_or_said_to_be_at_most() -> None:
    arms = "arms={ all = {}, one = { norm_batch_size = 16 } }"
    assert plan_of(*TINY, RATES, arms, "draws.count=100").most == 300 - 100
    large = plan_of(*TINY, RATES, arms, "draws.count=1000")
    assert large.most == 4000 and len(large.trials) == 2000 < large.most
    assert "at most 4,000 trials" in describe(large)


@pytest.mark.parametrize("sampler", ["random", "sobol", "halton"])
def test_points_in_blocks_are_the_points_at_once(sampler: Sampler) -> None:
    from scipy.stats import qmc

    space: Any = {"a": Uniform(0.0, 1.0), "b": Uniform(0.0, 1.0)}
    found = draw(space, 2500, sampler, 3)
    assert found == list(itertools.islice(points(space, sampler, 3), 2500))
    if sampler != "random":
        kind = qmc.Sobol if sampler == "sobol" else qmc.Halton
        whole = kind(2, scramble=True, rng=np.random.default_rng(3)).random(4096)[:2500]
        assert [list(point.values()) for point in found] == whole.tolist()


def test_a_trial_is_small_and_knows_its_name() -> None:
    """A trial of a plan; with seeds of its own it would be larger by 2.4 KB here."""
    plan = plan_of(*TINY, RATES, "replicas=300", "draws.count=510")
    tracemalloc.start()
    trials = plan.trials
    bytes_a_trial = tracemalloc.get_traced_memory()[0] / len(trials)
    tracemalloc.stop()
    assert not plan.small and bytes_a_trial < 2000
    again = pickle.loads(pickle.dumps(trials[0]))
    assert (again, again.trial_id) == (trials[0], trials[0].trial_id)
    other = trials[0].model_copy(update={"steps": 99})
    assert other.trial_id != trials[0].trial_id and other != trials[0]


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "draws": (("draws.count=1_000_000_000_000",), "draws.count: must be .* 10000000; got 1000000"),
    "product": (
        (RATES, "draws.count=9_000_000"),
        "2 levels at 9,000,000 draws are 18,000,000 trials, above the 10,000,000",
    ),
    "crossing": (
        (*MANY_LEVELS, f"scientific.decay={TENTHS.partition('=')[2]}"),
        "500,000,000 levels at 1 draws are 500,000,000 trials",
    ),
    "replicas": (("replicas=1_000_000_000",), "replicas: must be less than or equal to 10000; got"),
    "width": (("hidden=[1_000_000_000]",), "hidden.0: must be less than or equal to 100000; got"),
    "weights": (("hidden=[90_000, 90_000]",), "are 16,202,880,000 weights over the 2 seeds"),
    "layers": ((f"hidden={[4] * 101}",), "hidden: must have at most 100 items"),
    "steps": (("budget={ steps = 1_000_000_000_000_000_000 }",), "budget.steps: must be less than"),
    "epochs": (("budget={ epochs = 900_000_000 }",), "steps: must be less than or .* 1000000000;"),
    "evaluations": (("evaluations=1_000_000",), "evaluations: must be less than or equal to 1000"),
    "rows": (("curve_rows=1_000_000_000",), "curve_rows: must be less than or equal to 100000"),
    "partitions": (("partitions=1_000_000",), "partitions: must be less than or equal to 1000"),
    "batch": (("norm=layer", f"norm_batch_size={10**30}"), "norm_batch_size"),
    "seed": ((f"seed={2**63}",), "seed: must be less than or equal to 4611686018427387904"),
    "beyond every int": ((f"seed=0x{'f' * 50_000}",), "got an integer of more than 40 digits"),
    "digits": ((f"replicas=1{'0' * 5000}",), "replicas"),
    "float": (("learning_rate=1e400",), "learning_rate: must be a finite number; got inf"),
    "int for float": ((f"learning_rate=1{'0' * 400}",), "learning_rate"),
    "nan": (("momentum=nan",), "momentum: must be .*; got nan"),
    "negative": (("weight_decay=-0.1",), "weight_decay: must be greater than or equal to 0"),
    "data": (('dataset={ name = "wine", train = 0xffffffffffffffff }',), "dataset.train"),
    "name": ((f"name={'n' * 5000}",), "name: must have at most 100 characters"),
    "nesting": ((f"hidden={'[' * 5000}",), "hidden"),
    "nested": ((f"hidden={'[' * 90}1{']' * 90}",), "hidden.0: must be a valid integer; got"),
    "dotted": ((f"scientific.{'decay.' * 3000}x=1",), "scientific.decay: expected a list of"),
    "leave-one-out": (
        ("norm=leave-one-out", "norm_batch_size=[2, 4]"),
        "norm_batch_size of 3 or more; got 2",
    ),
    "default size": (
        ("norm=leave-one-out", "batch_size=2", "scientific={}", "probe_batch_sizes=[2]"),
        "norm_batch_size of 3 or more; got 2",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_absurd_number_is_refused_in_one_short_sentence(case: str) -> None:
    settings, words = REFUSED[case]
    with pytest.raises(RequestError, match=words) as caught:
        plan_of(*TINY, *settings)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1100


def test_the_splits_of_all_seeds_must_fit() -> None:
    """Ten thousand seeds that each permute a hundred thousand examples: 8 GB."""
    study = read_study(None, (*TINY, 'dataset={ name = "x" }', "replicas=10_000"))
    data = data_of(np.zeros((100_001, 1)), [0, 1] * 50_000 + [0])
    (position, *_) = Layout(study, 1)
    with pytest.raises(RequestError, match="10000 seeds that each split 100,001 examples"):
        Bench.of(study, data).trial(position)


def text_of(levels: str) -> str:
    return f'name = "s"\ndataset = "wine"\n[scientific]\nnorm_batch_size = {levels}\n'


FILES: dict[str, tuple[Callable[[], str], str]] = {
    "ten megabytes": (lambda: "#" * 10_000_000, "10,000,000 bytes, above the 1,000,000"),
    "a million levels": (lambda: text_of(str(list(range(10**6)))), "bytes, above the 1,000,000"),
    "levels": (lambda: text_of(str([*range(2, 100_000), 7])), "a level stands twice"),
    "brackets": (lambda: text_of("[" * 900_000), "nested too deeply"),
    "tables": (lambda: text_of("{a=" * 300_000), "s.toml"),
    "dots": (lambda: ".".join("a" * 400_000), "a key of more than"),
    "header": (lambda: f"[{'.'.join('a' * 400_000)}]", "a key of more than"),
    "escaped dots": (lambda: r'"\"".' * 100_000 + "a = 1", "a key of more than"),
    "one long word": (lambda: "a" * 900_000, "s.toml is not valid TOML"),
    "quoted dots": (lambda: '"a" . ' * 100_000 + "a = 1", "a key of more than"),
}


@pytest.mark.parametrize("case", FILES)
def test_an_absurd_file_is_refused_in_one_short_sentence(case: str, tmp_path: Path) -> None:
    content, words = FILES[case]
    (tmp_path / "s.toml").write_text(content())
    with pytest.raises(RequestError, match=words) as caught:
        plan_of(study=tmp_path / "s.toml")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1100


def test_the_real_program_needs_no_more_memory_for_a_million_trials(tmp_path: Path) -> None:
    """An address space that a million trials would not fit into, nor their points."""
    words = command("run", "--dry-run", *settings_of((*TINY, RATES, MANY_DRAWS)))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (900_000_000, 900_000_000))

    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=limited
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "at most 1,000,000 trials" in done.stdout
    assert not list(tmp_path.iterdir())
