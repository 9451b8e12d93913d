"""Whether there is enough to improve from, and whether it is time to do so by itself: enough was judged since the last one began, and the
machine has nothing better to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import Invalid
from ..library.atwork import at_work, gathered
from ..library.examples import from_pairs
from ..library.splits import MIN_FOR_TEST, known
from ..text import count
from ..training.recipes import MINIMUM_ROWS
from .reports import unfinished

if TYPE_CHECKING:
    from ..library import Library

JUDGED = ("ranking", "decision", "edit")


def judged_since(library: Library) -> int:
    """Batches whose drafts the person judged since the last `improve` gathered what there was; what was taken back does not count."""
    number, at = gathered(library.home)
    undone = library.events.undone()
    return len({
        event.payload.get("batch") for event in library.events.all(*JUDGED, after=number) if event.id not in undone and event.at > at
    })  # fmt: skip


def lacking(library: Library, *, fresh: bool = False, counts: Mapping[str, int] | None = None) -> str:
    """What an `improve` would fail for the lack of, in words; empty where it can begin. It may still find that too little can be used.

    `counts` are the library's, where they are known already: in a large one they take a while.
    """
    if not fresh and unfinished(library):
        return ""  # its data are built
    counts, needed = counts or library.counts(), MINIMUM_ROWS["sft"]
    # Of a note without headings one pair gives an example for every chapter that it tells of.
    if counts["pairs_teaching"] < needed and len(from_pairs(library)) < needed:
        for there in ("highlights", "notes"):
            if not counts[there]:
                return f"There are no {there} yet, and it learns from pairs of highlights and passages of your notes."
        return f"It takes {needed} pairs that you accepted or that are sure enough; there are {counts['pairs_teaching']}."
    sides = known(library)
    sources = library.pairs.teaching_sources()
    if len(sources | sides.keys()) < MIN_FOR_TEST and not sources & {source_id for source_id, side in sides.items() if side != "train"}:
        return f"All pairs are of {count(len(sources), 'source')}; it takes {MIN_FOR_TEST}, as some are kept back to measure on."
    return ""


def require_enough(library: Library, *, fresh: bool = False) -> None:
    """Raises Invalid where something is `lacking`."""
    if lacks := lacking(library, fresh=fresh):
        raise Invalid(
            lacks, "Import highlights, read the vault and pair them; accept pairs that are right. What comes next says: notewright status"
        )


def unsuitable(library: Library) -> str:
    """Why `improve` should not begin now, in words; empty when it may."""
    import psutil

    if at_work(library.home):
        return "another improve is at work"
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    if battery is not None and battery.power_plugged is False:  # None: it does not say, as where it is kept from being charged full
        return "the machine runs on its battery"
    if psutil.getloadavg()[0] > (os.cpu_count() or 1):
        return "the machine is busy"
    return ""
