"""Places as they are shown: no secret, whatever a URI holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar.analysis.run.stored.location
from caviar.runner.store.uri import joined, masked


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("runs/a:b@c", "runs/a:b@c"),
        ("s3://bucket/run@home?region=x", "s3://bucket/run@home?region=x"),
        ("s3://KEY:SECRET@bucket/run?region=x", "s3://***@bucket/run?region=x"),
        ("--out=s3://KEY:SE/C:R@ET@bucket/run", "--out=s3://***@bucket/run"),
        ("abfs://box@account/run?sas_token=abc&x=1", "abfs://box@account/run?sas_token=***&x=1"),
        ("abfs://a/b?x=1&Account_Key=a%2Fb", "abfs://a/b?x=1&Account_Key=***"),
    ],
)
def test_secrets_are_not_shown(word: str, shown: str) -> None:
    assert masked(word) == shown
    if "://" in word:
        assert caviar.analysis.run.stored.location.masked(word) == shown


@settings(max_examples=40)
@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=3).filter(lambda s: s not in "s3://***@"),
    uri=st.sampled_from(["s3://K:{}@b/run", "abfs://b/run?client_secret={}&x=1"]),
)
def test_no_secret_is_shown_however_it_is_written(secret: str, uri: str) -> None:
    secret = secret.replace("&", "-") if "?" in uri else secret
    word = uri.format(f"<{secret}>")
    assert f"<{secret}>" not in masked(word)
    assert masked(word) == caviar.analysis.run.stored.location.masked(word)


def test_a_key_stands_before_the_question_mark() -> None:
    assert joined("s3://b/run/?region=x", "study.json") == "s3://b/run/study.json?region=x"
    assert joined("runs/what?", "study.json") == "runs/what?/study.json"
    assert joined("s3://b/run", "a/b") == "s3://b/run/a/b"
