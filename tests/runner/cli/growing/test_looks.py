"""The words of `--until`, and which studies they suit."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.cli.growing.looks import FORM, Looks, looks_for, read_words
from caviar.runner.errors import RequestError
from tests.runner.helpers import TINY, plan_of


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("test_loss 16 - 256 within 0.005", Looks("test_loss", 16, 256, 0.005, 64)),
        (" test_accuracy  8-4  within 1e-3 ", Looks("test_accuracy", 8, 4, 0.001, 64)),
        ("train_loss 4 − 16 within .5", Looks("train_loss", 4, 16, 0.5, 64)),
    ],
)
def test_words_are_read(text: str, looks: Looks) -> None:
    assert read_words(text, 64) == looks


@pytest.mark.parametrize(
    "text",
    [
        "",
        "test_loss 16 256 within 0.005",
        "test_loss 16 - 256",
        "16 - 256 within 0.1",
        "a 1 - 2 within x",
        "test_loss 4 - 4 within 0.1",
        "test_loss 4 - 16 within 0",
        "test_loss 4 - 16 within 1e999",
    ],
)
def test_other_words_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_words(text, 64)
    assert str(refused.value).endswith(FORM)


def test_an_unknown_quantity_is_told_the_known_ones() -> None:
    with pytest.raises(RequestError, match="no quantity 'loss'; allowed are test_loss, test_acc"):
        read_words("loss 4 - 16 within 0.1", 64)


WORDS = "test_loss 4 - 16 within 0.01"


@pytest.mark.parametrize(
    ("settings", "words", "says"),
    [
        ((), "test_loss 4 - 32 within 0.01", "norm_batch_size is never 32; allowed are 4, 16"),
        (("norm_batch_size=4",), WORDS, "the study crosses none; give norm_batch_size or"),
        (
            ("scientific.activation=['relu', 'tanh']",),
            WORDS,
            "crosses activation; fix it, as --set",
        ),
        (("replicas=65",), WORDS, "begins with 65 seeds, more than --most 64"),
        (
            ("arms.a={ activation = 'relu' }", "arms.b={ activation = 'tanh' }"),
            WORDS,
            "the study has several arms",
        ),
    ],
)
def test_studies_that_do_not_compare_these_sizes_alone(
    settings: tuple[str, ...], words: str, says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        looks_for(words, 64, plan_of(*TINY, *settings), None)


def test_a_part_of_a_study_is_refused() -> None:
    with pytest.raises(RequestError, match="leave --trials out"):
        looks_for(WORDS, 64, plan_of(*TINY, trials=1), None)


def test_the_most_seeds_need_until_and_are_64_by_default() -> None:
    with pytest.raises(RequestError, match="add --until"):
        looks_for(None, 64, plan_of(*TINY), None)
    assert looks_for(None, None, plan_of(*TINY), None) is None
    looks = looks_for(WORDS, None, plan_of(*TINY), None)
    assert looks is not None and looks.most == 64


def test_a_registered_run_is_refused() -> None:
    with pytest.raises(RequestError, match="--until decides on seeds by their results"):
        looks_for(WORDS, 64, plan_of(*TINY), Path("dated.toml"))
