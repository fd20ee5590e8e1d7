"""Every finding, in the order of the page and of the answer's sentences."""

from __future__ import annotations

from caviar.analysis.findings.batch_noise import BATCH_NOISE
from caviar.analysis.findings.best import BEST
from caviar.analysis.findings.field_importance import FIELD_IMPORTANCE
from caviar.analysis.findings.regularization.best_size import BEST_SIZE, CHOSEN_DRAWS
from caviar.analysis.findings.regularization.control_arms import ARM_EFFECTS, MECHANISM_SHARES
from caviar.analysis.findings.regularization.effect_of_size import EFFECT_OF_SIZE, LOSSES, TRENDS
from caviar.analysis.findings.regularization.equivalent_strength import EQUIVALENT_STRENGTH
from caviar.analysis.findings.regularization.noise_penalty import (
    NOISE_PENALTY,
    NOISE_PENALTY_EXPONENT,
)
from caviar.analysis.findings.regularization.penalties import (
    GRADIENT_NOISE,
    PENALTIES,
    PENALTY_SPLIT,
)
from caviar.analysis.findings.regularization.several_runs import (
    ACROSS_DATA_SETS,
    DESIGNS,
    SPECIFICATIONS,
)
from caviar.analysis.findings.regularization.side_by_side import EFFECT_AT_SHARED_DRAW, SIDE_BY_SIDE
from caviar.analysis.findings.regularization.training_curves import TRAINING_CURVES
from caviar.analysis.findings.regularization.tuning import TUNING, TUNING_SPREAD
from caviar.analysis.findings.scorecard import SCORECARD
from caviar.analysis.findings.test_time.error_parts import (
    ERROR_PARTS,
    ERROR_PARTS_OVER_DECAY,
    ERROR_PARTS_OVER_TIME,
)
from caviar.analysis.findings.test_time.reader_losses import READER_LOSSES
from caviar.analysis.findings.test_time.readers import READERS, VARIANCE_ESTIMATORS
from caviar.analysis.findings.test_time.repairs import BEST_DECAY, MEMORY_SCALING, REPAIRS
from caviar.analysis.findings.test_time.running_statistics import RUNNING_DAMAGE, STATISTICS_ERROR
from caviar.analysis.findings.test_time.sorting import SORTING
from caviar.analysis.findings.trials import TRIALS

FINDINGS = (
    BATCH_NOISE,
    NOISE_PENALTY,
    NOISE_PENALTY_EXPONENT,
    EFFECT_OF_SIZE,
    LOSSES,
    TRAINING_CURVES,
    TRENDS,
    BEST_SIZE,
    EFFECT_AT_SHARED_DRAW,
    SIDE_BY_SIDE,
    CHOSEN_DRAWS,
    ARM_EFFECTS,
    MECHANISM_SHARES,
    PENALTIES,
    PENALTY_SPLIT,
    GRADIENT_NOISE,
    EQUIVALENT_STRENGTH,
    TUNING,
    TUNING_SPREAD,
    SPECIFICATIONS,
    DESIGNS,
    ACROSS_DATA_SETS,
    STATISTICS_ERROR,
    RUNNING_DAMAGE,
    READER_LOSSES,
    READERS,
    VARIANCE_ESTIMATORS,
    ERROR_PARTS,
    ERROR_PARTS_OVER_DECAY,
    ERROR_PARTS_OVER_TIME,
    REPAIRS,
    SORTING,
    BEST_DECAY,
    MEMORY_SCALING,
    SCORECARD,
    FIELD_IMPORTANCE,
    BEST,
    TRIALS,
)
BY_NAME = {finding.name: finding for finding in FINDINGS}
