"""Which of the written candidates are shown, and with which chance each of them was.

The rule. Candidates with problems are dropped; with fewer than two left those join that were set aside (`disagree`), then the least bad,
marked. If more are left than are to be shown, all places but the last are filled by posterior sampling: for each place one draw of the
taste head's weights, and the candidate that is best under it (Thompson 1933). The last place is filled at random, so that every kind of
draft keeps being judged. A candidate must differ from those chosen before it, in its words by `APART` and where possible along a named
axis; what is like a chosen one only comes when nothing else is left. What is chosen is shown best first, by the head's mean. All this only
once the head has earned it (`reward.trust`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ..records import Draft
from ..reward import Head, draft_rows, taste_of
from ..reward.features import INDEX
from ..text import edit_distance

if TYPE_CHECKING:
    from ..library import Library

APART = 0.15  # least share of words and line breaks in which two shown drafts differ
STEP = 0.5  # spreads of the person's notes: so far apart on an axis two drafts differ on it
WARMTH = 0.2  # difference in temperature that counts
DRAWS = 200  # of the whole rule, for the propensities
AXES: dict[str, tuple[str, ...]] = {
    "length": ("words",),
    "structure": ("bullets", "headings", "nesting", "paragraphs", "callouts", "tables"),
    "quoting": ("quoted", "verbatim"),
}
JUDGED = 20  # the newest batches that tell how well drafts are received
FEW_JUDGED = 10
MOST, USUAL, FEW = 4, 3, 2


@dataclass(frozen=True, slots=True)
class Option:
    """One written candidate as the choice sees it: its text, raw feature row, problems, temperature and model, and whether it is set aside
    as those that were asked for otherwise agree more."""

    text: str
    row: tuple[float, ...]
    problems: int = 0
    temperature: float = 0.0
    model: str = ""
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What became of one candidate. `propensity` is its chance to be shown under the rule, before the choice was made."""

    shown: bool
    why: str
    propensity: float
    score: float
    deviation: float
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """`order` are the shown candidates' indexes, best first; `places` has one entry for every candidate. `draws` is 0 where the
    propensities are exact."""

    order: tuple[int, ...]
    places: tuple[Place, ...]
    draws: int

    def selection(self, index: int) -> dict[str, object]:
        """What is stored with the draft."""
        place = self.places[index]
        return {
            "shown": place.shown, "why": place.why, "propensity": round(place.propensity, 4),
            "method": "monte carlo" if self.draws else "exact", "draws": self.draws, "score": round(place.score, 4),
            "deviation": round(place.deviation, 4), "differs": list(place.differs),
        }  # fmt: skip


def shown_count(library: Library) -> int:
    """How many candidates to show: 4 when fewer than 30 % of the last 20 judged batches had a draft accepted unchanged, 2 from 60 % on,
    else, and before 10 batches were judged, 3."""
    accepted: dict[str, set[str]] = {}  # the drafts whose last decision says so
    edited: set[str] = set()
    for event in library.events.standing("ranking", "decision", "edit"):
        batch = str(event.payload.get("batch", ""))
        distance = event.payload.get("distance")
        if event.kind == "edit" and isinstance(distance, int | float) and distance > 0:
            edited.add(batch)
        drafts = accepted.setdefault(batch, set())
        if event.kind == "decision":
            drafts.discard(event.subject)
        if event.payload.get("decision") == "accept":
            drafts.add(event.subject)
    newest = list(accepted)[-JUDGED:]
    if len(newest) < FEW_JUDGED:
        return USUAL
    rate = sum(bool(accepted[batch]) and batch not in edited for batch in newest) / len(newest)
    return MOST if rate < 0.3 else FEW if rate >= 0.6 else USUAL


def choose(head: Head, options: Sequence[Option], *, n: int, seed: int, trusted: bool = True) -> Choice:
    """Choose up to `n` of the candidates to show. The same arguments give the same choice.

    With a head that is not `trusted` to order what is shown, chance fills all places and they stand as they were written.
    """
    import numpy

    means, deviations = head.score([option.row for option in options])
    pool = _pool(options, n)
    axes = _axes(head, options)
    if len(pool) <= n:
        chances, picked, draws = dict.fromkeys(pool, 1.0), list(pool), 0
        why = dict.fromkeys(pool, "all that could be shown are shown")
    else:
        near = {(i, j): edit_distance(options[i].text, options[j].text) < APART for i in pool for j in pool if i < j}
        apart = {(i, j): not near[min(i, j), max(i, j)] for i in pool for j in pool if i != j}
        differ = {(i, j): apart[i, j] and bool(axes[i, j]) for i in pool for j in pool if i != j}
        places = max(n - 1, 1)
        random = numpy.random.default_rng([seed, 1])
        if trusted:
            drawn = head.draw([options[index].row for index in pool], count=(DRAWS + 1) * places, seed=seed)
        else:
            drawn = random.random(((DRAWS + 1) * places, len(pool)))
        utilities = drawn.reshape(-1, places, len(pool))
        totals = dict.fromkeys(pool, 0.0)
        for number in range(DRAWS + 1):
            chosen, rest = _draw(pool, utilities[number], n, apart, differ)
            for index in chosen:
                totals[index] += 1
            for index in rest:
                totals[index] += 1 / len(rest)
            if not number:  # the first draw is the one that is shown
                picked = [*chosen, *([rest[int(random.integers(len(rest)))]] if rest else [])]
                why = dict.fromkeys(
                    chosen, "the taste head's draw" if trusted else "chance, as the taste head has not earned trust yet"
                ) | dict.fromkeys(picked[len(chosen) :], "the random place")
        draws = DRAWS + 1
        chances = {index: total / draws for index, total in totals.items()}
    order = sorted(picked, key=lambda index: (bool(options[index].problems), -float(means[index]) * trusted, index))
    first = order[0]
    found = []
    for index, option in enumerate(options):
        held = f"it has {_count(option.problems)}" if option.problems else "those asked for otherwise agree more"
        reason = why.get(index, "others were drawn") if index in pool else held
        if index in pool and index not in picked and any(_close(options, index, other) for other in picked):
            reason = "too like one that is shown"
        differs = axes[index, first] if index in picked and index != first else ()
        found.append(Place(index in picked, reason, chances.get(index, 0.0), float(means[index]), float(deviations[index]), tuple(differs)))
    return Choice(tuple(order), tuple(found), draws)


def in_order(library: Library, drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts of one batch as the taste head sees them now, best first, those with problems last.

    They may have been written before the newest choices. As they stand in a blind duel, and while the head has not earned trust; nothing is
    judged for this.
    """
    if not drafts or library.trust()["taste"] == "nothing" or len({draft.model_id for draft in drafts}) > 1:
        return list(drafts)
    rows = draft_rows(library, drafts)
    means, _ = taste_of(library).score([rows[draft.id] for draft in drafts])
    ranked = sorted(range(len(drafts)), key=lambda index: (bool(drafts[index].problems), -float(means[index]), index))
    return [drafts[index] for index in ranked]


def disagree(texts: Sequence[str]) -> float:
    """Mean share of words in which different texts differ; 0 for one. What a model writes in many ways it is unsure of (self-consistency:
    Wang et al. 2023, arXiv 2203.11171)."""
    return fmean(edit_distance(one, other) for one, other in combinations(texts, 2)) if len(texts) > 1 else 0.0


def _pool(options: Sequence[Option], n: int) -> list[int]:
    """The candidates that may be shown. Those set aside, and then the least bad, join as long as there are not two to compare (or one, when
    one is asked for)."""
    least = min(n, 2)
    ranked = sorted(range(len(options)), key=lambda index: (options[index].problems, options[index].aside, index))
    valid = [index for index in ranked if not options[index].problems and not options[index].aside]
    fit = any(not option.problems for option in options)
    return sorted(valid if len(valid) >= least else ranked[:least] if fit else ranked[: max(n, 1)])


def _draw(
    pool: Sequence[int], utilities: Any, n: int, apart: dict[tuple[int, int], bool], differ: dict[tuple[int, int], bool]
) -> tuple[list[int], list[int]]:
    """(chosen for their taste, those of which one is then shown at random)."""
    chosen: list[int] = []
    for place in range(len(utilities)):
        fit = _eligible(pool, chosen, apart, differ)
        chosen.append(max(fit, key=lambda index: utilities[place][pool.index(index)]))
    return chosen, _eligible(pool, chosen, apart, differ) if n > 1 else []


def _eligible(
    pool: Sequence[int], chosen: Sequence[int], apart: dict[tuple[int, int], bool], differ: dict[tuple[int, int], bool]
) -> list[int]:
    """Those that differ from all chosen ones along an axis and in words, else in words, else all that are left."""
    left = [index for index in pool if index not in chosen]
    for table in (differ, apart):
        fit = [index for index in left if all(table[index, other] for other in chosen)]
        if fit:
            return fit
    return left


def _axes(head: Head, options: Sequence[Option]) -> dict[tuple[int, int], list[str]]:
    """On which named axes two candidates differ."""
    z = head.scale.standardise([option.row for option in options])
    columns = {axis: [INDEX[name] for name in names] for axis, names in AXES.items()}
    found: dict[tuple[int, int], list[str]] = {}
    for i, one in enumerate(options):
        for j, other in enumerate(options):
            axes = [axis for axis, places in columns.items() if abs(z[i, places] - z[j, places]).max() >= STEP]
            axes += ["temperature"] if abs(one.temperature - other.temperature) >= WARMTH else []
            found[i, j] = [*axes, *(["model version"] if one.model != other.model else [])]
    return found


def _close(options: Sequence[Option], one: int, other: int) -> bool:
    return edit_distance(options[one].text, options[other].text) < APART


def _count(problems: int) -> str:
    return f"{problems} problem{'' if problems == 1 else 's'}"
