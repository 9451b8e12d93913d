"""Promotion: only what is better beyond doubt, and harmless elsewhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.evaluation import EvaluationReport, Item
from notewright.evaluation.report import summarise
from notewright.loop import Contender, decide


def report(
    neds: list[float], *, model: str = "model-1", draft: str = "six words are in this draft", valid: bool = True
) -> EvaluationReport:
    items = [
        Item(
            pair_id=f"pair-{number}", source_id="s", note_path="n.md", ned=ned, ned_chars=ned, copied_ned=0.5, exact=ned == 0,
            problems=() if valid else ("bad",), draft=draft, passage="six words are in this passage",
        )
        for number, ned in enumerate(neds)
    ]  # fmt: skip
    return summarise(items, model_id=model, dataset_id="d", split="test", examples=False, created_at="", seconds=0, path=Path())


def contender(neds: list[float], label: str = "SFT", **options) -> Contender:
    return Contender(label, options.get("model", label), False, report(neds, **{"model": label, **options}))


BEFORE = [0.6, 0.7, 0.5, 0.65, 0.6, 0.7, 0.55, 0.62]


def test_a_clear_improvement_is_promoted() -> None:
    decision = decide(contender(BEFORE, "current"), [contender([ned - 0.2 for ned in BEFORE])])
    assert decision.winner is not None
    assert decision.winner.label == "SFT"
    assert "0.615 -> 0.415 over 8 passages" in decision.reason


def test_the_best_of_several_that_pass_wins() -> None:
    others = [contender([ned - gain for ned in BEFORE], label) for label, gain in (("SFT", 0.1), ("DPO", 0.2), ("base", -0.1))]
    decision = decide(contender(BEFORE, "current"), others)
    assert decision.winner is not None
    assert decision.winner.label == "DPO"
    assert [bool(verdict.objections) for verdict in decision.verdicts] == [False, False, True]


@pytest.mark.parametrize(
    ("worse", "words"),
    [
        ({"valid": False}, "fewer of its drafts are valid (0% against 100%)"),
        ({"draft": "one"}, "0.2 times as long"),
        ({"draft": "many words " * 20}, "times as long as your own passages"),
    ],
)
def test_what_harms_elsewhere_is_not_promoted(worse: dict, words: str) -> None:
    decision = decide(contender(BEFORE, "current"), [contender([ned - 0.2 for ned in BEFORE], **worse)])
    assert decision.winner is None
    assert words in decision.reason


def test_noise_is_not_promoted() -> None:
    mixed = [ned + (0.1 if number % 2 else -0.11) for number, ned in enumerate(BEFORE)]
    decision = decide(contender(BEFORE, "current"), [contender(mixed)])
    assert decision.winner is None
    assert "90% needed" in decision.reason


def test_more_contenders_need_more_proof() -> None:
    rng = random.Random(4)
    slightly = [ned - 0.02 + rng.gauss(0, 0.03) for ned in BEFORE]
    alone = decide(contender(BEFORE, "current"), [contender(slightly)], confidence=0.9)
    among = decide(contender(BEFORE, "current"), [contender(slightly), *(contender(BEFORE, f"other {n}") for n in range(9))])
    chance = alone.verdicts[0].comparison.p_better
    assert 0.9 <= chance < 0.99
    assert alone.winner is not None
    assert among.winner is None


def test_too_few_passages_prove_nothing() -> None:
    decision = decide(contender(BEFORE[:5], "current"), [contender([0.0] * 5)])
    assert decision.winner is None
    assert "only 5 held-out passages" in decision.reason


def test_nothing_to_compare_with() -> None:
    assert decide(contender(BEFORE, "current"), []).winner is None


@given(st.lists(st.floats(0, 1), min_size=6, max_size=30))
def test_a_copy_of_the_current_version_never_wins(neds: list[float]) -> None:
    assert decide(contender(neds, "current"), [contender(list(neds))]).winner is None
