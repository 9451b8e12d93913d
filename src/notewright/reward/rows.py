"""Feature rows of what the library holds: drafts, the person's versions of them, and finished notes; measured once, then cached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..errors import NotFound
from ..library.examples import Example
from ..records import Draft, Event, Highlight
from ..text import content_hash
from .features import VERSION, measure

if TYPE_CHECKING:
    from ..library import Library

Rows = dict[str, tuple[float, ...]]


def draft_rows(library: Library, drafts: Iterable[Draft]) -> Rows:
    """By draft id."""
    wanted = {draft.id: draft for draft in drafts}
    known = library.measures.get(list(wanted), version=VERSION)
    new = {draft_id: _measured(library, draft, draft.text) for draft_id, draft in wanted.items() if draft_id not in known}
    library.measures.put(new, version=VERSION)
    return {**known, **new}


def edit_rows(library: Library, edits: Iterable[Event], drafts: Mapping[str, Draft]) -> Rows:
    """By draft id: the person's version of it. Cached by event, as a draft may be edited again."""
    wanted = {f"event-{event.id}": event for event in edits if event.subject in drafts}
    known = library.measures.get(list(wanted), version=VERSION)
    new = {
        key: _measured(library, drafts[event.subject], str(event.payload.get("final_text", "")))
        for key, event in wanted.items()
        if key not in known
    }
    library.measures.put(new, version=VERSION)
    found = {**known, **new}
    return {event.subject: found[key] for key, event in wanted.items()}


def note_rows(library: Library, examples: Iterable[Example]) -> Rows:
    """By pair id: the person's finished passage against the highlights that it was written from."""
    keys = {f"passage:{content_hash(_told(example))}": example for example in examples}
    known = library.measures.get(list(keys), version=VERSION)
    new = {
        key: measure(example.passage, example.prompt.highlights, kind=example.prompt.source.kind)
        for key, example in keys.items()
        if key not in known
    }
    library.measures.put(new, version=VERSION)
    found = {**known, **new}
    return {example.pair_id: found[key] for key, example in keys.items()}


def _measured(library: Library, draft: Draft, text: str) -> tuple[float, ...]:
    """A text for what `draft` was written for."""
    return measure(text, prompt_highlights(library, draft), kind=source_kind(library, draft.source_id))


def source_kind(library: Library, source_id: str) -> str:
    """Empty for a source that has vanished from the library."""
    try:
        return library.sources.get(source_id).kind
    except NotFound:
        return ""


def _told(example: Example) -> str:
    return "\x00".join(
        [example.passage, example.prompt.source.kind, *(f"{item.text}\x01{item.annotation}" for item in example.prompt.highlights)]
    )


def prompt_highlights(library: Library, draft: Draft) -> list[Highlight]:
    """The highlights a draft was written from; one that has vanished from the library is left out."""
    found = []
    for highlight_id in draft.highlight_ids:
        try:
            found.append(library.sources.highlight(highlight_id))
        except NotFound:
            continue
    return found
