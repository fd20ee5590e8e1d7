"""What a translation leaves over is said of the right row, with the epsilon that is set."""

from __future__ import annotations

import pytest

from caviar.analysis.theory.advice.differences import Rule, differences, in_convolution
from caviar.analysis.theory.advice.framework_words import words_of
from caviar.model.averages.conventions import Convention
from caviar.model.averages.frameworks import ALL


def rule(row: Convention) -> Rule:
    return Rule(*(getattr(row, name) for name in Rule.__match_args__))


def between(source: str, target: str, decay: float | None, counted: int | None) -> str:
    rows = (rule(ALL[source]), rule(ALL[target]))
    return "; ".join(differences(*rows, words_of(target), decay, counted))


def test_the_estimator_reads_the_epsilon_that_is_set() -> None:
    """Keras 2's m - 1 - epsilon has the source's epsilon once that is set: at m = 2, 1.00001 from
    PyTorch's 1e-5 and 1.001 from a source's 1e-3."""
    assert "settles at 1 times pytorch's at m = 2" in between("pytorch", "keras-2", 0.9, 2)
    fused = between("tensorflow-fused", "keras-2", 0.9, 2)
    assert "settles at 1.001 times tensorflow-fused's at m = 2" in fused


@pytest.mark.parametrize("target", ["pytorch", "keras-2", "lasagne", "dl4j-old"])
@pytest.mark.parametrize("source", ["pytorch", "keras-3", "lasagne"])
def test_a_single_value_has_no_variance(source: str, target: str) -> None:
    told = between(source, target, 0.9, 1)
    alike = {ALL[source].second, ALL[target].second} <= {"biased", "biased_plus_epsilon"}
    differ = ALL[source].second != ALL[target].second and not alike
    assert ("a single value has no variance" in told) == differ
    assert "settles" not in told and "nan" not in told


def test_which_of_two_rules_copies_its_first_batch() -> None:
    sentence = "caffe divides by 1 - d^t, cntk takes the first batch whole"
    assert sentence in between("cntk", "caffe", 0.9, 8)
    assert sentence in between("caffe", "cntk", 0.9, 8)


def test_one_update_is_singular() -> None:
    assert "under 1% after 1 update; cntk" in between("keras-3", "cntk", 0.0, 8)
    assert "under 1% after 2 updates; cntk" in between("keras-3", "cntk", 0.1 - 1e-9, 8)


def test_one_value_gamma_and_the_pass_are_told_as_sentences() -> None:
    told = between("paddle", "torch7", 0.9, 8)
    starts = (
        "torch7 learns gamma from a random start in (0, 1), paddle learns gamma from a start at 1"
    )
    assert starts in told
    assert "torch7 normalises with the running averages, paddle passes it on unchanged" in told
    backward = between("pytorch", "mxnet-gluon", 0.9, 8)
    assert (
        "mxnet-gluon updates its averages in the backward pass, pytorch in the forward pass"
        in backward
    )
    assert "pytorch refuses to train" not in between("pytorch", "pytorch-cumulative", 0.9, 8)


def test_a_layer_that_calls_another_kernel_in_a_convolution() -> None:
    """tf.layers stores the biased variance of vectors, and the unbiased one of images."""
    assert in_convolution(rule(ALL["tensorflow-layers"])).second == "unbiased"
    assert in_convolution(rule(ALL["keras-3"])) == rule(ALL["keras-3"])
