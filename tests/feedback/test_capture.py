"""Later edits of inserted passages are noticed wherever the passage went, stored once, and nothing else is."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from accepted_note import NOTE, TEXT, change, look, watched
from notewright import datasets, feedback, vault
from notewright.errors import Conflict, Invalid, NotFound
from notewright.feedback.capture import GIVE_UP
from notewright.feedback.following import need_unchanged
from notewright.library import Library
from notewright.records import Draft


def test_nothing_changed_is_nothing_stored(world: small_world.World, note: Path) -> None:
    for _ in range(2):
        report = look(world)
        assert (report.followed, report.logged, report.missing, report.waiting) == (1, (), (), ())
    assert watched(world.library) == []


def test_a_later_edit_is_stored_whole_and_once(world: small_world.World, note: Path, draft: Draft) -> None:
    change(note, "better than stone", "more firmly than stone")
    [event] = look(world).logged
    assert look(world).logged == ()
    payload = event.payload
    assert (event.kind, event.subject, payload["via"], payload["note_path"]) == ("edit", draft.id, "watch", NOTE)
    assert payload["before"] == TEXT
    assert payload["final_text"] == TEXT.replace("better than stone", "more firmly than stone")
    assert [(hunk["kind"], hunk["before"], hunk["after"]) for hunk in payload["hunks"]] == [("style", "better", "more firmly")]
    assert 0 < payload["distance"] < 0.2
    [[start, end]] = payload["spans"]
    assert note.read_bytes()[start:end].decode() == payload["final_text"]
    assert payload["shown"]
    change(note, "their willows", "their **willows**")
    [second] = look(world).logged
    assert second.payload["before"] == payload["final_text"]
    assert {hunk["kind"] for hunk in second.payload["hunks"]} == {"format"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Rivers\n", "# Rivers\n\nAn introduction that I wrote afterwards.\n\nAnd more.\n"),
        ("## Beginnings", "## How it begins"),
        ("## Troubles", "## Troubles of all kinds\n\nMy own text.\n"),
        ("The first fact about rivers concerns 3", "The very first fact about rivers concerns 33"),
        ("# Rivers\n", "---\ntags: [x]\n---\n# Rivers\n"),
    ],
)
def test_changes_outside_the_passage_are_not_stored(world: small_world.World, note: Path, old: str, new: str) -> None:
    change(note, old, new)
    assert look(world).logged == ()
    change(note, "better than stone", "best")
    [event] = look(world).logged
    assert event.payload["final_text"] == TEXT.replace("better than stone", "best")


def test_another_newline_style_is_no_edit(world: small_world.World, note: Path) -> None:
    note.write_bytes(note.read_bytes().replace(b"\n", b"\r\n"))
    assert look(world).logged == ()


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("place", ["Notes/Streams.md", "Archive/2026/Rivers.md"])
def test_a_renamed_or_moved_note_is_followed(world: small_world.World, note: Path, place: str, edited: bool) -> None:
    look(world)
    there = world.vault / place
    there.parent.mkdir(parents=True, exist_ok=True)
    note.rename(there)
    if edited:
        change(there, "better than stone", "best")
    report = look(world)
    assert report.moved == ((NOTE, place),)
    assert len(report.logged) == edited
    change(there, "say the observers", "say the people")
    assert [event.payload["note_path"] for event in look(world).logged] == [place]


def test_only_part_of_the_passage_is_left(world: small_world.World, note: Path) -> None:
    change(note, TEXT.split("\n\n")[0], "")
    [event] = look(world).logged
    assert event.payload["final_text"] == TEXT.split("\n\n")[1]
    assert {hunk["kind"] for hunk in event.payload["hunks"]} == {"selection"}
    assert not event.payload["deleted"]


@pytest.mark.parametrize("heading", ["# Mine", "## Mine", "### Mine"])
def test_words_of_ones_own_inside_the_passage_are_part_of_it(world: small_world.World, note: Path, heading: str) -> None:
    own = f"\n{heading}\n\nMy own para.\n\n- The first fact"
    change(note, "- The first fact", own)
    change(note, "flood yet.", "flood yet.\n> And a line at its end.")
    [event] = look(world).logged
    assert event.payload["final_text"] == TEXT.replace("- The first fact", own).replace("yet.", "yet.\n> And a line at its end.")
    assert look(world).logged == ()
    change(note, "My own para.", "My own paragraph.")
    assert len(look(world).logged) == 1


def test_a_draft_put_inside_the_passage_of_another_is_no_edit_of_it(world: small_world.World, note: Path, draft: Draft) -> None:
    look(world)
    change(note, "- The first fact", "\n### Mine\n\n### Next\n\n- The first fact")
    look(world)
    second = next(item for item in world.library.drafts.batch(draft.batch_id) if item.id != draft.id)
    feedback.accept(world.library, settings=world.settings, draft_id=second.id, into=NOTE, under="Mine", force=True)
    assert look(world).logged == ()
    change(note, "Other words", "My words")
    assert [event.subject for event in look(world).logged] == [second.id]
    change(note, "better", "worse")
    [event] = look(world).logged
    assert event.subject == draft.id
    assert "words" not in event.payload["final_text"].replace("worse", "")


def test_a_deleted_passage_is_stored_as_such_and_may_come_back(world: small_world.World, note: Path) -> None:
    whole = note.read_text()
    change(note, TEXT, "")
    [event] = look(world).logged
    assert (event.payload["final_text"], event.payload["deleted"]) == ("", True)
    assert look(world).logged == ()
    change(note, "# Rivers", "# River")
    assert look(world).logged == ()
    note.write_text(whole)
    [back] = look(world).logged
    assert (back.payload["before"], back.payload["final_text"], back.payload["deleted"]) == (TEXT, TEXT, False)
    assert back.payload["hunks"] == []


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


@pytest.mark.parametrize("via", ["watch", "plugin"])
def test_a_passage_that_was_deleted_and_came_back_teaches_nothing(world: small_world.World, note: Path, draft: Draft, via: str) -> None:
    whole = note.read_text()
    if via == "watch":
        change(note, TEXT, "")
        look(world)
        note.write_text(whole)
        look(world)
    else:
        feedback.log_edit(world.library, draft_id=draft.id, before=TEXT, after="")
        for _ in range(2):
            feedback.log_edit(world.library, draft_id=draft.id, before="", after=TEXT)
    assert [bool(event.payload["final_text"]) for event in world.library.events.all("edit")] == [False, True]
    with pytest.raises(Invalid, match="1: edited to nothing; 1: nothing was changed"):
        datasets.build(world.library, kind="edits", settings=world.settings)


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
    with pytest.raises(Conflict, match=r"Notes/Streams\.md"):
        feedback.undo(world.library, settings=world.settings)
    assert feedback.undo(world.library, keep_note=True).payload["note_path"] == "Notes/Streams.md"


def test_it_waits_until_the_note_is_quiet(world: small_world.World, note: Path) -> None:
    change(note, "better", "worse")
    written = note.stat().st_mtime
    report = look(world, quiet=60.0, clock=lambda: written + 10)
    assert (report.logged, report.waiting) == ((), (NOTE,))
    assert report.next_in == pytest.approx(50, abs=0.1)
    assert len(look(world, quiet=60.0, clock=lambda: written + 61).logged) == 1


def test_a_clock_that_runs_ahead_only_delays(world: small_world.World, note: Path) -> None:
    change(note, "better", "worse")
    now = time.time()
    os.utime(note, (now + 86400, now + 86400))
    assert look(world, quiet=60.0, clock=lambda: now).waiting == (NOTE,)
    assert look(world, quiet=60.0, clock=lambda: now + 30).waiting == (NOTE,)
    assert len(look(world, quiet=60.0, clock=lambda: now + 61).logged) == 1


def test_undone_insertions_are_not_followed(world: small_world.World, note: Path) -> None:
    look(world)
    feedback.undo(world.library, settings=world.settings)
    assert look(world).followed == 0
    assert watched(world.library) == []


def test_undo_takes_the_noticed_edits_with_the_insertion(world: small_world.World, note: Path) -> None:
    change(note, "better", "worse")
    [edit] = look(world).logged
    with pytest.raises(Conflict):
        feedback.undo(world.library, settings=world.settings)
    event = feedback.undo(world.library, settings=world.settings, keep_note=True)
    assert event.payload["kind"] == "insertion"
    assert edit.id in event.payload["events"]
    assert look(world).followed == 0


def test_undo_finds_a_note_that_was_renamed(world: small_world.World, note: Path) -> None:
    look(world)
    note.rename(world.vault / "Renamed.md")
    look(world)
    feedback.undo(world.library, settings=world.settings)
    assert "Willow" not in (world.vault / "Renamed.md").read_text()


def test_two_passages_of_one_note_are_kept_apart(world: small_world.World, note: Path, draft: Draft) -> None:
    second = next(item for item in world.library.drafts.batch(draft.batch_id) if item.id != draft.id)
    feedback.accept(world.library, settings=world.settings, draft_id=second.id, into=NOTE, under="Beginnings", force=True)
    assert look(world).logged == ()
    change(note, "Other words", "My words")
    [event] = look(world).logged
    assert event.subject == second.id
    change(note, TEXT, "")
    [event] = look(world).logged
    assert (event.subject, event.payload["deleted"]) == (draft.id, True)


def test_all_passages_of_a_renamed_note_go_along(world: small_world.World, note: Path, draft: Draft) -> None:
    second = world.library.drafts.batch(draft.batch_id)[1]
    feedback.accept(world.library, settings=world.settings, draft_id=second.id, into=NOTE, under="Troubles", force=True)
    look(world)
    note.rename(world.vault / "Both.md")
    report = look(world)
    assert (report.followed, report.moved, report.logged) == (2, ((NOTE, "Both.md"),), ())
    assert {follow.note_path for follow in world.library.follows.all()} == {"Both.md"}


def test_a_note_that_went_to_the_cloud_is_waited_for(world: small_world.World, note: Path, tmp_path: Path) -> None:
    look(world)
    note.rename(tmp_path / "away.md")
    placeholder = note.with_name(f".{note.name}.icloud")
    placeholder.write_bytes(b"bplist00")
    report = look(world)
    assert (report.missing, report.logged) == ((), ())
    assert "cloud" in report.troubles[0]
    placeholder.unlink()
    (tmp_path / "away.md").rename(note)
    change(note, "better", "worse")
    assert len(look(world).logged) == 1


def test_a_heading_the_note_already_had_counts_as_thefurther_drafts(world: small_world.World, draft: Draft) -> None:
    path = world.vault / NOTE
    path.write_text(path.read_text() + "\n## Note\n")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
    assert path.read_text().count("## Note") == 1
    assert look(world).logged == ()
    change(path, "better", "worse")
    [event] = look(world).logged
    assert event.payload["final_text"] == TEXT.replace("better", "worse")


def test_the_persons_own_version_is_what_later_edits_start_from(world: small_world.World, draft: Draft) -> None:
    mine = TEXT.replace("better", "far better")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, final_text=mine)
    assert look(world).logged == ()
    change(world.vault / NOTE, "far better", "much better")
    [event] = look(world).logged
    assert event.payload["before"] == mine


def test_without_its_backup_a_passage_is_followed_by_its_words(world: small_world.World, note: Path) -> None:
    for file in (world.library.home / "backups" / "notes").iterdir():
        file.unlink()
    assert look(world).logged == ()
    change(note, "better than", "worse than")
    [event] = look(world).logged
    assert event.payload["final_text"] == TEXT.replace("better", "worse")


def test_two_watchers_store_one_edit(world: small_world.World, note: Path, home: Path) -> None:
    look(world)
    for number in range(6):
        change(note, "the observers", f"x{number} the observers")
        start = threading.Barrier(3)

        def run(start: threading.Barrier = start) -> None:
            with Library.open(home) as library:
                start.wait()
                feedback.capture(library, settings=world.settings, quiet=0.0)

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(watched(world.library)) == number + 1


def test_a_library_that_fails_loses_no_edit(world: small_world.World, note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(world)
    change(note, "better", "worse")
    with monkeypatch.context() as patch:
        patch.setattr(world.library.events, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            look(world)
    assert watched(world.library) == []
    assert len(look(world).logged) == 1


def test_another_vault_is_left_alone(world: small_world.World, note: Path, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    report = feedback.capture(world.library, settings=replace(world.settings, vault=tmp_path / "second"), quiet=0.0)
    assert (report.followed, report.missing) == (0, ())


def test_a_face_hands_over_an_edit_and_the_watcher_agrees(world: small_world.World, note: Path, draft: Draft) -> None:
    after = TEXT.replace("better", "worse")
    event = feedback.log_edit(world.library, draft_id=draft.id, before=TEXT, after=after + "\n", note_path=NOTE)
    assert event
    assert event.payload["via"] == "plugin"
    assert [hunk["kind"] for hunk in event.payload["hunks"]] == ["style"]
    assert feedback.log_edit(world.library, draft_id=draft.id, before=TEXT, after=after) is None
    change(note, "better", "worse")
    assert look(world).logged == ()
    later = after.replace("observers", "people")
    assert feedback.log_edit(world.library, draft_id=draft.id, before=after, after=later)
    assert feedback.log_edit(world.library, draft_id=draft.id, before=TEXT, after=after) is None  # an old one, sent again
    assert feedback.log_edit(world.library, draft_id=draft.id, before=later, after=after)  # but going back is a change
    with pytest.raises(NotFound):
        feedback.log_edit(world.library, draft_id="draft-99", before="a", after="b")


def test_a_noticed_edit_keeps_its_insertion_in_another_library(world: small_world.World, note: Path, tmp_path: Path) -> None:
    change(note, "better", "worse")
    look(world)
    with Library.create(tmp_path / "other") as other:
        other.events.append("comment", "draft-9", {"comment": "shifts the numbers"})
        feedback.import_feedback(other, feedback.export_feedback(world.library))
        [edit] = other.events.all("edit")
        [insertion] = other.events.all("insertion")
        assert edit.payload["insertion"] == insertion.id


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


def test_a_note_saved_in_another_encoding_is_told_and_left(world: small_world.World, note: Path) -> None:
    look(world)
    text = note.read_bytes().decode()
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        note.write_bytes(text.encode(encoding))
        report = look(world)
        assert (report.logged, report.missing, report.moved) == ((), (), ())
        assert report.troubles == (f"{NOTE} is not UTF-8 text, so it is left alone.",)
    note.write_bytes(text.replace("better", "worse").encode())
    assert len(look(world).logged) == 1


def test_before_an_undo_the_followed_passage_counts_and_no_copy(world: small_world.World, draft: Draft) -> None:
    made = feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into="N.md", force=True)
    look(world)
    event = made.events[-1]
    insertion = vault.Insertion(**event.payload["insertion"])  # type: ignore[arg-type]
    path = world.vault / "N.md"
    need_unchanged(world.library, event, insertion)
    path.write_text("# Above\n\n" + path.read_text() + "> And a line of mine.\n\nBelow.\n")
    need_unchanged(world.library, event, insertion)
    path.write_text(TEXT.replace("better", "worse") + "\n\n" + TEXT + "\n")
    for _ in range(2):  # before it was looked at and after
        with pytest.raises(Conflict, match="was changed where the text had been put"):
            need_unchanged(world.library, event, insertion)
        with pytest.raises(Conflict, match="was changed where the text had been put"):
            feedback.undo(world.library, settings=world.settings)
        look(world)
    assert path.read_text() == TEXT.replace("better", "worse") + "\n\n" + TEXT + "\n"
    assert [edit.payload["final_text"] for edit in watched(world.library)] == [TEXT.replace("better", "worse")]
