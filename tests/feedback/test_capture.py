"""Later edits of inserted passages are noticed, stored once, and nothing else is."""

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
        patch.setattr(world.library.events, "append", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
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
