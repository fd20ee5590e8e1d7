"""A study fixed in a file before its seeds are run: what is written, refused and checked."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.session.registration import (
    followed,
    must_match,
    read_registration,
    registered,
    run_of,
    write_registration,
)
from caviar.runner.session.run_folder import open_run, read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.study.plan import Plan
from tests.runner.helpers import TINY, plan_of

CLAIMS = "a" * 64
DAY = date(2026, 11, 28)
PLAN = plan_of(*TINY)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "sizes.toml"
    path.write_text('name = "sizes"\n', encoding="utf-8")
    return path


def fix(study: Path, plan: Plan = PLAN, claims: str = CLAIMS) -> Plan:
    return registered(plan, study.parent / "r.toml", study, TINY, claims, DAY)


def refusal(study: Path, plan: Plan = PLAN, claims: str = CLAIMS) -> str:
    with pytest.raises(RequestError) as caught:
        fix(study, plan, claims)
    return str(caught.value)


def test_a_new_file_is_written_before_the_run_and_found_again(study: Path) -> None:
    one = fix(study)
    content = tomllib.loads((study.parent / "r.toml").read_text(encoding="utf-8"))
    assert (content["date"], content["claims"]) == ("2026-11-28", CLAIMS)
    (row,) = content["runs"]
    assert (row["plan"], row["seeds"], row["trials"]) == (PLAN.hash(), 2, 4)
    assert row["settings"] == list(TINY)
    assert one.registered == fix(study).registered
    assert one.registered is not None and one.registered["run"] == PLAN.study.name


def test_a_registration_is_never_written_over(study: Path) -> None:
    fix(study)
    with pytest.raises(RequestError, match="a registration is never changed"):
        write_registration(study.parent / "r.toml", [run_of(PLAN, study, ())], CLAIMS, DAY, "x")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("seed=7", "the first seed (0 there, 7 here)"),
        ("replicas=3", "the number of seeds (2 there, 3 here)"),
        ("draws.count=3", "the number of trials (4 there, 6 here)"),
        ("budget.epochs=3", "the study with its data and settings"),
    ],
)
def test_a_changed_study_is_refused_with_the_change(study: Path, change: str, says: str) -> None:
    fix(study)
    assert says in refusal(study, plan_of(*TINY, change))


def test_a_changed_study_file_other_claims_and_another_study_are_refused(study: Path) -> None:
    fix(study)
    assert "registers other claims than this program's" in refusal(study, claims="b" * 64)
    study.write_text('name = "sizes" # else\n', encoding="utf-8")
    assert "in another form: the study file" in refusal(study)
    other = study.rename(study.with_name("other.toml"))
    assert "r.toml does not register other.toml; it registers sizes.toml" in refusal(other)


@pytest.mark.parametrize(
    "text",
    ["no = toml = at all", 'date = "2026-11-28"', 'date = "soon"\nclaims = "x"\nruns = []'],
)
def test_a_file_that_is_no_registration_is_refused_in_a_sentence(study: Path, text: str) -> None:
    (study.parent / "r.toml").write_text(text, encoding="utf-8")
    assert "is not a registration" in refusal(study)


def test_a_missing_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot read the registration"):
        read_registration(tmp_path / "none.toml")


def test_a_run_keeps_the_registration_and_is_resumed_under_it_alone(study: Path) -> None:
    one, root = fix(study), storage_at(study.parent / "run")
    open_run(root, one, "test")
    assert read_study_json(root)["registered"] == one.registered
    open_run(root, one, "test")
    with pytest.raises(RequestError, match=r"registered with r\.toml; resume it with --register"):
        open_run(root, PLAN, "test")
    plain = storage_at(study.parent / "plain")
    open_run(plain, PLAN, "test")
    assert "registered" not in read_study_json(plain)
    with pytest.raises(RequestError, match="begun without a registration"):
        open_run(plain, one, "test")


def test_a_file_that_changed_since_the_run_began_is_refused() -> None:
    began = {"file": "r.toml", "sha256": "1" * 64}
    with pytest.raises(RequestError, match=r"of SHA-256 111111111111, not with r\.toml of 2222"):
        must_match(began, {"file": "r.toml", "sha256": "2" * 64})


def checks(study: Path, settled: int = 4, claims: str | None = CLAIMS, **changes: Any) -> list[str]:
    """The sentences of the checks that do not hold."""
    plan, root = fix(study), storage_at(study.parent / "run")
    open_run(root, plan, "test")
    content = json.loads(json.dumps(read_study_json(root))) | changes
    return [bad for holds, _, bad in followed(content, settled, claims) if not holds]


def test_a_registration_is_followed_or_it_is_said_where_not(study: Path) -> None:
    assert checks(study) == []
    assert checks(study, settled=3) == ["3 of 4 registered trials were run"]
    assert checks(study, hash="0" * 12) == ["the study is not the registered one"]
    assert checks(study, claims="b" * 64) == [
        "the claims have changed since 2026-11-28: no verdict here is registered"
    ]
    assert checks(study, claims=None) == []
    (before,) = checks(study, sessions=[{"started": "2026-11-27T23:59:59Z"}])
    assert before.startswith("begun on 2026-11-27, before its registration in r.toml")
    assert list(followed({"sessions": []}, 0, CLAIMS)) == []


def test_what_a_registration_lacks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("x = 1\n")
    with pytest.raises(RequestError, match="is not a registration: it does not say 'runs'"):
        read_registration(file)
