"""A writer that was killed between the note and the library is made up for; writes of the plugin count like our own."""

from __future__ import annotations

import errno
import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback, vault
from notewright.errors import Conflict, Invalid, NotFound, Unavailable
from notewright.feedback import journal
from notewright.library import Library
from notewright.records import Draft
from notewright.settings import save_settings
from small_world import ScriptedEngine, numbered

NOTE = "Notes/Rivers.md"
CHILD = """
import os, signal, sys
from notewright import feedback, vault
from notewright.feedback import accept, journal
from notewright.library import Library
from notewright.settings import load_settings
moment, what = sys.argv[1:]
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
settings = load_settings()
with Library.open(settings.home) as library:
    if moment == "before the note":
        vault.write.replace = vault.write.create = die
    if moment == "before the event":
        library.events.append = die
    if moment == "before the commit":
        real = library.events.append
        library.events.append = lambda *a, **o: die() if a[0] in ("insertion", "undo") and real(*a, **o) else real(*a, **o)
    if what == "undo":
        feedback.undo(library, settings=settings)
    else:
        feedback.accept(library, settings=settings, draft_id="draft-1", into=what, force=True)
"""


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, things=("rivers",))
    save_settings(made.settings)
    small_world.base_model(library)
    return made


@pytest.fixture
def draft(world: small_world.World) -> Draft:
    return drafting.draft(world.library, settings=world.settings, source="rivers", n=1, seed=3, engine=ScriptedEngine(numbered))[0]


def killed(moment: str, what: str) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, moment, what], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize("into", [NOTE, "New/Folder/Note.md"])
@pytest.mark.parametrize("moment", ["before the note", "before the event", "before the commit"])
def test_an_insertion_that_was_killed(world: small_world.World, draft: Draft, moment: str, into: str) -> None:
    before = (world.vault / NOTE).read_bytes()
    killed(moment, into)
    written = moment != "before the note"
    assert (draft.text.strip() in (world.vault / into).read_text()) is written if (world.vault / into).exists() else not written
    assert world.library.events.all() == []
    stored = feedback.recover(world.library)
    assert [event.kind for event in world.library.events.all()] == (["decision", "insertion"] if written else [])
    assert [event.id for event in world.library.events.all()] == stored
    assert feedback.recover(world.library) == []
    if written:
        assert feedback.undo(world.library, settings=world.settings).payload["kind"] == "insertion"
    assert (world.vault / NOTE).read_bytes() == before
    assert not (world.vault / "New").exists()


@pytest.mark.parametrize("into", [NOTE, "New/Folder/Note.md"])
def test_an_insertion_that_was_killed_and_whose_note_was_renamed_before_the_next_start(
    world: small_world.World, draft: Draft, into: str
) -> None:
    killed("before the event", into)
    (world.vault / into).rename(world.vault / "Renamed.md")
    feedback.recover(world.library)
    [made] = world.library.events.all("insertion")
    assert made.payload["insertion"]["note_path"] == "Renamed.md"
    assert feedback.recover(world.library) == []
    feedback.undo(world.library, settings=world.settings)
    assert not (world.vault / "Renamed.md").exists() or draft.text.strip() not in (world.vault / "Renamed.md").read_text()


def test_an_insertion_that_was_killed_after_it_had_been_made_and_undone_before(world: small_world.World, draft: Draft) -> None:
    before = (world.vault / NOTE).read_bytes()
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
    feedback.undo(world.library, settings=world.settings)
    killed("before the event", NOTE)
    assert len(feedback.recover(world.library)) == 2
    feedback.undo(world.library, settings=world.settings)
    assert (world.vault / NOTE).read_bytes() == before


@pytest.mark.parametrize("into", [NOTE, "New.md"])
@pytest.mark.parametrize("moment", ["before the note", "before the event"])
def test_an_undo_that_was_killed(world: small_world.World, draft: Draft, moment: str, into: str) -> None:
    before = (world.vault / NOTE).read_bytes()
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=into, force=True)
    if into == NOTE or moment != "before the note":
        killed(moment, "undo")
        feedback.recover(world.library)
    standing = [action for action in feedback.history(world.library) if not action.undone]
    assert bool(standing) is (moment == "before the note")
    if standing:
        feedback.undo(world.library, settings=world.settings)
    assert (world.vault / NOTE).read_bytes() == before
    assert not (world.vault / "New.md").exists()


@pytest.mark.parametrize("into", [NOTE, "New.md"])
@pytest.mark.parametrize("moment", ["before the note", "before the event", "before the commit"])
def test_an_undo_that_was_killed_in_a_note_that_had_been_changed_elsewhere(
    world: small_world.World, draft: Draft, moment: str, into: str
) -> None:
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=into, force=True)
    note = world.vault / into
    note.write_text("My own first line.\n\n" + note.read_text())
    killed(moment, "undo")
    written = moment != "before the note"
    assert (draft.text.strip() in note.read_text()) is not written
    stored = feedback.recover(world.library)
    assert [(event.kind, event.payload["how"]) for event in world.library.events.all("undo")] == ([("undo", "removed")] if written else [])
    assert len(stored) == written
    assert bool(world.library.events.standing("insertion", "decision")) is not written
    assert feedback.recover(world.library) == []
    if not written:
        assert feedback.undo(world.library, settings=world.settings).payload["how"] == "removed"
    assert note.read_text().startswith("My own first line.")
    assert draft.text.strip() not in note.read_text()


@pytest.mark.parametrize("into", [NOTE, "New.md"])
@pytest.mark.parametrize("what", ["accept", "undo"])
def test_while_the_vault_is_away_nothing_is_settled(world: small_world.World, draft: Draft, tmp_path: Path, what: str, into: str) -> None:
    """A drive that is not mounted says nothing about the notes on it."""
    if what == "undo":
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=into, force=True)
        killed("before the note", "undo") if into == NOTE else killed("before the event", "undo")
    else:
        killed("before the event", into)
    entries = list((world.library.home / "backups" / "writing").iterdir())
    stored = [event.kind for event in world.library.events.all()]
    world.vault.rename(tmp_path / "away")
    assert feedback.recover(world.library) == []
    assert list((world.library.home / "backups" / "writing").iterdir()) == entries != []
    assert [event.kind for event in world.library.events.all()] == stored
    (tmp_path / "away").rename(world.vault)
    feedback.recover(world.library)
    assert not list((world.library.home / "backups" / "writing").iterdir())
    later = [event.kind for event in world.library.events.all()][len(stored) :]
    assert later == (["decision", "insertion"] if what == "accept" else ["undo"] if into == "New.md" else [])


def test_an_undo_killed_under_a_line_fastened_to_the_draft_is_made_up_for(world: small_world.World, draft: Draft) -> None:
    note = world.vault / NOTE
    before = note.read_text()
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
    note.write_text(note.read_text() + "A remark of mine.\n")
    killed("before the event", "undo")
    assert note.read_text() == before + "\nA remark of mine.\n"
    feedback.recover(world.library)
    assert [event.payload["how"] for event in world.library.events.all("undo")] == ["removed"]


def test_what_broke_off_without_a_kill_leaves_no_entry(world: small_world.World, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(vault.write, "replace", lambda *_: (_ for _ in ()).throw(Conflict("changed")))
        with pytest.raises(Conflict):
            feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
    assert list((world.library.home / "backups" / "writing").iterdir()) == []


def test_a_disk_that_fills_up_after_the_note_was_written_loses_no_insertion(
    world: small_world.World, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = world.vault / NOTE
    with monkeypatch.context() as patch:
        full = lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))  # noqa: E731

        def stored(*_: object, **__: object) -> None:
            patch.setattr(vault.atomic, "_part", full)
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(sys.modules["notewright.feedback.accept"], "store", stored)
        with pytest.raises(Unavailable, match=r"Notes/Rivers\.md has the draft, which could not be recorded"):
            feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
    assert draft.text.strip() in note.read_text()
    assert world.library.events.all("insertion") == []
    with pytest.raises(Invalid, match="already in"):
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE)
    assert len(world.library.events.all("insertion")) == 1
    assert note.read_text().count(draft.text.strip()) == 1


@pytest.mark.parametrize("moment", ["before the note", "before the event"])
def test_a_second_insertion_that_was_killed_in_a_note_that_has_the_text(world: small_world.World, draft: Draft, moment: str) -> None:
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
    killed(moment, NOTE)
    note = world.vault / NOTE
    note.write_text(note.read_text() + "\nMy own line.\n")
    assert bool(feedback.recover(world.library)) is (moment == "before the event")
    assert len(world.library.events.all("insertion")) == note.read_text().count(draft.text.strip())


def test_an_entry_that_is_no_entry_is_dropped(world: small_world.World) -> None:
    folder = world.library.home / "backups" / "writing"
    folder.mkdir(parents=True)
    for name, text in (("a.json", "{"), ("b.json", "[]"), ("c.json", "")):
        (folder / name).write_text(text)
    assert journal.recover(world.library) == []
    assert list(folder.iterdir()) == []


def by_plugin(world: small_world.World, draft: Draft, into: str = NOTE) -> dict[str, object]:
    """What the plugin does after a preview, and what it then sends."""
    seen = feedback.preview(world.library, settings=world.settings, draft_id=draft.id, into=into)
    path = world.vault / seen.note_path
    now = path.read_bytes() if path.exists() else b""
    path.write_bytes(now[: seen.start] + seen.inserted.encode() + now[seen.start :])
    return {"draft_id": draft.id, "note_path": seen.note_path, "start": seen.start, "inserted": seen.inserted, "created": seen.created}


@pytest.mark.parametrize("into", [NOTE, "New.md"])
def test_an_insertion_of_the_plugin_counts_like_our_own(world: small_world.World, draft: Draft, into: str) -> None:
    before = (world.vault / NOTE).read_bytes()
    told = by_plugin(world, draft, into)
    done = feedback.record_insertion(world.library, settings=world.settings, **told)  # type: ignore[arg-type]
    again = feedback.record_insertion(world.library, settings=world.settings, **told)  # type: ignore[arg-type]
    assert [event.kind for event in done.events] == ["decision", "insertion"]
    assert [event.id for event in again.events] == [done.events[1].id]
    assert done.events[1].payload["via"] == "plugin"
    with pytest.raises(Invalid, match="already in"):
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE)
    assert feedback.capture(world.library, settings=world.settings, quiet=0.0).followed == 1
    feedback.undo(world.library, settings=world.settings)
    assert (world.vault / NOTE).read_bytes() == before
    assert not (world.vault / "New.md").exists()


def test_an_insertion_that_does_not_stand_in_the_note_is_refused(world: small_world.World, draft: Draft) -> None:
    told = by_plugin(world, draft)
    record = lambda **more: feedback.record_insertion(world.library, settings=world.settings, **{**told, **more})  # noqa: E731
    for more, error in (
        ({"inserted": "never there"}, Conflict), ({"note_path": "Nowhere.md"}, Conflict), ({"note_path": "../x"}, Invalid),
        ({"draft_id": "draft-9"}, NotFound), ({"inserted": ""}, Conflict),
    ):  # fmt: skip
        with pytest.raises(error):
            record(**more)
    assert world.library.events.all() == []
    assert record(start=0).note_path == NOTE  # text above moved meanwhile: it stands in the note once


def test_old_copies_go_and_needed_ones_stay(world: small_world.World, draft: Draft) -> None:
    library, folder = world.library, world.library.home / "backups" / "notes"
    for _ in range(3):
        feedback.accept(library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
        feedback.undo(library, settings=world.settings)
        (world.vault / NOTE).write_text((world.vault / NOTE).read_text() + "more\n")
    feedback.accept(library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
    files = len(list(folder.iterdir()))
    none = replace(world.settings, backup_days=0, backup_megabytes=0)
    assert feedback.prune_backups(library, settings=none) is None  # once a day
    done = feedback.prune_backups(library, settings=world.settings, always=True)
    assert done
    assert (done.removed, done.kept) == (0, files)
    done = feedback.prune_backups(library, settings=none, always=True)
    assert done
    assert (done.removed, done.kept) == (files - 1, 1)
    assert feedback.undo(library, settings=none).payload["how"] == "restored"
    feedback.prune_backups(library, settings=none, always=True)
    [left] = folder.iterdir()
    assert json.dumps(library.events.all("undo")[-1].payload["backup"]).strip('"').endswith(left.name)
