"""The taste head judged on lists that it has not seen: fitted to everything but one batch, then asked about that batch's pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .learner import taste_of
from .lists import Choice, question
from .prior import PRIOR, Prior
from .rows import draft_rows, edit_rows
from .scale import Scale
from .taste import Head, Stages

if TYPE_CHECKING:
    from ..library import Library

Gaps = Mapping[str, Sequence[float]]  # by list: better minus worse text, as a reward judged them unseen


def unseen_gaps(
    scale: Scale,
    evidence: Mapping[str, Sequence[Stages]],
    pairs: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]],
    *,
    always: Sequence[Stages] = (),
    prior: Prior = PRIOR,
) -> Gaps:
    """For each list, the taste head's gaps when fitted to everything but this list. `always` is evidence that no list owns."""
    head = Head(scale, prior)
    for number, stages in enumerate(always):
        head.add(f"always {number}", stages)
    for key, parts in evidence.items():
        for number, stages in enumerate(parts):
            head.add(f"{key} {number}", stages)
    found = {}
    for key, compared in pairs.items():
        for number in range(len(evidence.get(key, ()))):
            head.drop(f"{key} {number}")
        head.fit()
        means = head.score([row for pair in compared for row in pair])[0]
        found[key] = [float(means[place] - means[place + 1]) for place in range(0, len(means), 2)]
        for number, stages in enumerate(evidence.get(key, ())):
            head.add(f"{key} {number}", stages)
    return found


def one_for_each_question(library: Library, found: Sequence[Choice]) -> list[Choice]:
    """The choices on the newest batch that was written from the same highlights: drafted again, a chapter asks the same question."""
    drafts = library.drafts.batches({choice.batch for choice in found})
    newest = {question(drafts[choice.batch][0]): choice.batch for choice in found if choice.batch in drafts}
    return [choice for choice in found if choice.batch in drafts and newest[question(drafts[choice.batch][0])] == choice.batch]


def taste_gaps(library: Library, found: Sequence[Choice]) -> Gaps:
    """The library's head on each choice. All batches that were written from the same highlights are left out as a whole: whatever else is
    known about the same drafts, or about others that say the same, would tell the answer."""
    head = taste_of(library)
    batches: dict[str, list[Choice]] = {}
    for choice in found:
        batches.setdefault(choice.batch, []).append(choice)
    drafts = {draft.id: draft for shown in library.drafts.batches(list(batches)).values() for draft in shown}
    asked = {question(draft): draft.batch_id for draft in drafts.values()}
    owner = {batch: batch for batch in batches}
    for draft in library.drafts.all(unshown=True):
        if batch := asked.get(question(draft)):
            owner |= {draft.id: batch, draft.batch_id: batch}
    evidence: dict[str, list[Stages]] = {}
    always: list[Stages] = []
    for key, stages in head.evidence.items():
        batch = next((owner[word] for word in key.split() if word in owner), "")
        (evidence.setdefault(batch, []) if batch else always).append(stages)
    rows = draft_rows(library, drafts.values())
    edited = edit_rows(library, [choice.event for choice in found if choice.event.kind == "edit"], drafts)
    compared = {
        batch: [(edited[pair.worse] if pair.edited else rows[pair.better], rows[pair.worse]) for one in owned for pair in one.pairs]
        for batch, owned in batches.items()
    }
    gaps = unseen_gaps(head.scale, evidence, compared, always=always, prior=head.prior)
    judged: dict[str, list[float]] = {}
    for batch, owned in batches.items():
        rest = iter(gaps[batch])
        judged |= {choice.key: [next(rest) for _ in choice.pairs] for choice in owned}
    return judged
