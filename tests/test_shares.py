"""Wilson's interval, by hand and at its ends."""

from __future__ import annotations

import pytest

from notewright.shares import wilson


@pytest.mark.parametrize(
    ("successes", "trials", "confidence", "low", "high"),
    [
        (0, 0, 0.95, 0.0, 1.0),
        (0, 10, 0.95, 0.0, 0.2775),
        (1, 1, 0.95, 0.2065, 1.0),
        (8, 10, 0.95, 0.4902, 0.9433),
        (8, 10, 0.9, 0.5408, 0.9314),
    ],
)
def test_an_interval_of_a_share(successes: int, trials: int, confidence: float, low: float, high: float) -> None:
    assert wilson(successes, trials, confidence=confidence) == pytest.approx((low, high), abs=1e-4)
