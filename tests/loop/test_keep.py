"""Which versions take turns with the current one."""

from __future__ import annotations

from pathlib import Path

import pytest

from notewright.evaluation import Item
from notewright.evaluation.report import summarise
from notewright.library.database import now
from notewright.loop import Contender
from notewright.loop.keep import keep

SPREAD = (-0.2, -0.1, 0.0, 0.0, 0.1, 0.2, 0.15, -0.15)


def contender(
    model_id: str, mean: float, *, examples: bool = False, items: int = 8, invalid: int = 0, words: int = 4, turn: int = 0
) -> Contender:
    """Passages whose distances lie around `mean`; `turn` shifts which passage is the hard one."""
    made = [
        Item(
            f"p{place}", "s", "n.md", mean + SPREAD[(place + turn) % len(SPREAD)], 0.5, 0.5, False,
            ("broken",) if place < invalid else (), "word " * words, "word " * 4,
        )
        for place in range(items)
    ]  # fmt: skip
    report = summarise(made, model_id=model_id, dataset_id="d", split="test", examples=examples, created_at=now(), seconds=0.0, path=Path())
    return Contender(model_id, model_id, examples, report)


CURRENT = contender("model-1", 0.4)


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (contender("model-2", 0.42, turn=3), {"model-2": False}),
        (contender("model-2", 0.42, turn=3, examples=True), {"model-2": True}),
        (contender("model-2", 0.7, turn=3), {}),
        (contender("model-2", 0.38, turn=3, invalid=4), {}),
        (contender("model-2", 0.38, turn=3, words=12), {}),
        (contender("model-2", 0.38, turn=3, items=4), {}),
        (contender("model-1", 0.38, turn=3, examples=True), {}),
    ],
    ids=["as good", "with examples", "worse", "breaks gates", "too long", "too little", "itself"],
)
def test_only_what_cannot_be_told_from_the_current_one_and_harms_nothing(other: Contender, kept: dict[str, bool]) -> None:
    assert keep(CURRENT, [CURRENT, other]) == kept


def test_each_version_once_in_its_better_way_and_the_nearest_two() -> None:
    others = [contender(f"model-{number}", 0.40 + number / 100, turn=number, examples=number % 2 == 0) for number in (4, 3, 2)]
    others.append(contender("model-2", 0.39, turn=5))
    assert keep(CURRENT, others) == {"model-2": False, "model-3": False}
