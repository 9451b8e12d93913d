"""What is left to write: chapters with highlights and no note yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..library.browse import ChapterView

if TYPE_CHECKING:
    from ..library import Library


def queue(library: Library, *, new_only: bool = False) -> list[ChapterView]:
    """Chapters without a note: those with highlights of the newest import first, then sources by what was most lately highlighted in them.
    Chapters of a source are in reading order.

    A chapter has a note when one of its highlights belongs to a pair that is accepted or likely, or when a draft for it was accepted.
    """
    waiting = [view for view in library.browse.chapters() if not view.has_note and (view.new or not new_only)]
    latest: dict[tuple[str, bool], str] = {}
    for view in waiting:
        group = view.source_id, bool(view.new)
        latest[group] = max(latest.get(group, ""), view.last_highlighted_at)
    waiting.sort(key=lambda view: latest[view.source_id, bool(view.new)], reverse=True)  # stable: they came in reading order
    return sorted(waiting, key=lambda view: not view.new)


def chapters_left(library: Library, source_id: str) -> list[ChapterView]:
    """Those of one source, in reading order, for which there is neither a note nor a candidate yet."""
    return [view for view in library.browse.chapters(source_ids=[source_id]) if not view.has_note and not view.batches]
