"""Figures over a person's own weeks: means with intervals where there is enough, and silence where there is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean

from ..clock import local
from ..evaluation.report import interval, middle, resampled
from ..shares import wilson

FEWEST = 5  # values behind a mean that is drawn; weeks with fewer are joined with the ones after
POINTS = 3  # a line through fewer says nothing
HALVES = 12  # values from which the later half is compared with the earlier one


@dataclass(frozen=True, slots=True)
class Mean:
    """`low` to `high` is a 90 % interval: by bootstrap, or Wilson's for a share. None of the three without items, neither of these two
    where there is no telling: of too few values, or of values that are all the same."""

    items: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole weeks of the person's own clock, from a Monday to a Sunday (dates), joined until they held `FEWEST` values."""

    first: str
    last: str
    value: Mean


@dataclass(frozen=True, slots=True)
class Change:
    """The later half of all values less the earlier half, with a 90 % bootstrap interval; without one where each half is the same each
    time, as in `Mean`."""

    earlier: float
    later: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over time (UTC, oldest first). `why_not` says in words why no line is drawn; empty where one is. `change` needs `HALVES`, and
    values that are not all the same."""

    name: str
    values: tuple[tuple[str, float], ...]
    whole: Mean
    stretches: tuple[Stretch, ...]
    change: Change | None
    why_not: str


def curve(name: str, values: Sequence[tuple[str, float]], *, share: bool = False) -> Curve:
    """`values` are (when, how much); with `share` each is 0 or 1."""
    ordered = sorted(values)
    found = _stretches(ordered, share)
    why_not = ""
    if len(found) < POINTS:
        weeks = len({_monday(at) for at, _ in ordered})
        why_not = (
            f"{len(ordered)} {'value' if len(ordered) == 1 else 'values'} in {weeks} {'week' if weeks == 1 else 'weeks'}: too few for a"
            f" line (at least {POINTS} stretches of whole weeks with {FEWEST} each are needed)"
        )
    return Curve(name, tuple(ordered), mean_of([value for _, value in ordered], share=share), found, _change(ordered), why_not)


def mean_of(values: Sequence[float], *, share: bool = False) -> Mean:
    """The mean of values from 0 to 1 with its interval; of fewer than `FEWEST` an interval by bootstrap would be far too narrow, and of
    equal ones it would be a point, so there is none."""
    if not values:
        return Mean(0, None, None, None)
    mean = fmean(values)
    if share:
        return Mean(len(values), mean, *wilson(sum(values), len(values), confidence=0.9))
    if len(values) < FEWEST or min(values) == max(values):
        return Mean(len(values), mean, None, None)
    low, high = interval(values)
    return Mean(len(values), mean, max(0.0, low), min(1.0, high))


def _stretches(values: Sequence[tuple[str, float]], share: bool) -> tuple[Stretch, ...]:
    weeks: dict[date, list[float]] = {}
    for at, value in values:
        weeks.setdefault(_monday(at), []).append(value)
    joined: list[tuple[date, date, list[float]]] = []
    for monday, held in weeks.items():
        if joined and len(joined[-1][2]) < FEWEST:
            joined[-1] = (joined[-1][0], monday, joined[-1][2] + held)
        else:
            joined.append((monday, monday, held))
    if len(joined) > 1 and len(joined[-1][2]) < FEWEST:  # what is left over at the end belongs to the stretch before
        _, last, rest = joined.pop()
        joined[-1] = (joined[-1][0], last, joined[-1][2] + rest)
    return tuple(
        Stretch(first.isoformat(), (last + timedelta(days=6)).isoformat(), mean_of(held, share=share))
        for first, last, held in joined
        if len(held) >= FEWEST
    )


def _monday(at: str) -> date:
    day = local(at).date()
    return day - timedelta(days=day.weekday())


def _change(values: Sequence[tuple[str, float]]) -> Change | None:
    figures = [value for _, value in values]
    if len(figures) < HALVES or min(figures) == max(figures):
        return None
    before, after = figures[: len(figures) // 2], figures[len(figures) // 2 :]
    if all(min(half) == max(half) for half in (before, after)):
        return Change(before[0], after[0], after[0] - before[0], None, None)
    drawn = zip(resampled(before, seed=0), resampled(after, seed=1), strict=True)
    low, high = middle(sorted(later - earlier for earlier, later in drawn))
    return Change(fmean(before), fmean(after), fmean(after) - fmean(before), max(-1.0, low), min(1.0, high))
