"""`python -m tests.golden FOLDER`: check every recording in a folder against its convention."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.golden.check import check_folder


def main(folder: Path) -> int:
    """Print one line per quantity; return 1 if any misses its tolerance, 2 without inputs."""
    if not (folder / "inputs.npz").is_file():
        print(f"{folder}: there is no inputs.npz", file=sys.stderr)
        return 2
    lines = list(check_folder(folder))
    missed = [line for line in lines if not line.holds]
    for line in lines:
        print(line)
    print(f"{len(lines)} quantities, {len(missed)} missed")
    return 1 if missed or not lines else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
