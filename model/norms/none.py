"""No norm at all: the control arm that only trains."""

from __future__ import annotations

from caviar.model.norms.kind import NormKind, the_batch

NONE = NormKind("none", None, lambda s: None, frozenset(), forward_examples=the_batch)
