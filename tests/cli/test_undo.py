"""`notewright undo`: what it says it took back, what it asks first, and that it is never stuck."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

import small_world
from notewright.cli import main
from notewright.library import Library


def test_a_whole_path_into_the_vault_is_understood_and_undo_says_what_it_did(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "draft-1", "--into", str(started / "Note.md")]) == 0
    assert "Inserted into Note.md (backup kept" in capsys.readouterr().out
    assert main(["accept", "draft-2", "--into", str(started.parent / "Outside.md")]) == 1
    assert main(["accept", "draft-2", "--into", "New"]) == 0
    assert "a new note" in capsys.readouterr().out
    assert main(["rank", "--order", "2 1"]) == 0
    for words in ("the ranking of batch-1", "draft-2 into New.md (it was new", "draft-1 into Note.md (byte for byte"):
        assert main(["undo"]) == 0
        assert words in capsys.readouterr().out
    assert (started / "Note.md").read_text() == "# Note\n\nText.\n"


class Asked(io.StringIO):
    """A terminal with these answers."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def three_done(started: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Three things to take back; returns the vault."""
    assert main(["rank", "--order", "2 1"]) == 0
    assert main(["accept", "draft-1", "--into", "Note"]) == main(["rules", "add", "no tables"]) == 0
    capsys.readouterr()
    return started


def test_several_are_listed_and_asked_about_before_they_are_taken_back(
    three_done: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = library.events.last()
    monkeypatch.setattr("sys.stdin", Asked("n\n"))
    assert main(["undo", "2"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line[20:] for line in shown[1:3]] == ["that the rule no-tables was added", "the insertion of draft-1 into Note.md"]
    assert shown[0].startswith("2 things would be taken back")
    assert shown[-1] == "Take back all of it? [y/n] Nothing was taken back."
    assert library.events.last() == before
    monkeypatch.setattr("sys.stdin", Asked("y\n"))
    assert main(["undo", "9"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line[20:] for line in shown[1:4]][-1] == "the ranking of batch-1"
    assert shown[-3:] == [
        "Taken back: the insertion of draft-1 into Note.md (byte for byte as it was before).",
        "Taken back: the ranking of batch-1.",
        "There is nothing else to undo.",
    ]
    assert (three_done / "Note.md").read_text() == "# Note\n\nText.\n"


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize("closed", [True, False])
def test_where_nobody_can_be_asked_several_are_taken_back_by_yes_only(
    three_done: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], closed: bool, more: list[str]
) -> None:
    before, note = library.events.last(), (three_done / "Note.md").read_bytes()
    monkeypatch.setattr(sys, "stdin", None if closed else io.StringIO("y\n"))
    assert main(["undo", "3", *more]) == 1
    said = capsys.readouterr()
    assert "add --yes" in said.err
    assert ("draft-1 into Note.md" in said.out) is not bool(more)
    assert (library.events.last(), (three_done / "Note.md").read_bytes()) == (before, note)
    assert main(["undo", "3", "--yes", *more]) == 0
    assert len(library.events.all("undo")) == 3
    assert main(["undo"]) == 1
    assert "There is nothing to undo" in capsys.readouterr().err
    sys.stdin.close()


def test_pairs_are_told_under_headers_with_their_source_and_a_decision_is_taken_back(
    tmp_path: Path, library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    assert main(["pairs", "list"]) == 0
    header, first, *_ = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert dict(zip(header, first, strict=True))["source"] == "A Book of Rivers"
    assert main(["pairs", "accept", "1", "pair-2"]) == 0
    assert "To take that back: notewright undo 2" in capsys.readouterr().out
    assert main(["feedback", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split("\t")[2:] == ["pair", "pair-2", "accepted"]
    assert main(["undo", "2", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Taken back: that pair-2 is accepted, in Notes/Rivers.md.",
        "Taken back: that pair-1 is accepted, in Notes/Rivers.md.",
    ]
    assert [pair.status for pair in library.pairs.all()] == ["proposed", "proposed"]


def test_undo_is_never_stuck_on_a_note_that_is_gone(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "--order", "2 1"]) == 0
    assert main(["accept", "draft-2", "--into", "New"]) == 0
    (started / "New.md").unlink()
    assert main(["undo"]) == 1
    assert "undo --keep-note" in capsys.readouterr().err
    assert main(["undo", "--keep-note"]) == 0
    assert "left as it is" in capsys.readouterr().out
    assert main(["undo"]) == 0
    assert "the ranking of batch-1" in capsys.readouterr().out


def test_a_rule_that_is_taken_back_is_told_by_what_was_done_to_it(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "add", "no tables"]) == main(["rules", "remove", "no-tables"]) == 0
    assert main(["undo", "2", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "Taken back: that the rule no-tables was removed; it holds again.",
        "Taken back: that the rule no-tables was added.",
    ]


def test_more_than_a_computer_counts_is_all_there_is(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "add", "no tables"]) == 0
    assert main(["undo", "9" * 30, "--yes"]) == 0
    assert "There is nothing else to undo." in capsys.readouterr().out
