"""A study of many classes runs in an address space that could not hold every logit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.runner.helpers import well

LIMIT = 4 * 2**30
CLASSES, TRAIN = 100_000, 11_000
"""The logits of the training split alone are more than the limit."""

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
del sys.argv[1]
from caviar.runner.cli.main import main
main()
"""

STUDY = """
name = "classes"
dataset = { path = "classes.npz", label = "y", train = TRAIN, validation = 40, test = 40 }
replicas = 1
budget = { steps = 2 }
[fixed]
hidden = [4]
batch_size = 16
norm_batch_size = 8
probe_batch_sizes = [8]
conventions = ["pytorch"]
decays = []
evaluations = 1
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit of an address space is Linux's")
def test_a_hundred_thousand_classes_run_in_four_gibibytes(tmp_path: Path) -> None:
    assert 4 * CLASSES * TRAIN > LIMIT
    rows = 2 * CLASSES
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype(np.float32)
    np.savez(tmp_path / "classes.npz", x=x, y=np.arange(rows) % CLASSES)
    (tmp_path / "study.toml").write_text(STUDY.replace("TRAIN", str(TRAIN)))
    words = ("run", "study.toml", "--on", "inline", "--no-report", "--out", "run")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(LIMIT), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert "1/1 trials · 0 running · 0 failed" in well(done)
