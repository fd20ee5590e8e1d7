"""How many messages per second the driver takes from Ray, by the number of workers that stream.

The workers are streams of one asynchronous actor, each sending the events of a second of a real
trial once a second; the driver asks for news as `RayExecutor` does and takes it. Where it cannot
keep up, fewer messages arrive than are due.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import ray

from caviar.runner.executors.ray_actors import _ready
from caviar.runner.store.schemas import ROW_TABLES
from caviar.runner.trial.events import Block


class Sizes(NamedTuple):
    """The numbers of workers, and for how long their messages are counted."""

    streams: tuple[int, ...]
    seconds: float


FULL = Sizes((10, 100, 300, 1000), seconds=20.0)
QUICK = Sizes((2, 10), seconds=2.0)


class Workers:
    """Many workers in one process: they do nothing but send."""

    async def run(self, bundle: list[Any], delay: float) -> AsyncIterator[list[Any]]:
        await asyncio.sleep(delay)
        while True:
            yield bundle
            await asyncio.sleep(1.0)


def taken(streams: list[Any], seconds: float) -> tuple[int, float]:
    """Messages taken in that time, and the driver's processor time."""
    messages, end, before = 0, time.perf_counter() + seconds, time.process_time()
    while time.perf_counter() < end:
        for stream in _ready(streams):
            ray.get(next(stream))
            messages += 1
    return messages, time.process_time() - before


def main(sizes: Sizes) -> None:
    """Print the table."""
    print(machine.describe())
    print(f"each stream sends once a second, for {sizes.seconds:.0f} s\n")
    print("| streams | messages per second | share of those due | driver's CPU per message (ms) |")
    print("| ---: | ---: | ---: | ---: |")
    names = [name for name in ROW_TABLES["curves"].names if name not in ("trial_id", "attempt")]
    bundle = [Block("t" * 12, 0, "curves", {name: [0.5] * 24 for name in names})]
    for count in sizes.streams:
        ray.init(address="local", include_dashboard=False, log_to_driver=False)
        try:
            remote: Any = ray.remote(Workers)  # Ray has no type for a class wrapped at run time.
            actor = remote.options(max_concurrency=count + 1).remote()
            run = actor.run.options(num_returns="streaming")
            streams = [run.remote(bundle, i / count) for i in range(count)]
            for stream in streams:
                ray.get(next(stream))
            messages, cpu = taken(streams, sizes.seconds)
        finally:
            ray.shutdown()
        rate = messages / sizes.seconds
        print(
            f"| {count:,} | {rate:,.0f} | {rate / count:.0%} | {cpu / messages * 1e3:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
