"""A training in closed form, which can be steered: the screen's other side, without an engine.

Every number of its views is computed from the requests that were accepted, so that a screen shows
the same text at the same step wherever its tests run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

import numpy as np

from caviar.model.contract import Array
from caviar.runner.errors import RequestError
from caviar.runner.panda.requests import Answer, Request, read_request
from caviar.runner.panda.view import LayerView, LineageView, LogLine, Series, View

SEEDS = (0, 1, 2, 3, 4, 5, 6, 7)
STEPS, EPOCH, EVERY = 2400, 160, 24

GAPS = {
    "train train-mode": 0.10,
    "train population": 0.02,
    "train running": 0.05,
    "validation population": 0.12,
    "validation running": 0.15,
}
"""What every loss ends above the floor of its training."""


@dataclass
class Made:
    """One model: the learning rate after every step at which it was changed."""

    parent: int
    born: int
    change: str
    rates: tuple[tuple[int, float], ...]
    step: int
    state: str = "training"

    def loss(self, steps: Array) -> Array:
        """(points, seeds): falls with the sum of the learning rates so far."""
        began = [0, *(step for step, _ in self.rates[1:])]
        ended = [*began[1:], STEPS]
        way = sum(
            rate * np.clip(steps - first, 0, last - first)
            for first, last, (_, rate) in zip(began, ended, self.rates, strict=True)
        )
        seeds = np.random.default_rng(5).normal(0, 0.02, len(SEEDS))
        drawn = np.random.default_rng(6).normal(0, 0.05, len(SEEDS)) * (len(self.rates) - 1)
        return np.asarray(0.05 + 2.25 * np.exp(-way[:, None] / 30 * (1 + seeds + drawn)))


@dataclass
class MadePanda:
    """What a screen asks of a panda; nothing moves unless `advance` is called."""

    models: list[Made] = field(default_factory=lambda: [Made(-1, 0, "", ((0, 0.1),), 0)])
    current: int = 0
    paused: bool = False
    pace: float | None = 20.0
    log: list[LogLine] = field(default_factory=list)
    snapshots: dict[str, tuple[int, int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forked: bool = False
    broken: Exception | None = None
    broken_ask: Exception | None = None

    def advance(self, steps: int) -> MadePanda:
        """Train every model that is being trained."""
        for model in self.models:
            if model.state == "training":
                model.step = min(model.step + steps, STEPS)
        return self

    def ask(self, text: str, who: str) -> Answer:
        if self.broken_ask is not None:
            raise self.broken_ask
        self.asked.append(text)
        try:
            says = self._done(read_request(text))
            accepted = True
        except RequestError as error:
            says, accepted = str(error), False
        step = self.models[self.current].step
        self.log.append(LogLine(step, self.current, says, accepted, who))
        return Answer(accepted, says, step, self.current)

    def _done(self, request: Request) -> str:
        match request.verb:
            case "pause" | "go":
                self.paused = request.verb == "pause"
                return "paused" if self.paused else "training goes on"
            case "step":
                self.paused = False
                return f"training {request.argument} more, then a pause"
            case "pace":
                self.pace = None if request.argument == "off" else float(str(request.argument))
                return str(request)
            case "fork":
                self.forked = True
                return "the next edit starts another future; both go on"
            case "snapshot":
                model = self.models[self.current]
                self.snapshots[str(request.argument)] = self.current, model.step
                return f"kept snapshot {request.argument} of step {model.step}"
            case "select":
                self.current = int(str(request.argument))
                return f"model {self.current} is the current one"
            case "undo" if self.current:
                self.current = self.models[self.current].parent
                self.models[self.current].state = "training"
                return f"back to model {self.current}"
            case "set":
                return self._set(request)
        raise RequestError(f"{request.verb} cannot be done here")

    def _set(self, request: Request) -> str:
        (setting,) = request.settings
        model = self.models[self.current]
        if setting.field != "learning_rate":
            raise RequestError(f"unknown field '{setting.field}'; do you mean learning_rate?")
        old = model.rates[-1][1]
        new = old * float(setting.value) if setting.factor else float(setting.value)
        change = f"{model.step}: learning_rate = {new:g}"
        rates = (*model.rates, (model.step, new))
        self.models.append(Made(self.current, model.step, change, rates, model.step))
        if self.current and not self.forked:
            model.state = "parked"
        self.current, self.forked = len(self.models) - 1, False
        return f"learning_rate {old:g} → {new:g}"

    def view(self) -> View:
        if self.broken is not None:
            raise self.broken
        current = self.models[self.current]
        return View(
            name="quickstart",
            where="runs/panda-quickstart",
            about="digits, 64-64, batch norm, m = 16",
            steps=STEPS,
            steps_per_epoch=EPOCH,
            seeds=SEEDS,
            lineages=tuple(
                LineageView(i, m.parent, m.born, m.change, m.step, m.state)  # type: ignore[arg-type]
                for i, m in enumerate(self.models)
            ),
            current=self.current,
            settings={"momentum": "0.9", "decay": "0.9", "norm_batch_size": "16"},
            learning_rate=current.rates[-1][1],
            steps_per_second=19.6,
            pace=self.pace,
            paused=self.paused,
            ended=all(m.step == STEPS for m in self.models),
            series={
                key: value for i, m in enumerate(self.models) for key, value in series_of(i, m)
            },
            layers={n: layers_of(self.models[n]) for n in {0, self.current}},
            log=tuple(self.log),
            snapshots=tuple(self.snapshots),
        )

    def close(self) -> None: ...


def series_of(number: int, model: Made) -> list[tuple[tuple[int, str], Series]]:
    """Every curve of a model up to its step."""
    steps = np.arange(0, model.step + 1, EVERY)
    loss = model.loss(steps)
    made = [
        ((number, f"loss {kind}"), Series(steps, loss + gap * (1 - np.exp(-steps / 900))[:, None]))
        for kind, gap in GAPS.items()
    ]
    made += [
        ((number, f"accuracy {kind}"), Series(steps, 1 - 0.9 * (loss - 0.04) / 2.3 - gap / 10))
        for kind, gap in GAPS.items()
        if kind != "train train-mode"
    ]
    return made


def layers_of(model: Made) -> tuple[LayerView, ...]:
    """Two norm layers whose statistics lag behind the learning rate."""
    rate = model.rates[-1][1]
    return tuple(
        LayerView(f"norm{i}", 0.4 * rate * i, 0.9 * rate * i, 1 / 16, 8.0 - i, 11.2 + rate)
        for i in (1, 2)
    )


def edited(panda: MadePanda | None = None) -> MadePanda:
    """A training of 1,200 steps in which the learning rate was doubled after 600."""
    panda = panda or MadePanda()
    panda.advance(600)
    panda.ask("set learning_rate*=2", "screen")
    panda.advance(600)
    panda.ask("set learnin_rate=1", "control mia@lab")
    return panda


@dataclass
class SlowPanda(MadePanda):
    """Answers only once `free` is set."""

    free: Event = field(default_factory=Event)

    def ask(self, text: str, who: str) -> Answer:
        self.free.wait()
        return super().ask(text, who)
