"""Requests: one grammar, and one sentence for whatever is none."""

from __future__ import annotations

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.panda.requests import Request, Setting, read_request, request_of


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("set learning_rate=0.03", Request("set", (Setting("learning_rate", "0.03", False),))),
        ("set learning_rate *= 0.5", Request("set", (Setting("learning_rate", "0.5", True),))),
        (
            "set momentum=0.8 schedule = step --at 40 --note 'too fast'",
            Request(
                "set",
                (Setting("momentum", "0.8", False), Setting("schedule", "step", False)),
                at_step=40,
                note="too fast",
            ),
        ),
        ("reset dense2 --at=7", Request("reset", argument="dense2", at_step=7)),
        ("step", Request("step", argument=1)),
        ("step 1,000", Request("step", argument=1000)),
        ("pace 2.5", Request("pace", argument=2.5)),
        ("pace off", Request("pace", argument="off")),
        ("rewind before-the-jump", Request("rewind", argument="before-the-jump")),
        ("rewind 400", Request("rewind", argument="400")),
        ("select twin", Request("select", argument=0)),
        ("undo", Request("undo")),
    ],
)
def test_a_request_is_read(text: str, request_: Request) -> None:
    assert read_request(text) == request_
    assert read_request(str(request_)) == Request(
        request_.verb, request_.settings, request_.argument, request_.at_step
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "nothing is asked; ask one of set, reset"),
        ("rest dense1", "unknown request 'rest'; did you mean 'reset'?"),
        ("set", "set what? Write set FIELD=VALUE"),
        ("set learning_rate", "'learning_rate' sets nothing; write set FIELD=VALUE"),
        ("set learning_rate*=-1", "the factor must be a number above 0"),
        ("set decay=0.9 decay=0.8", "decay is set twice in one request"),
        ("reset", "reset takes one word; write reset LAYER"),
        ("step 0", "step takes a whole number of 1 or more; got '0'"),
        ("pace fast", "pace takes steps per second, a number above 0, or off; got 'fast'"),
        ("snapshot ../x", "'../x' cannot be the name of a snapshot"),
        ("snapshot 12", "'12' cannot be the name of a snapshot"),
        ("undo twice", "undo takes nothing more; got 'twice'"),
        ("undo --at 3", "undo takes effect at once; leave --at out"),
        ("recompute --at", "--at lacks its step"),
        ("recompute --at soon", "--at takes a whole number of 1 or more; got 'soon'"),
        ("recompute --now", "unknown option '--now'; allowed are --at and --note"),
        ("set note='x", "close the quotes"),
        ("set " + "x" * 5000, "a request has at most 4000 characters"),
    ],
)
def test_what_is_no_request_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RequestError) as error:
        read_request(text)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_the_words_of_a_shell_keep_a_note_in_one_piece() -> None:
    assert request_of(["recompute", "--note", "it lags; see norm2"]).note == "it lags; see norm2"
