"""A table of wrong requests, and the message for each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError, nearest
from tests.runner.helpers import plan_of

GOOD = """
name = "s"
dataset = "wine"
budget = { epochs = 1 }
draws = { count = 2 }
[fixed]
batch_size = 16
[scientific]
norm_batch_size = [4, 16]
[nuisance]
learning_rate = { scale = "log_uniform", low = 0.01, high = 0.1 }
"""
LR = 'learning_rate = { scale = "log_uniform", low = 0.01, high = 0.1 }'

FILES: dict[str, tuple[str, str, str]] = {
    "toml syntax": ("[fixed]", "[fixed", "s.toml is not valid TOML: .*line 6"),
    "duplicated key": ("[fixed]", "[fixed]\nbatch_size = 8", "s.toml is not valid TOML"),
    "unknown table": ("[fixed]", "[fixd]", "unknown key 'fixd' in the study; did you mean 'fixed'"),
    "unknown key": ("budget", "buget", "unknown key 'buget' in the study; did you mean 'budget'"),
    "unknown field": (
        "batch_size = 16\n",
        "batch_sise = 16\n",
        r"unknown key 'batch_sise' in \[fixed\]; did you mean 'batch_size'",
    ),
    "far from any field": (
        "batch_size = 16\n",
        "zzz = 1\n",
        r"unknown key 'zzz' in \[fixed\]; all",
    ),
    "unknown level": (
        "norm_batch_size =",
        "norm_batchsize =",
        r"unknown key 'norm_batchsize' in \[scientific\]; did you mean 'norm_batch_size'",
    ),
    "unknown nuisance": (
        "learning_rate =",
        "learningrate =",
        r"unknown key 'learningrate' in \[nuisance\]; did you mean 'learning_rate'",
    ),
    "unknown budget": ("epochs", "epoch", "unknown key 'epoch' in budget; did you mean 'epochs'"),
    "unknown draws": ("count", "counts", "unknown key 'counts' in draws; did you mean 'count'"),
    "unknown dataset key": (
        '"wine"',
        '{ name = "wine", tarin = 10 }',
        "unknown key 'tarin' in dataset; did you mean 'train'",
    ),
    "field in two tables": (
        "[nuisance]",
        "[nuisance]\nbatch_size = { scale = 'choice', values = [8] }",
        r"'batch_size' appears in both \[fixed\] and \[nuisance\]; keep one",
    ),
    "name missing": ('name = "s"', "", "name is missing"),
    "dataset missing": ('dataset = "wine"', "", "dataset is missing"),
    "name with a slash": ('"s"', '"a/b"', "name: must match .*got 'a/b'"),
    "name that hides": ('"s"', '".s"', "name: must match .*got '.s'"),
    "fixed not a table": (
        "[fixed]\nbatch_size = 16",
        "fixed = 3",
        r"fixed must be a table, \[fixed",
    ),
    "budget twice": ("epochs = 1", "epochs = 1, steps = 2", "budget: give epochs or steps"),
    "budget empty": ("epochs = 1", "", "budget: give epochs or steps"),
    "levels not a list": ("[4, 16]", "4", "scientific.norm_batch_size: expected a list of levels"),
    "levels empty": ("[4, 16]", "[]", "scientific.norm_batch_size: expected a list of levels"),
    "level twice": ("[4, 16]", "[4, 4]", "scientific.norm_batch_size: a level appears twice"),
    "nuisance a number": (LR, "learning_rate = 0.1", "nuisance.learning_rate: expected a table"),
    "no scale": ('scale = "log_uniform", ', "", "nuisance.learning_rate: expected a table"),
    "unknown scale": (
        "log_uniform",
        "loguniform",
        "unknown scale 'loguniform'; did you mean 'log_",
    ),
    "unknown range key": (
        "high",
        "hi",
        "nuisance.learning_rate: unknown key 'hi'; did you mean 'hi",
    ),
    "range key missing": (", high = 0.1", "", "'high' is missing for scale 'log_uniform'"),
    "low above high": ("low = 0.01", "low = 2", "low must be below high; given low 2 and high 0.1"),
    "log through zero": ("low = 0.01", "low = 0", "a log scale cannot pass through zero: low is 0"),
    "bound a string": ("low = 0.01", 'low = "a"', "nuisance.learning_rate: low must be a number"),
    "bound a truth value": ("low = 0.01", "low = true", "low must be a number; got True"),
    "bound infinite": ("high = 0.1", "high = inf", "low and high must be finite"),
    "values not a list": (
        'scale = "log_uniform", low = 0.01, high = 0.1',
        'scale = "choice", values = 3',
        "nuisance.learning_rate: values must be a list; got 3",
    ),
    "drawn below its field": ("low = 0.01", "low = -1", "a log scale cannot pass through zero"),
}
"""The text to replace in a good study, its replacement, and the message."""

SETTINGS: dict[str, tuple[str, str]] = {
    "wrong type": ("hidden=8", "hidden: must be a list; got 8"),
    "wrong item": ('hidden=["a"]', "hidden.0: must be a valid integer; got 'a'"),
    "real for a count": ("batch_size=2.5", "batch_size: must be a valid integer; got 2.5"),
    "truth for a count": ("replicas=true", "replicas: must be a valid integer; got True"),
    "count of zero": ("replicas=0", "replicas: must be greater than or equal to 1; got 0"),
    "negative seed": ("seed=-1", "seed: must be greater than or equal to 0; got -1"),
    "zero rate": ("learning_rate=0.0", "learning_rate: must be greater than 0; got 0"),
    "infinite rate": ("learning_rate=inf", "learning_rate: must be a finite number; got inf"),
    "decay of one": ("momentum=1.0", "momentum: must be less than 1; got 1.0"),
    "unknown word": (
        "optimizer=adamw",
        "optimizer: must be 'sgd', 'momentum' or 'adam'; got 'adamw'",
    ),
    "empty convention": ("convention=", "convention '' is unknown; allowed are"),
    "unknown convention": ('conventions=["mine"]', "convention 'mine' is unknown; allowed are"),
    "no hidden layer": ("hidden=[]", "norm = 'batch' needs at least one hidden layer"),
    "ghosts do not divide": (
        "norm_batch_size=[4, 7]",
        r"norm_batch_size 7 does not divide batch_size 16: 16 / 7 leaves 2 \(at norm_batch_size =",
    ),
    "fixed ghosts do not divide": ("norm_batch_size=6", "6 does not divide batch_size 16"),
    "batch above the split": ("batch_size=128", "batch_size 128 is above the 107 examples of the"),
    "unknown data": ("dataset=wines", "unknown dataset 'wines'; did you mean 'wine'"),
    "a well-known name": ("dataset=Fashion-MNIST", "did you mean 'openml:Fashion-MNIST', which"),
    "two sources": (
        'dataset={ name = "wine", path = "x", label = "y" }',
        "give exactly one of name",
    ),
    "no source": ("dataset={ train = 10 }", "give exactly one of name, path .* given: none"),
    "path alone": ('dataset={ path = "x.csv" }', "path and label go together; give both"),
    "images alone": ('dataset={ images = "x" }', "images and labels go together; give both"),
    "no file": ('dataset={ path = "no.csv", label = "y" }', "there is no file '.*no.csv'"),
    "too many": (
        'dataset={ name = "wine", train = 170, validation = 20 }',
        "170 train, 20 validation and 0 test examples do not fit into 178",
    ),
    "test too large": (
        'dataset={ name = "wine", train = 100, validation = 20, test = 70 }',
        "100 train, 20 validation and 70 test examples do not fit into 178",
    ),
    "empty split": (
        'dataset={ name = "wine", train = 100, validation = 0.001 }',
        "100 train, 0 validation and 78 test .* each split needs at least one",
    ),
    "share above one": ('dataset={ name = "wine", train = 1.5 }', "dataset.train.*; got 1.5"),
    "unknown scaling": (
        'dataset={ name = "wine", scaling = "no" }',
        "dataset.scaling: must be 'each'",
    ),
    "unknown sampler": (
        "draws.sampler=grid",
        "draws.sampler: must be 'random', 'sobol' or 'halton'",
    ),
    "no draws": ("draws.count=0", "draws.count: must be greater than or equal to 1; got 0"),
    "no equals sign": ("replicas", "--set expects key=value; got 'replicas'"),
    "no key": ("=3", "--set expects key=value; got '=3'"),
    "unknown setting": ("replica=3", "--set: unknown key 'replica'; did you mean 'replicas'"),
    "unknown inner setting": (
        "budget.epoch=3",
        "unknown key 'epoch' in budget; did you mean 'epochs'",
    ),
    "inside a value": (
        "name.count=3",
        "--set name.count: 'name' is a value, not a table",
    ),
}


def refusal(path: Path, *settings: str) -> str:
    with pytest.raises(RequestError) as caught:
        plan_of(*settings, study=path)
    message = str(caught.value)
    assert message and "\n" not in message
    return message


def study(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in GOOD
    path = folder / "s.toml"
    path.write_text(GOOD.replace(old, new, 1) if old else GOOD)
    return path


def test_the_good_study_is_good(tmp_path: Path) -> None:
    assert len(plan_of(study=study(tmp_path)).trials) == 4


@pytest.mark.parametrize("case", FILES)
def test_a_wrong_file_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    old, new, message = FILES[case]
    assert re.search(message, refusal(study(tmp_path, old, new)))


@pytest.mark.parametrize("case", SETTINGS)
def test_a_wrong_setting_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    setting, message = SETTINGS[case]
    assert re.search(message, refusal(study(tmp_path), setting))


def test_a_missing_study_is_named(tmp_path: Path) -> None:
    assert "cannot read the study file" in refusal(tmp_path / "none.toml")
    assert "cannot read the study file" in refusal(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe\x00")
    assert "s.toml is not valid TOML" in refusal(tmp_path / "s.toml")


def test_a_drawn_value_is_checked_as_a_fixed_one_is(tmp_path: Path) -> None:
    path = study(
        tmp_path, "[nuisance]", '[nuisance]\nmomentum = { scale = "uniform", low = 2, high = 3 }'
    )
    assert re.search(r"momentum: must be less than 1; got 2\.\d+ \(at .*momentum = ", refusal(path))


@pytest.mark.parametrize("setting", ["fixed=3", "scientific=3", "nuisance=3"])
def test_a_table_set_to_a_number_is_refused(setting: str, tmp_path: Path) -> None:
    assert "must be a table" in refusal(study(tmp_path), setting, "hidden=[8]")


def test_a_bound_above_every_float_is_refused(tmp_path: Path) -> None:
    assert "learning_rate" in refusal(study(tmp_path, "high = 0.1", f"high = 1{'0' * 400}"))


def test_the_nearest_word() -> None:
    assert (
        nearest("norm_bach", ["norm", "norm_batch_size", "decay"])
        == "did you mean 'norm_batch_size'?"
    )
    assert nearest("zzz", ["b", "a"]) == "allowed are a, b"
