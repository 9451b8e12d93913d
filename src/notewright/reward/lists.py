"""The person's choices as lists of pairs, and names by which judgements of different rewards on the same choice are laid side by side.

Which events compare texts at all is said here for everything that learns from choices or judges them (`settled`): of several rankings of
a batch, or decisions about or edits of a draft, the last; and where a batch was ranked, the ranking says what is better, whether a draft
was accepted before or after it, and whichever: an acceptance then only says that the draft was good enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..library.events import in_force
from ..records import Draft, Event
from ..text import edit_distance

if TYPE_CHECKING:
    from ..library import Library

TYPO = 0.02  # an edit smaller than this share of the words says nothing about taste
_AGAIN = {"ranking": "ranked again later", "decision": "decided again later", "edit": "edited again later"}


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


def settled(standing: Sequence[Event]) -> dict[int, str]:
    """Of these rankings, decisions and edits (none undone, oldest first) those that compare nothing any more, by id, and why."""
    last = {(event.kind, event.subject): event for event in standing}
    ranked = {subject for (kind, subject), event in last.items() if kind == "ranking" and _compares(event)}
    found = {}
    for event in standing:
        if last[event.kind, event.subject] is not event:
            found[event.id] = _AGAIN[event.kind]
        elif event.payload.get("decision") == "accept" and str(event.payload.get("batch", "")) in ranked:
            found[event.id] = "accepted from a ranked batch: the ranking says what is better"
    return found


def remarks(standing: Sequence[Event]) -> list[tuple[Event, str, list[str]]]:
    """(event, comment, chips) of these events, oldest first. Of what was said with several rankings of a batch, or decisions on a draft,
    the last counts: one that says nothing lets stand what was said before. Remarks by themselves add up."""
    said = [(event, str(event.payload.get("comment") or ""), _list(event.payload.get("chips"))) for event in standing]
    last = {(event.kind, event.subject): event.id for event, comment, chips in said if event.kind != "comment" and (comment or chips)}
    return [item if last.get((item[0].kind, item[0].subject), item[0].id) == item[0].id else (item[0], "", []) for item in said]


def _compares(ranking: Event) -> bool:
    """Whether it places two drafts, if only as equals: one that only rejects, or places a single one, leaves comparing to an acceptance."""
    placed = [item for group in _list(ranking.payload.get("order")) for item in _list(group)]
    return bool(placed) and len(placed) + len(_list(ranking.payload.get("rejected"))) > 1


def choices(library: Library) -> list[Choice]:
    """Standing choices that compare two texts (see `settled`), oldest first; of several acceptances in a batch the last says of two texts
    which is better."""
    standing = in_force(library.events.standing("ranking", "decision", "edit"))
    silent = settled(standing)
    batches = [str(event.payload.get("batch", "")) for event in standing]
    shown = library.drafts.batches(list(dict.fromkeys(batches)))
    found: list[Choice] = []
    said: set[frozenset[str]] = set()
    for event, batch in zip(reversed(standing), reversed(batches), strict=True):
        if event.id in silent:
            continue
        compared = [pair for pair in _pairs(event, shown.get(batch, [])) if frozenset((pair.better, pair.worse)) not in said]
        said |= {frozenset((pair.better, pair.worse)) for pair in compared if not pair.edited}
        pairs = tuple(pair for pair in compared if pair.better_text.strip() != pair.worse_text.strip())
        if pairs:
            found.append(Choice(event, batch, pairs))
    return found[::-1]


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


def question(draft: Draft) -> tuple[str, ...]:
    """What the draft answers: its highlights. Drafted again, a chapter asks the same question, and its drafts may say the same."""
    return draft.highlight_ids or (draft.batch_id,)


def question_key(row: Mapping[str, Any]) -> str:
    """The question that a preference row is about: as it was noted when the row was derived, else its prompt."""
    return str(row.get("question") or "prompt-" + text_key(row["prompt"][-1]["content"]))


def text_key(text: str) -> str:
    """A short name of a text."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
