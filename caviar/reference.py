"""The reference pages: of `import caviar` (here), of a study file, and of a run's tables.

python -m caviar.reference    writes docs/python.md, docs/study.md, docs/tables.md and the JSON
                              Schema of a study file
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import caviar
from caviar import study_reference, tables_reference
from caviar.runner.reference import json_schema

DOCS = Path(__file__).resolve().parents[1] / "docs"

PAGE = """\
# `import caviar`

Generated from the exported names by `python -m caviar.reference`; a test fails when it is stale,
and runs every example. `np` is numpy, `sizes.toml` crosses
`norm_batch_size = [8, 32]` on a small data set, and `runs/quickstart` is a run.

## In short

```python
{short}
```

A script needs no `if __name__ == "__main__":`, and `python - < script.py`, notebooks and threads
work too: worker processes never run the caller's code. A trial uses one BLAS thread, whatever
the number in the process, so that a run has the same bits as one from the command line.

## Names

{names}

{entries}
"""

SHORT = """\
import caviar

study = caviar.read_study("studies/ghost-size.toml")
print(caviar.describe(caviar.plan(study)))
run = caviar.run(study, out="runs/ghost-size")
results = caviar.results(run)
print(results["effect_of_size"])
print(caviar.advise(16, convention="keras-3"))"""


def page() -> str:
    """The content of `docs/python.md`."""
    names = ", ".join(f"`{name}`" for name in caviar.__all__)
    entries = "\n\n".join(map(entry, caviar.__all__))
    return PAGE.format(short=SHORT, names=names, entries=entries)


def entry(name: str) -> str:
    """A public name with its signature, its docstring and its examples."""
    value, home = getattr(caviar, name), caviar.HOMES[name]
    parts = [f"### {name}", f"`caviar.{home}`"]
    if inspect.isclass(value) or inspect.isfunction(value):
        parts.append(f"`{name}{_signature(value)}`")
    return "\n\n".join([*parts, *_paragraphs(documentation(name))])


def documentation(name: str) -> str:
    """The docstring of a public name; for data, the string that follows it in its module."""
    value, module = getattr(caviar, name), import_module(f"caviar.{caviar.HOMES[name]}")
    if inspect.isclass(value) or inspect.isfunction(value):
        return inspect.getdoc(value) or ""
    body = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body
    for statement, after in itertools.pairwise(body):
        target = getattr(statement, "target", None) or getattr(statement, "targets", [None])[0]
        if isinstance(target, ast.Name) and target.id == name:
            text = getattr(getattr(after, "value", None), "value", "")
            return inspect.cleandoc(text) if isinstance(text, str) else ""
    return ""


class _Bare(str):
    """An annotation that is shown without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _signature(value: Callable[..., object]) -> str:
    if inspect.isclass(value) and (issubclass(value, Exception) or hasattr(value, "model_fields")):
        return (
            ""  # It says nothing about an exception, and repeats the fields of a validated table.
        )
    signature = inspect.signature(value)
    shown = signature.replace(
        parameters=[
            p.replace(annotation=_Bare(p.annotation)) for p in signature.parameters.values()
        ],
        return_annotation=_Bare(signature.return_annotation),
    )
    return re.sub(r"<function (\w+) at \w+>", r"\1", str(shown))


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, with examples as code."""
    return [
        f"```pycon\n{paragraph}\n```" if paragraph.startswith(">>>") else paragraph
        for paragraph in text.split("\n\n")
    ]


def pages() -> dict[Path, str]:
    """Every generated page by its file."""
    return {
        DOCS / "python.md": page(),
        DOCS / "study.md": study_reference.page(),
        DOCS / "tables.md": tables_reference.page(),
        json_schema.FILE: json_schema.schema_text(),
    }


if __name__ == "__main__":
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8")
