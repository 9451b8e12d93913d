"""Chapters from heading marks (`.h1`-`.h6`), over rows in reading order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping


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
