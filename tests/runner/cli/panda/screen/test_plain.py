"""Keys go to the one panda there is."""

from __future__ import annotations

from caviar.runner.cli.panda.screen.plain import OfPanda
from tests.runner.cli.panda.screen.made import MadePanda


def test_keys_and_requests_reach_the_panda() -> None:
    panda = MadePanda()
    source = OfPanda(panda)
    view = source.view()
    asked = source.request_of("l", view)
    assert asked is not None and source.ask(asked, "screen").accepted
    assert source.view().learning_rate == 0.05
    assert source.lesson(view) is None
