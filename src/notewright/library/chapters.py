"""Reading order, and chapters from heading marks (`.h1`-`.h6`) over rows in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping
from dataclasses import replace
from itertools import pairwise

from ..records import Highlight, Source
from .alike import Row


def assign_chapters(rows: Iterable[MutableMapping[str, object]], ends: Collection[str] = ()) -> None:
    """Set `chapter` on each row to the nearest heading mark above it, where the source has any marks.

    Rows before the first mark keep what the importer said; a source without marks is left alone. From a row in `ends` (by id) on there is
    no chapter until the next mark.
    """
    current: str | None = None
    for row in rows:
        if row["heading_level"]:
            current = " ".join(str(row["text"]).split())
        elif current is not None and row["id"] in ends:
            current = ""
        if current is not None:
            row["chapter"] = current


def place(rows: list[Row], ends: Collection[str]) -> None:
    """Give rows their reading order and chapters.

    By location where every live highlight has one of the same kind, else as the exporter listed them. A chapter mark without a location
    stands just before what follows it, so that later additions, which exports append at their end, still find their chapter. Without
    locations nothing says where additions belong: at each of `ends` the chapter above is over.
    """
    live = sorted((row for row in rows if not row["removed_at"]), key=lambda row: (row["position"], row["id"]))
    body = [row for row in live if not row["heading_level"]]
    if body and all(row["location"] is not None for row in body) and len({row["location_type"] for row in body}) == 1:
        places: list[float] = []
        following = float("inf")
        for row in reversed(live):
            following = following if row["location"] is None else float(str(row["location"]))
            places.append(following)
        places.reverse()
        ends = ()
        if any(left > right for left, right in pairwise(places)):
            live = [live[index] for index in sorted(range(len(live)), key=lambda index: places[index])]
    for position, row in enumerate(live):
        row["position"] = position
    assign_chapters(live, ends)


def without_ends(incoming: Source) -> tuple[Source, list[Highlight]]:
    """Without the marks that have no words, and the highlights that each stand below one: no chapter goes on there."""
    kept: list[Highlight] = []
    ends: list[Highlight] = []
    ended = False
    for item in incoming.highlights:
        if item.heading_level and not item.text and not item.is_deleted:
            ended = True
            continue
        if ended and item.text:
            ends.append(item)
            ended = False
        kept.append(item)
    return (replace(incoming, highlights=tuple(kept)) if len(kept) < len(incoming.highlights) else incoming), ends
