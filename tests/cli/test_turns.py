"""What the command line says about turns, and what it keeps to itself in a blind duel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notewright.cli.draft import print_candidates
from notewright.cli.models import told_online
from notewright.models.bandit import Standing, WinRate
from notewright.models.drift import Drift
from notewright.models.turns import Online
from notewright.records import Draft, Finding

ALONE = Online((Standing("model-1", 4, 0.2, 1.0),), (), None, 0.0)


def test_nothing_is_said_while_one_version_writes() -> None:
    assert list(told_online(ALONE)) == []


def test_turns_duels_and_a_change_are_told_in_a_line_each() -> None:
    two = (Standing("model-2", 12, 0.314, 0.7), Standing("model-1", 0, None, 0.3))
    rates = (WinRate("model-1", "model-2", 8, 0.25, 0.05, 0.6),)
    lines = list(told_online(Online(two, rates, Drift("edit cost", 9, "2026-03-04T05:06:07Z", 0.2, 0.5), 0.12)))
    assert lines == [
        "writes next: model-2 70% (0.31 changed, 12 judged), model-1 30%; 12% of the drafts are blind duels",
        "duels: model-1 preferred to model-2 in 25% of 8 (90 % interval 5% to 60%)",
        "you changed: what you change in drafts rose from 0.20 to 0.50 around 2026-03-04; what was before counts less "
        "(if you did not: notewright feedback unchanged)",
    ]


def test_of_many_warnings_a_few_are_shown_and_all_of_one_draft(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a chapter of eighty highlights a short draft leaves most out."""
    found = tuple(Finding("lost highlight", "warn", f"highlight {number} is left out") for number in range(80))
    draft = Draft("draft-1", "batch-1", "s", "", "model-1", "One text.", 0, 1, "2026-01-01", findings=found)
    print_candidates([draft])
    shown = capsys.readouterr().out
    assert shown.count("is left out") == 5
    assert "? and 75 more: notewright drafts show draft-1\n" in shown
    print_candidates([draft], whole=True)
    assert capsys.readouterr().out.count("is left out") == 80


def test_candidates_of_two_versions_are_shown_without_saying_whose_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    first = Draft("draft-1", "batch-1", "s", "", "model-1", "One text.", 0, 1, "2026-01-01")
    second = replace(first, id="draft-2", text="Another text.", position=1)
    print_candidates([first, second])
    assert capsys.readouterr().out.count("model-1") == 2
    print_candidates([first, replace(second, model_id="model-2")])
    shown = capsys.readouterr().out
    assert "model-" not in shown
    assert "--- 2  draft-2\nAnother text." in shown
