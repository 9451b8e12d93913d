"""How sure a share is that was counted in a few cases."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson(successes: float, trials: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share: all is possible without trials."""
    if not trials:
        return 0.0, 1.0
    z, share = NormalDist().inv_cdf((1 + confidence) / 2), successes / trials
    centre, reach = share + z * z / (2 * trials), z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (centre - reach) / (1 + z * z / trials)), min(1.0, (centre + reach) / (1 + z * z / trials))
