"""Books that are there twice, as from Kindle and from Apple Books: a split by source may let one copy teach and the other one measure.

Whatever is about the highlights of something that measures must not teach, whichever copy it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING

from ..records import Draft, Highlight
from ..text import normalise
from .splits import Later

if TYPE_CHECKING:
    from . import Library

LONG = 40  # letters of a highlight that hardly another one has by chance


def measuring(library: Library, sides: Mapping[str, str], later: Later) -> Iterator[Highlight]:
    """The highlights that only measure, of whole sources and of later chapters."""
    for source_id in sides.keys() | later.held.keys():
        whole, chapters = sides.get(source_id, "train") != "train", later.of(source_id)
        if whole or chapters:
            yield from (item for item in library.sources.highlights(source_id) if whole or item.chapter in chapters)
    yield from library.sources.known_highlights(item for item, measures in later.marked.items() if measures)


def long_texts(highlights: Iterable[Highlight], shortest: int = LONG) -> set[str]:
    """Texts in normal form."""
    return {normalise(item.text) for item in highlights if len(item.text) >= shortest}


def texts_of(library: Library, draft: Draft) -> set[str]:
    """The long texts that a draft was written from, wherever its highlights are by now: books are merged, and second copies thrown away."""
    return long_texts(library.sources.known_highlights(draft.highlight_ids))


def mostly_among(texts: Set[str], others: Set[str]) -> bool:
    """Whether half of them or more are there; not where there are none."""
    return bool(texts) and 2 * len(texts & others) >= len(texts)
