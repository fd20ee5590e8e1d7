"""Every finding, in the order of the page."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.findings.finding import Finding, Results
from caviar.analysis.scorecard.verdicts import scorecard
from caviar.analysis.tables import batch_noise as noise
from caviar.analysis.tables import regularization
from caviar.analysis.tables import running_error_parts as error_parts
from caviar.analysis.tables import running_statistics as test_time
from caviar.analysis.tables.best_decay import best_decay, memory_scaling
from caviar.analysis.tables.control_arms import arm_effects, mechanism_shares, shown_by_arms
from caviar.analysis.tables.data_sets import across_data_sets
from caviar.analysis.tables.designs import designs_beside
from caviar.analysis.tables.equivalent_dropout import equivalent_dropout
from caviar.analysis.tables.penalty_exponent import penalty_exponents
from caviar.analysis.tables.specification_curve import specifications
from caviar.analysis.tables.trials import trials_table
from caviar.analysis.tables.tuning import chosen_table, tuning, tuning_spread


def _designs(results: Results) -> pd.DataFrame:
    return designs_beside(results.comparisons) if results.beside else pd.DataFrame()


def _mechanism_shares(results: Results) -> pd.DataFrame:
    return mechanism_shares(results["arm_effects"], shown_by_arms(results.run.study))


FINDINGS = (
    Finding("batch_noise", lambda r: noise.batch_noise(r.comparison)),
    Finding("noise_penalty", lambda r: regularization.noise_penalty(r.comparison)),
    Finding("noise_penalty_exponent", lambda r: penalty_exponents(r.comparison)),
    Finding("effect_of_size", lambda r: regularization.effect_of_size(r.comparison)),
    Finding("losses", lambda r: regularization.losses(r.comparison)),
    Finding("trends", lambda r: regularization.trends(r.comparison)),
    Finding("best_size", lambda r: regularization.best_size(r.comparison)),
    Finding("verdicts", lambda r: regularization.verdicts(r["effect_of_size"])),
    Finding("chosen_draws", lambda r: chosen_table(r.comparison)),
    Finding("arm_effects", lambda r: arm_effects(r.comparison)),
    Finding("mechanism_shares", _mechanism_shares),
    Finding("penalties", lambda r: noise.penalties(r.comparison)),
    Finding("penalty_split", lambda r: noise.at_own_size(r["penalties"])),
    Finding("gradient_noise", lambda r: noise.gradient_noise(r.comparison)),
    Finding("equivalent_dropout", lambda r: equivalent_dropout(r.comparison)),
    Finding("tuning", lambda r: tuning(r.comparison)),
    Finding("tuning_spread", lambda r: tuning_spread(r.comparison)),
    Finding("specifications", lambda r: specifications(r.comparisons)),
    Finding("designs", _designs),
    Finding("across_data_sets", lambda r: across_data_sets(r.comparisons)),
    Finding("statistics_error", lambda r: test_time.statistics_error(r.comparison)),
    Finding("running_damage", lambda r: test_time.running_damage(r.comparison)),
    Finding("error_parts", lambda r: error_parts.error_parts(r.comparison)),
    Finding("error_parts_over_decay", lambda r: error_parts.of_one_size(r["error_parts"])),
    Finding("error_parts_over_time", lambda r: error_parts.error_parts_over_time(r.comparison)),
    Finding("repairs", lambda r: test_time.repairs(r.comparison)),
    Finding("best_decay", lambda r: best_decay(r.comparison)),
    Finding("memory_scaling", lambda r: memory_scaling(r.comparison)),
    Finding("scorecard", lambda r: scorecard(r.comparison)),
    Finding("trials", lambda r: trials_table(r.run)),
)
BY_NAME = {finding.name: finding for finding in FINDINGS}
