"""Any reward's scores of stored drafts, by its name in the trust report, for labels to train on. Ask `trust.require` before."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from ..errors import NotFound
from ..library import splits
from ..records import Draft
from .learner import taste_of
from .rows import draft_rows
from .score import Score, combine, of_seen
from .taste import Head
from .trust import newest_reward

if TYPE_CHECKING:
    from ..library import Library
    from .neural import NeuralReward, Text


def scores(library: Library, reward: str, drafts: Sequence[Draft], *, device: str = "auto") -> list[Score | None]:
    """One score a draft (any prompts). All but `taste` load the newest neural reward model; NotFound where there is none. Drafts that are
    too long for that have none.

    `combination` takes the taste head (in standard deviations over these drafts) and both neural parts as three members.
    """
    if not drafts:
        return []
    if reward == "taste":
        return [*_taste(library, drafts)]
    model = newest_reward(library)
    if model is None:
        raise NotFound("There is no neural reward model yet.", "Train one with: notewright train reward")
    from . import neural

    judge = neural.open_reward(library, model, device=device)
    texts = [(draft.messages, draft.text) for draft in drafts]
    return of_seen(
        judge.sees(texts), lambda places: _neural(library, reward, judge, [drafts[at] for at in places], [texts[at] for at in places])
    )


def _neural(library: Library, reward: str, judge: NeuralReward, drafts: Sequence[Draft], texts: Sequence[Text]) -> list[Score]:
    """Of drafts that the reward model sees whole."""
    from . import neural

    if reward in neural.PARTS:
        return judge.score(texts, part=reward)
    found = _taste(library, drafts)
    middle, spread = fmean(score.mean for score in found), pstdev(score.mean for score in found) or 1.0
    opinions = judge.opinions(texts)
    parts = [[fmean(column) for column in zip(*opinions[part], strict=True)] for part in neural.PARTS]
    return [combine([(score.mean - middle) / spread, *others]) for score, *others in zip(found, *parts, strict=True)]


def labelling_taste(library: Library) -> Head:
    """The taste head without what was judged on sources and chapters that only measure: its labels must not teach that."""
    head = taste_of(library)
    sides, later = splits.known(library), splits.later(library)
    measuring: set[str] = set()
    for draft in library.drafts.all(unshown=True):  # the own note is set against those that were held back, too
        if later.side_of(library, sides.get(draft.source_id, "train"), draft) != "train":
            measuring |= {draft.id, draft.batch_id}
    if not measuring:
        return head
    teaching = Head(head.scale, head.prior)
    for key, stages in head.evidence.items():
        if not measuring.intersection(key.split()):
            teaching.add(key, stages)
    return teaching.fit()


def _taste(library: Library, drafts: Sequence[Draft]) -> list[Score]:
    rows = draft_rows(library, drafts)
    means, deviations = labelling_taste(library).score([rows[draft.id] for draft in drafts])
    return [Score(float(mean), float(deviation)) for mean, deviation in zip(means, deviations, strict=True)]
