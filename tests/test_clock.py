"""How long something takes, in words."""

from __future__ import annotations

import pytest

from notewright.clock import lasting, roughly


@pytest.mark.parametrize(
    ("seconds", "exactly", "about"),
    [
        (3.4, "3 s", "10 s"),
        (42, "42 s", "40 s"),
        (94, "1 min 34 s", "90 s"),
        (120, "2 min 00 s", "2 min"),
        (7500, "2 h 05 min", "125 min"),
        (15_500, "4 h 18 min", "4 h"),
    ],
)
def test_a_time_in_words(seconds: float, exactly: str, about: str) -> None:
    assert lasting(seconds) == exactly
    assert roughly(seconds) == about
