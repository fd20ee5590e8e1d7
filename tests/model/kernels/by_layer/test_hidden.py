from __future__ import annotations

import subprocess
import sys

from caviar.model.kernels.by_layer.hidden import hidden_layers, not_hidden
from caviar.model.layers import Dense, Dropout, Relu, Tanh
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import small_mlp


def test_the_parts_of_hidden_layers_by_name() -> None:
    _, second = hidden_layers(small_mlp(dropout=0.5))
    assert second.names == ("dense2", "norm2", "relu2", "dropout2")
    assert second.normaliser == BatchNorm(8) and second.dropout == Dropout(0.5)
    _, bare = hidden_layers(small_mlp("none"))
    assert bare.names == ("dense2", "", "relu2", "") and bare.normaliser is None


def test_parts_in_another_order_or_twice_are_no_hidden_layer() -> None:
    dense, norm, relu = Dense(2), Norm(BatchNorm(4)), Relu()
    for parts, wrong in (
        ((dense, norm, relu), None),
        ((dense, relu), None),
        ((dense, relu, norm), norm),
        ((dense, relu, relu), relu),
        ((dense, norm), norm),
        ((dense, Tanh()), Tanh()),
    ):
        assert not_hidden([("", layer) for layer in parts]) == wrong


def test_what_has_a_kernel_is_known_without_numba() -> None:
    code = "import sys, caviar.model.kernels.supported; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
