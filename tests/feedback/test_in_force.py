"""What a later judgement of the same drafts leaves in force is what is learnt from, and what every face shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import small_world
from notewright import datasets, drafting, feedback, loop, reward
from notewright.errors import Invalid
from notewright.library import Library
from notewright.models.turns import remembered


@pytest.fixture
def ids(library: Library, tmp_path: Path) -> list[str]:
    """Three drafts of one batch."""
    world = small_world.build(library, tmp_path, things=("rivers", "looms", "bread"), paired=())
    small_world.base_model(library)
    engine = small_world.ScriptedEngine(small_world.numbered)
    made = drafting.draft(library, settings=world.settings, source="rivers", chapter="Beginnings", n=3, written=3, seed=1, engine=engine)
    return [draft.id for draft in made]


def mean(library: Library) -> np.ndarray:
    reward.forget_taste(library)
    return reward.taste_of(library).mean.copy()


def test_a_ranking_takes_the_place_of_what_was_rejected_before_it(library: Library, ids: list[str]) -> None:
    a, b, c = ids
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]])
    wanted = mean(library)
    feedback.undo(library)
    feedback.decide(library, batch_id="batch-1", decision="reject_all")
    assert loop.account(library).decided == 1
    assert remembered(library)[0].cost == 1.0
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]])
    assert mean(library) == pytest.approx(wanted, abs=1e-5)
    assert (loop.account(library).decided, loop.account(library).open) == (0, 1)
    assert remembered(library)[0].cost is None  # nobody turned its writer down
    with pytest.raises(Invalid, match="No draft was accepted or rejected by itself"):
        datasets.build(library, kind="labels")
    feedback.undo(library)  # the ranking: all is rejected again
    assert remembered(library)[0].cost == 1.0


def test_what_is_rejected_after_a_ranking_is_better_than_nothing_in_it(library: Library, ids: list[str]) -> None:
    a, b, c = ids
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]])
    feedback.decide(library, draft_id=a, decision="reject")
    texts = {draft.text: draft.id for draft in library.drafts.batch("batch-1")}
    rows = datasets.load(datasets.build(library, kind="preference"), "train")
    compared = [(texts[row["chosen"][0]["content"]], texts[row["rejected"][0]["content"]]) for row in rows]
    assert compared == [(b, c)]
    assert feedback.judged(library, "batch-1").order == ((b,), (c,))
    feedback.undo(library)
    assert datasets.build(library, kind="preference").rows("train") == 3
