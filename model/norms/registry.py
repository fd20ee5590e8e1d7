"""Every norm that a study may name. To add one, write its file and add its line here."""

from __future__ import annotations

from caviar.model.norms.batch_norm import BATCH
from caviar.model.norms.batch_renorm import RENORM
from caviar.model.norms.group_norm import GROUP
from caviar.model.norms.kind import NormKind
from caviar.model.norms.layer_norm import LAYER
from caviar.model.norms.leave_one_out import LEAVE_ONE_OUT
from caviar.model.norms.momentum_batch_norm import MOMENTUM_BATCH
from caviar.model.norms.noise.drawn_ghost_noise import DRAWN_GHOST_NOISE
from caviar.model.norms.noise.ghost_noise import GHOST_NOISE
from caviar.model.norms.noise.injected_noise import SCALE_NOISE, SHIFT_AND_SCALE_NOISE, SHIFT_NOISE
from caviar.model.norms.none import NONE
from caviar.model.norms.other_examples import OTHER_EXAMPLES
from caviar.model.norms.stop_gradient import STOP_GRADIENT

NORMS: dict[str, NormKind] = {
    kind.name: kind
    for kind in (
        BATCH,
        LAYER,
        NONE,
        LEAVE_ONE_OUT,
        OTHER_EXAMPLES,
        STOP_GRADIENT,
        RENORM,
        SHIFT_NOISE,
        SCALE_NOISE,
        SHIFT_AND_SCALE_NOISE,
        GROUP,
        MOMENTUM_BATCH,
        GHOST_NOISE,
        DRAWN_GHOST_NOISE,
    )
}
"""Every kind by its name in a study."""
