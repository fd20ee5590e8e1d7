"""Options of the command line as arguments of Python: errors name what their reader can type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from caviar.runner.errors import RequestError

ARGUMENTS = {
    **{name: name for name in ("address", "kernels", "most", "out", "trials", "until", "workers")},
    **{"from": "take_from", "set": "settings", "on": "on"},
    **{"extend": "extend=True", "accept-other-processor": "accept_other_processor=True"},
}
_OPTION = re.compile(rf"--({'|'.join(ARGUMENTS)})\b(?: (\d+|local|inline|ray)\b)?")


def _argument(option: re.Match[str]) -> str:
    """`workers=2` of `--workers 2`, `on='local'` of `--on local`, or the name alone."""
    name, value = ARGUMENTS[option[1]], option[2]
    if value is None:
        return name
    return f"{name}={value if value.isdigit() else repr(value)}"


@contextmanager
def in_python() -> Iterator[None]:
    """Raise a RequestError of the runner again, with arguments in place of options."""
    try:
        yield
    except RequestError as error:
        raise RequestError(_OPTION.sub(_argument, str(error))) from None


def at_least(name: str, value: int | None, least: int = 1) -> int | None:
    """The number; raises RequestError where it is given and too small."""
    if value is not None and value < least:
        raise RequestError(f"{name} must be {least} or more; got {value}")
    return value
