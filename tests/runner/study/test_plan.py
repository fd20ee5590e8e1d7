"""From a study to its trials: each once, in order, whatever their number."""

from __future__ import annotations

import hashlib
import itertools
import pickle
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.cli.dry_run import describe
from caviar.runner.errors import RequestError
from caviar.runner.study.plan import EXACT, make_plan
from caviar.runner.study.study_file import QUICKSTART, read_study
from tests.runner.helpers import TINY, plan_of
from tests.runner.large_studies import MANY_DRAWS, MANY_LEVELS, RATES, TENTHS

STUDIES = Path(__file__).resolve().parents[3] / "studies"


def ids(*settings: str, **options: Any) -> list[str]:
    return [config.trial_id for config in plan_of(*TINY, *settings, **options).trials]


def test_the_same_points_for_every_level() -> None:
    points = defaultdict(set)
    for config in plan_of(
        *TINY, "draws.count=5", "nuisance.momentum={scale='uniform',low=0.1,high=0.9}"
    ).trials:
        points[config.norm_batch_size].add((config.learning_rate, config.momentum))
    assert len(points[4]) == 5
    assert points[4] == points[16]


def test_levels_are_fully_crossed() -> None:
    plan = plan_of(*TINY, "scientific.dropout=[0.0, 0.1, 0.2]", "draws.count=2")
    crossed = Counter((config.norm_batch_size, config.dropout) for config in plan.trials)
    assert crossed == Counter({(m, d): 2 for m in (4, 16) for d in (0.0, 0.1, 0.2)})


def test_trials_go_draw_by_draw() -> None:
    plan = plan_of(*TINY, "draws.count=3")
    order = [(config.draw, config.norm_batch_size) for config in plan.trials]
    assert order == [(0, 4), (0, 16), (1, 4), (1, 16), (2, 4), (2, 16)]


@pytest.mark.parametrize("sampler", ["random", "sobol", "halton"])
def test_a_study_that_grows_keeps_its_first_trials(sampler: str) -> None:
    few = ids(f"draws.sampler={sampler}", "draws.count=2")
    many = ids(f"draws.sampler={sampler}", "draws.count=5")
    assert many[: len(few)] == few
    assert len(set(many)) == len(many) == 10


def test_a_grown_study_is_the_same_study() -> None:
    few, many = (plan_of(*TINY, f"draws.count={n}") for n in (2, 5))
    assert few.hash() == many.hash()
    assert few.identity() == many.identity()


def test_trials_takes_the_first_so_many() -> None:
    assert ids(trials=3) == ids()[:3]
    assert ids(trials=7) == ids("draws.count=4")[:7]


def test_no_trial_stands_twice_in_a_plan() -> None:
    """A discrete range has fewer points than draws: each is one trial, at its first draw."""
    rates = "learning_rate={ scale = 'choice', values = [0.1, 0.2, 0.3] }"
    plans = [plan_of(*TINY, rates, f"draws.count={count}") for count in range(1, 20)]
    for few, many in itertools.pairwise(plans):
        assert many.trials[: len(few.trials)] == few.trials
    assert {(c.learning_rate, c.norm_batch_size) for c in plans[-1].trials} == {
        (rate, m) for rate in (0.1, 0.2, 0.3) for m in (4, 16)
    }
    assert len(plans[-1].trials) == 6


def test_without_levels_everything_is_drawn() -> None:
    plan = plan_of("dataset=wine", "batch_size=16", "norm_batch_size=8", "draws.count=6")
    assert len({config.learning_rate for config in plan.trials}) == 6


def test_where_the_data_lie_is_not_part_of_the_identity(tmp_path: Path) -> None:
    identities = []
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(
            "a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(60))
        )
        data = f'dataset={{ path = "{tmp_path / name}", label = "y" }}'
        plan = plan_of(*TINY, data)
        identities.append((plan.hash(), [config.trial_id for config in plan.trials]))
    assert identities[0] == identities[1]


def test_other_data_in_the_same_place_are_another_study(tmp_path: Path) -> None:
    plans = []
    for last in (1, 2):
        text = "a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(60))
        (tmp_path / "d.csv").write_text(text + f"{last},0,1\n")
        plans.append(plan_of(*TINY, f'dataset={{ path = "{tmp_path}/d.csv", label = "y" }}'))
    assert plans[0].hash() != plans[1].hash()
    assert plans[0].trials[0].trial_id != plans[1].trials[0].trial_id


def test_defaults_are_part_of_the_hash_and_saying_them_changes_nothing() -> None:
    assert plan_of(*TINY).hash() == plan_of(*TINY, "activation=relu", "epsilon=1e-5").hash()
    assert plan_of(*TINY).hash() != plan_of(*TINY, "activation=tanh").hash()


PLANNED: dict[str, tuple[int, str, str]] = {
    "quickstart": (28, "7c859b7d19a5", "e9fef63fd491"),
    "batch-size": (60, "4ba8520959ef", "f1c446132838"),
    "frameworks": (8, "f1687395184b", "eeb695eb2905"),
    "ghost-size": (32, "5822770389d8", "e1017c48528a"),
    "ghost-size-mnist": (32, "4266234a06a8", "00cec5eb4aaf"),
    "mechanisms": (308, "ce9edb92e00a", "591e6eba37ec"),
    "depth": (48, "048ed105936a", "7a371961b43e"),
    "naive-batch-size": (28, "2e0b7a97d6a9", "f62a091faf7b"),
    "random-search": (60, "39a27fa68777", "0a12e33b97b2"),
    "references": (108, "3fd26c56ce85", "deee49758837"),
    "running-average": (7, "11cb4f5a75d9", "d6223164c7dc"),
}
"""Trials of each study, its hash, and the hash of its trials' identities in order. Since 2026-11-28
the rates that a study draws go up to 3, so that the best lies inside; the other studies are as
they were before fields without effect were refused. The images are replaced by the digits."""


@pytest.mark.parametrize(
    "path", [QUICKSTART, *sorted(STUDIES.glob("*.toml"))], ids=lambda p: p.stem
)
def test_the_studies_of_the_house_keep_their_identities(path: Path) -> None:
    study = read_study(path, ["dataset=digits"] if read_study(path).dataset.images else [])
    plan = make_plan(study)
    text = "\n".join(sorted(trial.trial_id for trial in plan.trials))
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert (len(plan.trials), plan.hash(), digest) == PLANNED[path.stem]
    assert study.name == path.stem and not plan.repeats.trials


def test_the_sample_has_every_level_at_the_first_draws() -> None:
    plan = plan_of(*TINY, RATES, MANY_DRAWS)
    levels = [(trial.draw, trial.norm_batch_size) for trial in plan.sample]
    assert levels == list(itertools.product(range(EXACT // 2), (4, 16)))
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
    """The order, the draws' numbers, and which positions are left out as repetitions."""
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
    """Six trials for any number of draws: neither time nor the count may grow with it."""
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


def test_a_study_without_label_noise_keeps_its_name_its_trials_and_its_data() -> None:
    plain, zero, noisy = (
        plan_of(*TINY, *more)
        for more in ((), ("dataset.label_noise=0.0",), ("dataset.label_noise=0.2",))
    )
    assert plain.hash() == zero.hash() != noisy.hash()
    assert "label_noise" not in zero.identity()["dataset"]
    assert noisy.identity()["dataset"]["label_noise"] == 0.2
    assert [t.trial_id for t in plain.trials] == [t.trial_id for t in zero.trials]
    assert {t.trial_id for t in noisy.trials}.isdisjoint(t.trial_id for t in plain.trials)
    assert plain.data.fingerprint == zero.data.fingerprint != noisy.data.fingerprint
    assert noisy.trials[0].dataset.fingerprint == noisy.data.fingerprint


@pytest.mark.parametrize("share", ["-0.1", "1.0", "'a fifth'"])
def test_label_noise_that_is_no_share_is_refused(share: str) -> None:
    with pytest.raises(RequestError, match="label_noise"):
        plan_of(*TINY, f"dataset.label_noise={share}")
