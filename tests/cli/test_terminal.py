"""What a terminal is shown: nothing that came from elsewhere may steer it."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

import small_world
from notewright.cli import main
from notewright.cli.show import progress
from notewright.cli.terminal import plain, plain_terminal
from notewright.cli.train import TrainingLine
from notewright.feedback import judge
from notewright.library import Library
from notewright.overview import Checkup
from notewright.records import Draft, Highlight, Pair, PairLink, Source
from notewright.vault.notes import parse_note

CLIPBOARD = "\x1b]52;c;Y3VybA==\x07"  # fills the clipboard of some terminals
STEERING = f"{CLIPBOARD}\x1b[2J\x9b31mred\rforged\x08"
OURS = re.compile(r"\x1b\[[0-9;]*m")  # colours, as rich writes them


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def terminal() -> Iterator[Terminal]:
    shown = Terminal()
    with redirect_stdout(shown), redirect_stderr(shown):
        yield shown
        assert sys.stdout is shown is sys.stderr


def book(library: Library) -> str:
    highlight = Highlight(f"Words {STEERING}", annotation=STEERING, outside_ids=("readwise:1",))
    source = Source(f"A Title {STEERING}", author=STEERING, highlights=(highlight,), outside_ids=("readwise:b1",))
    library.sources.upsert([source], origin="api", complete=True)
    return library.sources.all()[0].id


def draft(library: Library, source_id: str) -> None:
    batch = library.drafts.new_batch()
    [written] = library.drafts.add([Draft("", batch, source_id, "", f"model-1@{STEERING}", f"Written {STEERING}", 0, 1, "")])
    judge.comment(library, draft_id=written.id, text=f"No {STEERING}")


@pytest.mark.parametrize(
    "command",
    ["sources", "sources Title", "drafts", "drafts show 1", "feedback list", "status", f"sources {STEERING}", f"nonsense{STEERING}"],
)
def test_no_text_from_elsewhere_steers_the_terminal(command: str, library: Library) -> None:
    draft(library, book(library))
    name, _, rest = command.partition(" ")
    with terminal() as screen, suppress(SystemExit):  # of a command that is none
        main([name, *([rest] if "\x1b" in rest else rest.split())])
    shown = OURS.sub("", screen.getvalue())
    assert shown.strip()
    assert "\r" not in shown
    assert "".join(shown.split("\n")).replace("\t", "").isprintable()


def test_a_pair_under_review_is_plain_too(library: Library) -> None:
    from notewright.cli import review

    source_id = book(library)
    [highlight] = library.sources.highlights(source_id)
    link = PairLink(highlight.id, 0.9, "quote", STEERING)
    words = f"Words {STEERING}"
    pair = Pair("pair-1", source_id, "", f"{STEERING}.md", "", 0, len(words), words, 0.9, "quote", "proposed", (link,), (STEERING,))
    with terminal() as screen:
        review._show(library, pair, 1, 1)
    assert "".join(OURS.sub("", screen.getvalue()).split("\n")).isprintable()


@pytest.mark.parametrize("title", [r"On \[/regex] classes", "[/b]", "[link=https://evil.example]x", "a]b[c", "[red]"])
def test_a_title_in_brackets_is_a_title(title: str, library: Library) -> None:
    library.sources.upsert([Source(title, outside_ids=("readwise:b1",))], origin="api", complete=True)
    with terminal() as screen:
        assert main(["sources"]) == 0
    assert title in OURS.sub("", screen.getvalue())


def test_what_is_drawn_again_and_again_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with terminal() as screen, plain_terminal():
        with progress(f"reading {STEERING}") as advance:
            advance(1, 2, STEERING)
            time.sleep(0.3)  # a bar is drawn ten times a second
        with TrainingLine() as line:
            line({"status": f"step [/1] {STEERING}"})
            line({"message": "said meanwhile"})
            time.sleep(0.3)
    assert screen.getvalue().count("\x1b[2K") > 2
    assert "step [/1] " in screen.getvalue()
    assert "said meanwhile\n" in screen.getvalue()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", screen.getvalue()).replace(plain(STEERING), "")
    assert "".join(shown.split("\n")).isprintable()
    assert "␛" not in shown


def test_what_the_doctor_takes_long_for_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("notewright.overview.checkup", lambda _: time.sleep(0.3) or Checkup({"python": "3.11"}, (), {}))
    with terminal() as screen:
        assert main(["doctor"]) == 0
    told, _, found = screen.getvalue().partition("3.11")
    assert "looking at the machine" in told
    assert "0/?" not in told
    assert "All is well." in found


@pytest.mark.parametrize("command", ["--help", "draft --help", "vault check --help", "draft --nonsense"])
def test_help_has_no_colours(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as Python 3.14 colours it in a terminal
    with terminal() as screen, suppress(SystemExit):
        main(command.split())
    assert "usage: notewright" in screen.getvalue()
    assert not set("␛\x1b") & set(screen.getvalue())


@pytest.mark.parametrize("command", ["drafts show 1", "sources", "sources Title", "status", f"nonsense{STEERING}"])
def test_what_is_piped_may_end_on_a_terminal_and_is_plain_too(command: str, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    draft(library, book(library))
    with suppress(SystemExit):
        main([command] if "\x1b" in command else command.split())
    shown = "".join(capsys.readouterr())
    assert shown.strip()
    assert "".join(re.split("[\n\t]", shown)).isprintable()


def test_data_that_is_piped_stays_as_it_is(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    draft(library, book(library))
    assert main(["drafts", "show", "1", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)[0]["text"] == f"Written {STEERING}"
    assert "\x9b" in out
    with terminal() as screen:
        assert main(["drafts", "show", "1", "--json"]) == 0
    assert "".join(screen.getvalue().split("\n")).isprintable()


def test_a_terminal_is_told_the_name_of_a_pairs_note_and_a_program_its_path(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    world = small_world.build(library, library.home, things=("rivers",))
    with terminal() as screen:
        assert main(["pairs", "list"]) == 0
    shown = OURS.sub("", screen.getvalue())
    assert "Rivers" in shown
    assert "Notes/" not in shown
    assert main(["pairs", "list"]) == 0
    assert capsys.readouterr().out.count("Notes/Rivers.md") == len(world.library.pairs.all())


def test_pairs_that_are_piped_are_data(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    source_id = book(library)
    note = parse_note("N.md", f"Words {STEERING}".encode())
    library.notes.sync([(note.note, note.passages)])
    [highlight] = library.sources.highlights(source_id)
    [passage] = library.notes.passages()
    link = PairLink(highlight.id, 0.9, "quote", "")
    pair = Pair(
        "", source_id, note.note.id, "N.md", passage.id, passage.start, passage.end, passage.text, 0.9, "quote", "proposed", (link,), ("",)
    )
    library.pairs.propose([pair])
    assert main(["pairs", "export"]) == 0
    assert "\x9b31m" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is, äöü 語 🎉\tnext\nline", "as it is, äöü 語 🎉\tnext\nline"),
        ("one\r\ntwo", "one\r\ntwo"),
        ("hidden\rshown", "hidden␍shown"),
        ("a\x1b[31mb\x00\x7f", "a␛[31mb␀␡"),
        ("\x9b31m\x85", "�31m�"),
    ],
)
def test_control_characters_are_shown_one_sign_for_each(text: str, shown: str) -> None:
    assert plain(text) == shown
