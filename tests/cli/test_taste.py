"""notewright taste and notewright rules, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback
from notewright.cli import main
from notewright.library import Library
from small_world import ScriptedEngine, numbered


@pytest.fixture
def batch(library: Library, tmp_path: Path) -> str:
    world = small_world.build(library, tmp_path, things=("rivers", "looms"))
    small_world.base_model(library)
    drafts = drafting.draft(library, settings=world.settings, source="rivers", chapter="Beginnings", engine=ScriptedEngine(numbered))
    return drafts[0].batch_id


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main(list(command)) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *command: str):
    return json.loads(printed(capsys, *command, "--json"))


def test_taste_is_told_corrected_and_taken_back(batch: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "taste")
    assert "From 4 finished passages of yours, and what you said of drafts or did with them 0 times:" in shown  # they were only written
    assert not any(word in shown for word in ("lists", "evidence"))
    assert len(told(capsys, "taste", "show")["beliefs"]) > 24
    assert "bullets" in printed(capsys, "taste", "correct", "bullets", "--prefer", "about", "4")
    assert told(capsys, "taste", "correct", "verbatim", "--prefer", "about", "20%")["payload"] == {"prefer": "about", "value": 0.2}
    assert "as you said" in printed(capsys, "taste", "show", "--all")
    assert "the belief of verbatim" in printed(capsys, "undo")
    corrected = [item["feature"] for item in told(capsys, "taste")["beliefs"] if item["corrected"]]
    assert corrected == ["bullets"]


def test_taste_counts_what_the_person_did(batch: str, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    feedback.comment(library, batch_id=batch, chips=["too long"])
    feedback.decide(library, draft_id="draft-1", decision="reject")
    assert "did with them 2 times:" in printed(capsys, "taste")
    feedback.undo(library)
    assert told(capsys, "taste")["evidence"] == 1


@pytest.mark.parametrize(
    "words",
    [["bold", "--prefer", "most"], ["b", "--prefer", "less"], ["bold", "--prefer", "about", "x"], ["bold", "--prefer", "about", "1", "2"]],
)
def test_corrections_that_cannot_be_meant(batch: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taste", "correct", *words]) == 1
    assert "hint:" in capsys.readouterr().err


def test_the_plot_goes_where_it_is_sent(batch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "taste", "plot", "--out", str(tmp_path / "mine.png")).strip() == str(tmp_path / "mine.png")
    assert (tmp_path / "mine.png").exists()


def test_rules_from_comment_to_removal(library: Library, batch: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No rules yet" in printed(capsys, "rules")
    feedback.comment(library, batch_id=batch, text="Shorter bullets; callouts for definitions")
    assert "notewright rules propose" in printed(capsys, "rules", "list")
    proposals = told(capsys, "rules", "propose")
    assert [item["name"] for item in proposals] == ["shorter-bullets", "callouts-for-definitions"]
    assert "asked 1x" in printed(capsys, "rules", "propose")
    printed(capsys, "rules", "confirm", "callouts-for-definitions")
    printed(capsys, "rules", "remove", "shorter-bullets")
    printed(capsys, "rules", "add", "no", "tables")  # quoted or not
    printed(capsys, "rules", "edit", "no-tables", "at most 1 table")
    rules = told(capsys, "rules")
    assert [(item["name"], item["in_prompt"]) for item in rules] == [("callouts-for-definitions", True), ("at-most-1-table", False)]
    assert rules[1]["effect"] == {"check": "at most", "feature": "tables", "value": 1}
    assert main(["rules", "confirm", "nothing"]) == 1
    assert "that the rule no-tables was changed into at-most-1-table" in printed(capsys, "undo")
    assert [item["name"] for item in told(capsys, "rules")] == ["callouts-for-definitions", "no-tables"]


def test_proposals_are_answered_with_one_key(library: Library, batch: str, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    feedback.comment(library, batch_id=batch, text="Shorter bullets; no tags; callouts for definitions")
    answers = iter(["y", "n", ""])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    printed(capsys, "rules", "propose")
    monkeypatch.undo()
    assert [item["name"] for item in told(capsys, "--home", str(library.home), "rules")] == ["shorter-bullets"]
    assert [item["name"] for item in told(capsys, "--home", str(library.home), "rules", "propose")] == ["callouts-for-definitions"]


def test_ranking_says_what_is_ranked(library: Library, batch: str, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    answers = iter(["2 1", ""])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert printed(capsys, "rank").startswith("A Book of Rivers · Beginnings\n")


def test_feedback_goes_out_and_in(library: Library, batch: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    feedback.comment(library, batch_id=batch, text="Grüße, 猫")
    assert main(["feedback", "export"]) == 0
    lines = capfdbinary.readouterr().out
    (tmp_path / "feedback.jsonl").write_bytes(lines)
    other = str(tmp_path / "other")
    assert main(["--home", other, "init"]) == 0
    for _ in range(2):
        assert main(["--home", other, "feedback", "import", str(tmp_path / "feedback.jsonl")]) == 0
    capfdbinary.readouterr()
    assert main(["--home", other, "feedback", "export"]) == 0
    assert capfdbinary.readouterr().out == lines
