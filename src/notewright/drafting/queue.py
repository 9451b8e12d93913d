"""What is left to write: chapters with highlights and no note yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..library.browse import ChapterView

if TYPE_CHECKING:
    from ..library import Library


def queue(library: Library, *, new_only: bool = False) -> list[ChapterView]:
    """As `Browse.waiting` orders them; with `new_only` those with highlights of the newest import."""
    return [view for view in library.browse.waiting() if view.new or not new_only]


def chapters_left(library: Library, source_id: str) -> list[ChapterView]:
    """Those of one source, in reading order, for which there is neither a note nor a candidate yet."""
    return [view for view in library.browse.chapters(source_ids=[source_id]) if not view.has_note and not view.batches]
