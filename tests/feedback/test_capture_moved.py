"""An inserted passage is followed where it went, by a renamed note or from one note into another, and missed where it is gone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import small_world
from accepted_note import NOTE, TEXT, change, look, watched
from notewright import feedback, vault
from notewright.errors import Conflict, Invalid
from notewright.feedback.capture import GIVE_UP
from notewright.feedback.following import need_unchanged
from notewright.records import Draft


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("place", ["Notes/Streams.md", "Archive/2026/Rivers.md"])
def test_a_renamed_or_moved_note_is_followed(world: small_world.World, note: Path, draft: Draft, place: str, edited: bool) -> None:
    look(world)
    there = world.vault / place
    there.parent.mkdir(parents=True, exist_ok=True)
    note.rename(there)
    if edited:
        change(there, "better than stone", "best")
    report = look(world)
    assert report.moved == ((NOTE, place),)
    assert len(report.logged) == edited
    with pytest.raises(Invalid, match=f"already in {place}"):
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=place)
    change(there, "say the observers", "say the people")
    assert [event.payload["note_path"] for event in look(world).logged] == [place]


@pytest.mark.parametrize("looks", [1, 2])
@pytest.mark.parametrize("later", [False, True])
def test_a_note_edited_and_renamed_before_it_was_quiet(world: small_world.World, note: Path, looks: int, later: bool) -> None:
    """As somebody does while `watch` runs."""
    look(world)
    change(note, "better than stone", "best")
    assert look(world, quiet=60.0).waiting == (NOTE,)
    there = note.with_name("Streams.md")
    note.rename(there)
    for _ in range(looks):
        report = look(world, quiet=60.0)
        assert (report.waiting, report.missing) == (("Notes/Streams.md",), ())
    if later:
        change(there, "say the observers", "say the people")
        assert look(world, quiet=60.0).waiting == ("Notes/Streams.md",)
    report = look(world)
    assert (report.moved, len(report.logged)) == (((NOTE, "Notes/Streams.md"),), 1)
    report = look(world)
    assert (report.logged, report.missing) == ((), ())


def test_a_passage_cut_and_pasted_into_another_note(world: small_world.World, note: Path) -> None:
    look(world)
    change(note, TEXT, "")
    other = world.vault / "Notes" / "Looms.md"
    other.write_text(other.read_text() + "\n" + TEXT + "\n")
    report = look(world)
    assert report.logged == ()
    assert report.moved == ((NOTE, "Notes/Looms.md"),)
    change(other, "better", "worse")
    assert len(look(world).logged) == 1


def test_a_passage_taken_into_a_note_of_its_own_but_for_its_heading(world: small_world.World, note: Path) -> None:
    look(world)
    head, body = TEXT.split("\n", 1)
    change(note, body, "[[Willows]]")
    (world.vault / "Willows.md").write_text(body + "\n")
    report = look(world)
    assert report.moved == ((NOTE, "Willows.md"),)
    assert [(event.payload["before"], event.payload["final_text"]) for event in report.logged] == [(TEXT, body)]
    change(world.vault / "Willows.md", "better", "worse")
    assert [event.payload["note_path"] for event in look(world).logged] == ["Willows.md"]


def test_a_passage_cut_down_is_not_taken_for_its_older_copy(world: small_world.World, note: Path) -> None:
    copy = world.vault / "Copy.md"
    copy.write_text(TEXT + "\n")
    os.utime(copy, (time.time() - 3600,) * 2)
    change(note, TEXT.split("\n", 1)[1], "- Willows hold banks.")
    report = look(world)
    assert report.moved == ()
    assert [event.payload["note_path"] for event in report.logged] == [NOTE]


def test_pasted_later_than_it_was_cut(world: small_world.World, note: Path) -> None:
    change(note, TEXT, "")
    assert look(world).logged[0].payload["deleted"]
    (world.vault / "New.md").write_text("# New\n\n" + TEXT + "\n")
    report = look(world)
    assert report.moved == ((NOTE, "New.md"),)
    assert [event.payload["final_text"] for event in report.logged] == [TEXT]


def test_what_was_changed_on_the_way_from_one_note_to_another_counts(world: small_world.World, note: Path) -> None:
    change(note, "better than stone", "best")
    [first] = look(world).logged
    change(note, str(first.payload["final_text"]), "")
    look(world)
    (world.vault / "New.md").write_text("# New\n\n" + TEXT.replace("better than stone", "best of all") + "\n")
    [back] = look(world).logged
    assert back.payload["before"] == first.payload["final_text"]
    assert [hunk["after"] for hunk in back.payload["hunks"]] == [" of all"]


def test_a_missing_note_is_said_found_again_or_given_up(world: small_world.World, note: Path, draft: Draft, tmp_path: Path) -> None:
    look(world)
    note.rename(tmp_path / "out.md")
    now = time.time()
    assert look(world).missing == ((draft.id, NOTE, "missing"),)
    assert watched(world.library) == []
    (tmp_path / "out.md").rename(world.vault / "Back.md")
    assert look(world).moved == ((NOTE, "Back.md"),)
    (world.vault / "Back.md").rename(tmp_path / "out.md")
    assert look(world, clock=lambda: now).missing == ((draft.id, "Back.md", "missing"),)
    assert look(world, clock=lambda: now + GIVE_UP + 1).missing == ((draft.id, "Back.md", "given up"),)
    (tmp_path / "out.md").rename(world.vault / "Back.md")
    assert look(world).missing == ()


@pytest.mark.parametrize("told", ["seen here", "by another machine"])
def test_an_emptied_passage_is_not_missed_when_its_note_goes(world: small_world.World, note: Path, draft: Draft, told: str) -> None:
    whole = note.read_text()
    if told == "seen here":
        change(note, TEXT, "")
        look(world)
    else:
        made = world.library.events.all("insertion")[-1].id
        look(world)
        payload = {"final_text": "", "before": TEXT, "note_path": NOTE, "via": "watch", "insertion": made, "final_hash": "", "hunks": []}
        world.library.events.append("edit", draft.id, payload)
    note.unlink()
    for after in (0.0, 1.0, GIVE_UP + 60, GIVE_UP + 61):
        assert look(world, clock=lambda after=after: time.time() + after).missing == ()
    assert feedback.undoable(world.library)[0].note_path == NOTE
    note.write_text(whole)
    assert look(world).followed == 1


def test_the_last_known_place_of_what_is_gone_is_told(world: small_world.World, note: Path) -> None:
    look(world)
    there = world.vault / "Notes" / "Streams.md"
    note.rename(there)
    look(world)
    there.unlink()
    assert [missing[1] for missing in look(world).missing] == ["Notes/Streams.md"]
    assert feedback.undoable(world.library)[0].note_path == "Notes/Streams.md"
    with pytest.raises(Conflict, match=r"Notes/Streams\.md") as told:
        feedback.undo(world.library, settings=world.settings)
    assert "notewright sync" in told.value.hint
    assert feedback.undo(world.library, keep_note=True).payload["note_path"] == "Notes/Streams.md"


def test_undo_finds_a_note_that_was_renamed(world: small_world.World, note: Path) -> None:
    look(world)
    note.rename(world.vault / "Renamed.md")
    look(world)
    feedback.undo(world.library, settings=world.settings)
    assert "Willow" not in (world.vault / "Renamed.md").read_text()


def test_all_passages_of_a_renamed_note_go_along(world: small_world.World, note: Path, draft: Draft) -> None:
    second = world.library.drafts.batch(draft.batch_id)[1]
    feedback.accept(world.library, settings=world.settings, draft_id=second.id, into=NOTE, under="Troubles", force=True)
    look(world)
    note.rename(world.vault / "Both.md")
    report = look(world)
    assert (report.followed, report.moved, report.logged) == (2, ((NOTE, "Both.md"),), ())
    assert {follow.note_path for follow in world.library.follows.all()} == {"Both.md"}


@pytest.mark.parametrize("numbered", [True, False])
def test_a_note_that_had_the_text_before_is_never_where_it_went(
    world: small_world.World, draft: Draft, numbered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not numbered:  # a file system that tells no numbers of files
        monkeypatch.setattr(vault.NoteFile, "number", property(lambda _: 0, lambda *_: None))
    mine = world.vault / "Mine.md"
    mine.write_text(TEXT + "\n")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="Trial.md", force=True)
    look(world)
    whole = (world.vault / "Trial.md").read_bytes()
    (world.vault / "Trial.md").unlink()
    change(mine, "# Note", "# My note")  # touching it does not make it the passage
    assert look(world).moved == ()
    assert look(world).missing == ((draft.id, "Trial.md", "missing"),)
    with pytest.raises(Conflict):
        feedback.undo(world.library, settings=world.settings)
    look(world)
    mine.rename(world.vault / "Mine too.md")
    assert look(world).moved == ()
    (world.vault / "Trial.md").write_bytes(whole)
    report = look(world)
    assert (report.missing, report.logged, report.followed) == ((), (), 1)
    feedback.undo(world.library, settings=world.settings)
    assert not (world.vault / "Trial.md").exists()
    assert "Willow" in (world.vault / "Mine too.md").read_text()


def test_without_a_look_in_between_too(world: small_world.World, draft: Draft) -> None:
    mine = world.vault / "Mine.md"
    mine.write_text(TEXT + "\n")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="Trial.md", force=True)
    (world.vault / "Trial.md").unlink()
    mine.write_text("# Before\n\n" + TEXT + "\n")
    assert look(world).moved == ()


def test_what_was_known_before_nobody_compared(world: small_world.World, draft: Draft) -> None:
    """In a library of an earlier version: notes that nobody touched since are no place for it."""
    mine = world.vault / "Mine.md"
    mine.write_text(TEXT + "\n")
    os.utime(mine, (time.time() - 3600,) * 2)
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="Trial.md", force=True)
    world.library.db.connection.execute("DELETE FROM copies")
    (world.vault / "Trial.md").rename(world.vault / "Other.md")
    assert look(world).moved == (("Trial.md", "Other.md"),)
    world.library.db.connection.execute("DELETE FROM copies")
    (world.vault / "Other.md").unlink()
    assert look(world).moved == ()


def test_a_copy_made_while_the_passage_stands_stays_a_copy(world: small_world.World, note: Path) -> None:
    other = world.vault / "Notes" / "Looms.md"
    other.write_text(other.read_text() + "\n" + TEXT + "\n")
    assert look(world).moved == ()
    change(note, TEXT, "## Note\n- Quite another thing that I wrote here, of willow cuttings and looms.\n\n> My own end.")
    report = look(world)
    assert report.moved == ()
    assert [event.payload["note_path"] for event in report.logged] == [NOTE]
    assert "Willow cuttings" in other.read_text()


def test_pasted_into_a_note_that_had_much_of_it_all_along(world: small_world.World, draft: Draft) -> None:
    other = world.vault / "Notes" / "Looms.md"
    other.write_text(other.read_text() + "\n" + TEXT.replace("observers", "watchers") + "\n")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, under="Beginnings", force=True)
    look(world)
    change(world.vault / NOTE, TEXT, "")
    other.write_text(other.read_text() + "\n### From the draft\n\n" + TEXT + "\n")
    report = look(world)
    assert (report.moved, report.logged) == (((NOTE, "Notes/Looms.md"),), ())
    [follow] = world.library.follows.all()
    assert follow.spans[0][0] > other.read_bytes().index(b"From the draft")


def test_a_passage_is_not_taken_from_another_insertion(world: small_world.World, draft: Draft) -> None:
    for name in ("A.md", "B.md"):
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=name, force=True)
    look(world)
    (world.vault / "B.md").unlink()
    report = look(world)
    assert (report.moved, report.missing) == ((), ((draft.id, "B.md", "missing"),))
    (world.vault / "A.md").rename(world.vault / "Again.md")
    assert look(world).moved == (("A.md", "Again.md"),)
    with pytest.raises(Conflict):
        feedback.undo(world.library, settings=world.settings)
    assert "Willow" in (world.vault / "Again.md").read_text()


def test_of_two_that_are_gone_the_note_more_alike_takes_the_place(world: small_world.World, draft: Draft) -> None:
    for name in ("B.md", "A.md"):
        (world.vault / name).write_text(f"# {name}\n\nWhat is {name} about, by me.\n\nAnd more of {name}.\n")
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=name, force=True)
    look(world)
    (world.vault / "B.md").unlink()
    (world.vault / "A.md").rename(world.vault / "Again.md")
    change(world.vault / "Again.md", "by me", "by me again")
    report = look(world)
    assert report.moved == (("A.md", "Again.md"),)
    assert [path for _, path, _ in report.missing] == ["B.md"]


def test_an_older_note_on_the_same_highlights_is_not_the_passage(world: small_world.World, draft: Draft) -> None:
    older = world.vault / "Older.md"
    older.write_text(TEXT.replace("better than stone", "well").replace("their willows", "trees") + "\n- And a thought of mine.\n")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="Trial.md", force=True)
    look(world)
    whole = (world.vault / "Trial.md").read_bytes()
    (world.vault / "Trial.md").unlink()
    for _ in range(2):
        report = look(world)
        assert (report.moved, report.logged, report.missing) == ((), (), ((draft.id, "Trial.md", "missing"),))
    (world.vault / "Trial.md").write_bytes(whole)
    report = look(world)
    assert (report.followed, report.missing, report.logged) == (1, (), ())


@pytest.mark.parametrize("numbered", [True, False])
def test_two_notes_that_swap_names(world: small_world.World, draft: Draft, numbered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not numbered:  # a file system that tells no numbers of files
        monkeypatch.setattr(vault.NoteFile, "number", property(lambda _: 0, lambda *_: None))
    alike = next(item for item in world.library.drafts.batch(draft.batch_id) if item.id != draft.id)
    mine = TEXT.replace("better than stone", "well").replace("their willows", "trees")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="A.md", force=True)
    feedback.accept(world.library, settings=world.settings, draft_id=alike.id, into="B.md", final_text=mine, force=True)
    look(world)
    one, other = world.vault / "A.md", world.vault / "B.md"
    one.rename(world.vault / "C.md")
    other.rename(one)
    (world.vault / "C.md").rename(other)
    report = look(world)
    assert (report.logged, set(report.moved)) == ((), {("A.md", "B.md"), ("B.md", "A.md")})
    assert look(world).moved == ()
    change(other, "better", "worse")
    assert [event.subject for event in look(world).logged] == [draft.id]


def test_a_note_that_took_the_name_of_a_missing_one_is_not_it(world: small_world.World, draft: Draft, tmp_path: Path) -> None:
    older = world.vault / "Older.md"
    older.write_text(TEXT.replace("better than stone", "well").replace("their willows", "trees") + "\n")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="Trial.md", force=True)
    look(world)
    (world.vault / "Trial.md").rename(tmp_path / "away.md")
    older.rename(world.vault / "Trial.md")
    event = next(event for event in world.library.events.all("insertion"))
    for _ in range(2):
        report = look(world)
        assert (report.moved, report.logged, report.missing) == ((), (), ((draft.id, "Trial.md", "missing"),))
        with pytest.raises(Conflict):
            need_unchanged(world.library, event, vault.Insertion(**event.payload["insertion"]))  # type: ignore[arg-type]
    (tmp_path / "away.md").rename(world.vault / "Trial.md")
    assert (look(world).missing, look(world).followed) == ((), 1)
