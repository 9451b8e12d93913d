"""What one batch's events say about taste. All evidence is derived: from standing events, the drafts as shown, and their feature rows.

ranking     Plackett-Luce over its groups; rejected ones are below all and below the bar; of several only the last counts
ticks       within an aspect's features, the ticked drafts beat the others shown
edit        the person's version beats its draft strongly, and the others shown; a typo is no edit; of several only the last counts
accept      the draft (or the person's version) is above the bar; without a ranking it also beats the others shown (of several
            accepted ones the last)
reject      the draft is below the bar; reject all: every one shown
chips       an imagined better draft (shorter, with that highlight, more like the own notes) beats the draft; of several rankings,
            or decisions about the same draft, those of the last one that says any
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..library.events import in_force
from ..records import Draft, Event
from .features import FEATURES, INDEX
from .lists import remarks, settled
from .rows import Rows
from .scale import Scale
from .taste import Stages, edit, nudge, ranking, verdict, weighted

KINDS = ("ranking", "decision", "comment", "edit")
TYPO = 0.02  # an edit smaller than this share of the words says nothing about taste
CHIP_STEPS: dict[str, dict[str, float]] = {
    "too long": {"words": -1.0, "compression": -1.0},
    "too short": {"words": 1.0, "compression": 1.0},
    "lost a highlight": {"coverage": 1.0, "numbers_kept": 0.5},
    "invented": {"own_words": -1.0, "verbatim": 0.5},
}
CHIP_ASPECTS = {"wrong structure": "structure", "not my voice": "voice"}


def batch_evidence(scale: Scale, events: Sequence[Event], drafts: Sequence[Draft], rows: Rows, edited: Rows) -> dict[str, Stages]:
    """Evidence by key, from the standing events about one batch, oldest first. `edited` has the rows of the persons' versions."""
    shown = [draft.id for draft in drafts if draft.id in rows]
    judged = in_force([event for event in events if event.kind != "comment"])
    ranked = next((event for event in reversed(judged) if event.kind == "ranking"), None)
    edits = {event.subject: event for event in judged if event.kind == "edit"}
    final = {subject: edited[subject] for subject, event in edits.items() if _large(event) and subject in edited and subject in rows}
    silent = settled(judged)
    accepted = {event.subject: event.id for event in judged if event.payload.get("decision") == "accept" and event.id not in silent}
    found: dict[str, Stages] = {}
    if ranked:
        batch = ranked.subject
        groups = [[rows[item] for item in group if item in rows] for group in _lists(ranked.payload.get("order"))]
        rejected = [rows[item] for item in _list(ranked.payload.get("rejected")) if item in rows]
        ties = not ranked.payload.get("best_only")
        found[f"{batch} ranking"] = ranking(scale, [group for group in groups if group], rejected=rejected, ties=ties)
        for aspect, ticked in _ticked(ranked.payload.get("aspects"), rows).items():
            others = [rows[item] for item in shown if item not in ticked]
            tiers = [[rows[item] for item in ticked], others]
            found[f"{batch} {aspect}"] = ranking(scale, [tier for tier in tiers if tier], aspect=aspect, ties=False)
    for draft_id, row in final.items():
        found[f"{draft_id} edit"] = edit(scale, row, rows[draft_id], [rows[item] for item in shown if item != draft_id])
    for event in judged:
        if event.kind == "decision":
            found |= _decided(scale, event, shown, rows, final, accepted)
    for event, _, chips in remarks(events):
        about = [event.subject] if event.subject in rows else shown
        for number, chip in enumerate(chips):
            found |= {
                f"event {event.id} chip {number} {draft_id}": weighted(_chip(scale, str(chip), rows[draft_id]), 1 / len(about))
                for draft_id in about
            }
    return found


def demonstration(scale: Scale, note: Sequence[float], sample: Sequence[float], weight: float) -> Stages:
    """The person's own passage beats what a model wrote from the same highlights."""
    return ranking(scale, [[note], [sample]], weight=weight)


def _decided(scale: Scale, event: Event, shown: list[str], rows: Rows, final: Rows, accepted: dict[str, int]) -> dict[str, Stages]:
    decision, draft_id = event.payload.get("decision"), event.subject
    if decision == "reject_all":
        return {f"{draft_id} rejected": ranking(scale, [], rejected=[rows[item] for item in shown])}
    if draft_id not in rows:
        return {}
    if decision == "reject":
        return {f"{draft_id} decided": verdict(scale, rows[draft_id], accepted=False)}
    found = {f"{draft_id} decided": verdict(scale, final.get(draft_id, rows[draft_id]), accepted=True)}
    others = [rows[item] for item in shown if item != draft_id and accepted.get(item, 0) < event.id]
    if others and accepted.get(draft_id) == event.id and draft_id not in final:
        found[f"{draft_id} accepted"] = ranking(scale, [[rows[draft_id]], others], ties=False)
    return found


def _chip(scale: Scale, chip: str, row: Sequence[float]) -> Stages:
    steps = {INDEX[name]: step for name, step in CHIP_STEPS.get(chip, {}).items()}
    aspect = CHIP_ASPECTS.get(chip, "")
    towards = [index for index, feature in enumerate(FEATURES) if feature.aspect == aspect]
    return nudge(scale, row, steps, towards=towards)


def _large(event: Event) -> bool:
    distance = event.payload.get("distance")
    return bool(str(event.payload.get("final_text", "")).strip()) and isinstance(distance, int | float) and distance >= TYPO


def _ticked(aspects: object, rows: Rows) -> dict[str, list[str]]:
    ticked: dict[str, list[str]] = {}
    for draft_id, names in (aspects if isinstance(aspects, dict) else {}).items():
        for name in names:
            if draft_id in rows:
                ticked.setdefault(str(name), []).append(draft_id)
    return ticked


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _lists(value: object) -> Iterator[list[Any]]:
    for item in _list(value):
        yield _list(item)
