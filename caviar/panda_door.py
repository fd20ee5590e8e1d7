"""What `import caviar` does with a training that is edited while it runs."""

from __future__ import annotations

import shlex
from pathlib import Path

from caviar.arguments import in_python
from caviar.runner.panda.control import WAIT_SECONDS, ask, folder_at, whoever
from caviar.runner.panda.requests import Answer


@in_python()
def control(
    run: str | Path, request: str, *, note: str = "", seconds: float = WAIT_SECONDS
) -> Answer:
    """Ask the panda that trains in a run's folder for something, and return its answer.

    `request` is in the words of `caviar control`: `"set learning_rate=0.03"`, `"set decay=0.99
    --at 400"`, `"undo"`. `note` is kept beside it. Raises RequestError for words that are no
    request, and where no panda answers within `seconds`.

    >>> caviar.control("runs/panda-sizes", "set learning_rate*=0.5")
    Traceback (most recent call last):
    ...
    RequestError: no panda is training in 'runs/panda-sizes'
    """
    text = f"{request} --note {shlex.quote(note)}" if note else request
    return ask(folder_at(str(run)), text, f"python {whoever()}", seconds)
