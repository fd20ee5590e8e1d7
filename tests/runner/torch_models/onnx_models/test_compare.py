from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from tests.runner.torch_models.onnx_models.exported import export, trained
from tests.runner.torch_models.watching.trained import batches

if TYPE_CHECKING:
    from caviar.runner.torch_models.onnx_models.compare import Conversion


def compared(path: Path, model: Any) -> Conversion:
    from caviar.runner.torch_models.onnx_models.compare import compare_onnx

    return compare_onnx(path, model, batches())


def test_an_export_in_eval_mode_is_the_same_and_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = trained()
    path = export(model, tmp_path / "a.onnx")
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    two = compared(path, model)
    assert two.same and two.changed == 0 and two.error < 1e-5 and two.examples == 64
    assert [(norm.name, norm.error is not None) for norm in two.norms] == [("1", True), ("6", True)]
    assert model.training and not any(len(m._forward_hooks) for m in model)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_export_in_train_mode_is_named(tmp_path: Path) -> None:
    model = trained()
    path = export(model.train(), tmp_path / "a.onnx")
    two = compared(path, model)
    assert not two.same and all(norm.training for norm in two.norms)
    assert two.sentence.startswith("2 norms were exported in train mode (first 1)")
    assert "1: " in str(two) and "exported in train mode" in str(two)


def test_norms_that_were_folded_are_found_by_their_values(tmp_path: Path) -> None:
    model = trained()
    folded = {"training": torch.onnx.TrainingMode.EVAL, "do_constant_folding": True}
    two = compared(export(model, tmp_path / "a.onnx", **folded), model)
    assert two.same and all(norm.error is not None and norm.error < 1e-5 for norm in two.norms)


def test_statistics_of_other_weights_and_another_epsilon_are_told(tmp_path: Path) -> None:
    model = trained()
    path = export(model, tmp_path / "a.onnx")
    model[6].running_var.mul_(2)
    two = compared(path, model)
    assert not two.same and two.norms[1].statistics == pytest.approx(0.693, abs=0.01)
    assert "statistics of 1 norms are not those of the model (first 6" in two.sentence
    model[6].running_var.div_(2)
    model[6].__dict__["eps"] = 0.5
    two = compared(path, model)
    assert two.norms[1].epsilon is not None and "epsilon" in two.sentence
    assert list(two.norms[1].epsilon) == pytest.approx([0.5, 1e-5])


def test_other_layers_are_named_by_the_norm_behind_them(tmp_path: Path) -> None:
    model = trained()
    path = export(model, tmp_path / "a.onnx")
    with torch.no_grad():
        model[5].bias.add_(10)
    assert "The first difference is in the norm 6 or before it" in compared(path, model).sentence


def test_a_batch_that_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    from caviar.runner.errors import RequestError
    from caviar.runner.torch_models.onnx_models.compare import compare_onnx

    path = export(trained(), tmp_path / "a.onnx")
    twice: list[Any] = [((x, x), y) for x, y in batches()]
    with pytest.raises(RequestError, match="the model fails on the data"):
        compare_onnx(path, trained(), twice)
