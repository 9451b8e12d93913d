"""The person's choices as lists of pairs, and names by which judgements of different rewards on the same choice are laid side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..records import Draft, Event
from ..text import edit_distance

if TYPE_CHECKING:
    from ..library import Library

TYPO = 0.02  # an edit smaller than this share of the words says nothing about taste


@dataclass(frozen=True, slots=True)
class Judged:
    """`better` and `worse` are draft ids; with `edited` the better text is the person's version of the worse draft."""

    better: str
    worse: str
    better_text: str
    worse_text: str
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided at once: one standing event that compares texts."""

    event: Event
    batch: str
    pairs: tuple[Judged, ...]

    @property
    def key(self) -> str:
        return f"event-{self.event.id}"


def choices(library: Library) -> list[Choice]:
    """Standing choices that compare two texts, oldest first; of several rankings of a batch, or of several
    decisions about or edits of a draft, the last counts."""
    undone = library.events.undone()
    standing = [event for event in library.events.all("ranking", "decision", "edit") if event.id not in undone]
    last = {(event.kind, event.subject): event.id for event in standing}
    batches = [str(event.payload.get("batch", "")) for event in standing]
    shown = library.drafts.batches(list(dict.fromkeys(batches)))
    found = []
    for event, batch in zip(standing, batches, strict=True):
        if last[event.kind, event.subject] != event.id:
            continue
        if event.kind == "decision" and ("ranking", batch) in last:
            continue  # the ranking has said it
        pairs = tuple(pair for pair in _pairs(event, shown.get(batch, [])) if pair.better_text.strip() != pair.worse_text.strip())
        if pairs:
            found.append(Choice(event, batch, pairs))
    return found


def _pairs(event: Event, shown: list[Draft]) -> Iterator[Judged]:
    drafts = {draft.id: draft for draft in shown}

    def between(better: str, worse: str) -> Judged:
        return Judged(better, worse, drafts[better].text, drafts[worse].text)

    if event.kind == "ranking":
        groups = [[item for item in _list(group) if item in drafts] for group in _list(event.payload.get("order"))]
        groups.append([item for item in _list(event.payload.get("rejected")) if item in drafts])
        for place, group in enumerate(groups):
            yield from (between(better, worse) for better in group for lower in groups[place + 1 :] for worse in lower)
    elif event.kind == "decision" and event.payload.get("decision") == "accept" and event.subject in drafts:
        yield from (between(event.subject, other) for other in drafts if other != event.subject)
    elif event.kind == "edit" and event.subject in drafts:
        final, draft = str(event.payload.get("final_text", "")), drafts[event.subject]
        if final.strip() and edit_distance(draft.text, final) >= TYPO:
            yield Judged(draft.id, draft.id, final, draft.text, edited=True)


def list_key(row: Mapping[str, Any]) -> str:
    """The list that a preference row came from: its event, or for demonstrations its prompt."""
    if row.get("event_id"):
        return f"event-{row['event_id']}"
    return "prompt-" + text_key(row["prompt"][-1]["content"])


def text_key(text: str) -> str:
    """A short name of a text."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
