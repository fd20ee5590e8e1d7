from __future__ import annotations

from caviar.model.kernels import places


def test_every_column_has_one_name() -> None:
    columns = [value for name, value in vars(places).items() if isinstance(value, int)]
    assert sorted(columns) == list(range(places.COLUMNS + 1))


def test_a_velocity_stands_behind_what_it_moves() -> None:
    for of_weights in (places.WEIGHT, places.GAIN, places.SHIFT):
        assert of_weights + 1 in (places.VELOCITY, places.GAIN_VELOCITY, places.SHIFT_VELOCITY)
