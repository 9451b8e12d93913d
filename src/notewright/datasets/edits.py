"""Rows from the person's edits: what was shown, what it became, and the typed changes between the two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..errors import Invalid, NotFound
from ..library import splits
from ..library.rows import Row
from ..prompts import PROMPT_VERSION
from ..records import Draft, Event
from ..text import count, edit_distance
from .hygiene import by_side

if TYPE_CHECKING:
    from ..library import Library

TASTE = ("format", "style", "selection")  # kinds of changes that say how the person writes; the others say what they know, or mistyped


def edit_rows(
    library: Library,
    *,
    max_chars: int,
    split: tuple[float, float, float],
    later: splits.Later,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, list[Row]], dict[str, object]]:
    """Rows by split, and the facts for the manifest. An edit of an edit is a row of its own, from the text that it changed."""
    left_out: Counter[str] = Counter()
    events = library.events.standing("edit")
    in_steps = _in_steps(events)
    found = []
    for done, event in enumerate(events, 1):
        made = _row(library, event, left_out, in_steps)
        if made:
            found.append(made)
        if progress:
            progress(done, len(events))
    placed = by_side(library, found, shares=split, later=later, left_out=left_out, max_chars=max_chars)
    if not placed.rows["train"]:
        raise _nothing(len(events), sum(map(len, placed.rows.values())), left_out)
    kept = [row for part in placed.rows.values() for row in part]
    facts: dict[str, object] = {
        "prompt_version": PROMPT_VERSION,
        "parameters": {"max_chars": max_chars, "split": list(split)},
        "left_out": dict(sorted(left_out.items())),
        "examples_cut": placed.cut,
        "parents": {"events": len(events), "last_event": max(event.id for event in events)},
        "hunks": dict(sorted(Counter(hunk["kind"] for row in kept for hunk in row["hunks"]).items())),
        "sources": {source_id: placed.sides[source_id] for source_id in sorted({row["source_id"] for row in kept})},
    }
    return placed.rows, facts


def _in_steps(events: Sequence[Event]) -> set[int]:
    """Ids of edits, noticed in a note, that others lead through step by step: of two machines with one vault, one looked more often. What
    comes of a single watcher is one chain, in which each edit starts from where the one before it ended."""
    chains: dict[object, list[Event]] = {}
    for event in events:
        if event.payload.get("insertion"):
            chains.setdefault(event.payload["insertion"], []).append(event)
    found: set[int] = set()
    for chain in chains.values():
        for place, event in enumerate(chain):
            around = pairwise(chain[max(0, place - 1) : place + 2])
            broken = any(one.payload["final_hash"] != other.payload["before_hash"] for one, other in around)
            if broken and _leads(event, [other for other in chain if other.id not in found]):
                found.add(event.id)
    return found


def _leads(event: Event, others: Sequence[Event]) -> bool:
    """Do two or more of the others lead from where the edit starts to where it ends?"""
    start, end = event.payload["before_hash"], event.payload["final_hash"]
    steps = [(other.payload["before_hash"], other.payload["final_hash"]) for other in others]
    steps = [step for step in steps if step != (start, end)]
    seen: set[object] = set()
    reached = {start}
    while reached - seen:
        seen |= reached
        reached |= {after for before, after in steps if before in seen}
    return end in reached and start != end


def _row(library: Library, event: Event, left_out: Counter[str], in_steps: Container[int]) -> tuple[Row, Draft] | None:
    payload = event.payload
    before, after = str(payload.get("before", "")), str(payload.get("final_text", ""))
    hunks: Sequence[dict[str, Any]] = payload.get("hunks") or ()  # type: ignore[assignment]
    kinds = {str(hunk["kind"]) for hunk in hunks}
    try:
        draft = library.drafts.get(event.subject)
    except NotFound:
        left_out["its draft is gone"] += 1
        return None
    reason = ""
    if not after.strip():
        reason = "edited to nothing"
    elif not before.strip():
        reason = "came back after it was deleted"
    elif not hunks:
        reason = "nothing was changed"
    elif not kinds & set(TASTE):
        reason = "only typos and added facts"
    elif event.id in in_steps:
        reason = "another machine saw it in smaller steps"
    elif not draft.messages:
        reason = "its prompt is not known"
    if reason:
        left_out[reason] += 1
        return None
    return {
        "prompt": [dict(message) for message in draft.messages],
        "shown": [{"role": "assistant", "content": before}],
        "edited": [{"role": "assistant", "content": after}],
        "hunks": [{name: hunk[name] for name in ("kind", "before", "after", "start", "to")} for hunk in hunks],
        "cost": round(edit_distance(before, after), 4),  # of this edit alone: the event's `distance` is from the draft
        "source_id": draft.source_id,
        "event_id": event.id,
    }, draft


def _nothing(events: int, usable: int, left_out: Counter[str]) -> Invalid:
    hint = "Accept drafts, change them as you like in your notes, and let notewright watch (or notewright sync) notice."
    if not events:
        return Invalid("There are no edits to learn from yet.", hint)
    if usable == events:
        return Invalid(f"Every edit so far ({usable}) is of a source or chapter that only measures.", hint)
    left_out["of a source or chapter that only measures"] += usable
    reasons = "; ".join(f"{number}: {reason}" for reason, number in left_out.most_common())
    return Invalid(f"{count(events, 'edit')} so far, and none can be learnt from ({reasons}).", hint)
