"""The examples of docs/watch.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tests.runner.torch_models.watching.trained import batches, small_network
from tests.sources import ROOT

PAGE = (ROOT / "docs/watch.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def example(with_words: str, **names: Any) -> dict[str, Any]:
    """What the one example with these words defines, when it is run."""
    (code,) = [one for one in EXAMPLES if with_words in one]
    exec(code, names)
    return names


def ended(run: str) -> pd.DataFrame:
    """The last measurement of a completed run."""
    assert list(pd.read_parquet(f"{run}/outcomes")["status"]) == ["completed"]
    statistics = pd.read_parquet(f"{run}/statistics")
    return statistics[statistics["step"] == statistics["step"].max()]


def test_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example("for epoch in range(10)")
    assert set(ended("runs/mine")["step"]) == {160}
    assert pd.read_parquet("runs/mine/curves")["epoch"].max() == 9


@pytest.mark.filterwarnings("ignore")
def test_lightning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lightning = pytest.importorskip("pytorch_lightning", reason="Lightning is not installed")
    monkeypatch.chdir(tmp_path)

    class Module(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.network(x)
            return scores

        def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
            return cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    watched = example("pytorch_lightning.Callback")["Watched"]()
    trainer = lightning.Trainer(
        max_epochs=2,
        callbacks=[watched],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    loader: Any = torch.utils.data.DataLoader(batches(), batch_size=None)  # type: ignore[arg-type]
    trainer.fit(Module(), loader)
    last = ended("runs/lightning")
    assert set(last["step"]) == {16} and set(last["layer"]) == {"network.1", "network.6"}


@pytest.mark.filterwarnings("ignore")
def test_hugging_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    monkeypatch.chdir(tmp_path)

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
            logits = self.network(x)
            loss = {} if labels is None else {"loss": cross_entropy(logits, labels)}
            return {**loss, "logits": logits}

    watched = example("transformers.TrainerCallback")["Watched"]()
    rows = [
        {"x": x, "labels": y}
        for inputs, targets in batches()
        for x, y in zip(inputs, targets, strict=True)
    ]
    arguments = transformers.TrainingArguments(
        "trained",
        num_train_epochs=2,
        per_device_train_batch_size=16,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = transformers.Trainer(Model(), arguments, train_dataset=rows, callbacks=[watched])
    trainer.train()
    assert set(ended("runs/trainer")["step"]) == {16}
