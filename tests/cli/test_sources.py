"""Sources that are removed, restored, and imports that are taken back, as commands tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.library import Library
from notewright.records import Dataset, Model

HEAD = "Highlight,Book Title,Book Author\n"
FERNS, MOSS = "Green things,Ferns,Ann\nOld things,Ferns,Ann\n", "Soft things,Moss,Bo\n"


@pytest.fixture
def said(started: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Runs a command; returns its exit code, its output and its complaints. Two sources are there."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        told = capsys.readouterr()
        return code, told.out, told.err

    (tmp_path / "all.csv").write_text(HEAD + FERNS + MOSS)
    assert run("import", "readwise", str(tmp_path / "all.csv"))[0] == 0
    return run


def test_a_source_is_removed_and_restored(said, tmp_path: Path) -> None:
    assert said("sources", "remove", "ferns") == (
        0,
        "Removed, with 2 highlights: Ferns.\n"
        "Your notes stay as they are. To take this back: notewright undo; to have one back later: notewright sources restore TITLE\n",
        "",
    )
    code, out, err = said("sources")
    assert (code, out) == (0, "title\tauthor\tkind\thighlights\nMoss\tBo\tbook\t1\n")
    assert err == "1 source removed by you: notewright sources restore\n"
    assert "1 highlight from 1 source (1 source removed by you: notewright sources restore)" in said("status")[1]
    assert said("sources", "restore")[1] == "title\tauthor\thighlights removed\nFerns\tAnn\tall\n"
    assert said("draft", "--source", "Ferns") == (
        1, "", "error: You removed 'Ferns'.\nhint: To have it back: notewright sources restore Ferns\n",
    )  # fmt: skip
    out = said("import", "readwise", str(tmp_path / "all.csv"))[1]
    assert "warning: 1 source in it that you removed stays so: Ferns. To have one back: notewright sources restore TITLE" in out
    assert said("sources", "restore", "Moss")[2].startswith("error: You removed no source that is called 'Moss'.")
    assert said("sources", "restore", "Ferns")[1] == "There again: Ferns.\n"
    assert "Ferns" in said("sources")[1]
    assert said("sources", "restore")[1] == "You removed no source.\n"
    assert "source\tcsv" not in said("feedback", "list")[1]


def test_what_is_removed_already_is_not_taken_for_another_one_with_its_title_in(said, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(HEAD + "Cool things,Ferns in Winter,Ann\n")
    said("import", "readwise", str(tmp_path / "more.csv"))
    assert said("sources", "remove", "Ferns")[0] == 0
    assert said("sources", "remove", "Ferns") == (
        1, "", "error: You removed 'Ferns'.\nhint: To have it back: notewright sources restore Ferns\n",
    )  # fmt: skip
    assert "Ferns in Winter" in said("sources")[1]


def test_what_is_not_named_is_not_removed(said) -> None:
    code, _, err = said("sources", "remove")
    assert (code, err.splitlines()[0]) == (1, "error: Which source is not said.")
    assert said("sources", "remove", "Moss", "Nothing")[2].startswith("error: No source is called 'Nothing'.")
    assert said("sources")[1].count("\n") == 3


def test_a_title_may_come_without_quotes(said) -> None:
    assert said("sources", "Fe", "rns")[0] == 1
    assert said("sources", "mo")[1].startswith("title   Moss\n")


def test_an_import_is_taken_back_and_comes_again(said, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(HEAD + FERNS + "New things,Ferns,Ann\nWet things,Peat,Cy\n")
    said("import", "readwise", str(tmp_path / "more.csv"))
    out = said("import", "undo")[1]
    assert "brought in new is removed:\n  Peat\n  1 highlight of Ferns\nYour notes stay" in out
    assert said("sources")[1] == "title\tauthor\tkind\thighlights\nFerns\tAnn\tbook\t2\nMoss\tBo\tbook\t1\n"
    assert said("sources", "restore")[1] == "title\tauthor\thighlights removed\nFerns\tAnn\t1\nPeat\tCy\tall\n"
    code, _, err = said("import", "undo")
    assert (code, "is removed already" in err) == (1, True)
    assert said("undo")[1] == "Taken back: that Ferns and 1 more were removed.\n"
    assert said("sources")[1].count("\n") == 4
    said("import", "undo")
    out = said("import", "readwise", str(tmp_path / "more.csv"))[1]
    assert "2 sources of an import that you took back are there again: Ferns; Peat" in out
    assert said("sources")[1].count("\n") == 4
    assert json.loads(said("import", "undo", "--json")[1])["removed"] is False


def test_before_any_import_there_is_nothing_to_take_back(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "undo"]) == 1
    assert capsys.readouterr().err.startswith("error: No highlights were imported yet")


def test_versions_that_rest_on_it_are_named(said, home: Path) -> None:
    with Library.open(home) as library:
        key = library.sources.find("Ferns").id
        library.datasets.add(Dataset("dataset-1", "sft", "datasets/dataset-1", "now", {"sources": {key: "train"}}))
        library.models.add(Model("model-2", "base", "", "policy", "now", dataset_id="dataset-1"))
    assert "model-2 still rests on it; what is trained without it: notewright improve\n" in said("sources", "remove", "Ferns")[1]


def test_a_note_that_was_imported_as_highlights_is_taken_back_as_the_warning_says(
    started: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = started / "Lists"
    lists.mkdir()
    (lists / "My walks.md").write_text("# My walks\n\n## Highlights\n- of a walk (Page 1)\n- of a talk (Page 2)\n")
    main(["import", "vault"])
    capsys.readouterr()
    main(["import", "readwise", str(lists)])
    told = capsys.readouterr().out
    assert "If that was not meant: notewright sources remove 'My walks' (or notewright import undo, then import the folder" in told
    assert main(["sources", "remove", "My walks"]) == 0
    with Library.open(home) as library:
        assert library.sources.all() == []
        assert [note.path for note in library.notes.all()] == ["Lists/My walks.md", "Note.md"]
