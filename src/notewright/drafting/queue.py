"""What is left to write: chapters with highlights and no note yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..library.browse import ChapterView

if TYPE_CHECKING:
    from ..library import Library


def queue(library: Library, *, new_only: bool = False) -> list[ChapterView]:
    """Chapters without a note: those with highlights of the newest import first, then the most lately highlighted.

    A chapter has a note when one of its highlights belongs to a pair that is accepted or likely, or when a draft for it was accepted.
    """
    waiting = [view for view in library.browse.chapters() if not view.has_note and (view.new or not new_only)]
    waiting.sort(key=lambda view: view.last_highlighted_at, reverse=True)
    return sorted(waiting, key=lambda view: not view.new)
