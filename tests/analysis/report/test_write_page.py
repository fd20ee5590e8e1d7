"""The page of a report: loads nothing, lets nothing in, and says what there is to know."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.registry import FINDINGS
from caviar.analysis.report.answer import about, question_1, question_2, with_findings
from caviar.analysis.report.not_claimed import not_claimed
from caviar.analysis.report.write import with_code
from caviar.analysis.results import results_of
from tests.analysis.conftest import HOSTILE_DATA, HOSTILE_ERROR
from tests.analysis.page import Page, page_without_figures, read_page
from tests.analysis.synthetic import crossed, run_of
from tests.analysis.tables.configurations.searches import search

POLICY = "Content-Security-Policy"


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return read_page(report)


def test_the_page_is_whole(page: Page) -> None:
    assert page.whole
    assert [tag for tag, _ in page.elements[:2]] == ["html", "head"]
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("meta")[0]["charset"] == "utf-8"
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_outside(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"link", "iframe", "object", "embed", "base", "video", "audio", "form"})
    for tag, attributes in page.elements:
        assert str(attributes.get("src", "data:")).startswith("data:"), tag
        assert not {"srcset", "background", "poster", "action", "ping"} & attributes.keys()
        assert attributes.get("http-equiv", POLICY) == POLICY
    for script in page.all("script"):
        assert "src" not in script
    for css in [*page.texts["style"], *(str(a.get("style", "")) for _, a in page.elements)]:
        assert "@import" not in css and "url(" not in css
    for code in page.texts["script"]:
        for loader in ("fetch", "XMLHttpRequest", "import(", "WebSocket", "http", "eval"):
            assert loader not in code.replace("http://www.w3.org/2000/svg", "")


def test_the_policy_lets_in_the_pages_own_script_and_style_alone(page: Page) -> None:
    (policy,) = (str(meta["content"]) for meta in page.all("meta") if "http-equiv" in meta)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'" and rules.pop("img-src") == "data:"
    for rule, tag in (("style-src", "style"), ("script-src", "script")):
        (text,) = page.texts[tag]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules.pop(rule) == f"'sha256-{digest}'"
    assert not rules and not [a for _, a in page.elements if "style" in a]


def test_every_link_leads_to_a_file_of_the_report(page: Page, report: Path) -> None:
    ids = {str(a["id"]) for _, a in page.elements if "id" in a}
    links = [str(a["href"]) for a in page.all("a")]
    assert len(set(links)) >= 3 * 5
    for link in links:
        parts = urlsplit(link)
        assert not parts.scheme and not parts.netloc and not link.startswith("/")
        assert link[1:] in ids if link.startswith("#") else (report / link).is_file()


def test_figures_load_nothing_either(page: Page) -> None:
    assert {tag for tag, _ in page.elements}.isdisjoint({"foreignobject", "animate", "a:href"})
    ids = {str(a["id"]) for _, a in page.elements if "id" in a}
    for tag, attributes in page.elements:
        if tag in ("use", "image"):
            assert str(attributes["href"]).startswith(("#", "data:"))
        for value in attributes.values():
            for name in re.findall(r"url\((#?)([^)]*)\)", value or ""):
                assert name[0] and name[1] in ids


def test_hostile_texts_are_shown_and_not_obeyed(page: Page, report: Path) -> None:
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not [name for _, a in page.elements for name in a if name.startswith("on")]
    assert any(HOSTILE_DATA in text for text in page.texts["p"])
    cells = [cell for table in page.tables for row in table for cell in row]
    assert HOSTILE_ERROR in cells
    values = [value for table in page.values for row in table for value in row]
    assert HOSTILE_ERROR in values
    source = (report / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in source and "<img src=x" not in source


def test_every_figure_says_what_it_shows(page: Page, findings: Results) -> None:
    panels = [svg for svg in page.all("svg") if svg.get("class") == "panel"]
    figures = len(page.all("figure"))
    shown = [finding for finding in FINDINGS if len(findings[finding.name])]
    assert figures == 1 + sum(finding.draw is not None for finding in shown)
    assert all(svg["role"] == "img" and len(str(svg["aria-label"])) > 20 for svg in panels)
    assert len(panels) > figures == len(page.texts["figcaption"])


def test_seeds_failures_and_divergence_are_on_the_page(page: Page, findings: Results) -> None:
    assert "20 of 22 networks x 6 seeds, 1 diverged, 1 failed, 1 lost." in page.texts["p"][0]
    assert any("20 of 22 trials, 6 seeds each; 1 diverged" in text for text in page.texts["p"])
    made = " ".join(page.texts["dd"])
    assert "22 planned, 19 completed, 1 diverged, 1 failed, 1 lost" in made
    assert findings.run.counts["diverged"] == 1


def test_the_answers_are_those_of_the_terminal(page: Page, findings: Results) -> None:
    listed = [text.strip() for text in page.texts["li"]]
    for sentence in (*question_1(findings), *question_2(findings), *not_claimed(findings)):
        assert any(text.startswith(sentence) for text in listed), sentence
    assert set(about(findings)) <= set(page.texts["p"])
    assert page.texts["h1"] == ["a-study.of_everything"] and "a-study" in page.texts["title"][0]


def test_every_sentence_leads_to_the_table_it_rests_on(page: Page, findings: Results) -> None:
    ids = {str(a["id"]) for _, a in page.elements if "id" in a}
    links = [str(a["href"])[1:] for a in page.all("a")]
    for part in ("regularisation", "test time"):
        for _, name in with_findings(findings, part):
            assert name not in ids or name in links


def test_how_it_was_made(page: Page, findings: Results) -> None:
    made = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert made["command"] == "caviar run"
    assert made["study hash"] == "0123456789ab"
    assert made["started"] == "2026-01-02T03:04:05Z"
    assert made["worker time"] == f"{1.5 * len(findings.run.outcomes):.0f} s"
    assert "numpy" in made["packages"] and made["python"].startswith("3.")
    assert '"scientific"' in page.texts["pre"][-1]


def test_every_heading_sorts_by_button(page: Page) -> None:
    """Each column of each table has a button, so that the keyboard reaches it."""
    columns = sum(len(table[0]) for table in page.behind)
    assert len(page.all("button")) == columns > 20
    assert {head["scope"] for head in page.all("th")} == {"col", "row"}
    assert len(page.all("caption")) == len(page.tables)


def test_missing_numbers_are_a_dash(page: Page) -> None:
    cells = [cell for table in page.tables for row in table[1:] for cell in row]
    assert not {"nan", "NaN", "None", "<NA>", "NaT"} & set(cells)
    assert "–" in cells  # the decay of the cumulative average


def test_the_page_of_a_search_begins_with_its_ranking(tmp_path: Path) -> None:
    results = results_of(search(tmp_path, 24))
    page = page_without_figures(results, tmp_path / "report")
    heads = [text for text in page.texts["h2"] if text]
    assert heads[:3] == [
        "What the search says",
        "Which drawn field matters",
        "Which configuration is best",
    ]
    assert heads[3].startswith("1 Does a smaller m help?")
    assert "Of 24 configurations, trial" in page.texts["p"][1]
    assert any(text.startswith("Means over trials") for text in page.texts["caption"])
    assert "The best trials lie at the high end of learning_rate" in " ".join(page.texts["p"][:7])


def test_a_run_without_a_comparison_has_a_page(tmp_path: Path) -> None:
    levels = {"dropout": [0.0, 0.5]}
    results = results_of(run_of(tmp_path, crossed(levels), scientific=levels))
    deep = page_without_figures(results, tmp_path / "deep" / "report")
    assert deep.whole and not deep.tables and not deep.all("svg")
    assert any("nothing to compare" in text for text in deep.texts["p"])


def test_what_stands_between_backticks_is_code() -> None:
    assert with_code("run `caviar best <RUN>` & see") == (
        "run <code>caviar best &lt;RUN&gt;</code> &amp; see"
    )


def test_the_table_of_sizes_is_shown_whole(report: Path) -> None:
    """At the height of other tables a phone gives it an empty scroll bar: it is 3 pixels higher."""
    page = (report / "index.html").read_text(encoding="utf-8")
    assert '<div class="scroll sizes"' in page and ".sizes { max-height: none; }" in page
