"""Whether anything listens at an address, and what is said if Ray does not connect."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.executors.ray_address import knock, must_answer, refusal
from tests.runner.helpers import TINY, caviar, settings_of


def test_a_port_where_no_one_listens_is_known_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        knock(f"127.0.0.1:{port}")
    with pytest.raises(OSError):
        knock(f"127.0.0.1:{port}")


@pytest.mark.parametrize("where", ["local", "auto", "no such", "host:"])
def test_what_is_no_host_and_port_is_left_to_ray(where: str) -> None:
    knock(where)


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        ("local", OSError("too slow.\nmore"), "cannot start a Ray cluster here: too slow. Try"),
        ("a:1", OSError("refused"), "cannot use the Ray cluster at 'a:1': refused; check the add"),
        (
            "a:1",
            OSError("was\n started with: 3"),
            "cannot use the Ray cluster at 'a:1': was started with: 3;",
        ),
        ("a:1", OSError(), "cannot use the Ray cluster at 'a:1': OSError; check the address"),
        ("a:1", RuntimeError("InvalidAuthToken"), "the Ray cluster at 'a:1' refuses the token"),
        ("a:1", RuntimeError("Missing token"), "the Ray cluster at 'a:1' refuses the token"),
    ],
)
def test_a_refusal_is_one_sentence_with_advice(where: str, error: Exception, message: str) -> None:
    assert refusal(where, error).startswith(message)
    assert "\n" not in refusal(where, error)


@pytest.mark.parametrize(
    ("address", "host"), [("ray://10.0.0.1:10001", "10.0.0.1"), ("http://h:8265", "h")]
)
def test_the_address_of_another_service_is_refused_with_the_right_one(
    address: str, host: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=f"use --address {host}:6379"):
        must_answer(address)
    words = ("run", *settings_of(TINY), "--on", "ray", "--address", address, "--out", "run")
    done = caviar(*words, cwd=tmp_path)
    assert done.returncode == 2 and f"--address {host}:6379" in done.stderr
    assert not (tmp_path / "run").exists()


def test_in_a_ray_job_a_relative_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("run", *settings_of(TINY), "--on", "inline", "--no-report", "--out")
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    done = caviar(*words, "run", cwd=tmp_path)
    assert done.returncode == 2 and "which Ray throws away; give --out an absolute" in done.stderr
    done = caviar(*words, tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0
    assert "\nthis Ray job runs on its head alone (--on inline)" in done.stdout


def test_an_address_that_refuses_leaves_no_folder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    words = ("--on", "ray", "--address", f"127.0.0.1:{port}", "--out", "run")
    done = caviar("run", *settings_of(TINY), *words, cwd=tmp_path)
    assert done.returncode == 2 and "Connection refused" in done.stderr
    assert not (tmp_path / "run").exists()
