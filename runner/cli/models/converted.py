"""`caviar audit --onnx`: whether a converted model computes the same."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

from caviar.runner.cli.ending.exit_codes import FAILED
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError


def compare_converted(
    path: Path, model: tuple[str, Path | None], data: str, inputs: str | None, as_json: bool
) -> None:
    """Print how a converted model differs; leave with exit code 1 if it does."""
    must_have_onnx()
    from dataclasses import asdict

    from caviar.runner.cli.advise import finite
    from caviar.runner.torch_models.loading import data_at, model_at, part_at
    from caviar.runner.torch_models.onnx_models.compare import compare_onnx
    from caviar.runner.torch_models.threads import all_cores

    with redirect_stdout(sys.stderr), all_cores():
        two = compare_onnx(path, model_at(*model), data_at(data), inputs=part_at(inputs))
    told = {"same": two.same, "sentence": two.sentence, **asdict(two)}
    say(json.dumps(finite(told), indent=1) if as_json else str(two))
    if not two.same:
        raise SystemExit(FAILED)


def must_have_onnx() -> None:
    """Raise RequestError where what reads and runs ONNX models is not installed."""
    if missing := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
        raise RequestError(
            f"to read ONNX models, install {' and '.join(missing)}: pip install 'caviar[onnx]'"
        )
