"""The mirror of the vault: kept by path, replaced when bytes or cuts change, marked when gone."""

from __future__ import annotations

import pytest

from notewright.errors import NotFound
from notewright.library import Library
from notewright.records import Note, Passage


def note(path: str, content: str, *passages: str) -> tuple[Note, list[Passage]]:
    made = Note(id=f"note-{path}", path=path, title=path, content_hash=content, properties={"k": ["v", 1]}, aliases=("a",), links=("l",))
    return made, [Passage(f"p-{path}-{text}", made.id, path, at, at + len(text), text, ("H",)) for at, text in enumerate(passages)]


def test_notes_come_back_as_they_went_in(library: Library) -> None:
    made, passages = note("a.md", "1", "one", "two")
    report = library.notes.sync([(made, passages)])
    assert (report.added, report.updated, report.removed, report.unchanged) == (1, 0, 0, 0)
    assert library.notes.all() == [made]
    assert library.notes.find("a.md") == made
    assert library.notes.passages("note-a.md") == passages
    with pytest.raises(NotFound):
        library.notes.find("b.md")


def test_only_changes_are_counted(library: Library) -> None:
    library.notes.sync([note("a.md", "1", "one"), note("b.md", "1", "x"), note("c.md", "1", "y")])
    report = library.notes.sync([note("a.md", "2", "one", "more"), note("b.md", "1", "x")], unchanged=["c.md"])
    assert (report.added, report.updated, report.removed, report.unchanged) == (0, 1, 0, 2)
    assert [item.text for item in library.notes.passages()] == ["one", "more", "x", "y"]


def test_equal_bytes_cut_differently_are_an_update(library: Library) -> None:
    library.notes.sync([note("a.md", "1", "one")])
    report = library.notes.sync([note("a.md", "1", "one", "two")])
    assert report.updated == 1
    assert len(library.notes.passages()) == 2


def test_a_note_that_is_gone_loses_its_passages_and_may_return(library: Library) -> None:
    library.notes.sync([note("a.md", "1", "one")])
    assert library.notes.sync([]).removed == 1
    assert (library.notes.all(), library.notes.passages()) == ([], [])
    assert library.notes.sync([note("a.md", "1", "one")]).updated == 1
    assert len(library.notes.passages()) == 1
