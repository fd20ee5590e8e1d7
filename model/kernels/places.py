"""Columns of the table of dense layers: sizes, then places in the flat array, one row per layer."""

from __future__ import annotations

INPUTS, VECTORS, UNITS = range(3)
"""Inputs; outputs in whole vectors; outputs."""

INPUT, INPUT_ROW, OUTPUT, OUTPUT_ROW, SLOPE = range(3, 8)
"""What the layer takes; what it gives (behind the norm: x_hat); the gradient by its output.

`..._ROW` is the distance from a row to the next; a slope has that of the output.
"""

WEIGHT, VELOCITY, GRADIENT, WEIGHT_ROW, TRANSPOSED = range(8, 13)
"""The weights, their velocity and their gradient, which lies there only where it is asked for;
their transpose, whose rows are as far apart as those of the input."""

GAIN, GAIN_VELOCITY, GAIN_GRADIENT = range(13, 16)
"""gamma of the norm behind the layer."""

SHIFT, SHIFT_VELOCITY, SHIFT_GRADIENT = range(16, 19)
"""beta of the norm behind the layer, or the bias of the last one."""

INVERSE, MOMENTS = range(19, 21)
"""The inverse deviations of each ghost; where the layer's features begin among all norms'."""

SECOND, GAIN_SECOND, SHIFT_SECOND = range(21, 24)
"""Adam's averages of squares: of weights, of gamma, and of beta or the bias."""

BIAS, BIAS_VELOCITY, BIAS_GRADIENT, BIAS_SECOND = range(24, 28)
"""The bias of a dense layer with a norm behind it that keeps one; 0 where there is none."""

OF_PARAMETERS = WEIGHT, GAIN, SHIFT, BIAS
OF_VELOCITIES = VELOCITY, GAIN_VELOCITY, SHIFT_VELOCITY, BIAS_VELOCITY
OF_SECONDS = SECOND, GAIN_SECOND, SHIFT_SECOND, BIAS_SECOND
"""Where the numbers of all parameters lie, and what an optimiser keeps for each."""

COLUMNS = 28
