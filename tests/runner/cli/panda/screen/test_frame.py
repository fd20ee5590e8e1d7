"""The whole screen as text: what a choice shows, and that nothing is computed twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.runner.cli.panda.screen import frame as frames
from caviar.runner.cli.panda.screen.contrast import KINDS, Reading
from caviar.runner.cli.panda.screen.frame import Choice, Lesson, Painter, chosen_by, shown_of
from caviar.runner.cli.panda.screen.layout import layout
from caviar.runner.cli.panda.screen.signs import Signs
from tests.runner.cli.panda.screen.made import MadePanda, edited


def painter(width: int = 80, height: int = 24) -> Painter:
    sizes = layout(width, height)
    assert sizes is not None
    return Painter(width, sizes, Signs(True))


def test_v_goes_through_every_quantity_and_comes_back() -> None:
    choice, kinds = Choice(), []
    for _ in KINDS:
        kinds.append(choice.kind)
        choice = choice.next_kind()
    assert sorted(kinds) == sorted(KINDS) and choice == Choice()
    assert kinds[0] == "validation running"


def test_keys_of_the_choice_are_undone_by_a_second_press() -> None:
    for key in ("c", "m"):
        once = chosen_by(key, Choice())
        assert once not in (None, Choice()) and once is not None
        assert chosen_by(key, once) == Choice()
    assert chosen_by("l", Choice()) is None


def test_a_network_without_batch_norm_shows_what_it_has() -> None:
    view = MadePanda().advance(240).view()
    bare = {key: one for key, one in view.series.items() if "running" not in key[1]}
    shown = shown_of(replace(view, series=bare), Choice())
    assert shown.kind == "validation population"
    assert shown_of(view, Choice()) == Choice()


def test_nothing_is_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty redraws per second must leave the processor to the training."""
    counted = []

    def counting(*_: object) -> dict[str, Reading]:
        counted.append(1)
        return {}

    monkeypatch.setattr(frames, "readings", counting)
    panda, drawn = edited(), painter()
    for _ in range(3):
        drawn.frame(panda.view(), Choice())
    assert len(counted) == 1
    drawn.frame(panda.advance(24).view(), Choice())
    drawn.frame(panda.view(), Choice(to_parent=True))
    drawn.frame(panda.view(), Choice(kind=KINDS[0]))
    assert len(counted) == 3  # The parent of the only edit is the twin.


def test_a_lesson_stands_beside_the_loss_and_its_claim_in_place_of_the_sentence() -> None:
    lesson = Lesson(("Raise it", "Press L."), "It holds: 1 < 2.")
    shown = painter().frame(edited().view(), Choice(), lesson)
    assert shown["plots"][0].plain.split("  ")[0] == "loss, val. running ⠒⠒ panda ⠂⠂ twin"
    assert shown["plots"][0].plain.rstrip().endswith("Raise it")
    assert [line.plain for line in shown["sentence"]] == ["It holds: 1 < 2."]
    before = painter().frame(edited().view(), Choice(), lesson._replace(claim=None))
    assert before["sentence"][0].plain.startswith("The panda is better than its twin at step 1,200")


@pytest.mark.parametrize("size", [(80, 24), (97, 31), (140, 45), (250, 80)])
def test_the_plots_fill_their_window(size: tuple[int, int]) -> None:
    sizes = layout(*size)
    assert sizes is not None
    lines = painter(*size).frame(edited().view(), Choice())["plots"]
    assert [len(line.plain) for line in lines] == [size[0]] * sizes.plot * sizes.rows
