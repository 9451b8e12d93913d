"""A pair that the person names, where nothing in the words, the place or the figures tells: in another language, or freely said."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Invalid, NotFound
from ..library import Library
from ..library.pairs import HAND, hand_link
from ..records import Pair, PairLink, Passage
from .keys import title_key

_SHOWN = 6


def add(library: Library, *, passages: Sequence[Passage], source_id: str, highlight_ids: Sequence[str]) -> list[Pair]:
    """Accept pairs of these highlights of a source with each of the passages. A pair that there is already gets these highlights.

    Raises Invalid where none are named, or one of another source.
    """
    if not highlight_ids:
        raise Invalid("No highlights are named.", "Name a chapter, or highlights by their ids.")
    own = {item.id for item in library.sources.highlights(source_id)}
    if strange := [key for key in highlight_ids if key not in own]:
        raise Invalid(f"{strange[0]} is no highlight of {library.sources.get(source_id).title}.", "Name highlights of one source.")
    links = tuple(hand_link(key) for key in dict.fromkeys(highlight_ids))
    with library.db.write():
        return [library.pairs.add(_pair(passage, source_id, links)) for passage in passages]


def _pair(passage: Passage, source_id: str, links: tuple[PairLink, ...]) -> Pair:
    return Pair(
        id="", source_id=source_id, note_id=passage.note_id, note_path=passage.note_path, passage_id=passage.id,
        passage_start=passage.start, passage_end=passage.end, passage_text=passage.text, score=1.0, method=HAND, status="proposed",
        links=links, headings=passage.headings,
    )  # fmt: skip


def passages_under(library: Library, note_path: str, heading: str = "") -> list[Passage]:
    """What a note says under a heading; without one, its only passage.

    Raises NotFound for a note that the library does not know and for a heading that it does not have, and Invalid where a heading is
    needed.
    """
    note = library.notes.find(note_path)
    passages = library.notes.passages(note.id)
    titles = list(dict.fromkeys(item.headings[-1] for item in passages if item.headings))
    shown = ", ".join(titles[:_SHOWN]) + (", …" if len(titles) > _SHOWN else "")
    if not heading:
        if len(passages) == 1:
            return passages
        if not passages:
            raise Invalid(f"{note.path} has no text to pair.", "Write something into it, then: notewright import vault")
        raise Invalid(f"{note.path} has {len(passages)} passages.", f"Say under which heading (--under): {shown}")
    key = title_key(heading)  # empty where there is no letter in it, as in an emoji
    found = [item for item in passages if item.headings and (item.headings[-1] == heading or (key and title_key(item.headings[-1]) == key))]
    if not found:
        raise NotFound(f"{note.path} says nothing under a heading {heading!r}.", f"It has: {shown or 'no headings'}")
    return found
