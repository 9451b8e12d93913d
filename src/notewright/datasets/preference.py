"""Preference rows, derived from what the person did: rankings, decisions, edits. Nothing here is stored by hand.

A ranking gives every better-worse pair between its groups (ties give none), and everything ranked beats what was rejected beside it;
drafts the person did not mention are not compared. An accepted draft beats the others shown in its batch, unless that was ranked: then
the ranking says what is better (`reward.lists`). An edited text beats the draft it came from. Of several rankings, decisions, edits or
acceptances that say something of the same two texts the last counts; undone events do not. What gives no row is told with its reason, so
that every choice is accounted for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Invalid, NotFound
from ..library import splits
from ..library.events import in_force
from ..library.examples import Example, from_pairs
from ..library.rows import Row
from ..prompts import PROMPT_VERSION, Message
from ..records import Draft, Event
from ..reward.lists import question, settled, text_key
from ..text import count, edit_distance
from .hygiene import by_side
from .labelled import labelled

if TYPE_CHECKING:
    from ..library import Library

UNDONE = "undone"  # why a choice gives no row: it is none any more
ANEW = "said anew later of the same texts"
IDENTICAL = "identical texts"
_GONE = "its drafts are gone"
_RANKED_LATER = "rejected before its batch was ranked: the ranking counts"
TYPO = 0.02  # an edit smaller than this share of the words says nothing about taste


@dataclass(frozen=True, slots=True)
class Preference:
    """`chosen` beats `rejected`; `margin` in (0, 1] tells how far apart they were placed. `key` names the two texts without direction,
    `draft` is one of them, or what one of them was made of."""

    key: frozenset[str]
    kind: str
    event_id: int
    draft: Draft
    chosen: str
    rejected: str
    margin: float

    @property
    def source_id(self) -> str:
        return self.draft.source_id

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.draft.messages

    def row(self) -> Row:
        return {
            "prompt": list(self.messages),
            "chosen": [{"role": "assistant", "content": self.chosen}],
            "rejected": [{"role": "assistant", "content": self.rejected}],
            "source_id": self.source_id,
            "kind": self.kind,
            "margin": round(self.margin, 4),
            "event_id": self.event_id,
            "question": text_key(" ".join(question(self.draft))),
        }


def preference_rows(
    library: Library,
    *,
    adjacent: bool,
    demonstrations: bool,
    label: str,
    device: str,
    threshold: float,
    max_chars: int,
    split: tuple[float, float, float],
    later: splits.Later,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, list[Row]], dict[str, object]]:
    """Rows by split, and the facts for the manifest."""
    left_out: Counter[str] = Counter()
    events = library.events.all("ranking", "decision", "edit")
    undone = library.events.undone()
    latest: dict[frozenset[str], Preference] = {}
    standing = [event for event in events if event.id not in undone]
    in_place = in_force(standing)
    silent = {event.id: _RANKED_LATER for event in standing} | {event.id: ANEW for event in in_place} | settled(in_place)
    for done, event in enumerate((event for event in in_place if silent[event.id] == ANEW), 1):
        derived = list(_derive(library, event, adjacent))
        for preference in derived:
            latest.pop(preference.key, None)
            latest[preference.key] = preference
        if not derived:
            silent[event.id] = _says_nothing(library, event)
        if progress:
            progress(done, len(events))
    found = list(latest.values())
    if demonstrations:
        found += _demonstrations(library, threshold)
    if label:
        found += [
            Preference(frozenset((better.id, worse.id)), "labelled", 0, better, better.text, worse.text, 1.0)
            for better, worse in labelled(library, label, left_out=left_out, device=device)
        ]
    apart = [item for item in found if item.chosen.strip() != item.rejected.strip()]
    if len(apart) < len(found):
        left_out[IDENTICAL] += len(found) - len(apart)
    placed = by_side(
        library, [(item.row(), item.draft) for item in apart], shares=split, later=later, left_out=left_out, max_chars=max_chars,
        threshold=threshold,
    )  # fmt: skip
    silent |= {item.event_id: IDENTICAL for item in found} | {apart[place].event_id: reason for place, reason in placed.out.items()}
    used = {row["event_id"] for part in placed.rows.values() for row in part}
    silent = {event.id: silent[event.id] for event in standing if event.id not in used}
    _insist(library, placed.rows, standing, silent)
    without = Counter(silent.values()) + Counter({UNDONE: len(events) - len(standing)})
    facts: dict[str, object] = {
        "prompt_version": PROMPT_VERSION,
        "parameters": {
            "adjacent": adjacent, "demonstrations": demonstrations, "label": label, "threshold": threshold, "max_chars": max_chars,
            "split": list(split),
        },
        "left_out": dict(sorted(left_out.items())),
        "choices_left_out": dict(sorted(without.items())),
        "examples_cut": placed.cut,
        "parents": {
            "events": len(standing),
            "first_event": min((event.id for event in standing), default=0),
            "last_event": max((event.id for event in standing), default=0),
        },
        "made_from": _made_from(row for part in placed.rows.values() for row in part),
        "sources": {source_id: placed.sides[source_id] for source_id in sorted({item.source_id for item in apart} & placed.sides.keys())},
    }  # fmt: skip
    return placed.rows, facts


def _made_from(rows: Iterable[Row]) -> dict[str, int]:
    """How many choices of the person the rows come from, how many rows those gave, and how many no choice gave (demonstrations, labels)."""
    by_choice = Counter(row["event_id"] for row in rows)
    others = by_choice.pop(0, 0)
    return {"choices": len(by_choice), "preferences": by_choice.total(), "others": others}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _derive(library: Library, event: Event, adjacent: bool) -> Iterator[Preference]:
    try:
        if event.kind == "ranking":
            yield from _from_ranking(library, event, adjacent)
        elif event.kind == "decision":
            yield from _from_decision(library, event)
        else:
            yield from _from_edit(library, event)
    except NotFound:
        return


def _says_nothing(library: Library, event: Event) -> str:
    """Why no preference follows from a choice that stands."""
    try:
        if event.kind == "edit":
            library.drafts.get(event.subject)
            empty = not str(event.payload.get("final_text", "")).strip()
            return "edited to nothing" if empty else "an edit no larger than a typo"
        if event.payload.get("decision") == "accept":
            library.drafts.get(event.subject)
            return "accepted without a rival"
        if event.kind == "decision":
            return "a rejection by itself: it puts no draft above another"
        drafts = {draft.id for draft in library.drafts.batch(event.subject)}
    except NotFound:
        return _GONE
    groups = [_list(group) for group in _list(event.payload.get("order"))]
    placed, rejected = [item for group in groups for item in group], _list(event.payload.get("rejected"))
    if not placed and not rejected:
        return "all that it ranked was rejected later"
    if not drafts.issuperset(placed + rejected):
        return _GONE
    if not placed:
        return "a ranking that only rejects: it puts no draft above another"
    return "a ranking of one draft alone" if len(placed) == 1 else "a ranking of equals: it puts no draft above another"


def _from_ranking(library: Library, event: Event, adjacent: bool) -> Iterator[Preference]:
    drafts = {draft.id: draft for draft in library.drafts.batch(event.subject)}
    groups = [list(group) for group in _list(event.payload.get("order"))]
    rejected = _list(event.payload.get("rejected"))
    if rejected and groups:
        groups.append(list(rejected))
    for better, upper in enumerate(groups):
        for worse, lower in enumerate(groups[better + 1 :], better + 1):
            if adjacent and worse > better + 1:
                break
            for winner in upper:
                for loser in lower:
                    if winner in drafts and loser in drafts:
                        yield _between(event, "ranking", drafts[winner], drafts[loser], (worse - better) / (len(groups) - 1))


def _from_decision(library: Library, event: Event) -> Iterator[Preference]:
    if event.payload.get("decision") != "accept":
        return
    accepted = library.drafts.get(event.subject)
    for other in library.drafts.batch(accepted.batch_id):
        if other.id != accepted.id:
            yield _between(event, "accept", accepted, other, 1.0)


def _from_edit(library: Library, event: Event) -> Iterator[Preference]:
    draft = library.drafts.get(event.subject)
    final = str(event.payload.get("final_text", ""))
    if final.strip() and (final.strip() == draft.text.strip() or edit_distance(draft.text, final) >= TYPO):
        key = frozenset((draft.id, f"edit of {draft.id}"))
        yield Preference(key, "edit", event.id, draft, final, draft.text, 1.0)


def _between(event: Event, kind: str, winner: Draft, loser: Draft, margin: float) -> Preference:
    key = frozenset((winner.id, loser.id))
    return Preference(key, kind, event.id, winner, winner.text, loser.text, margin)


def _demonstrations(library: Library, threshold: float) -> Iterator[Preference]:
    """The person's passage beats every stored draft that was written from exactly the same highlights."""
    by_highlights: dict[tuple[str, ...], Example] = {}
    for example in from_pairs(library, threshold=threshold):
        by_highlights.setdefault(tuple(item.id for item in example.prompt.highlights), example)
    for draft in library.drafts.all():
        match = by_highlights.get(draft.highlight_ids)
        if match:
            key = frozenset((match.pair_id, draft.id))
            yield Preference(key, "demonstration", 0, draft, match.passage, draft.text, 1.0)


def _insist(library: Library, rows: dict[str, list[Row]], events: Sequence[Event], silent: dict[int, str]) -> None:
    """`silent`: why each of the `events` gave no row."""
    if rows["train"]:
        return
    measuring = {row["event_id"]: row["source_id"] for part in rows.values() for row in part}
    if measuring:
        titles = sorted({library.sources.get(source_id).title for source_id in measuring.values()})
        hint = f"Draft and rank another source than {'; '.join(titles[:3])}: notewright draft --source TITLE, then notewright rank"
    else:
        hint = "Rank the drafts of one batch against each other: notewright rank"
    if events:
        reasons = Counter([*silent.values(), *("about a source or chapter that only measures" for _ in measuring)])
        told = "; ".join(f"{number}: {reason}" for reason, number in reasons.most_common())
        raise Invalid(f"{count(len(events), 'choice')} so far, and none can be learnt from ({told}).", hint)
    hint = "Write and judge drafts: notewright draft --source TITLE, then notewright rank"
    raise Invalid("There are no choices to learn from yet.", hint)
