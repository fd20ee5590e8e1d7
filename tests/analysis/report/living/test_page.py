"""The living page: nothing from elsewhere, and what it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from caviar.analysis.report.living.page import Refresh, living_page
from caviar.analysis.report.page.style import sha256
from tests.analysis.page import Page

STATE: dict[str, Any] = {
    **{
        "run": "runs/one",
        "study": "<b>one</b>",
        "state": "running",
        "says": "running",
        "trials": 4,
    },
    **{
        "completed": 1,
        "diverged": 0,
        "stopped": 0,
        "blocks": [],
        "failed": 1,
        "lost": 0,
        "not_tried": 1,
    },
    "rows": 12345,
    **{"rows_per_second": 21.4, "seconds_left": 3700.0, "running_trials": ["bb"]},
    "failures": [
        {"trial": "cc", "attempt": 0, "status": "failed", "host": "h", "error": "</div><script>"}
    ],
    **{"seen": "2026-11-28T10:00:00Z", "problem": ""},
    "groups": {
        "norm_batch_size": [
            ["8", "var(--size2)", [[4, 8], [2.0, 0.1]], [[8], [0.2]]],
            ["64", "var(--size5)", [[4, 8], [2.0, 0.05]], [[], []]],
        ]
    },
    "explorer": {
        **{
            "where": "runs/one",
            "total": 4,
            "fields": ["norm_batch_size"],
            "fixed": {"norm": "batch"},
        },
        "trials": [["aa", "completed", [8], [[4, 8], [2.0, 0.1]], [[8], [0.2]]]],
    },
}


@pytest.mark.parametrize(
    ("refresh", "connects"), [("fetch", "'self'"), ("reload", None), ("none", None)]
)
def test_only_a_served_page_may_connect_and_to_its_server_alone(
    refresh: Refresh, connects: str | None
) -> None:
    page = Page(living_page(STATE, refresh))
    assert page.whole
    (policy,) = (str(m["content"]) for m in page.all("meta") if "http-equiv" in m)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules.pop("img-src") == "data:" and rules.pop("connect-src", None) == connects
    for rule, tag in (("style-src", "style"), ("script-src", "script")):
        assert rules.pop(rule) == f"'{sha256(page.texts[tag][0])}'"
    assert not rules and page.all("html")[0]["data-refresh"] == refresh
    assert len(page.all("script")) == 1 and not [a for _, a in page.elements if "style" in a]


def test_the_data_are_text_and_no_elements() -> None:
    page = Page(living_page(STATE, "fetch"))
    (data,) = (text for text in page.texts["div"] if text.startswith("{"))
    assert json.loads(data) == STATE
    assert page.texts["h1"] == ["<b>one</b>"]
