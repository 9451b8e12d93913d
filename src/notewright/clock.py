"""Times as a person reads them: kept in UTC everywhere, told by the clock of this machine, whose days and weeks are the person's."""

from __future__ import annotations

from datetime import datetime


def local(at: str) -> datetime:
    """A kept time, or a day of the person's. Raises ValueError and OverflowError where it is none that this machine can tell."""
    return datetime.fromisoformat(at).astimezone()


def minute(at: str) -> str:
    """`2026-03-08 21:30`; what was imported and is no proper time stays as it is."""
    try:
        return f"{local(at):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return at


def day(at: str) -> str:
    """`2026-03-08`; likewise."""
    try:
        return local(at).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return at


def day_in_words(at: str) -> str:
    """`8 Mar 2026`."""
    found = local(at)
    return f"{found.day} {found:%b %Y}"


def lasting(seconds: float) -> str:
    """`2 h 05 min`, `12 min 30 s`, `40 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def roughly(seconds: float) -> str:
    """What is but reckoned: `40 s`, `2 min`, `4 h`."""
    if seconds >= 10_800:
        return f"{seconds / 3600:.0f} h"
    return f"{max(10, round(seconds, -1)):.0f} s" if seconds < 95 else f"{seconds / 60:.0f} min"
