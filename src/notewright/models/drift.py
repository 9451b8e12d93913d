"""Whether the person changed, as far as their judgements of drafts tell: one test for a lasting rise of a mean, on what they had to change
in drafts and on how their choices surprise the taste head (docs/decisions/0014-taking-turns.md)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
SURE = 3.0  # deviations by which it must have risen where each source counts as one value
FEW = 4.0  # sources that the least spread of their means is worth beside those at hand
SOURCES = 0.85  # of the least spread of batches: that of the means of sources


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
    sources = [item.source or item.batch for item in history]
    places = changes(compared, versions, sources, least=LEAST[what])
    if not places:
        return None
    place, began = places[-1], ([0, *places])[-2]
    return Drift(what, history[place].event, history[place].at, round(fmean(values[began:place]), 4), round(fmean(values[place:]), 4))


def changes(values: Sequence[float], versions: Sequence[str], sources: Sequence[str], *, least: float) -> list[int]:
    """The places where the mean rose for good, each as it was when it could first be told from chance; spreads count as `least` at least.

    A version is taken to be as good as those before it, with a doubt worth `ALIKE` batches of its own: one that is dearer while others stay
    as they were is no change of the person. Nor is one hard book: the chapters of a source are alike, so that the rise must hold from
    source to source too. `values`, `versions` (who wrote each) and `sources` (what each is about) are of one length.
    """
    if len(values) < 2 * SHORTEST:
        return []
    import numpy

    data, writers, origins = numpy.asarray(values, dtype=float), _marks(versions), _marks(sources)
    found: list[int] = []
    start, look = 0, 2 * SHORTEST
    while len(values) >= max(look, start + 2 * SHORTEST):
        alarms = _alarms(data[start:], writers[:, start:], max(look - start, 2 * SHORTEST), least)
        for place, end in alarms:
            looked_at = slice(start, start + end)
            if _holds_by_source(data[looked_at], writers[:, looked_at], origins[:, looked_at], place, least):
                start, look = start + place, start + end + 1
                found.append(start)
                break
        else:
            return found
    return found


def _marks(names: Sequence[str]) -> Any:
    """A row for each name, with ones where it stands."""
    import numpy

    return (numpy.asarray(names) == numpy.asarray(list(dict.fromkeys(names)))[:, None]).astype(float)


def _alarms(data: Any, writers: Any, first: int, least: float) -> Iterator[tuple[int, int]]:
    """(place, end) of the looks after `first` values and later at which the mean seems to have risen, in order."""
    import numpy

    # Counts, sums and squares of each version before every place.
    counts, sums, squares = (_before(writers * factor) for factor in (1.0, data, data**2))
    looks = numpy.arange(first, len(data) + 1)
    for ends in (looks[at : at + TOGETHER] for at in range(0, len(looks), TOGETHER)):
        places = numpy.arange(max(SHORTEST, int(ends[0]) - FURTHEST), int(ends[-1]))
        heights = _heights(counts, sums, squares, places, ends, least)
        alarms = ((heights > ALARM) & (places <= ends[:, None] - SHORTEST)).any(axis=1)
        for row, end in zip(heights[alarms], ends[alarms], strict=True):
            # A large change is sure before its last `SHORTEST` batches are in: it began where it shows best.
            yield int(places[row.argmax()]), int(end)


def _holds_by_source(data: Any, writers: Any, origins: Any, place: int, least: float) -> bool:
    """Whether the mean is higher from `place` on where each source counts as one value on either side of it, or among the chapters of one
    source that was begun long before."""
    n, total = (rows[:, :place].sum(1) for rows in (writers, writers * data))
    usual = (ALIKE * data[:place].mean() + total) / (ALIKE + n)
    beyond = data - usual @ writers  # what the version that wrote is not known for
    for chapters in origins.astype(bool):  # of a book that was easy so far: it did not become a hard one
        within = beyond[:place][chapters[:place]], beyond[place:][chapters[place:]]
        if min(map(len, within)) >= SHORTEST and _rose(*within, least, doubt=0.0):
            return True
    before, after = (_means(origins[:, side], beyond[side]) for side in (slice(place), slice(place, None)))
    return len(after) > 1 and _rose(before, after, SOURCES * least, doubt=FEW)


def _rose(before: Any, after: Any, least: float, *, doubt: float) -> bool:
    """By more than `SURE` deviations. Few values may be alike by chance: the least spread counts as `doubt` values more."""
    import numpy

    apart = (doubt * least**2 + before.var() * len(before) + after.var() * len(after)) / (doubt + len(before) + len(after) - 2)
    return bool(after.mean() - before.mean() > SURE * numpy.sqrt(max(apart, 1e-12) * (1 / len(before) + 1 / len(after))))


def _means(origins: Any, values: Any) -> Any:
    """Of each source that there is."""
    sizes = origins.sum(1)
    return (origins @ values)[sizes > 0] / sizes[sizes > 0]


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
