"""An audit: what was measured, and the verdict on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from caviar.analysis.audit.causes.cause import CauseName
from caviar.analysis.audit.contract import layers_of, losses_of, told_of
from caviar.analysis.audit.evidence import Evidence
from caviar.analysis.audit.facts import Facts, facts_of
from caviar.analysis.audit.text import text
from caviar.analysis.audit.verdict import Verdict, judged


@dataclass(frozen=True, repr=False)
class Audit:
    """What an audit of a model's batch norms says; `print` shows all of it.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8, momentum=0.001))
    >>> x = torch.randn(512, 2, generator=torch.Generator().manual_seed(0))
    >>> batches = [(10 * x[i : i + 64],) for i in range(0, 512, 64)]
    >>> for (inputs,) in 31 * batches:
    ...     _ = model(inputs)
    >>> audit = caviar.audit(model, batches)
    >>> audit.cause
    'start'
    >>> print(audit.sentence)
    The start (mean 0, variance 1) still makes up 78 % of all statistics after 248 updates ...
    """

    evidence: Evidence

    @cached_property
    def facts(self) -> Facts:
        """What the verdict rests on: parts by layer, weight of the start, costs."""
        return facts_of(self.evidence)

    @cached_property
    def verdict(self) -> Verdict:
        """The cause with its sentence and actions, and a second one under `also`."""
        return judged(self.facts)

    @property
    def cause(self) -> CauseName:
        """`healthy`, or what is wrong, in a word."""
        return self.verdict.cause

    @property
    def sentence(self) -> str:
        """The cause in a sentence, with its evidence."""
        return self.verdict.sentence

    @property
    def actions(self) -> tuple[str, ...]:
        """What to do, in PyTorch's words."""
        return self.verdict.actions

    @property
    def also(self) -> Verdict | None:
        """A second cause that the first does not explain."""
        return self.verdict.also

    @property
    def losses(self) -> dict[str, float | None] | None:
        """The loss with `stored`, `population`, `precise` and `batch` statistics, in nats: of the
        test set where one was given, else of the data. None without a loss."""
        return losses_of(self.evidence)

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Every norm in the order of use, as in JSON."""
        return layers_of(self.facts)

    def to_json(self) -> str:
        """What `caviar audit --json` prints; what is not finite is null."""
        return json.dumps(told_of(self.facts, self.verdict), indent=1)

    def __str__(self) -> str:
        return text(self.facts, self.verdict)

    def __repr__(self) -> str:
        norms = len(self.evidence.layers)
        return f"<Audit of {norms} norm{'s' * (norms > 1)}: {self.cause}>"
