"""The taste head judged on lists that it has not seen: fitted to everything but one batch, then asked about that batch's pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NotFound
from ..library.examples import from_pairs
from ..records import Draft, Highlight
from .features import measure
from .lists import Choice
from .scale import Scale, fit_scale
from .taste import PRIOR, Head, Prior, Stages, edit, ranking

if TYPE_CHECKING:
    from ..library import Library

Gaps = Mapping[str, Sequence[float]]  # by list: better minus worse text, as a reward judged them unseen
Row = tuple[float, ...]


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


def taste_gaps(library: Library, found: Sequence[Choice]) -> Gaps:
    """A list's batch is left out as a whole: another choice about the same drafts would tell the answer."""
    scale = fit_scale([measure(example.passage, example.prompt.highlights) for example in from_pairs(library)])
    batches: dict[str, list[Choice]] = {}
    for choice in found:
        batches.setdefault(choice.batch, []).append(choice)
    evidence: dict[str, list[Stages]] = {}
    compared: dict[str, list[tuple[Row, Row]]] = {}
    for batch, owned in batches.items():
        drafts = library.drafts.batch(batch)
        shown = _highlights(library, drafts[0])
        rows = {draft.id: measure(draft.text, shown) for draft in drafts}
        for choice in owned:
            versions = {pair.worse: measure(pair.better_text, shown) for pair in choice.pairs if pair.edited}
            evidence.setdefault(batch, []).append(_stages(scale, choice, rows, versions))
            sides = [(versions[pair.worse] if pair.edited else rows[pair.better], rows[pair.worse]) for pair in choice.pairs]
            compared.setdefault(batch, []).extend(sides)
    gaps = unseen_gaps(scale, evidence, compared)
    judged: dict[str, list[float]] = {}
    for batch, owned in batches.items():
        rest = iter(gaps[batch])
        judged |= {choice.key: [next(rest) for _ in choice.pairs] for choice in owned}
    return judged


def _stages(scale: Scale, choice: Choice, rows: Mapping[str, Row], versions: Mapping[str, Row]) -> Stages:
    event = choice.event
    if event.kind == "edit":
        return edit(scale, versions[event.subject], rows[event.subject])
    if event.kind == "decision":
        return ranking(scale, [[rows[event.subject]], [row for draft_id, row in rows.items() if draft_id != event.subject]])
    groups = [[rows[item] for item in group if item in rows] for group in _list(event.payload.get("order"))]
    rejected = [rows[item] for item in _list(event.payload.get("rejected")) if item in rows]
    return ranking(scale, [group for group in groups if group], rejected=rejected)


def _highlights(library: Library, draft: Draft) -> list[Highlight]:
    """The highlights a draft was written from; one that has vanished from the library is left out."""
    found = []
    for highlight_id in draft.highlight_ids:
        try:
            found.append(library.sources.highlight(highlight_id))
        except NotFound:
            continue
    return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
