"""Settings of studies that are never laid out whole: a million trials by draws or by levels."""

from __future__ import annotations

MANY_DRAWS = "draws.count=500_000"
RATES = 'learning_rate={ scale = "log_uniform", low = 0.01, high = 0.3 }'
TENTHS = "dropout=[" + ", ".join(str(i / 1000) for i in range(500)) + "]"
DECAYS = "weight_decay=[" + ", ".join(str(i / 1000) for i in range(1000)) + "]"
MANY_LEVELS = (f"scientific.{TENTHS}", f"scientific.{DECAYS}", "draws.count=1")
BIG: dict[str, tuple[str, ...]] = {"draws": (MANY_DRAWS,), "levels": MANY_LEVELS}
