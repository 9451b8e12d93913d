"""Dates in the formats of Moment, which Obsidian's templates use: `YYYY-MM-DD`, `dddd, D MMMM`, `[week] W`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

_TOKEN = re.compile(
    r"\[([^\]]*)\]|YYYY|YY|Y|Qo|Q|MMMM|MMM|MM|Mo|M|DDDo|DDDD|DDD|DD|Do|D|dddd|ddd|dd|do|d|E|e|gggg|gg|GGGG|GG|ww|wo|w|WW|Wo|W|HH|H|hh|h|"
    r"kk|k|mm|m|ss|s|SSS|SS|S|A|a|ZZ|Z|X|x|LLLL|LLL|LL|LTS|LT|L|llll|lll|ll|l"
)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LOCAL = {
    "L": "MM/DD/YYYY",
    "LL": "MMMM D, YYYY",
    "LLL": "MMMM D, YYYY h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "l": "M/D/YYYY",
    "ll": "MMM D, YYYY",
    "lll": "MMM D, YYYY h:mm A",
    "llll": "ddd, MMM D, YYYY h:mm A",
    "LT": "h:mm A",
    "LTS": "h:mm:ss A",
}


def format_moment(when: datetime, pattern: str) -> str:
    """`when` (with a time zone) written by Moment's English rules; letters that are no token stay, `[...]` is taken literally."""

    def written(found: re.Match[str]) -> str:
        token = found[0]
        if token.startswith("["):
            return found[1]
        if token in _LOCAL:
            return format_moment(when, _LOCAL[token])
        return str(_WRITERS[token](when))

    return _TOKEN.sub(written, pattern)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _zone(when: datetime, colon: str) -> str:
    text = when.strftime("%z") or "+0000"
    return text[:3] + colon + text[3:5]


def _us_week(when: datetime) -> tuple[int, int]:
    """Year and week: weeks begin on Sunday, and the first of a year holds its 1 January."""
    saturday = when + timedelta(days=(5 - when.weekday()) % 7)
    return saturday.year, (saturday.timetuple().tm_yday - 1) // 7 + 1


_WRITERS: dict[str, Callable[[datetime], object]] = {
    "YYYY": lambda t: f"{t.year:04}", "YY": lambda t: f"{t.year % 100:02}", "Y": lambda t: t.year, "Q": lambda t: (t.month + 2) // 3,
    "Qo": lambda t: _ordinal((t.month + 2) // 3), "MMMM": lambda t: _MONTHS[t.month - 1], "MMM": lambda t: _MONTHS[t.month - 1][:3],
    "MM": lambda t: f"{t.month:02}", "Mo": lambda t: _ordinal(t.month), "M": lambda t: t.month,
    "DDDo": lambda t: _ordinal(t.timetuple().tm_yday),
    "DDDD": lambda t: f"{t.timetuple().tm_yday:03}", "DDD": lambda t: t.timetuple().tm_yday, "DD": lambda t: f"{t.day:02}",
    "Do": lambda t: _ordinal(t.day), "D": lambda t: t.day, "dddd": lambda t: _DAYS[t.weekday()], "ddd": lambda t: _DAYS[t.weekday()][:3],
    "dd": lambda t: _DAYS[t.weekday()][:2], "do": lambda t: _ordinal((t.weekday() + 1) % 7), "d": lambda t: (t.weekday() + 1) % 7,
    "E": lambda t: t.isoweekday(), "e": lambda t: (t.weekday() + 1) % 7, "GGGG": lambda t: t.isocalendar()[0],
    "GG": lambda t: f"{t.isocalendar()[0] % 100:02}", "gggg": lambda t: _us_week(t)[0], "gg": lambda t: f"{_us_week(t)[0] % 100:02}",
    "WW": lambda t: f"{t.isocalendar()[1]:02}", "W": lambda t: t.isocalendar()[1],
    "Wo": lambda t: _ordinal(t.isocalendar()[1]), "ww": lambda t: f"{_us_week(t)[1]:02}", "w": lambda t: _us_week(t)[1],
    "wo": lambda t: _ordinal(_us_week(t)[1]), "HH": lambda t: f"{t.hour:02}", "H": lambda t: t.hour,
    "hh": lambda t: f"{t.hour % 12 or 12:02}", "h": lambda t: t.hour % 12 or 12, "kk": lambda t: f"{t.hour or 24:02}",
    "k": lambda t: t.hour or 24, "mm": lambda t: f"{t.minute:02}", "m": lambda t: t.minute, "ss": lambda t: f"{t.second:02}",
    "s": lambda t: t.second, "SSS": lambda t: f"{t.microsecond // 1000:03}", "SS": lambda t: f"{t.microsecond // 10000:02}",
    "S": lambda t: t.microsecond // 100000, "A": lambda t: "AM" if t.hour < 12 else "PM", "a": lambda t: "am" if t.hour < 12 else "pm",
    "Z": lambda t: _zone(t, ":"), "ZZ": lambda t: _zone(t, ""), "X": lambda t: int(t.timestamp()), "x": lambda t: int(t.timestamp() * 1000),
}  # fmt: skip
