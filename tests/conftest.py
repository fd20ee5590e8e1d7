"""What every test runs under."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A slow or loaded machine is no fault: an example has no time limit, nor has finding one.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")
