"""Chapters from heading marks (`.h1`-`.h6`), over rows in reading order."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping


def assign_chapters(rows: Iterable[MutableMapping[str, object]]) -> None:
    """Set `chapter` on each row to the nearest heading mark above it, where the source has any marks.

    Rows before the first mark keep what the importer said; a source without marks is left alone.
    """
    current = ""
    for row in rows:
        if row["heading_level"]:
            current = " ".join(str(row["text"]).split())
            row["chapter"] = current
        elif current:
            row["chapter"] = current
