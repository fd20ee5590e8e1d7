"""Absurd numbers and files are refused before memory or time is spent on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from tests.runner.helpers import TINY, plan_of
from tests.runner.large_studies import MANY_LEVELS, RATES, TENTHS

REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "draws": (("draws.count=1_000_000_000_000",), "draws.count: must be .* 10000000; got 1000000"),
    "product": (
        (RATES, "draws.count=9_000_000"),
        "2 levels at 9,000,000 draws are 18,000,000 trials, above the 10,000,000",
    ),
    "crossing": (
        (*MANY_LEVELS, f"scientific.decay={TENTHS.partition('=')[2]}"),
        "500,000,000 levels at 1 draws are 500,000,000 trials",
    ),
    "replicas": (("replicas=1_000_000_000",), "replicas: must be less than or equal to 10000; got"),
    "width": (("hidden=[1_000_000_000]",), "hidden.0: must be less than or equal to 100000; got"),
    "weights": (("hidden=[90_000, 90_000]",), "are 16,202,880,000 weights over the 2 seeds"),
    "layers": ((f"hidden={[4] * 101}",), "hidden: must have at most 100 items"),
    "steps": (("budget={ steps = 1_000_000_000_000_000_000 }",), "budget.steps: must be less than"),
    "epochs": (("budget={ epochs = 900_000_000 }",), "steps: must be less than or .* 1000000000;"),
    "evaluations": (("evaluations=1_000_000",), "evaluations: must be less than or equal to 1000"),
    "rows": (("curve_rows=1_000_000_000",), "curve_rows: must be less than or equal to 100000"),
    "partitions": (("partitions=1_000_000",), "partitions: must be less than or equal to 1000"),
    "batch": (("norm=layer", f"norm_batch_size={10**30}"), "norm_batch_size"),
    "seed": ((f"seed={2**63}",), "seed: must be less than or equal to 4611686018427387904"),
    "beyond every int": ((f"seed=0x{'f' * 50_000}",), "got an integer of more than 40 digits"),
    "digits": ((f"replicas=1{'0' * 5000}",), "replicas"),
    "float": (("learning_rate=1e400",), "learning_rate: must be a finite number; got inf"),
    "int for float": ((f"learning_rate=1{'0' * 400}",), "learning_rate"),
    "nan": (("momentum=nan",), "momentum: must be .*; got nan"),
    "negative": (("weight_decay=-0.1",), "weight_decay: must be greater than or equal to 0"),
    "data": (('dataset={ name = "wine", train = 0xffffffffffffffff }',), "dataset.train"),
    "name": ((f"name={'n' * 5000}",), "name: must have at most 100 characters"),
    "nesting": ((f"hidden={'[' * 5000}",), "hidden"),
    "nested": ((f"hidden={'[' * 90}1{']' * 90}",), "hidden.0: must be a valid integer; got"),
    "dotted": ((f"scientific.{'decay.' * 3000}x=1",), "scientific.decay: expected a list of"),
    "leave-one-out": (
        ("norm=leave-one-out", "norm_batch_size=[2, 4]"),
        "norm_batch_size of 3 or more; got 2",
    ),
    "default size": (
        ("norm=leave-one-out", "batch_size=2", "scientific={}", "probe_batch_sizes=[2]"),
        "norm_batch_size of 3 or more; got 2",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_absurd_number_is_refused_in_one_short_sentence(case: str) -> None:
    settings, words = REFUSED[case]
    with pytest.raises(RequestError, match=words) as caught:
        plan_of(*TINY, *settings)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1100


def text_of(levels: str) -> str:
    return f'name = "s"\ndataset = "wine"\n[scientific]\nnorm_batch_size = {levels}\n'


FILES: dict[str, tuple[Callable[[], str], str]] = {
    "ten megabytes": (lambda: "#" * 10_000_000, "10,000,000 bytes, above the 1,000,000"),
    "a million levels": (lambda: text_of(str(list(range(10**6)))), "bytes, above the 1,000,000"),
    "levels": (lambda: text_of(str([*range(2, 100_000), 7])), "a level appears twice"),
    "brackets": (lambda: text_of("[" * 900_000), "nested too deeply"),
    "tables": (lambda: text_of("{a=" * 300_000), "s.toml"),
    "dots": (lambda: ".".join("a" * 400_000), "a key with more than"),
    "header": (lambda: f"[{'.'.join('a' * 400_000)}]", "a key with more than"),
    "escaped dots": (lambda: r'"\"".' * 100_000 + "a = 1", "a key with more than"),
    "one long word": (lambda: "a" * 900_000, "s.toml is not valid TOML"),
    "quoted dots": (lambda: '"a" . ' * 100_000 + "a = 1", "a key with more than"),
}


@pytest.mark.parametrize("case", FILES)
def test_an_absurd_file_is_refused_in_one_short_sentence(case: str, tmp_path: Path) -> None:
    content, words = FILES[case]
    (tmp_path / "s.toml").write_text(content())
    with pytest.raises(RequestError, match=words) as caught:
        plan_of(study=tmp_path / "s.toml")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1100
