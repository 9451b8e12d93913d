"""Which highlights a draft is about: a chapter, a short source as a whole, or hand-picked ones."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import Invalid, NotFound
from ..library.examples import chapters, selection_of, visible_highlights
from ..records import Prompt, Source
from ..text import normalise

if TYPE_CHECKING:
    from ..library import Library

MAX_WHOLE = 25  # highlights; a longer source that has chapters is drafted chapter by chapter


def choose_prompt(library: Library, *, source: str, chapter: str = "", highlight_ids: Sequence[str] = (), instruction: str = "") -> Prompt:
    """The prompt for a source (title or id), one of its chapters (near spellings are understood), or some of its highlights.

    Where the person has the rule that only marked highlights are written about, it shows these, unless they are named one by one.

    Raises NotFound for an unknown source, chapter or highlight, and Invalid where a chapter has to be named or nothing is left to show.
    """
    found = library.sources.find(source)
    everything = visible_highlights(library, found.id)
    if highlight_ids:
        wanted = set(highlight_ids)
        chosen = tuple(item for item in everything if item.id in wanted)
        if missing := sorted(wanted - {item.id for item in chosen}):
            raise NotFound(f"{found.title!r} shows no highlight {', '.join(missing)}.", f"List them with: notewright sources {found.id}")
        names = {item.chapter for item in chosen}
        return Prompt(found, chosen, names.pop() if len(names) == 1 else "", instruction)
    titles = chapters(library, found.id)
    if chapter:
        title = _match(chapter, titles, found)
        return Prompt(found, selection_of(library).of(item for item in everything if item.chapter == title), title, instruction)
    if not everything:
        raise Invalid(f"{found.title!r} has no highlights to write about.", "Discarded highlights and chapter marks do not count.")
    named = [title for title in titles if title]
    if len(named) > 1 and len(everything) > MAX_WHOLE:
        message = f"{found.title!r} has {len(everything)} highlights in {len(named)} chapters, too many for one draft."
        raise Invalid(message, "Name one with --chapter: " + _list(titles))
    only = named[0] if len(titles) == len(named) == 1 else ""
    return Prompt(found, selection_of(library).of(everything), only, instruction)


def _match(wanted: str, titles: dict[str, int], source: Source) -> str:
    """Exact, then the only title that contains the words, then the nearest spelling."""
    folded = {title: normalise(title) for title in titles if title}
    key = normalise(wanted)
    for fits in (lambda title: title == key, lambda title: bool(key) and key in title):
        hits = [title for title, form in folded.items() if fits(form)]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise NotFound(f"{len(hits)} chapters of {source.title!r} fit {wanted!r}.", "They are: " + _list(dict.fromkeys(hits, 0)))
    near = difflib.get_close_matches(key, folded.values(), n=1, cutoff=0.75)
    if near:
        return next(title for title, form in folded.items() if form == near[0])
    if not folded:
        raise NotFound(f"{source.title!r} has no chapters.", "Leave --chapter out to draft the whole source.")
    raise NotFound(f"{source.title!r} has no chapter {wanted!r}.", "Its chapters: " + _list(titles))


def _list(titles: dict[str, int]) -> str:
    return "; ".join(f"{title} ({count})" if count else title for title, count in titles.items() if title)
