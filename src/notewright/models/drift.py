"""Whether the person changed, as far as their judgements of drafts tell: one test for a lasting rise of a mean, on what they had to change
in drafts and on how their choices surprise the taste head (docs/decisions/0014-taking-turns.md)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from .bandit import Outcome

SHORTEST = 8  # batches that each side of a change needs
LEAST = {"edit cost": 0.15, "surprise": 0.05}  # least spread of a series (roots of shares of words, bits): smaller changes are none
ALARM = 4.6  # of series without any change few go beyond this within 200 batches (decision 14)
FURTHEST = 200  # batches back that a change is looked for
TOGETHER = 8  # looks, for speed
ALIKE = 9.0  # batches: versions that may write differ by a third of what single batches do


@dataclass(frozen=True, slots=True)
class Drift:
    """The person changed: from `event` on (at `at`) `what` (edit cost or surprise) is `after`, where it was `before`."""

    what: str
    event: int
    at: str
    before: float
    after: float


def drift(history: Sequence[Outcome]) -> Drift | None:
    """The newest change for the worse in edit cost or in surprise, if there was one.

    A generalised likelihood ratio for one shift of the mean, wherever it lies (Siegmund and Venkatraman 1995), looked for after every
    batch. What was once found stays, as what is done about it makes later batches cheaper again; the next one is looked for behind it.
    """
    costs = [item for item in history if item.cost is not None]
    bits = [item for item in history if item.surprise is not None]
    found = [
        # Roots, as dear batches lie further apart than cheap ones.
        _newest("edit cost", costs, [item.cost or 0.0 for item in costs], [math.sqrt(item.cost or 0.0) for item in costs]),
        _newest("surprise", bits, [item.surprise or 0.0 for item in bits], [item.surprise or 0.0 for item in bits]),
    ]
    return max((item for item in found if item), key=lambda item: (item.at, item.event), default=None)


def _newest(what: str, history: Sequence[Outcome], values: Sequence[float], compared: Sequence[float]) -> Drift | None:
    # A surprise is the taste head's, whoever wrote.
    versions = [item.version if what == "edit cost" else "" for item in history]
    places = changes(compared, versions, least=LEAST[what])
    if not places:
        return None
    place, began = places[-1], ([0, *places])[-2]
    return Drift(what, history[place].event, history[place].at, round(fmean(values[began:place]), 4), round(fmean(values[place:]), 4))


def changes(values: Sequence[float], versions: Sequence[str], *, least: float) -> list[int]:
    """The places where the mean rose for good, each as it was when it could first be told from chance; spreads count as `least` at least.

    A version is taken to be as good as those before it, with a doubt worth `ALIKE` batches of its own: one that is dearer while others stay
    as they were is no change of the person. `values` and `versions` (who wrote each) are of one length.
    """
    if len(values) < 2 * SHORTEST:
        return []
    import numpy

    names = {version: number for number, version in enumerate(dict.fromkeys(versions))}
    data = numpy.asarray(values, dtype=float)
    owns = numpy.zeros((len(names), len(values)))
    owns[[names[version] for version in versions], range(len(values))] = 1.0
    found: list[int] = []
    start, look = 0, 2 * SHORTEST
    while len(values) >= max(look, start + 2 * SHORTEST):
        # Counts, sums and squares of each version before every place.
        counts, sums, squares = (_before(owns[:, start:] * factor) for factor in (1.0, data[start:], data[start:] ** 2))
        looks = numpy.arange(max(look - start, 2 * SHORTEST), len(values) - start + 1)
        for ends in (looks[at : at + TOGETHER] for at in range(0, len(looks), TOGETHER)):
            places = numpy.arange(max(SHORTEST, int(ends[0]) - FURTHEST), int(ends[-1]))
            heights = _heights(counts, sums, squares, places, ends, least)
            alarms = ((heights > ALARM) & (places <= ends[:, None] - SHORTEST)).any(axis=1)
            if alarms.any():  # a large change is sure before its last `SHORTEST` batches are in: it began where it shows best
                place = start + int(places[heights[alarms.argmax()].argmax()])
                look = start + int(ends[alarms.argmax()]) + 1
                break
        else:
            return found
        found.append(place)
        start = place
    return found


def _heights(counts: Any, sums: Any, squares: Any, places: Any, ends: Any, least: float) -> Any:
    """By how many deviations the mean is higher after each of `places` than before it, at each of the looks after `ends` values (0 where
    nothing lies between)."""
    import numpy

    n, total, square = (table[:, None, places] for table in (counts, sums, squares))
    later, more, larger = (table[:, ends, None] - table[:, None, places] for table in (counts, sums, squares))
    later = numpy.maximum(later, 0.0)
    mean = total.sum(0) / n.sum(0)
    usual = (ALIKE * mean + total) / (ALIKE + n)
    weight = later * (ALIKE + n) / (later + ALIKE + n)
    rise = (weight * (more / numpy.maximum(later, 1.0) - usual)).sum(0) / numpy.maximum(weight.sum(0), 1e-9)
    shift = usual + rise
    apart = (square - 2 * usual * total + usual**2 * n).sum(0) + (larger - 2 * shift * more + shift**2 * later).sum(0)
    spread = numpy.sqrt(numpy.maximum(least**2, apart / (ends[:, None] - 2)))
    known = numpy.minimum(weight.sum(0), places * numpy.maximum(ends[:, None] - places, 0) / ends[:, None])
    return rise * numpy.sqrt(known) / spread


def _before(rows: Any) -> Any:
    """Cumulative sums along the last axis, with a zero before them."""
    import numpy

    return numpy.concatenate([numpy.zeros((len(rows), 1)), numpy.cumsum(rows, axis=1)], axis=1)
