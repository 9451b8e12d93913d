"""A pair that the person names, where nothing in the words, the place or the figures tells: in another language, or freely said."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Invalid, NotFound
from ..library import Library
from ..records import Note, Pair, PairLink, Passage
from .keys import title_key
from .memo import HAND

_SHOWN = 6


def add(library: Library, *, note_path: str, source_id: str, highlight_ids: Sequence[str], heading: str = "") -> list[Pair]:
    """Accept pairs of these highlights with what the note says under `heading`, one for each passage there; without a heading, with the
    only passage of the note. A pair that there is already gets these highlights.

    Raises NotFound for a note that the library does not know and for a heading that it does not have, and Invalid where a heading is
    needed, or no highlights are named.
    """
    note = library.notes.find(note_path)
    passages = _under(note, library.notes.passages(note.id), heading)
    if not highlight_ids:
        raise Invalid("No highlights are named.", "Name a chapter, or highlights by their ids.")
    links = [PairLink(key, 1.0, HAND, "named by you") for key in highlight_ids]
    return [library.pairs.add(_pair(note, passage, source_id, links)) for passage in passages]


def _pair(note: Note, passage: Passage, source_id: str, links: Sequence[PairLink]) -> Pair:
    return Pair(
        id="", source_id=source_id, note_id=note.id, note_path=note.path, passage_id=passage.id, passage_start=passage.start,
        passage_end=passage.end, passage_text=passage.text, score=1.0, method=HAND, status="proposed", links=tuple(links),
        headings=passage.headings,
    )  # fmt: skip


def _under(note: Note, passages: Sequence[Passage], heading: str) -> list[Passage]:
    titles = list(dict.fromkeys(item.headings[-1] for item in passages if item.headings))
    shown = ", ".join(titles[:_SHOWN]) + (", …" if len(titles) > _SHOWN else "")
    if not heading:
        if len(passages) == 1:
            return list(passages)
        if not passages:
            raise Invalid(f"{note.path} has no text to pair.", "Write something into it, then: notewright import vault")
        raise Invalid(f"{note.path} has {len(passages)} passages.", f"Say under which heading (--under): {shown}")
    found = [item for item in passages if item.headings and title_key(item.headings[-1]) == title_key(heading)]
    if not found:
        raise NotFound(f"{note.path} says nothing under a heading {heading!r}.", f"It has: {shown or 'no headings'}")
    return found
