"""`caviar run --register FILE`: a study is run as a dated file fixed it beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from caviar.analysis.scorecard.registry import declarations_hash
from caviar.runner.errors import RequestError
from caviar.runner.session.registration import registered
from caviar.runner.session.run_folder import STUDY, read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.study.plan import Plan
from caviar.runner.study.study_file import QUICKSTART


def as_registered(
    plan: Plan,
    file: Path,
    study: Path | None,
    settings: Sequence[str],
    trials: int | None,
    root: str,
) -> Plan:
    """The plan with its registration; raises RequestError where the file, or a run beside `root`
    that has looked at these seeds, forbids it."""
    if trials is not None:
        raise RequestError("a registered run runs all its trials; leave out --trials")
    if not file.exists():
        must_be_fresh(plan, root, "")
    today = datetime.now(UTC).date()
    named = registered(plan, file, study or QUICKSTART, settings, declarations_hash(), today)
    assert named.registered is not None
    must_be_fresh(named, root, named.registered["sha256"])
    return named


def must_be_fresh(plan: Plan, root: str, sha256: str) -> None:
    """Refuse a new run whose seeds another run in the same local folder has looked at, unless it
    has the same registration."""
    here = Path(root)
    if "://" in root or (here / STUDY).exists() or not here.parent.is_dir():
        return
    seeds = set(plan.bench.seeds)
    for other in sorted(path for path in here.parent.iterdir() if (path / STUDY).is_file()):
        content = read_study_json(storage_at(str(other)))
        if content.get("registered", {}).get("sha256") == sha256:
            continue
        looked_at = content["study"]
        first, count = looked_at.get("seed", 0), looked_at.get("replicas", 0)
        same_data = looked_at["dataset"].get("fingerprint") == plan.data.fingerprint
        if same_data and seeds & set(range(first, first + count)):
            raise RequestError(
                f"seeds {first} to {first + count - 1} of these data were run before, in "
                f"{str(other)!r}; register seeds that nobody has looked at, say "
                f"--set seed={max(1000, first + count)}"
            )
