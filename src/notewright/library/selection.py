"""Which highlights the person writes about, where that goes by a mark: only annotated ones, favourites, tagged ones, or several of these.

Found in finished passages it is proposed as a rule (`reward.rules`); as a rule it decides what a prompt shows, in drafting and in training
alike (`library.examples`), as far as finished passages do not contradict it (docs/decisions/0025-what-is-written-about.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from ..records import Highlight
from ..shares import wilson

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
# What is shown in vain a model can still leave out, what is hidden it cannot write about: so little (lower bounds, 95 %) is enough.
BESIDE = 0.2  # share of highlights with another mark that are used beside a rule's, where those without any hardly are: one of one
AGAINST = 0.3  # share of passages since the rule was said that use what it leaves out: two of two

Seen = tuple[Iterable[Highlight], Set[str]]  # what could have been written about, and the ids of what was


@dataclass(frozen=True, slots=True)
class Selection:
    """Highlights with one of the `marks` are written about, and beside them those with one of `also`. Without marks: all."""

    marks: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def of(self, highlights: Iterable[Highlight], *, used: Set[str] = frozenset()) -> tuple[Highlight, ...]:
        """Those, pictures, and what was `used` all the same; all where none has one of the marks."""
        shown = tuple(highlights)
        if not any(marked(item, self.marks) for item in shown if not is_picture(item)):
            return shown
        return tuple(item for item in shown if is_picture(item) or item.id in used or marked(item, (*self.marks, *self.also)))


def learn(passages: Iterable[Seen]) -> tuple[str, ...]:
    """The marks one of which a highlight has where the person uses it; empty where marks do not decide.

    Passages without any marked highlight tell nothing, as the person then writes about what there is. Of several sets of marks that decide,
    the one that leaves out most.
    """
    seen = _without_pictures(passages)
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for marks in _sets(MARKS):
        parted = [
            (own, shown, used) for shown, used in seen if 0 < len(own := [item for item in shown if marked(item, marks)]) < len(shown)
        ]
        hits = [item.id in used for with_mark, _, used in parted for item in with_mark]
        others = [item.id in used for _, shown, used in parted for item in shown if not marked(item, marks)]
        if len(parted) >= LEAST and sum(hits) >= MOSTLY * len(hits) and wilson(sum(others), len(others))[1] <= SELDOM:
            found.append((len(others), -len(marks), marks))
    return max(found)[2] if found else ()


def widened(marks: tuple[str, ...], passages: Iterable[Seen], since: Iterable[Seen]) -> Selection:
    """What a rule comes to beside finished passages: who says "only what I annotated" may quote favourites all the same.

    Other marks are added where highlights with them, but none of the rule's, are used and those without any seldom are. All is shown where
    passages finished `since` the rule was said use highlights that it leaves out.
    """

    def unmarked(among: Iterable[Seen], more: tuple[str, ...] = ()) -> list[list[tuple[Highlight, bool]]]:
        """By passage that has marked ones: the others, and whether each was used."""
        concerned = [(shown, used) for shown, used in _without_pictures(among) if any(marked(item, marks) for item in shown)]
        return [[(item, item.id in used) for item in shown if not marked(item, (*marks, *more))] for shown, used in concerned]

    left_out = [item for items in unmarked(passages) for item in items]
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for also in _sets(mark for mark in MARKS if mark not in marks):
        own = [used for item, used in left_out if marked(item, also)]
        others = [used for item, used in left_out if not marked(item, also)]
        if wilson(sum(own), len(own))[0] >= BESIDE and len(others) >= LEAST and sum(others) <= SELDOM * len(others):
            found.append((sum(own), -len(also), also))
    also = max(found)[2] if found else ()
    against = [any(used for _, used in items) for items in unmarked(since, also) if items]
    return Selection() if wilson(sum(against), len(against))[0] >= AGAINST else Selection(marks, also)


def said(library: Library) -> tuple[tuple[str, ...], str]:
    """The marks by the person's standing rule, and when it was said; empty without one."""
    rules: dict[str, tuple[tuple[str, ...], str]] = {}
    for event in library.events.standing("rule"):
        effect = event.payload.get("effect")
        marks = effect.get("select") if isinstance(effect, dict) and event.payload.get("action") != "remove" else None
        for name in (event.subject, str(event.payload.get("was", ""))):  # the newest one holds, whatever it was called before
            rules.pop(name, None)
        if isinstance(marks, list):
            rules[event.subject] = tuple(mark for mark in marks if mark in MARKS), event.at
    return list(rules.values())[-1] if rules else ((), "")


def marked(highlight: Highlight, marks: Iterable[str]) -> bool:
    return any(MARKS[mark](highlight) for mark in marks)


def is_picture(highlight: Highlight) -> bool:
    return highlight.text.lstrip().startswith("![")


def _sets(marks: Iterable[str]) -> list[tuple[str, ...]]:
    one_by_one = tuple(marks)
    return [chosen for size in range(1, len(one_by_one) + 1) for chosen in combinations(one_by_one, size)]


def _without_pictures(passages: Iterable[Seen]) -> list[tuple[list[Highlight], Set[str]]]:
    return [([item for item in shown if not is_picture(item)], used) for shown, used in passages]
