"""A note that was deleted took its accepted passages along: that is stored once, as of a passage that was deleted in it, and only where
nothing else can have happened to the note."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

import small_world
from accepted_note import NOTE, TEXT, change, look, watched
from notewright import datasets, feedback, vault
from notewright.errors import Invalid, NotFound, Unavailable
from notewright.feedback.capture import APART, GIVE_UP, LOOKS
from notewright.records import Draft


@pytest.fixture
def later() -> Iterator[float]:
    """Times of looks, each of which counts."""
    start = time.time() + 60
    return (start + number * (APART + 1) for number in range(1000))


def look_on(world: small_world.World, later: Iterator[float], looks: int = LOOKS) -> list[feedback.CaptureReport]:
    return [look(world, clock=lambda now=now: now) for now in islice(later, looks)]


def told(world: small_world.World) -> list[tuple[str, str]]:
    return [(str(edit.payload["before"]), str(edit.payload["final_text"])) for edit in world.library.events.all("edit")]


@pytest.mark.parametrize("how", ["the note", "its folder", "to .trash"])
def test_a_deleted_note_is_stored_as_its_passage_would_be(
    world: small_world.World, note: Path, draft: Draft, later: Iterator[float], how: str
) -> None:
    for name in ("Mine.md", "Mine too.md"):
        (world.vault / name).write_text("Of my own.\n")
    look(world)
    if how == "its folder":
        shutil.rmtree(note.parent)
    elif how == "to .trash":
        (world.vault / ".trash").mkdir()
        note.rename(world.vault / ".trash" / note.name)
    else:
        note.unlink()
    *reports, last = look_on(world, later)
    for report in reports:
        assert (report.logged, report.missing) == ((), ((draft.id, NOTE, "missing"),))
        assert report.next_in == APART
    [event] = last.logged
    assert (event.subject, event.payload["via"], event.payload["note_path"]) == (draft.id, "watch", NOTE)
    assert (event.payload["before"], event.payload["final_text"], event.payload["deleted"]) == (TEXT, "", True)
    assert (last.missing, last.next_in) == ((), None)
    for report in look_on(world, later):
        assert (report.logged, report.missing, report.next_in) == ((), (), None)
    assert look(world, clock=lambda: time.time() + 2 * GIVE_UP).logged == ()
    assert told(world) == [(TEXT, "")]


@pytest.mark.parametrize("apart", [APART / 10, 0.0])
def test_looks_in_quick_succession_are_one(world: small_world.World, note: Path, apart: float) -> None:
    look(world)
    note.unlink()
    now = time.time() + 60
    for number in range(8):
        report = look(world, clock=lambda number=number: now + number * apart)
        assert (report.logged, report.next_in) == ((), pytest.approx(APART - number * apart))
    # As after a night in which the machine slept, and the sync has only begun.
    assert look(world, clock=lambda: now + 9 * 3600).logged == ()
    assert look(world, clock=lambda: now + 9 * 3600 + 60).logged == ()
    assert len(look(world, clock=lambda: now + 9 * 3600 + APART + 1).logged) == 1


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("place", [NOTE, "Found again.md"])
@pytest.mark.parametrize("after", ["before it counts", "once it is stored"])
def test_a_note_that_comes_back_takes_the_deletion_back(
    world: small_world.World, note: Path, tmp_path: Path, later: Iterator[float], after: str, place: str, edited: bool
) -> None:
    look(world)
    shutil.move(note, tmp_path / "out.md")
    look_on(world, later, LOOKS if after == "once it is stored" else LOOKS - 1)
    deletion = [(TEXT, "")] if after == "once it is stored" else []
    assert told(world) == deletion
    shutil.move(tmp_path / "out.md", world.vault / place)
    text = TEXT.replace("better", "worse") if edited else TEXT
    if edited:
        change(world.vault / place, "better", "worse")
    look_on(world, later)
    assert told(world) == [*deletion, *([(TEXT, text)] if deletion or edited else [])]
    assert [(follow.state, follow.text, follow.note_path) for follow in world.library.follows.all()] == [("followed", text, place)]
    if deletion and not edited:  # it is no edit to learn from
        with pytest.raises(Invalid, match="1: edited to nothing; 1: nothing was changed"):
            datasets.build(world.library, settings=world.settings, kind="edits")
    change(world.vault / place, "say the observers", "say the people")
    assert len(look(world, clock=lambda: next(later)).logged) == 1
    (world.vault / place).unlink()
    assert [len(report.logged) for report in look_on(world, later)] == [0] * (LOOKS - 1) + [1]


def test_a_look_at_which_it_is_there_begins_anew(world: small_world.World, note: Path, later: Iterator[float]) -> None:
    """As with a branch of a repository that is out for a moment."""
    look(world)
    whole = note.read_bytes()
    for _ in range(3):
        note.unlink()
        look_on(world, later, LOOKS - 1)
        note.write_bytes(whole)
        look_on(world, later, 1)
    assert told(world) == []


@pytest.mark.parametrize("back", ["all at once", "little by little"])
@pytest.mark.parametrize("left", ["an empty folder", "its settings", "one new note", "another vault"])
def test_nothing_is_stored_while_the_vault_is_away(
    world: small_world.World, note: Path, tmp_path: Path, later: Iterator[float], left: str, back: str
) -> None:
    (world.vault / ".obsidian").mkdir()
    look(world)
    away = tmp_path / "away"
    world.vault.rename(away)
    with pytest.raises(NotFound, match="does not exist"):
        look(world, clock=lambda: next(later))
    world.vault.mkdir()
    if left == "its settings":
        shutil.copytree(away / ".obsidian", world.vault / ".obsidian")
    elif left != "an empty folder":
        for number in range(1 if left == "one new note" else 30):
            (world.vault / f"Other {number}.md").write_text(f"Another thing, number {number}.\n")
    for report in look_on(world, later, 2 * LOOKS):
        assert report.logged == ()
    if back == "little by little":
        (world.vault / NOTE).parent.mkdir()
        (away / NOTE).rename(world.vault / NOTE)
        look_on(world, later)
    shutil.rmtree(world.vault)
    away.rename(world.vault) if back == "all at once" else shutil.copytree(away, world.vault)
    if back == "all at once":
        look_on(world, later)
        assert [follow.state for follow in world.library.follows.all()] == ["followed"]
    assert told(world) == []


def test_a_disk_within_the_vault_that_is_away(world: small_world.World, draft: Draft, tmp_path: Path, later: Iterator[float]) -> None:
    """It leaves its folder, and nobody took anything out of that."""
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="Disk/Trial.md", force=True)
    look(world)
    disk = world.vault / "Disk"
    disk.rename(tmp_path / "away")
    disk.mkdir()
    os.utime(disk, (time.time() - 86400,) * 2)
    for report in look_on(world, later, 2 * LOOKS):
        assert (report.logged, report.missing) == ((), ((draft.id, "Disk/Trial.md", "missing"),))
    disk.rmdir()
    (tmp_path / "away").rename(disk)
    look_on(world, later, 1)
    (disk / "Trial.md").unlink()
    look_on(world, later)
    assert told(world) == [(TEXT, "")]


def test_a_note_that_went_into_an_excluded_folder_is_not_deleted(world: small_world.World, note: Path, later: Iterator[float]) -> None:
    world = replace(world, settings=replace(world.settings, exclude=("Old",)))
    look(world)
    (world.vault / "Old").mkdir()
    note.rename(world.vault / "Old" / "Streams.md")
    assert [report.logged for report in look_on(world, later, 2 * LOOKS)] == [()] * 2 * LOOKS
    (world.vault / "Old" / "Streams.md").unlink()
    look_on(world, later)
    assert told(world) == [(TEXT, "")]


def test_a_vault_in_another_place_lacks_what_it_never_had(
    world: small_world.World, note: Path, tmp_path: Path, later: Iterator[float]
) -> None:
    look(world)
    other = tmp_path / "another vault"
    shutil.copytree(world.vault, other)
    (other / NOTE).unlink()
    shutil.rmtree(world.vault)
    moved = replace(world, vault=other, settings=replace(world.settings, vault=other))
    look_on(moved, later, 2 * LOOKS)
    assert told(world) == []


def test_another_note_under_the_name_of_a_deleted_one(world: small_world.World, note: Path, draft: Draft, later: Iterator[float]) -> None:
    look(world)
    note.unlink()
    (world.vault / "Notes" / "Looms.md").rename(note)
    *reports, last = look_on(world, later)
    assert {report.missing for report in reports} == {((draft.id, NOTE, "missing"),)}
    assert [event.payload["final_text"] for event in last.logged] == [""]
    look_on(world, later)
    assert told(world) == [(TEXT, "")]


@pytest.mark.parametrize("first", ["plugin", "watcher", "plugin, before anyone looked"])
def test_where_the_plugin_tells_it_too_it_is_told_once(
    world: small_world.World, note: Path, draft: Draft, later: Iterator[float], first: str
) -> None:
    def tell(before: str, after: str, path: str) -> None:
        feedback.log_edit(world.library, draft_id=draft.id, before=before, after=after, note_path=path)

    look(world)
    whole = note.read_bytes()
    note.unlink()
    if first == "plugin, before anyone looked":
        tell(TEXT, "", NOTE)
    look_on(world, later, LOOKS - 1 if first == "plugin" else LOOKS)
    tell(TEXT, "", NOTE)
    look_on(world, later)
    assert told(world) == [(TEXT, "")]
    back = world.vault / "Back.md"
    back.write_bytes(whole)
    if first == "watcher":
        look_on(world, later, 1)
        tell("", TEXT, "Back.md")
    else:
        tell("", TEXT, "Back.md")
        look_on(world, later)
    assert told(world) == [(TEXT, ""), (TEXT, TEXT)]
    assert len(watched(world.library)) == (2 if first == "watcher" else 0)


def test_a_folder_that_cannot_be_read_says_nothing(
    world: small_world.World, note: Path, later: Iterator[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    look(world)
    with monkeypatch.context() as patch:
        patch.setattr(vault.watch, "locate", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        for report in look_on(world, later):
            assert report.troubles == (f"{world.vault / NOTE} cannot be read: Permission denied.",)
            assert (report.logged, report.missing) == ((), ())
        with pytest.raises(Unavailable):
            vault.read_note(world.vault, NOTE)
    note.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        look_on(world, later)
    assert told(world) == []
    look_on(world, later)
    assert told(world) == [(TEXT, "")]
