"""Carrying out a plan once, or again and again while seeds join."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from caviar.runner.cli.carry_out import CarryOut, in_a_job
from caviar.runner.cli.checks import storage_of
from caviar.runner.cli.terminal import say
from caviar.runner.executors.choice import Where
from caviar.runner.trial.kernels import Kernels

if TYPE_CHECKING:
    from caviar.runner.cli.growing.looks import Looks
    from caviar.runner.session.loop import Progress
    from caviar.runner.study.plan import Plan

Given = tuple[str, Where, int | None, str | None, bool, bool, Kernels]
"""Root, place, workers, address, whether other kernels are accepted, whether events are told, and
kernels."""


def grown(
    carry_out: CarryOut,
    given: Given,
    take_from: str | None,
    looks: Looks | None,
    plan: Plan,
    extend: bool,
) -> Progress:
    """Carry out a plan; with `looks`, seeds join until they know enough."""
    in_a_job(*given[:2])
    carry = partial(_carried, carry_out, given, take_from)
    if looks is None:
        return carry(plan, extend)
    from caviar.runner.cli.growing.until import run_until

    return run_until(looks, plan, storage_of(given[0]), carry, say, extend=extend)


def _carried(
    carry_out: CarryOut, given: Given, take_from: str | None, plan: Plan, extend: bool
) -> Progress:
    return carry_out(plan, *given, extend, take_from)
