"""Which highlights a draft is about: a chapter, a short source as a whole, or hand-picked ones."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import Invalid, NotFound
from ..library.examples import chapters, selection_of, visible_highlights
from ..library.sources import near_titles
from ..records import Prompt, Source
from ..text import normalise

if TYPE_CHECKING:
    from ..library import Library

NO_CHAPTER = '"" for what has none'
LISTED = 12  # chapters that a message names
MAX_WHOLE = 25  # highlights; a longer source that has chapters is drafted chapter by chapter


class TooMany(Invalid):
    """A chapter has to be named."""


def choose_prompt(
    library: Library, *, source: str, chapter: str | None = None, highlight_ids: Sequence[str] = (), instruction: str = ""
) -> Prompt:
    """The prompt for a source (title or id), one of its chapters (near spellings are understood; "" is what has no chapter, such as an
    introduction before the first one), or some of its highlights.

    Where the person has the rule that only marked highlights are written about, it shows these, unless they are named one by one.

    Raises NotFound for an unknown source, chapter or highlight, and Invalid where both a chapter and highlights are named, where a chapter
    has to be, or where nothing is left to show.
    """
    if chapter is not None and highlight_ids:
        raise Invalid("Both a chapter and highlights are named, and a draft is about one or the other.", "Leave one of them out.")
    found = library.sources.find(source)
    everything = visible_highlights(library, found.id)
    if highlight_ids:
        wanted = set(highlight_ids)
        chosen = tuple(item for item in everything if item.id in wanted)
        if missing := sorted(wanted - {item.id for item in chosen}):
            raise _unknown(library, found, missing)
        names = {item.chapter for item in chosen}
        return Prompt(found, chosen, names.pop() if len(names) == 1 else "", instruction)
    titles = chapters(library, found.id)
    if not everything and not chapter:
        raise Invalid(f"{found.title!r} has no highlights to write about.", "Discarded highlights and chapter marks do not count.")
    if chapter is not None:
        title = _match(chapter, titles, found)
        return Prompt(found, selection_of(library).of(item for item in everything if item.chapter == title), title, instruction)
    named = [title for title in titles if title]
    if len(named) > 1 and len(everything) > MAX_WHOLE:
        message = f"{found.title!r} has {len(everything)} highlights in {len(named)} chapters, too many at once."
        raise TooMany(message, "Name one with --chapter: " + _list(titles, found))
    only = named[0] if len(titles) == len(named) == 1 else ""
    return Prompt(found, selection_of(library).of(everything), only, instruction)


def named_highlights(library: Library, *, source: str, names: Sequence[str]) -> list[str]:
    """Ids of the highlights that a person names, in reading order: by id, the number of a Readwise id alone, their place in the list that
    the source shows (1 is the first; a number that is an id means that), or FIRST..LAST.

    Raises NotFound, which tells of all that the source does not show, and Invalid where a last one comes before its first.
    """
    found = library.sources.find(source)
    shown = visible_highlights(library, found.id)
    places = {name: place for place, item in enumerate(shown) for name in (item.id, *item.outside_ids)}

    def place_of(name: str) -> int | None:
        place = places.get(name, places.get(f"readwise:{name}"))
        if place is None and name.isascii() and name.isdecimal() and 1 <= int(name) <= len(shown) and not _why_not(library, found, name):
            return int(name) - 1
        return place

    wanted: set[int] = set()
    missing: list[str] = []
    for name in names:
        ends = [name] if place_of(name) is not None else name.split("..", 1)
        at = [place for end in ends if (place := place_of(end)) is not None]
        missing += [end for end in ends if place_of(end) is None]
        if at and at[-1] < at[0]:
            raise Invalid(f"In {found.title!r} {ends[-1]} comes before {ends[0]}.", f"Name the earlier one first: {ends[-1]}..{ends[0]}")
        wanted |= {*range(at[0], at[-1] + 1)} if len(at) == len(ends) else set()
    if missing:
        raise _unknown(library, found, missing)
    return [shown[place].id for place in sorted(wanted)]


def _unknown(library: Library, source: Source, missing: Sequence[str]) -> NotFound:
    told = filter(None, (_why_not(library, source, name) for name in missing))
    reasons = "; ".join(told)
    message = f"{source.title!r} shows no highlight {', '.join(missing)}{f': {reasons}' if reasons else ''}."
    return NotFound(message, f"List them with: notewright sources {source.id}")


def _why_not(library: Library, source: Source, name: str) -> str:
    """Empty where there is no such highlight at all."""
    for highlight_id in (name, f"readwise:{name}"):
        with suppress(NotFound):
            item = library.sources.highlight(highlight_id)
            if item.source_id != source.id:
                return f"{name} is one of {library.sources.get(item.source_id).title!r}"
            if (part := library.hidden.parts().get(source.id)) and item.id in part.highlights:
                return f"{name} is removed by you"
            return f"{name} is {'a chapter mark' if item.heading_level else 'discarded' if item.is_discard else 'no longer in Readwise'}"
    return ""


def _match(wanted: str, titles: dict[str, int], source: Source) -> str:
    """Letter for letter (of two titles that differ in capitals or a leading number each is meant by its own), then in other words for the
    same, then the only title that contains the words, then the nearest spelling."""
    if wanted in titles:
        return wanted
    if not wanted:
        raise NotFound(f"All highlights of {source.title!r} have a chapter.", "Its chapters: " + _list(titles, source))
    folded = {title: normalise(title) for title in titles if title}
    key = normalise(wanted)
    for fits in (lambda title: title == key, lambda title: bool(key) and key in title):
        hits = [title for title, form in folded.items() if fits(form)]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise NotFound(
                f"{len(hits)} chapters of {source.title!r} fit {wanted!r}.", "They are: " + _list(dict.fromkeys(hits, 0), source)
            )
    if near := difflib.get_close_matches(key, folded.values(), n=1, cutoff=0.75):
        return next(title for title, form in folded.items() if form == near[0])
    if not folded:
        raise NotFound(f"{source.title!r} has no chapters.", "Leave --chapter out to draft the whole source.")
    alike = near_titles(wanted, folded)
    meant = f"Did you mean: {'; '.join(alike)}? " if alike else ""
    raise NotFound(f"{source.title!r} has no chapter {wanted!r}.", f"{meant}Its chapters: {_list(titles, source)}")


def _list(titles: Mapping[str, int], source: Source) -> str:
    """The first of them; a long book's would fill the window."""
    shown = "; ".join(f"{title or NO_CHAPTER} ({count})" if count else title for title, count in islice(titles.items(), LISTED))
    more = len(titles) - LISTED
    return shown + (f"; and {more:,} more, which this lists: notewright sources {shlex.quote(source.id)}" if more > 0 else "")
