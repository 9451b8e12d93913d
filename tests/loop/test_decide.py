"""Promotion: only what is better beyond doubt, and harmless elsewhere."""

from __future__ import annotations

import importlib
import random
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.evaluation import EvaluationReport, Item
from notewright.evaluation.choices import Choice
from notewright.evaluation.report import summarise
from notewright.loop import Contender, ImproveReport, decide
from notewright.loop.page import write_page


def report(
    neds: list[float],
    *,
    model: str = "model-1",
    draft: str = "six words are in this draft",
    valid: bool = True,
    coverage: float | None = 1.0,
    copied: int = 0,
    broken: int = 0,
    rules: tuple[str, ...] = ("no-tables",),
) -> EvaluationReport:
    items = [
        Item(
            pair_id=f"pair-{number}", source_id="s", note_path="n.md", ned=ned, ned_chars=ned, copied_ned=0.5, exact=ned == 0,
            problems=() if valid else ("bad",), draft=draft, passage="six words are in this passage",
            structure=0.2, coverage=coverage, copied_words=copied, copied_from="Other.md" if copied else "",
            broken=("no-tables",) if number < broken else (),
        )
        for number, ned in enumerate(neds)
    ]  # fmt: skip
    return summarise(
        items, model_id=model, dataset_id="d", split="test", examples=False, created_at="", seconds=0, path=Path(), rules=rules
    )


def contender(neds: list[float], label: str = "SFT", **options) -> Contender:
    return Contender(label, options.get("model", label), False, report(neds, **{"model": label, **options}))


BEFORE = [0.6, 0.7, 0.5, 0.65, 0.6, 0.7, 0.55, 0.62]


def test_a_clear_improvement_is_promoted() -> None:
    decision = decide(contender(BEFORE, "current"), [contender([ned - 0.2 for ned in BEFORE])])
    assert decision.winner is not None
    assert decision.winner.label == "SFT"
    assert "0.615 -> 0.415 over 8 passages" in decision.reason
    assert decision.reason.endswith("99.6% sure)")  # of 256 ways to change eight signs one is as good


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
        ({"coverage": 0.94}, "fewer of the highlights that you used (94% against 100%)"),
        ({"copied": 8}, "8 or more words in a row from other notes of yours (100% against 0%)"),
        ({"broken": 1}, "it breaks more of your rules (0.12 against 0.00 a draft)"),
        ({"draft": "one"}, "0.2 times as long"),
        ({"draft": "many words " * 20}, "times as long as your own passages"),
    ],
)
def test_what_harms_elsewhere_is_not_promoted(worse: dict, words: str) -> None:
    decision = decide(contender(BEFORE, "current"), [contender([ned - 0.2 for ned in BEFORE], **worse)])
    assert decision.winner is None
    assert words in decision.reason


@pytest.mark.parametrize("worse", [{"problems": ("bad",)}, {"coverage": 0.0}])
@pytest.mark.parametrize("times", [2, 4])
def test_failing_drafts_are_held_against_it_where_they_are_more_than_chance(worse: dict, times: int) -> None:
    better = contender([ned - 0.2 for ned in BEFORE])
    items = tuple(replace(item, **worse) if number < times else item for number, item in enumerate(better.report.items))
    failing = replace(better, report=replace(better.report, items=items))
    assert decide(contender(BEFORE, "current"), [failing]).winner is (failing if times == 2 else None)


@pytest.mark.parametrize("measured", [1, 5, 6])
def test_what_only_a_few_passages_can_show_is_not_held_against_it(measured: int) -> None:
    """Who writes in other words uses none of the highlights in most passages, as far as words tell."""

    def told(one: Contender, share: float) -> Contender:
        items = (replace(item, coverage=share if number < measured else None) for number, item in enumerate(one.report.items))
        return replace(one, report=replace(one.report, items=tuple(items), coverage=share))

    better = told(contender([ned - 0.2 for ned in BEFORE]), 0.9)
    decision = decide(told(contender(BEFORE, "current"), 1.0), [better])
    assert decision.winner is (None if measured == 6 else better)


def test_passages_that_steered_a_training_prove_nothing() -> None:
    current, lucky = contender(BEFORE, "current"), contender([ned - 0.2 for ned in BEFORE])
    same = report(BEFORE)
    assert decide(replace(current, proof=same), [replace(lucky, proof=same)]).winner is None
    few = report(BEFORE[:5])
    decision = decide(replace(current, proof=few), [replace(lucky, proof=report([0.1] * 5))])
    assert "only 5 held-out passages" in decision.reason


@pytest.mark.parametrize("harmless", [{"coverage": 0.95}, {"copied": 7}, {"coverage": None}, {"broken": 8, "rules": ()}])
def test_what_is_within_the_margin_or_unmeasured_does_not_matter(harmless: dict) -> None:
    better = contender([ned - 0.2 for ned in BEFORE], **harmless)
    assert decide(contender(BEFORE, "current"), [better]).winner is better


LATELY = [0.5, 0.3, 0.4, 0.6, 0.5, 0.45]


@pytest.mark.parametrize(
    ("lately", "wins"),
    [
        ([ned + 0.1 for ned in LATELY], False),
        ([ned + 0.1 for ned in LATELY[:5]], True),  # too few to hold anything against it
        ([ned + (0.1 if number % 2 else -0.09) for number, ned in enumerate(LATELY)], True),  # not beyond doubt
        ([ned - 0.1 for ned in LATELY], True),
        ([], True),
    ],
)
def test_who_is_further_from_what_was_written_lately_is_not_promoted(lately: list[float], wins: bool) -> None:
    current = replace(contender(BEFORE, "current"), later=report(LATELY))
    better = contender([ned - 0.2 for ned in BEFORE])
    better = replace(better, later=report(lately) if lately else None)
    decision = decide(current, [better])
    assert (decision.winner is better) == wins
    assert (decision.verdicts[0].lately is not None) == bool(lately)
    if not wins:
        assert "further from what you wrote lately (0.558 against 0.458 over 6 passages" in decision.reason


def test_being_nearer_lately_is_no_reason_to_be_promoted() -> None:
    current = replace(contender(BEFORE, "current"), later=report(LATELY))
    other = replace(contender(BEFORE), later=report([0.0] * 6))
    assert decide(current, [other]).winner is None


def test_noise_is_not_promoted() -> None:
    mixed = [ned + (0.1 if number % 2 else -0.11) for number, ned in enumerate(BEFORE)]
    decision = decide(contender(BEFORE, "current"), [contender(mixed)])
    assert decision.winner is None
    assert "90% needed" in decision.reason


def test_what_just_fails_is_not_told_as_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("notewright.loop.decide"), "sure_of_each", lambda *_: [0.8996])
    decision = decide(contender(BEFORE, "current"), [contender([ned - 0.2 for ned in BEFORE])])
    assert "89.9% sure, 90% needed" in decision.reason


def test_what_so_few_passages_can_never_prove_is_told() -> None:
    surely = contender([ned - 0.2 for ned in BEFORE])
    assert decide(contender(BEFORE, "current"), [surely], confidence=0.99).winner is not None
    decision = decide(contender(BEFORE, "current"), [surely], confidence=0.999)
    assert decision.winner is None
    assert decision.reason == "8 held-out passages prove nothing beyond 99.6%, and 99.9% was asked for"


def test_more_contenders_need_more_proof_unless_they_are_alike() -> None:
    rng = random.Random(4)
    slightly = contender([ned - 0.025 + rng.gauss(0, 0.03) for ned in BEFORE])
    others = [contender([ned + rng.gauss(0, 0.03) for ned in BEFORE], f"other {number}") for number in range(9)]
    alone, among = (decide(contender(BEFORE, "current"), some) for some in ([slightly], [slightly, *others]))
    assert alone.winner is not None
    assert among.winner is None
    assert 0.9 < alone.verdicts[0].sure < 0.99
    assert among.verdicts[0].sure < 0.9
    same = decide(contender(BEFORE, "current"), [replace(slightly, label=f"the same {number}") for number in range(9)])
    assert same.verdicts[0].sure == alone.verdicts[0].sure


def test_too_few_passages_prove_nothing() -> None:
    decision = decide(contender(BEFORE[:5], "current"), [contender([0.0] * 5)])
    assert decision.winner is None
    assert "only 5 held-out passages" in decision.reason


def test_nothing_to_compare_with() -> None:
    assert decide(contender(BEFORE, "current"), []).winner is None


@given(st.lists(st.floats(0, 1), min_size=6, max_size=30))
def test_a_copy_of_the_current_version_never_wins(neds: list[float]) -> None:
    assert decide(contender(neds, "current"), [contender(list(neds))]).winner is None


def test_the_page_tells_what_was_measured(tmp_path: Path) -> None:
    current = replace(contender(BEFORE, "current", coverage=0.5, broken=2), later=report([0.25, 0.5]))
    better = contender([ned - 0.2 for ned in BEFORE], coverage=0.75)
    better = replace(better, report=replace(better.report, choices=(Choice("batch-1", 3, 4),)))
    copying = contender([ned - 0.3 for ned in BEFORE], "DPO", draft="<b>six</b> words are in this draft", copied=9)
    unmeasured = contender([ned - 0.1 for ned in BEFORE], "base", coverage=None)
    decision = decide(current, [better, copying, unmeasured])
    path = tmp_path / "report.html"
    write_page(path, ImproveReport("improve-1", "", str(path), "current", "SFT", decision.reason, decision), current)
    page = path.read_text(encoding="utf-8")
    assert "SFT is the current version now" in page
    for told in ("<td>75%", "<td>50%", "<td>100%", "<td>–", "<td>75% (", "<td>0.25<td>", "<td>0.375 (2)"):
        assert told in page
    rows = [row for row in page.split("<tr")[1:] if "colspan" not in row]
    assert {row.split("</table>")[0].count("<t") for row in rows} == {11}
    for verdict in decision.verdicts:  # beneath, in one line: as a twelfth column it was cut off
        told, mark = "; ".join(verdict.objections) or "passes", "yes" if verdict.contender is decision.winner else "soft"
        assert f"<td colspan=11 class={mark}>{escape(told)}" in page
    assert "8 or more words in a row from other notes" in page
    assert "<b>six" not in page
    assert "&lt;b&gt;six" in page
    assert "before you changed" not in page
    items = [replace(item, former=place < 3) for place, item in enumerate(current.report.items)]
    current = replace(current, report=replace(current.report, items=tuple(items)))
    write_page(path, ImproveReport("improve-1", "", str(path), "current", "SFT", decision.reason, decision), current)
    assert "Change: on all 8, those by which trainings are steered as well, of which 3 are from before you changed" in path.read_text(
        "utf-8"
    )
    current = replace(current, proof=report(BEFORE[:6]))
    write_page(path, ImproveReport("improve-1", "", str(path), "current", "SFT", decision.reason, decision), current)
    assert "Change: on the 6 by which no training was steered. " in path.read_text(encoding="utf-8")
