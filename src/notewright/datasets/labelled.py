"""Rows that a trusted reward labels: of a batch nobody judged, the best draft over the worst, where even doubts leave them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..records import Draft
from ..reward.judges import scores
from ..reward.trust import require

if TYPE_CHECKING:
    from ..library import Library

JUDGED = ("ranking", "decision", "edit", "insertion")


def labelled(library: Library, reward: str, *, left_out: Counter[str], device: str = "auto") -> Iterator[tuple[Draft, Draft]]:
    """(better, worse) drafts. Raises Invalid, saying what is missing, unless the reward has earned the right to label. What is too long for
    it to be judged is counted in `left_out`.

    Drafts that a gate blocks are never among them: what is wrong is not a matter of taste. Nor are those that were prepared ahead before
    somebody saw them: only then is it decided whether their chapter teaches.
    """
    require(library, reward, "label")
    events = library.events.all(*JUDGED)
    judged = {event.subject for event in events} | {str(event.payload.get("batch", "")) for event in events}
    batches: dict[str, list[Draft]] = {}
    for draft in library.drafts.all(unseen=False):
        if not draft.problems:
            batches.setdefault(draft.batch_id, []).append(draft)
    fresh = [drafts for batch, drafts in batches.items() if batch not in judged and len(drafts) > 1]
    found = iter(scores(library, reward, [draft for drafts in fresh for draft in drafts], device=device))
    for drafts in fresh:
        scored = [(next(found), draft) for draft in drafts]
        rated = sorted(((score, draft) for score, draft in scored if score), key=lambda pair: pair[0].mean)
        if len(rated) < len(drafts):
            left_out["too long for the reward that labels"] += len(drafts) - len(rated)
        if len(rated) < 2:
            continue
        (low, worse), (high, better) = rated[0], rated[-1]
        if high.mean - high.sd > low.mean + low.sd:
            yield better, worse
