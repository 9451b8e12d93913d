"""Where commands write the files that they are asked for: never over the person's notes or the library's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

from notewright import feedback
from notewright.cli import main
from notewright.library import Library
from notewright.settings import load_settings

WRITING = [
    ["pairs", "export"],
    ["vault", "show", "Note", "--html"],
    ["report", "--out"],
    ["taste", "plot", "--out"],
    ["dataset", "report", "--out"],
    ["demo", "--keep"],
]


@pytest.mark.parametrize("command", WRITING, ids=lambda command: command[0])
def test_nothing_of_the_persons_or_the_homes_is_written_over(
    started: Path, home: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    other = started.parent / "other"
    (other / ".obsidian").mkdir(parents=True)
    (other / "Sub").mkdir()
    link = started.parent / "link"
    link.symlink_to(started / "Note.md")
    places = {
        "vault": [started / "Note.md", started / "new.html", other / "Sub" / "x", link, started.parent / "other" / ".." / "vault" / "x"]
    }
    places["library's folder"] = [home / "library.db", home / "models" / "x"]
    if command[0] == "demo":  # it makes folders of its own in the one that is named
        places["vault"] = [started, other / "Sub"]
    before = {path: path.read_bytes() for path in (started / "Note.md", home / "library.db")}
    for where, targets in places.items():
        for target in targets:
            assert main([*command, str(target)]) == 1, target
            said = capsys.readouterr().err
            assert f"lies in the {where}" in said, said
            assert "hint: Name a place outside of" in said
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("command", WRITING[:-1], ids=lambda command: command[0])
def test_a_folder_that_is_not_there_is_not_made(started: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, str(started.parent / "no" / "x")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert not (started.parent / "no").exists()


def test_a_page_in_its_usual_place_and_an_ordinary_file_are_written_over(started: Path, home: Path) -> None:
    for place in (home / "reports" / "report.html", started.parent / "report.html"):
        for _ in range(2):
            assert main(["report", "--out", str(place)]) == 0
            assert place.is_file()
            place.write_text("old")
    (started.parent / "pairs.jsonl").write_text("old")
    assert main(["pairs", "export", str(started.parent / "pairs.jsonl")]) == 0
    assert (started.parent / "pairs.jsonl").read_text() == ""


def test_the_name_of_a_note_in_some_folder_makes_no_namesake(started: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (started / "Books").mkdir()
    (started / "Books" / "Rivers.md").write_text("# Rivers\n\nText.\n")
    assert main(["import", "vault"]) == 0
    assert main(["accept", "1", "--into", "Rivers"]) == 1
    said = capsys.readouterr().err
    assert "no Rivers.md in the vault's top folder, but Books/Rivers.md" in said
    assert '--into "Books/Rivers.md"; for a new note of the same name: --into "./Rivers.md"' in said
    assert not (started / "Rivers.md").exists()
    with Library.open(home) as library:
        shown = lambda into: feedback.preview(library, settings=load_settings(), draft_id="draft-1", into=into)  # noqa: E731
        assert [shown(into).namesakes for into in ("rivers", "Other/Rivers.md", "Books/Rivers.md", "Streams")] == [
            ("Books/Rivers.md",)
        ] * 2 + [()] * 2
    assert main(["accept", "1", "--into", "./Rivers.md"]) == 0
    assert main(["accept", "2", "--into", "Rivers"]) == 0
    assert (started / "Rivers.md").read_text().count("- text") == 2
    assert main(["accept", "2", "--into", "Books/Rivers.md", "--force"]) == 0
