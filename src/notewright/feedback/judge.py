"""Judgements on drafts, each one event that tells the whole situation: what was shown, in which order, by which model, how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..errors import Invalid, NotFound
from ..prompts import PROMPT_VERSION, prompt_id
from ..records import Draft, Event
from ..text import content_hash, edit_distance
from .hunks import hunks

if TYPE_CHECKING:
    from ..library import Library

CHIPS = ("too long", "too short", "wrong structure", "lost a highlight", "not my voice", "invented")
DECISIONS = ("accept", "reject", "reject_all")
ASPECTS = ("structure", "content", "voice")


def rank(
    library: Library,
    *,
    batch_id: str,
    order: Sequence[Sequence[str]],
    rejected: Sequence[str] = (),
    best_only: bool = False,
    aspects: Mapping[str, Sequence[str]] | None = None,
    comment: str = "",
    chips: Sequence[str] = (),
    seconds: float | None = None,
    request: str = "",
) -> Event:
    """Record a ranking of one batch: groups of draft ids, best first, equal ones in one group; `rejected` ones are worse than all.

    Drafts that are not mentioned stay uncompared. With `best_only` the order names one draft, which beats all others shown; these are
    kept as a second group that says nothing about its members. `aspects` are the ticks: for a draft, in which of `ASPECTS` it is good.
    A later ranking of the same batch replaces this one; its remark stands until one with another. `seconds` is how long the person took,
    `request` as in `EventStore.append`. Raises Invalid with all problems.
    """
    drafts = library.drafts.batch(batch_id)
    groups = [list(group) for group in order]
    ticks = {draft_id: list(names) for draft_id, names in (aspects or {}).items() if names}
    named = Counter([*(draft_id for group in groups for draft_id in group), *rejected])
    known = {draft.id for draft in drafts}
    problems = [f"{draft_id} is not in {batch_id}" for draft_id in named if draft_id not in known]
    problems += [f"{draft_id} is placed {count} times" for draft_id, count in named.items() if count > 1]
    problems += ["a place is empty"] if any(not group for group in groups) else []
    problems += [] if named else ["no draft is placed"]
    problems += ["best only means one draft and no rejections"] if best_only and (list(map(len, groups)) != [1] or rejected) else []
    problems += [f"{draft_id} is not in {batch_id}, but has a tick" for draft_id in ticks if draft_id not in known]
    wrong = {name for names in ticks.values() for name in names if name not in ASPECTS}
    problems += [f"{name!r} is no aspect (there are: {', '.join(ASPECTS)})" for name in sorted(wrong)]
    problems += _remark_problems(chips, seconds)
    if problems:
        raise Invalid(
            f"That is no ranking of {batch_id}: {'; '.join(problems)}.", f"Its drafts: {', '.join(draft.id for draft in drafts)}", problems
        )
    if best_only and len(drafts) > 1:
        groups.append([draft.id for draft in drafts if draft.id != groups[0][0]])
    payload = {
        "order": groups, "rejected": list(rejected), "best_only": best_only, "aspects": ticks, **_situation(drafts),
        **_remark(comment, chips, seconds),
    }  # fmt: skip
    return library.events.append("ranking", batch_id, payload, request=request)


def decide(
    library: Library,
    *,
    decision: str,
    draft_id: str = "",
    batch_id: str = "",
    comment: str = "",
    chips: Sequence[str] = (),
    seconds: float | None = None,
    request: str = "",
) -> Event:
    """Record accept or reject for one draft, or reject_all for a batch (named by its id or by one of its drafts). Writes no note."""
    problems = [] if decision in DECISIONS else [f"{decision!r} is none of {', '.join(DECISIONS)}"]
    if decision == "reject_all":
        problems += [] if draft_id or batch_id else ["name a batch or one of its drafts"]
    else:
        problems += [] if draft_id else ["name a draft"]
    problems += _remark_problems(chips, seconds)
    if problems:
        raise Invalid(f"That decision cannot be recorded: {'; '.join(problems)}.", "See the drafts with: notewright drafts", problems)
    draft = library.drafts.get(draft_id) if draft_id else None
    if draft and batch_id not in ("", draft.batch_id):
        raise Invalid(f"{draft_id} is not in {batch_id} but in {draft.batch_id}.", "Name one of the two.")
    drafts = library.drafts.batch(draft.batch_id if draft else batch_id)
    subject = drafts[0].batch_id if decision == "reject_all" else draft_id
    payload: dict[str, object] = {"decision": decision, **_situation(drafts), **_remark(comment, chips, seconds)}
    return library.events.append("decision", subject, payload, request=request)


def comment(
    library: Library,
    *,
    draft_id: str = "",
    batch_id: str = "",
    text: str = "",
    chips: Sequence[str] = (),
    seconds: float | None = None,
    request: str = "",
) -> Event:
    """Record a remark on one draft, or on a whole batch: free text, chips (of `CHIPS`), or both."""
    problems = _remark_problems(chips, seconds)
    problems += [] if text.strip() or chips else ["it is empty"]
    problems += [] if bool(draft_id) != bool(batch_id) else ["name either a draft or a batch"]
    if problems:
        raise Invalid(f"That comment cannot be recorded: {'; '.join(problems)}.", f"Chips are: {', '.join(CHIPS)}", problems)
    drafts = library.drafts.batch(library.drafts.get(draft_id).batch_id if draft_id else batch_id)
    return library.events.append("comment", draft_id or batch_id, {**_situation(drafts), **_remark(text, chips, seconds)}, request=request)


def record_edit(
    library: Library,
    *,
    draft_id: str,
    final_text: str,
    note_path: str = "",
    seconds: float | None = None,
    before: str | None = None,
    via: str = "accept",
    spans: Sequence[tuple[int, int]] = (),
    insertion: int | None = None,
    request: str = "",
) -> Event:
    """Record what the person made of a draft. The text is stored whole; an unchanged one is recorded too (distance 0).

    `before` is the text that was changed (default: the draft's), of which the hunks are told; `distance` is from the draft. `spans` are
    the byte spans of the final text in the note, `insertion` the event that put the draft there. `via`: accept (before it was inserted),
    watch (noticed in the vault), plugin. An empty final text means that the passage was deleted.
    """
    draft = library.drafts.get(draft_id)
    drafts = library.drafts.batch(draft.batch_id)
    if problems := _remark_problems((), seconds):
        raise Invalid(f"That edit cannot be recorded: {'; '.join(problems)}.", "Give the seconds as a positive number.", problems)
    before = draft.text if before is None else before
    found = hunks(before, final_text, highlights=_highlight_texts(library, draft), draft=draft.text)
    payload = {
        "final_text": final_text, "final_hash": content_hash(final_text), "note_path": note_path,
        "distance": round(edit_distance(draft.text, final_text), 4), "before": before, "before_hash": content_hash(before),
        "hunks": [asdict(hunk) for hunk in found], "via": via, "spans": [list(span) for span in spans], "insertion": insertion,
        "deleted": not final_text.strip(), **_situation(drafts), **_remark("", (), seconds),
    }  # fmt: skip
    return library.events.append("edit", draft_id, payload, request=request)


def _highlight_texts(library: Library, draft: Draft) -> list[str]:
    """What the draft was written from, as far as the library still knows it; annotations are known words too."""
    found = []
    for highlight_id in draft.highlight_ids:
        try:
            highlight = library.sources.highlight(highlight_id)
        except NotFound:
            continue
        found += [text for text in (highlight.text, highlight.annotation) if text]
    return found


def _remark_problems(chips: Sequence[str], seconds: float | None) -> list[str]:
    problems = [f"{chip!r} is no chip (there are: {', '.join(CHIPS)})" for chip in chips if chip not in CHIPS]
    return problems + (["seconds are negative"] if seconds is not None and seconds < 0 else [])


def _remark(text: str, chips: Sequence[str], seconds: float | None) -> dict[str, object]:
    return {"comment": text, "chips": list(chips), "seconds": seconds}


def _situation(drafts: Sequence[Draft]) -> dict[str, object]:
    """The candidates as shown. Their texts lie in the drafts table, which never changes; the hashes prove it.

    `propensity` is the chance with which the candidate was chosen to be shown; how it was worked out stands in `sampling["selection"]`.
    """
    messages = [dict(message) for message in drafts[0].messages]
    return {
        "batch": drafts[0].batch_id,
        "source": drafts[0].source_id,
        "chapter": drafts[0].chapter,
        "prompt": {"id": prompt_id(messages), "version": drafts[0].sampling.get("prompt_version", PROMPT_VERSION)},
        "shown": [
            {
                "draft": draft.id, "position": draft.position, "text_hash": content_hash(draft.text), "model": draft.model_id,
                "seed": draft.seed, "sampling": draft.sampling, "problems": list(draft.problems), "propensity": _propensity(draft),
            }
            for draft in drafts
        ],
    }  # fmt: skip


def _propensity(draft: Draft) -> float:
    """1 for drafts from before there was a choice: all that were written were shown."""
    selection = draft.sampling.get("selection")
    return float(selection["propensity"]) if isinstance(selection, dict) else 1.0
