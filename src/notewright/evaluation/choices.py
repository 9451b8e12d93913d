"""Whether a model finds likelier what the person chose: their rankings on what only measures, on which no model was trained."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..errors import Invalid
from ..library.splits import LATER, Later, known, later
from ..prompts import Message
from ..records import Draft, Event

if TYPE_CHECKING:
    from ..library import Library

NEWEST = 20  # rankings of each split; each draft of one costs a reading
_ROUNDS = 2000


@runtime_checkable
class Reader(Protocol):
    """What is needed of an engine; one that only writes (a remote one) has none of it."""

    def logprob(self, messages: Sequence[Message], text: str) -> tuple[float, int]: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One ranking: of its `pairs` of a better and a worse draft, the model finds the better one likelier, token for token, in `right`."""

    batch_id: str
    right: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of the pairs in the person's order. `low` to `high` is a 90 % interval: a bootstrap over rankings, with one all right and one
    all wrong added, so that a few rankings that agree are no certainty. 0.5 is chance."""

    rankings: int
    pairs: int
    share: float
    low: float
    high: float


def judge(library: Library, reader: Reader, split: str) -> tuple[Choice, ...]:
    """The newest rankings on sources (or later chapters) of `split`, judged. Ties and drafts that were not placed make no pair; what does
    not fit into the model's context is left out."""
    splits, held = known(library), later(library)
    sides = (split, "train") if split == LATER else (split,)
    last: dict[str, Event] = {}
    for event in library.events.standing("ranking"):
        if splits.get(str(event.payload.get("source"))) in sides:
            last.pop(event.subject, None)  # ranked anew it is as new as what was ranked last
            last[event.subject] = event
    batches = library.drafts.batches(last)
    there = [
        event for event in last.values() if (drafts := batches.get(event.subject)) and _side(library, splits, held, drafts[0]) == split
    ]
    events = there[-NEWEST:]
    return tuple(choice for event in events if (choice := _judged(event, batches.get(event.subject, []), reader)))


def _side(library: Library, splits: Mapping[str, str], held: Later, draft: Draft) -> str:
    return held.side_of(library, splits.get(draft.source_id, ""), draft)


def _judged(event: Event, drafts: Sequence[Draft], reader: Reader) -> Choice | None:
    pairs = list(_pairs(event.payload, {draft.id for draft in drafts}))
    named = {draft_id for pair in pairs for draft_id in pair}
    likely = {}
    for draft in drafts:
        if draft.id in named:
            try:
                total, tokens = reader.logprob(draft.messages, draft.text)
            except Invalid:
                continue
            likely[draft.id] = total / max(1, tokens)
    judged = [likely[better] > likely[worse] for better, worse in pairs if better in likely and worse in likely]
    return Choice(event.subject, sum(judged), len(judged)) if judged else None


def _pairs(payload: dict[str, Any], there: set[str]) -> Iterator[tuple[str, str]]:
    """(Better, worse), from a ranking's groups; what was rejected is below them all."""
    tiers = [[item for item in group if item in there] for group in [*payload["order"], payload.get("rejected") or []]]
    for place, tier in enumerate(tiers):
        for lower in tiers[place + 1 :]:
            yield from ((better, worse) for better in tier for worse in lower)


def accuracy(choices: Sequence[Choice], *, seed: int = 0) -> Accuracy | None:
    """Over all pairs; None without any."""
    pairs = sum(choice.pairs for choice in choices)
    if not pairs:
        return None
    rng = random.Random(seed)
    counted = [(choice.right, choice.pairs) for choice in choices]
    typical = max(1, round(pairs / len(choices)))
    padded = [*counted, (typical, typical), (0, typical)]
    shares = []
    for _ in range(_ROUNDS):
        drawn = rng.choices(padded, k=len(padded))
        shares.append(sum(right for right, _ in drawn) / sum(of for _, of in drawn))
    shares.sort()
    low, high = shares[int(0.05 * (_ROUNDS - 1))], shares[round(0.95 * (_ROUNDS - 1))]
    return Accuracy(len(choices), pairs, sum(choice.right for choice in choices) / pairs, low, high)
