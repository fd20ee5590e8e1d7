"""A run as TensorBoard's event files: one folder per network."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from caviar.analysis.exports.series import Network, networks
from caviar.analysis.run.read import Run


def write_tensorboard(run: Run, folder: Path) -> int:
    """Write `TRIAL/seed-SEED` for every network: series, settings as text, and hparams.

    Returns how many networks there are. Raises ImportError without tensorboardX.
    """
    # It warns of every number that is not finite, and a diverged loss is one.
    logging.getLogger("tensorboardX.x2num").setLevel(logging.ERROR)
    from tensorboardX import SummaryWriter
    from tensorboardX.summary import hparams

    count = 0
    for network in networks(run):
        where = folder / network.trial_id / f"seed-{network.seed}"
        with SummaryWriter(str(where)) as writer:
            for point in network.points:
                writer.add_scalar(point.series, point.value, point.step)
            writer.add_text("config", f"```\n{json.dumps(network.settings, indent=1)}\n```")
            for summary in hparams(_settings(network), network.last):
                writer.file_writer.add_summary(summary)
        count += 1
    return count


def _settings(network: Network) -> dict[str, bool | str | float]:
    """Settings in the kinds that TensorBoard compares: numbers, words, truth values."""
    every = {**network.settings, "seed": network.seed}
    return {
        key: value if isinstance(value, bool | int | float | str) else json.dumps(value)
        for key, value in every.items()
    }
