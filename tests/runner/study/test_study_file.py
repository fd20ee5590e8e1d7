"""From a study file to its trials."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.averages.frameworks import ALL
from caviar.runner.config import TrialConfig
from caviar.runner.errors import RequestError
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import QUICKSTART, Budget, read_study
from tests.runner.helpers import TINY, plan_of

STUDIES = Path(__file__).resolve().parents[3] / "studies"
RATES = 'learning_rate={ scale = "log_uniform", low = 0.01, high = 0.3 }'


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
    """A discrete range has fewer points than draws: each is one trial, the first time it comes."""
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


CHANGES: dict[str, Any] = {
    "learning_rate": 0.123,
    "norm_batch_size": 8,
    "hidden": (7,),
    "steps": 99,
    "seeds": (0, 1, 2),
    "dtype": "float64",
    "decays": (0.5,),
    "curve_rows": 4,
    "epsilon": 1e-4,
}


@pytest.mark.parametrize("field", CHANGES)
def test_the_identity_of_a_trial_is_its_content(field: str) -> None:
    config = plan_of(*TINY).trials[0]
    assert config.model_copy(update={field: CHANGES[field]}).trial_id != config.trial_id


def test_the_number_of_the_draw_is_not_part_of_the_identity() -> None:
    config = plan_of(*TINY).trials[0]
    assert config.model_copy(update={"draw": 5}).trial_id == config.trial_id


def test_an_identity_survives_a_round_trip() -> None:
    config = plan_of(*TINY).trials[0]
    assert TrialConfig(**config.model_dump(mode="json")).trial_id == config.trial_id
    assert len(config.trial_id) == 12 and set(config.trial_id) <= set("0123456789abcdef")


def test_where_the_data_lie_is_not_part_of_the_identity(tmp_path: Path) -> None:
    found = []
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(
            "a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(60))
        )
        data = f'dataset={{ path = "{tmp_path / name}", label = "y" }}'
        plan = plan_of(*TINY, data)
        found.append((plan.hash(), [config.trial_id for config in plan.trials]))
    assert found[0] == found[1]


def test_other_data_in_the_same_place_are_another_study(tmp_path: Path) -> None:
    found = []
    for last in (1, 2):
        text = "a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(60))
        (tmp_path / "d.csv").write_text(text + f"{last},0,1\n")
        found.append(plan_of(*TINY, f'dataset={{ path = "{tmp_path}/d.csv", label = "y" }}'))
    assert found[0].hash() != found[1].hash()
    assert found[0].trials[0].trial_id != found[1].trials[0].trial_id


def test_defaults_are_part_of_the_hash_and_saying_them_changes_nothing() -> None:
    assert plan_of(*TINY).hash() == plan_of(*TINY, "activation=relu", "epsilon=1e-5").hash()
    assert plan_of(*TINY).hash() != plan_of(*TINY, "activation=tanh").hash()


def test_the_norm_batch_is_the_whole_batch_by_default() -> None:
    plan = plan_of(
        "dataset=wine", "scientific={}", "fixed={}", "scientific.batch_size=[8, 16]", trials=2
    )
    assert [(c.batch_size, c.norm_batch_size) for c in plan.trials] == [(8, 8), (16, 16)]


def test_a_convention_brings_its_epsilon_and_is_tracked() -> None:
    plan = plan_of(*TINY, "scientific.convention=['keras-3', 'torch7']", "conventions=[]", trials=4)
    seen = {(c.convention, c.epsilon, c.conventions) for c in plan.trials}
    assert seen == {(name, ALL[name].epsilon, (name,)) for name in ("keras-3", "torch7")}
    assert {c.epsilon for c in plan_of(*TINY, "epsilon=0.25").trials} == {0.25}
    assert {c.epsilon for c in plan_of(*TINY).trials} == {1e-5}


def test_probe_sizes_above_the_training_split_are_left_out() -> None:
    plan = plan_of(*TINY, "probe_batch_sizes=[4, 96, 97, 256]")
    assert plan.trials[0].probe_batch_sizes == (4, 96)


def test_seeds_count_from_the_seed_of_the_study() -> None:
    plan = plan_of(*TINY, "seed=40", "replicas=3")
    assert {config.seeds for config in plan.trials} == {(40, 41, 42)}


@pytest.mark.parametrize(("budget", "steps"), [("{ epochs = 3 }", 18), ("{ steps = 7 }", 7)])
def test_a_budget_in_epochs_or_steps(budget: str, steps: int) -> None:
    assert {c.steps for c in plan_of(*TINY, f"budget={budget}").trials} == {steps}
    assert Budget(epochs=3).steps_for(6) == 18


STUDY = """
name = "here"
dataset = {{ path = "{path}", label = "y" }}
[fixed]
hidden = [4]
batch_size = 4
"""


def test_paths_in_a_file_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "studies").mkdir()
    (tmp_path / "s.toml").write_text(STUDY.format(path="data/d.csv"))
    (tmp_path / "studies" / "s.toml").write_text(STUDY.format(path="../data/d.csv"))
    monkeypatch.chdir(tmp_path / "data")
    for path in (tmp_path / "s.toml", Path("../studies/s.toml")):
        assert read_study(path).dataset.path == str(tmp_path / "data" / "d.csv")


def test_paths_in_settings_are_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "s.toml").write_text(STUDY.format(path="d.csv"))
    monkeypatch.chdir(tmp_path / "here")
    for setting in ("dataset.path=e.csv", 'dataset={ path = "e.csv", label = "y" }'):
        read = read_study(tmp_path / "s.toml", [setting])
        assert read.dataset.path == str(tmp_path / "here" / "e.csv")


@pytest.mark.parametrize(
    "path", [QUICKSTART, *sorted(STUDIES.glob("*.toml"))], ids=lambda p: p.stem
)
def test_every_study_of_the_house_can_be_planned(path: Path) -> None:
    study = read_study(path)
    missing = [p for p in (study.dataset.path, study.dataset.images) if p and not Path(p).exists()]
    if missing:
        pytest.skip(f"{missing[0]} is not on this machine")
    plan = make_plan(study)
    assert study.name == path.stem
    assert len({config.trial_id for config in plan.trials}) == len(plan.trials) >= 5


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("norm_batch_size=8", "norm_batch_size", {8}),
        ("norm_batch_size=[2, 8]", "norm_batch_size", {2, 8}),
        ("learning_rate=0.5", "learning_rate", {0.5}),
        ("learning_rate={ scale = 'choice', values = [0.25] }", "learning_rate", {0.25}),
        ("activation=tanh", "activation", {"tanh"}),
        ('activation="tanh"', "activation", {"tanh"}),
        ("fixed.activation=tanh", "activation", {"tanh"}),
        ("hidden=[3, 4]", "hidden", {(3, 4)}),
        (" hidden = [3] ", "hidden", {(3,)}),
        ("replicas=1", "seeds", {(0,)}),
        ("scientific.activation=['relu', 'tanh']", "activation", {"relu", "tanh"}),
    ],
)
def test_a_setting_changes_the_field_where_the_study_has_it(
    setting: str, field: str, value: set[Any]
) -> None:
    plan = plan_of(*TINY, RATES, setting)
    assert {getattr(config, field) for config in plan.trials} == value


@settings(deadline=None, max_examples=20)
@given(text=st.text(max_size=20))
def test_any_setting_is_understood_or_refused(text: str) -> None:
    for setting in (text, f"name={text}", f"hidden={text}", f"{text}=1"):
        try:
            read_study(None, [setting])
        except RequestError as error:
            assert str(error)
