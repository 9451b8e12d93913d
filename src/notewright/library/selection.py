"""Which highlights the person writes about, where that goes by a mark: only annotated ones, favourites, tagged ones, or several of these.

Found in finished passages it is proposed as a rule (`reward.rules`); as a rule it decides what a prompt shows, in drafting and in training
alike (docs/decisions/0025-what-is-written-about.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING

from ..records import Highlight

if TYPE_CHECKING:
    from . import Library

MARKS: dict[str, Callable[[Highlight], bool]] = {
    "annotated": lambda item: bool(item.annotation.strip()),
    "favourite": lambda item: item.is_favorite,
    "tagged": lambda item: bool(item.tags),
}
SELDOM = 0.25  # the share of the other highlights that the person uses lies below this (upper bound, 95 %) where a mark decides
MOSTLY = 0.5  # and of those with the mark at least so many are used
LEAST = 4  # passages that show it

Seen = tuple[Iterable[Highlight], Set[str]]  # what could have been written about, and the ids of what was


def learn(passages: Iterable[Seen]) -> tuple[str, ...]:
    """The marks one of which a highlight has where the person uses it; empty where marks do not decide.

    Passages without any marked highlight tell nothing, as the person then writes about what there is. Of several sets of marks that decide,
    the one that leaves out most.
    """
    seen = [([item for item in shown if not is_picture(item)], used) for shown, used in passages]
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for size in range(1, len(MARKS) + 1):
        for marks in combinations(MARKS, size):
            parted = [([item for item in shown if marked(item, marks)], shown, used) for shown, used in seen]
            parted = [(own, shown, used) for own, shown, used in parted if 0 < len(own) < len(shown)]
            own = [item.id in used for with_mark, _, used in parted for item in with_mark]
            others = [item.id in used for _, shown, used in parted for item in shown if not marked(item, marks)]
            if len(parted) >= LEAST and sum(own) >= MOSTLY * len(own) and wilson(sum(others), len(others))[1] <= SELDOM:
                found.append((len(others), -size, marks))
    return max(found)[2] if found else ()


def selecting(library: Library) -> tuple[str, ...]:
    """The marks by the person's standing rule; empty without one."""
    rules: dict[str, tuple[str, ...]] = {}
    for event in library.events.standing("rule"):
        effect = event.payload.get("effect")
        marks = effect.get("select") if isinstance(effect, dict) and event.payload.get("action") != "remove" else None
        rules.pop(event.subject, None)  # the newest one holds
        if isinstance(marks, list):
            rules[event.subject] = tuple(mark for mark in marks if mark in MARKS)
    return list(rules.values())[-1] if rules else ()


def selected(highlights: Iterable[Highlight], marks: Iterable[str], *, used: Set[str] = frozenset()) -> tuple[Highlight, ...]:
    """Those with one of the marks, pictures, and what was `used` all the same; all where none has a mark."""
    shown = tuple(highlights)
    kept = {item.id for item in shown if marked(item, marks) and not is_picture(item)}
    return tuple(item for item in shown if item.id in kept or item.id in used or is_picture(item)) if kept else shown


def marked(highlight: Highlight, marks: Iterable[str]) -> bool:
    return any(MARKS[mark](highlight) for mark in marks)


def is_picture(highlight: Highlight) -> bool:
    return highlight.text.lstrip().startswith("![")


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Wilson's interval of a share, 95 %."""
    if not trials:
        return 0.0, 1.0
    z, share = 1.96, successes / trials
    centre, reach = share + z * z / (2 * trials), z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return (centre - reach) / (1 + z * z / trials), (centre + reach) / (1 + z * z / trials)
