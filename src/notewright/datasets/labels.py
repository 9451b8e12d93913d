"""Rows that judge one draft by itself: accepted or rejected, without a rival (KTO's kind of data)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Set
from typing import TYPE_CHECKING

from ..errors import Invalid, NotFound
from ..library import splits
from ..library.events import in_force
from ..library.rows import Row
from ..prompts import PROMPT_VERSION
from ..records import Draft, Event
from .hygiene import by_side

if TYPE_CHECKING:
    from ..library import Library

REWRITTEN = 0.4  # an accepted draft of which more than this was changed afterwards was no good draft


def label_rows(
    library: Library,
    *,
    max_chars: int,
    split: tuple[float, float, float],
    later: splits.Later,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, list[Row]], dict[str, object]]:
    """Rows by split, and the facts for the manifest. Of several judgements of one draft the last counts, also of rankings and of edits."""
    left_out: Counter[str] = Counter()
    events = in_force(library.events.standing("decision", "ranking", "edit", "insertion"))
    last = {(event.kind, event.subject): event for event in events}
    rewritten = {event.id for (kind, _), event in last.items() if kind == "edit" and _rewritten(event)}
    judged: dict[str, tuple[bool, Event]] = {}
    for done, event in enumerate(events, 1):
        if event.kind != "ranking" or last[event.kind, event.subject] is event:
            for draft_id, good in _labels(library, event, rewritten):
                judged[draft_id] = good, event
        if progress:
            progress(done, len(events))
    found = []
    for draft_id, (good, event) in judged.items():
        try:
            draft = library.drafts.get(draft_id)
        except NotFound:
            left_out["its draft is gone"] += 1
            continue
        if not draft.messages or not draft.text.strip():
            left_out["without a prompt or a text"] += 1
        else:
            found.append((_row(draft, good, event), draft))
    placed = by_side(library, found, shares=split, later=later, left_out=left_out, max_chars=max_chars)
    kept = [row for part in placed.rows.values() for row in part]
    if not placed.rows["train"]:
        raise Invalid(
            "No draft was accepted or rejected by itself yet (of a source that may teach).",
            "Judge drafts: notewright accept DRAFT, or reject them in notewright rank",
        )
    facts: dict[str, object] = {
        "prompt_version": PROMPT_VERSION,
        "parameters": {"max_chars": max_chars, "split": list(split)},
        "left_out": dict(sorted(left_out.items())),
        "examples_cut": placed.cut,
        "parents": {"events": len(events), "last_event": max((event.id for event in events), default=0)},
        "accepted": sum(bool(row["label"]) for row in kept),
        "sources": {source_id: placed.sides[source_id] for source_id in sorted({row["source_id"] for row in kept})},
    }
    return placed.rows, facts


def _rewritten(event: Event) -> bool:
    return float(event.payload.get("distance") or 0.0) > REWRITTEN  # type: ignore[arg-type]


def _labels(library: Library, event: Event, rewritten: Set[int]) -> Iterator[tuple[str, bool]]:
    """(draft id, good?) as the event says. `rewritten` are the edits that left little of their draft; what is edited while it is accepted
    is told before the acceptance, so that there the insertion has the last word."""
    if event.kind == "ranking":
        rejected = event.payload.get("rejected")
        yield from ((str(draft_id), False) for draft_id in (rejected if isinstance(rejected, list) else []))
    elif event.kind == "edit":
        if event.id in rewritten:
            yield event.subject, False
    elif event.kind == "insertion":
        beside = event.payload.get("with")
        if isinstance(beside, list) and not rewritten.isdisjoint(beside):
            yield event.subject, False
    elif event.payload.get("decision") == "reject_all":
        try:
            yield from ((draft.id, False) for draft in library.drafts.batch(event.subject))
        except NotFound:
            return
    else:
        yield event.subject, event.payload.get("decision") == "accept"


def _row(draft: Draft, good: bool, event: Event) -> Row:
    return {
        "prompt": [dict(message) for message in draft.messages],
        "completion": [{"role": "assistant", "content": draft.text}],
        "label": good,
        "source_id": draft.source_id,
        "event_id": event.id,
    }
