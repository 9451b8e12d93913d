"""Reading the vault: only what changed, only the person's notes, and never a half-read mirror."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.importers import import_readwise
from notewright.importers.vault import Unread, import_vault, unread
from notewright.library import Library
from notewright.pairing import pair
from notewright.settings import Settings


@pytest.fixture
def settings(home: Path, tmp_path: Path, sample: Path) -> Settings:
    vault = tmp_path / "vault"
    shutil.copytree(sample / "vault", vault)
    return Settings(home=home, vault=vault)


def test_the_sample_vault_is_read_without_its_exports(library: Library, settings: Settings) -> None:
    steps: list[tuple[int, int]] = []
    report = import_vault(library, settings=settings, progress=lambda done, of: steps.append((done, of)))
    paths = [note.path for note in library.notes.all()]
    assert report.added == len(paths) > 20
    assert not report.warnings
    assert not [path for path in paths if path.startswith(("Readwise/", "."))]
    assert steps[-1] == (report.added, report.added)
    passages = library.notes.passages()
    assert len(passages) >= 60
    for passage in passages:
        data = (settings.need_vault() / passage.note_path).read_bytes()
        assert data[passage.start : passage.end].decode() == passage.text


def test_a_second_reading_changes_nothing_and_opens_nothing(library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = import_vault(library, settings=settings)
    before = library.notes.passages()
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"opened {self}"))
    second = import_vault(library, settings=settings)
    assert (second.added, second.updated, second.removed, second.unchanged) == (0, 0, 0, first.added)
    assert not second.changed
    assert library.notes.passages() == before


def test_edits_new_notes_and_deletions_arrive(library: Library, settings: Settings) -> None:
    import_vault(library, settings=settings)
    vault = settings.need_vault()
    (vault / "New.md").write_text("# New\nhello\n")
    edited = vault / "Home/Home Index.md"
    edited.write_text(edited.read_text() + "\n## More\nwords\n")
    (vault / "Projects/Bathroom Shelf.md").unlink()
    report = import_vault(library, settings=settings)
    assert (report.added, report.updated, report.removed) == (1, 1, 1)
    assert any(passage.headings[-1:] == ("More",) for passage in library.notes.passages())
    assert "Projects/Bathroom Shelf.md" not in [note.path for note in library.notes.all()]


def test_a_touched_note_with_equal_bytes_is_unchanged(library: Library, settings: Settings) -> None:
    import_vault(library, settings=settings)
    os.utime(settings.need_vault() / "Home/Home Index.md", (1, 1))
    assert not import_vault(library, settings=settings).changed


def test_an_edit_that_keeps_the_time_but_not_the_size_is_seen(library: Library, settings: Settings) -> None:
    import_vault(library, settings=settings)
    path = settings.need_vault() / "Home/Home Index.md"
    status = path.stat()
    path.write_text("# Short\nnow\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert import_vault(library, settings=settings).updated == 1


def test_notes_that_cannot_be_read_are_named_and_left_out(library: Library, settings: Settings) -> None:
    vault = settings.need_vault()
    (vault / "latin.md").write_bytes(b"caf\xe9")
    (vault / "yaml.md").write_text("---\na: b: c\n---\n# A\nbody\n")
    report = import_vault(library, settings=settings)
    assert len(report.warnings) == 2
    assert "latin.md is not UTF-8" in report.warnings[0]
    assert "yaml.md: the properties are not valid YAML" in report.warnings[1]
    assert "yaml.md" in [note.path for note in library.notes.all()]


def test_notes_of_a_folder_that_cannot_be_listed_are_not_gone(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a drive that hiccups, or where its permissions changed."""
    first, vault = import_vault(library, settings=settings), settings.need_vault()
    before, scandir = library.notes.passages(), os.scandir

    def refused(folder: str) -> object:
        if str(folder) == str(vault / "Home"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refused)
        told = unread(library, settings=settings)
        report = import_vault(library, settings=settings)
    assert told == Unread()
    assert (report.removed, report.left_out, report.unchanged, report.changed) == (0, 0, first.added, False)
    assert report.warnings == ("Home could not be looked into (Permission denied): its notes stay as they were",)
    assert library.notes.passages() == before
    assert unread(library, settings=settings) == Unread()
    assert not import_vault(library, settings=settings).changed


def test_many_notes_of_one_trouble_are_told_in_a_line(library: Library, settings: Settings) -> None:
    for number in range(7):
        (settings.need_vault() / f"{number}.md").write_text("---\na: b: c\n---\n# A\nbody\n")
    (told,) = import_vault(library, settings=settings).warnings
    names = "0.md, 1.md, 2.md, 3.md, 4.md and 2 more"
    assert told == f"7 notes with properties that could not be read (why: notewright vault check): {names}"


def test_exports_among_the_notes_are_told(library: Library, settings: Settings) -> None:
    export = "# A\n\n## Metadata\n- Full Title: A\n- Category: #articles\n\n## Highlights\n- One\n"
    own = "# B\n> One ([View Highlight](https://read.readwise.io/read/01a))\n\nSo I thought.\n"
    folder = settings.need_vault() / "Work"
    folder.mkdir(exist_ok=True)
    (folder / "A.md").write_text(export)
    (folder / "B.md").write_text(own)
    report = import_vault(library, settings=settings)
    assert report.warnings == (
        "1 note outside the Readwise folder looks like a Readwise export and counts as yours: Work/A.md; if that is wrong, name its folder:"
        " notewright init --readwise-folder FOLDER, or --exclude FOLDER",
    )
    assert not import_vault(library, settings=settings).warnings


def test_excluded_folders_stay_out(library: Library, settings: Settings) -> None:
    import dataclasses

    import_vault(library, settings=dataclasses.replace(settings, exclude=("Daily", "Home/*.md")))
    assert not [note.path for note in library.notes.all() if note.path.startswith(("Daily/", "Home/"))]


def test_another_vault_is_read_afresh(library: Library, settings: Settings, tmp_path: Path) -> None:
    import dataclasses

    import_vault(library, settings=settings)
    other = tmp_path / "other"
    shutil.copytree(settings.need_vault(), other)
    (other / "Home/Home Index.md").write_text("x")
    assert import_vault(library, settings=dataclasses.replace(settings, vault=other)).updated == 1


@pytest.mark.parametrize("place", ["", "notewright"])
def test_a_home_inside_the_vault_is_not_read_as_notes(tmp_path: Path, place: str) -> None:
    (tmp_path / "A.md").write_text("# A\n\nText.\n")
    home = tmp_path / place
    with Library.create(home) as library:
        (home / "backups" / "notes").mkdir()
        (home / "backups" / "notes" / "abc.md").write_text("# Old A\n\nText.\n")
        import_vault(library, settings=Settings(home=home, vault=tmp_path))
        assert [note.path for note in library.notes.all()] == ["A.md"]


def test_a_renamed_note_and_its_passages_keep_their_ids(library: Library, settings: Settings) -> None:
    import_vault(library, settings=settings)
    vault = settings.need_vault()
    old = library.notes.find("Home/Home Index.md")
    before = library.notes.passages(old.id)
    (vault / "Home/Home Index.md").rename(vault / "Start.md")
    report = import_vault(library, settings=settings)
    assert (report.added, report.updated, report.removed) == (0, 1, 0)
    new = library.notes.find("Start.md")
    assert (new.id, new.title) == (old.id, "Start")
    assert [(item.id, item.text) for item in library.notes.passages(new.id)] == [(item.id, item.text) for item in before]
    # A note made anew at the old path is another one, and so are its passages.
    (vault / "Home/Home Index.md").write_bytes((vault / "Start.md").read_bytes())
    assert import_vault(library, settings=settings).added == 1
    twin = library.notes.find("Home/Home Index.md")
    assert twin.id != new.id
    ids = [item.id for item in library.notes.passages()]
    assert len(ids) == len(set(ids))
    (vault / "Start.md").rename(vault / "Home/Again.md")
    (vault / "Home/Home Index.md").unlink()
    import_vault(library, settings=settings)
    again = library.notes.find("Home/Again.md").id
    (vault / "Home/Again.md").rename(vault / "Home/Home Index.md")
    import_vault(library, settings=settings)
    assert library.notes.find("Home/Home Index.md").id == again
    assert not import_vault(library, settings=settings).changed


def test_a_note_renamed_by_a_sync_that_changed_its_line_ends_keeps_its_ids(library: Library, settings: Settings) -> None:
    note = settings.need_vault() / "N.md"
    note.write_bytes(b"# Book\n\n- First words.\n- Second words.\n\n## Two\n\nThird words.\n\nFourth words.\n")
    import_vault(library, settings=settings)
    before = [item.id for item in library.notes.passages() if item.note_path == "N.md"]
    (settings.need_vault() / "M.md").write_bytes(note.read_bytes().replace(b"\n", b"\r\n"))
    note.unlink()
    report = import_vault(library, settings=settings)
    assert (report.added, report.updated, report.removed) == (0, 1, 0)
    assert [item.id for item in library.notes.passages() if item.note_path == "M.md"] == before


def test_ids_last_when_headings_are_renamed(library: Library, settings: Settings) -> None:
    note = settings.need_vault() / "N.md"
    note.write_text("# Book\n## One\nFirst words.\n## Two\nSecond words.\n")
    import_vault(library, settings=settings)
    before = {item.text.split("\n")[1]: item.id for item in library.notes.passages() if item.note_path == "N.md"}
    note.write_text("# Buch\nIntro.\n## Eins\nFirst words.\n## Two\nSecond words.\n")
    import_vault(library, settings=settings)
    after = {item.text.split("\n")[1]: item.id for item in library.notes.passages() if item.note_path == "N.md"}
    assert {text: after[text] for text in before} == before


@pytest.mark.parametrize("plugin", ["excalidraw-plugin: parsed", "kanban-plugin: board"])
def test_drawings_and_boards_are_no_notes_to_learn_from(
    library: Library, settings: Settings, plugin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_vault(library, settings=settings)
    note = settings.need_vault() / "Home/Home Index.md"
    assert library.notes.passages(library.notes.find("Home/Home Index.md").id)
    note.write_text(f"---\n{plugin}\n---\n\n## Drawing\n```compressed-json\nN4KAkARALgngDgUwgLgAQQQDwMYE\n```\n")
    assert import_vault(library, settings=settings).left_out == 1
    assert "Home/Home Index.md" not in [item.path for item in library.notes.all()]
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"opened {self}"))
    assert not import_vault(library, settings=settings).changed
    monkeypatch.undo()
    note.write_text("# Home again\nIt is a note now.\n")
    assert import_vault(library, settings=settings).updated == 1  # the note is back


def test_what_obsidian_excludes_stays_out_and_its_pairs_go(library: Library, settings: Settings, sample: Path) -> None:
    import_readwise(library, path=sample / "readwise.csv")
    import_vault(library, settings=settings)
    pair(library)
    path = "Notes/Books/The Slow River Handbook.md"
    assert path in {item.note_path for item in library.pairs.all()}
    app = settings.need_vault() / ".obsidian/app.json"
    app.write_text(json.dumps({"userIgnoreFilters": [path, "/(/"]}))
    report = import_vault(library, settings=settings)
    assert (report.removed, report.left_out, report.changed) == (0, 1, True)
    assert any("'/(/'" in warning for warning in report.warnings)
    pair(library)
    assert path not in {item.note_path for item in library.pairs.all()}
    app.unlink()
    assert import_vault(library, settings=settings).updated == 1


def test_notes_that_are_still_there_are_not_said_to_be_gone(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vault = tmp_path / "v"
    (vault / "Old").mkdir(parents=True)
    for name in ("A.md", "B.md", "Old/C.md", "Old/D.md"):
        (vault / name).write_text(f"# {name}\n\nThe words of {name} are its own.\n")
    assert main(["init", "--vault", str(vault)]) == main(["import", "vault"]) == 0
    (vault / "A.md").unlink()
    assert main(["init", "--exclude", "Old"]) == 0
    capsys.readouterr()
    assert main(["import", "vault"]) == 0
    assert "0 notes new, 0 changed, 1 gone, 2 left out now, 1 as before;" in capsys.readouterr().out


EXPORT = (
    'full-title:: "{0}"\n\n- Highlights first synced by [[Readwise]] [[Monday, 31-10-2022]]\n\t- Words of {0}'
    " ([Location 3](https://readwise.io/to_kindle?action=open&asin=B{0}&location=3))\n"
)


def test_exports_that_lie_among_the_notes_are_none_once_they_are_imported(library: Library, home: Path, tmp_path: Path) -> None:
    settings = Settings(home=home, vault=tmp_path / "graph")
    pages = tmp_path / "graph" / "pages"
    pages.mkdir(parents=True)
    for name in ("Ferns", "Moss"):
        (pages / f"{name}.md").write_text(EXPORT.format(name), encoding="utf-8")
    (pages / "Mine.md").write_text(
        "# Mine\n\n## Highlights\n- of my day, by myself (Page 1)\n- and of another (Page 2)\n", encoding="utf-8"
    )
    (pages / "Mine too.md").write_text("# Mine too\n\n## Highlights\n- of a walk (Page 1)\n- of a talk (Page 2)\n", encoding="utf-8")
    (pages / "Other.md").write_text("My words.\n", encoding="utf-8")
    report = import_vault(library, settings=settings)
    assert report.added == 5
    assert "2 notes outside the Readwise folder look like Readwise exports" in report.warnings[0]
    (both,) = [told for told in import_readwise(library, path=pages, vault=settings.vault).warnings if "yours" in told]
    named = "pages/Mine too.md, pages/Mine.md"
    assert both.startswith(f"2 files are notes of yours, and their words are highlights as well now: {named}. If that was not meant: ")
    assert "notewright sources remove 'Mine too' Mine (or notewright import undo, then" in both
    report = import_vault(library, settings=settings)
    assert (report.left_out, report.removed, report.unchanged) == (2, 0, 3)
    assert report.warnings == ("2 notes are files that highlights were imported from, left out: pages/Ferns.md, pages/Moss.md",)
    assert [note.path for note in library.notes.all()] == [
        "pages/Mine too.md",
        "pages/Mine.md",
        "pages/Other.md",
    ]  # a heading alone makes no export


def test_a_vault_that_is_empty_all_at_once_is_told_to_look_for_its_drive(library: Library, settings: Settings) -> None:
    notes = import_vault(library, settings=settings).added
    vault = settings.need_vault()
    vault.rename(vault.with_name("elsewhere"))
    vault.mkdir()  # the mount point
    gone = import_vault(library, settings=settings)
    assert gone.removed == notes
    assert [f"none of the {notes} notes" in warning for warning in gone.warnings] == [True]
    assert import_vault(library, settings=settings).warnings == ()
    vault.rmdir()
    vault.with_name("elsewhere").rename(vault)
    assert import_vault(library, settings=settings).warnings == ()


def test_what_changed_on_the_disk_is_counted_without_opening_a_note(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = settings.need_vault()
    assert unread(library, settings=settings) is None
    (vault / "Latin.md").write_bytes(b"caf\xe9\n")
    (vault / "Board.md").write_text("---\nkanban-plugin: board\n---\n## To do\n")
    import_vault(library, settings=settings)
    assert unread(library, settings=settings) == Unread()
    (vault / "New.md").write_text("# New\nhello\n")
    (vault / "Board.md").write_text("---\nkanban-plugin: board\n---\n## Done\n")
    os.utime(vault / "Home/Home Index.md", ns=(1, 1))
    (vault / "Projects/Bathroom Shelf.md").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"opened {self}"))
        assert unread(library, settings=settings) == Unread(new=1, changed=1, gone=1)
    (vault / "Latin.md").write_text("café\n")
    assert unread(library, settings=settings) == Unread(new=1, changed=2, gone=1)
    import_vault(library, settings=settings)
    assert unread(library, settings=settings) == Unread()


def test_a_vault_that_is_away_has_nothing_to_read(library: Library, settings: Settings) -> None:
    vault = settings.need_vault()
    import_vault(library, settings=settings)
    shutil.rmtree(vault)
    assert unread(library, settings=settings) is None
    vault.mkdir()  # as the place of a drive that is not connected
    assert unread(library, settings=settings) is None
