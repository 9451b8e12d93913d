"""`pairs review`, piped: what each answer does, and that it is remembered."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import paired_world
import pytest

from notewright.cli import main
from notewright.library import Library
from notewright.pairing import pair, review_queue


class Piped:
    """Answers that are made when they are asked for."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def isatty(self) -> bool:
        return False


@pytest.fixture
def filled(home: object, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(home))
    library = Library.create(home)  # type: ignore[arg-type]
    books = paired_world._bundled()
    paired_world.fill(library, paired_world.make(seed=3, sources=8, notes=30, texts=books, per_source=12))
    pair(library)
    return library


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *lines: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    assert main(["pairs", "review"]) == 0
    return capsys.readouterr().out


def test_the_most_useful_come_first(filled: Library) -> None:
    waiting = review_queue(filled)
    assert len(waiting) > 8
    unsure = [abs(item.score - 0.5) for item in waiting]
    assert sum(unsure[:4]) < sum(unsure[-4:])


def test_a_number_above_the_line_is_no_number(filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "has highlights 1 to" in answer(monkeypatch, capsys, "split \u00b2", "q")


def test_letters_decide_and_undo_takes_back(filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = review_queue(filled)[:3]
    shown = answer(monkeypatch, capsys, "a", "r", "what?", "u", "a", "s", "q")
    assert f"{first.id} accepted." in shown
    assert "Taken back." in shown
    assert "2 pairs decided" in shown
    assert [filled.pairs.get(item.id).status for item in (first, second, third)] == ["accepted", "accepted", "proposed"]
    statuses = [(event.subject, event.payload["status"]) for event in filled.events.all("pair")]
    assert statuses == [(first.id, "accepted"), (second.id, "rejected"), (second.id, "accepted")]
    undone = filled.events.undone()
    assert [event.id in undone for event in filled.events.all("pair")] == [False, True, False]


def test_undo_goes_back_to_the_pair_that_it_was_of(
    filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = review_queue(filled)[:3]
    answer(monkeypatch, capsys, "a", "s", "u", "r", "q")
    assert [filled.pairs.get(item.id).status for item in (first, second, third)] == ["rejected", "proposed", "proposed"]


def test_what_was_taken_back_in_the_review_is_no_action_to_take_back(
    filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = review_queue(filled)[:2]
    answer(monkeypatch, capsys, "a", "r", "u", "q")
    assert main(["undo"]) == 0
    assert capsys.readouterr().out == f"Taken back: that {first.id} is accepted, in {first.note_path}.\n"
    assert [filled.pairs.get(item.id).status for item in (first, second)] == ["proposed", "proposed"]
    assert main(["undo"]) == 1
    assert "There is nothing to undo" in capsys.readouterr().err


def test_a_merge_is_taken_back_whole_in_the_review(
    filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = review_queue(filled)
    one = next(item for item in waiting if any(other.source_id == item.source_id and other.id != item.id for other in filled.pairs.all()))
    other = next(item for item in filled.pairs.all() if item.source_id == one.source_id and item.id != one.id)
    skips = ["s"] * [item.id for item in waiting].index(one.id)
    shown = answer(monkeypatch, capsys, *skips, f"merge {other.id}", "u", "q")
    assert f"{one.id} accepted." in shown
    assert {item.id: item for item in filled.pairs.all()} == {item.id: item for item in waiting}
    assert main(["undo"]) == 1


def test_a_decision_is_taken_back_in_the_review_also_where_something_else_was_done_since(
    filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_, last = review_queue(filled)

    def lines() -> Iterator[str]:
        yield "a\n"
        with Library.open(filled.home) as other:
            other.pairs.decide(last.id, "rejected")
        yield "u\n"
        yield "q\n"

    monkeypatch.setattr("sys.stdin", Piped(lines()))
    assert main(["pairs", "review"]) == 0
    capsys.readouterr()
    assert [filled.pairs.get(item.id).status for item in (first, last)] == ["proposed", "rejected"]
    assert main(["undo"]) == 0
    assert filled.pairs.get(last.id).status == "proposed"


def test_split_keeps_some_and_merge_adds(filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    many = next(item for item in review_queue(filled) if len(item.links) > 2)
    other = next(item for item in filled.pairs.all() if item.source_id == many.source_id and item.id != many.id)
    skips = ["s"] * [item.id for item in review_queue(filled)].index(many.id)
    shown = answer(monkeypatch, capsys, *skips, "split 9 1", "split 1 3", "q")
    assert "not 9" in shown
    assert filled.pairs.get(many.id).links == (many.links[0], many.links[2])
    pair(filled)
    assert filled.pairs.get(many.id).links == (many.links[0], many.links[2])  # a machine never changes it
    from notewright.pairing import merge, restore

    before = [filled.pairs.get(many.id), filled.pairs.get(other.id)]
    merged = merge(filled, many.id, other.id)
    assert {link.highlight_id for link in merged.links} >= {link.highlight_id for link in other.links}
    assert filled.pairs.get(other.id).status == "rejected"
    restore(filled, [event.id for event in filled.events.all("pair")[-2:]])
    assert [filled.pairs.get(item.id) for item in before] == before


def test_a_pair_that_was_merged_into_another_is_not_said_to_be_rejected_by_the_person(
    filled: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    from notewright.pairing import merge

    many = next(item for item in review_queue(filled) if len(item.links) > 2)
    other = next(item for item in filled.pairs.all() if item.source_id == many.source_id and item.id != many.id)
    merge(filled, many.id, other.id)
    for told, not_told in (("merged by you: another pair has its highlights now", "rejected by you"), ("rejected by you", "merged by you")):
        assert main(["pairs", "show", other.id]) == 0
        said = capsys.readouterr().out
        assert told in said
        assert not_told not in said
        assert main(["pairs", "reject", other.id]) == 0  # by itself, now
        capsys.readouterr()


def test_an_ended_pipe_ends_the_review(filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "1/" in answer(monkeypatch, capsys)
    assert not filled.events.all("pair")


def test_proposals_that_vanish_meanwhile_are_passed_over(
    filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = review_queue(filled)[:3]

    def lines() -> Iterator[str]:
        with Library.open(filled.home) as other:
            other.pairs.propose([item for item in other.pairs.all() if item.id not in (first.id, second.id)])
        yield "a\n"  # what is on the screen
        yield "s\n"
        yield "a\n"
        yield "q\n"

    monkeypatch.setattr("sys.stdin", Piped(lines()))
    assert main(["pairs", "review"]) == 0
    shown = capsys.readouterr().out
    assert f"No pair has the id '{first.id}'" in shown
    assert f"{second.id} is no longer proposed." in shown
    assert f"{third.id} accepted." in shown
    assert "1 pair decided" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of Unix")
def test_on_a_terminal_words_are_coloured_and_neighbours_named(filled: Library) -> None:
    import pty

    seat, terminal = pty.openpty()
    command = [sys.executable, "-m", "notewright.cli", "pairs", "review"]
    environment = {**os.environ, "NOTEWRIGHT_HOME": str(filled.home), "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment) as running:
        os.close(terminal)
        os.write(seat, b"a\nr\nu\nq\n")
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while part := os.read(seat, 4096):
                shown += part
        os.close(seat)
        assert running.wait(timeout=120) == 0
    text = shown.decode()
    assert "\x1b[32m" in text
    assert "Beside it, from the same source: pair-" in text
    assert "Taken back." in text
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in text.splitlines()) <= 120
    assert [(event.kind, event.payload.get("status")) for event in filled.events.all()] == [
        ("pair", "accepted"),
        ("pair", "rejected"),
        ("undo", None),
    ]


def test_show_tells_what_rests_on_what(filled: Library, capsys: pytest.CaptureFixture[str]) -> None:
    item = max(filled.pairs.all(), key=lambda found: len(found.links))
    assert main(["pairs", "show", item.id]) == 0
    shown = capsys.readouterr().out
    assert "<- 1 quote" in shown
    assert "highlights" in shown


def test_a_merge_without_a_pair_asks_for_one(filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Name the other pair, for example: merge pair-7" in answer(monkeypatch, capsys, "merge", "q")


def test_what_was_decided_elsewhere_meanwhile_is_not_taken_back_here(
    filled: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = review_queue(filled)[:2]

    def answers() -> Iterator[str]:
        with Library.open(filled.home) as studio:
            studio.pairs.decide(first.id, "accepted")
        yield from ("a", "u", "r", "u", "q")

    monkeypatch.setattr("sys.stdin", Piped(answers()))
    assert main(["pairs", "review"]) == 0
    shown = capsys.readouterr().out
    assert "Nothing to undo yet." in shown
    assert [filled.pairs.get(item.id).status for item in (first, second)] == ["accepted", "proposed"]
