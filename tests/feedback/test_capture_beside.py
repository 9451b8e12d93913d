"""What stands beside, or in the place of, an inserted passage is no edit of it."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest

import small_world
from accepted_note import NOTE, TEXT, change, final_texts, further_drafts, look, watched
from notewright import feedback
from notewright.errors import Conflict
from notewright.records import Draft

ALIKE = """## Note
- Willow cuttings hold a bank far better than any stone does, observers say.
- The first fact about rivers concerns 3 careful observers with willows.

> A straight river has not met its flood yet, so it is an argument."""
OTHER = "The second fact concerns four observers who count eels by lamplight.\n\nEels go upstream and nobody has seen them turn."


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("text", [ALIKE, OTHER])
def test_a_draft_taken_in_place_of_a_deleted_one_is_no_edit_of_it(
    world: small_world.World, note: Path, draft: Draft, text: str, seen: bool
) -> None:
    look(world)
    change(note, TEXT, "")
    if seen:
        look(world)
    [other] = further_drafts(world, draft, text)
    feedback.accept(world.library, settings=world.settings, draft_id=other.id, into=NOTE, under="Beginnings")
    look(world)
    assert final_texts(world.library) == {draft.id: [""]}
    mine = text.replace("observers", "watchers")
    change(note, text, mine)
    look(world)
    assert final_texts(world.library) == {draft.id: [""], other.id: [mine]}


def test_the_same_draft_taken_again_after_it_was_deleted_counts_once(world: small_world.World, note: Path, draft: Draft) -> None:
    look(world)
    change(note, TEXT, "")
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, under="Beginnings", force=True)
    look(world)
    change(note, "better", "worse")
    look(world)
    first, second = world.library.follows.all()
    assert [(edit.payload["insertion"], edit.payload["final_text"]) for edit in watched(world.library)] == [
        (first.insertion_id, ""),
        (second.insertion_id, TEXT.replace("better", "worse")),
    ]


@pytest.mark.parametrize("into", [NOTE, "Books/New.md"])
@pytest.mark.parametrize("text", [TEXT, ALIKE])
@pytest.mark.parametrize("seen", [True, False])
def test_a_draft_taken_twice_and_taken_back_once_still_stands(
    world: small_world.World, draft: Draft, text: str, seen: bool, into: str
) -> None:
    def accept(draft: Draft) -> None:
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=into, force=True)
        if seen:
            look(world)

    accept(draft)
    before = (world.vault / into).read_bytes()
    accept(draft if text == TEXT else further_drafts(world, draft, text)[0])
    feedback.undo(world.library, settings=world.settings)
    assert (world.vault / into).read_bytes() == before
    assert look(world).logged == ()
    change(world.vault / into, "better", "worse")
    assert [edit.payload["final_text"] for edit in look(world).logged] == [TEXT.replace("better", "worse")]
    assert look(world).logged == ()


def test_a_draft_taken_twice_is_taken_back_twice(world: small_world.World, draft: Draft) -> None:
    path = world.vault / NOTE
    before = path.read_bytes()
    for _ in range(2):
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, under="Beginnings", force=True)
    for _ in range(2):
        feedback.undo(world.library, settings=world.settings)
    assert path.read_bytes() == before


def test_words_put_inside_a_passage_and_taken_out_again_leave_it_whole(world: small_world.World, note: Path, draft: Draft) -> None:
    change(note, "- The first fact", "\n### Next\n\n- The first fact")
    [edit] = look(world).logged
    [other] = further_drafts(world, draft, OTHER)
    feedback.accept(world.library, settings=world.settings, draft_id=other.id, into=NOTE, under="Next", force=True)
    feedback.undo(world.library, settings=world.settings)
    assert look(world).logged == ()
    change(note, "better", "worse")
    assert [one.payload["final_text"] for one in look(world).logged] == [edit.payload["final_text"].replace("better", "worse")]


def test_a_draft_left_in_the_note_when_its_record_goes_is_no_edit_of_another(world: small_world.World, note: Path, draft: Draft) -> None:
    [other] = further_drafts(world, draft, OTHER)
    feedback.accept(world.library, settings=world.settings, draft_id=other.id, into=NOTE, under="Beginnings", force=True)
    feedback.undo(world.library, settings=world.settings, keep_note=True)
    assert look(world).logged == ()
    change(note, "better", "worse")
    change(note, "lamplight", "moonlight")
    assert [one.payload["final_text"] for one in look(world).logged] == [TEXT.replace("better", "worse")]


def test_a_draft_below_a_passage_that_lost_its_end_is_no_part_of_it(world: small_world.World, note: Path, draft: Draft) -> None:
    look(world)
    change(note, "\n> A straight river is an argument that has not met its flood yet.\n", "")
    [other] = further_drafts(world, draft, OTHER)
    feedback.accept(world.library, settings=world.settings, draft_id=other.id, into=NOTE, under="Beginnings")
    look(world)
    assert final_texts(world.library) == {draft.id: [TEXT.partition("\n\n")[0]]}
    assert look(world).logged == ()


def test_a_draft_put_at_the_cursor_into_a_passage_just_edited_is_no_part_of_it(world: small_world.World, note: Path, draft: Draft) -> None:
    look(world)
    change(note, "better", "worse")
    [other] = further_drafts(world, draft, OTHER)
    change(note, "\n> A straight river", f"\n{OTHER}\n\n> A straight river")
    start = note.read_bytes().index(OTHER.encode())
    feedback.record_insertion(
        world.library, settings=world.settings, draft_id=other.id, note_path=NOTE, start=start, inserted=f"{OTHER}\n\n"
    )
    look(world)
    assert final_texts(world.library) == {draft.id: [TEXT.replace("better", "worse")]}
    assert look(world).logged == ()


def test_words_of_ones_own_where_a_passage_was_deleted_are_not_it(world: small_world.World, note: Path) -> None:
    at = note.read_text().index(TEXT)
    change(note, TEXT, "")
    look(world)
    text = note.read_text()
    note.write_text(f"{text[:at]}Salt was taxed in France until 1945.\n\nMy own chapter on willows begins here.\n{text[at:]}")
    assert look(world).logged == ()
    change(note, "My own chapter", "A chapter")
    assert look(world).logged == ()


def test_a_passage_written_anew_that_the_plugin_told_of_stands(world: small_world.World, draft: Draft) -> None:
    old, anew = "Moss grows north only where north is wet.", "Lichens need dry stone and patience.\n\nFew gardeners have any."
    [moss] = further_drafts(world, draft, old)
    feedback.accept(world.library, settings=world.settings, draft_id=moss.id, into=NOTE, under="Beginnings")
    look(world)
    change(world.vault / NOTE, old, anew)
    feedback.log_edit(world.library, draft_id=moss.id, before=old, after=anew, note_path=NOTE)
    assert look(world).logged == ()
    change(world.vault / NOTE, "Few gardeners", "No gardeners")
    assert [event.payload["before"] for event in look(world).logged] == [anew]


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_the_persons_version_that_ends_in_a_blank_stands(world: small_world.World, draft: Draft, blank: str) -> None:
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, final_text=TEXT + blank)
    look(world)
    change(world.vault / NOTE, "# Rivers\n", "# Rivers\n\nMine, far from it.\n")
    assert look(world).logged == ()


def test_of_two_passages_under_one_heading_the_upper_one_is_deleted_whole(world: small_world.World, draft: Draft) -> None:
    upper = "## Highlights\n- Willow cuttings hold a bank.\n- Eels go upstream in the dark."
    lower = "## Highlights\n- Salt was taxed until 1945.\n- Rye keeps longer than wheat."
    first, second = further_drafts(world, draft, upper, lower)
    for one in (first, second):
        feedback.accept(world.library, settings=world.settings, draft_id=one.id, into="New.md")
    look(world)
    (world.vault / "New.md").write_text(lower + "\n")
    look(world)
    assert final_texts(world.library) == {first.id: [""]}


def test_a_passage_pasted_where_another_one_was_deleted_is_no_edit_of_that(world: small_world.World, note: Path, draft: Draft) -> None:
    [other] = further_drafts(world, draft, "Eels go upstream and nobody has seen them turn, say those who looked.\n\nBy lamplight.")
    feedback.accept(world.library, settings=world.settings, draft_id=other.id, into="Other.md")
    look(world)
    change(note, TEXT, other.text)
    (world.vault / "Other.md").write_text("Mine.\n")
    report = look(world)
    assert report.moved == (("Other.md", NOTE),)
    assert final_texts(world.library) == {draft.id: [""]}


def test_an_edit_told_by_a_face_is_of_the_note_it_was_made_in(world: small_world.World, draft: Draft) -> None:
    for name in ("One.md", "Two.md"):
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=name, force=True)
    look(world)
    first, second = (follow.insertion_id for follow in world.library.follows.all())
    mine = TEXT.replace("better", "worse")
    change(world.vault / "One.md", "better", "worse")
    told = {"draft_id": draft.id, "before": TEXT, "after": mine}
    event = feedback.log_edit(world.library, **told, note_path="One.md")
    assert event
    assert event.payload["insertion"] == first
    assert look(world).logged == ()
    assert [follow.note_path for follow in world.library.follows.all()] == ["One.md", "Two.md"]
    change(world.vault / "Two.md", "better", "worse")
    event = feedback.log_edit(world.library, **told, note_path="Two.md")
    assert event
    assert event.payload["insertion"] == second
    assert look(world).logged == ()
    event = feedback.log_edit(world.library, draft_id=draft.id, before=mine, after=TEXT, note_path="Renamed.md")
    assert event
    assert event.payload["insertion"] == second


def test_undo_is_refused_when_words_were_added_to_one_of_its_lines(world: small_world.World, note: Path) -> None:
    for old, new in (("flood yet.", "flood yet. Except one."), ("## Note", "### Note")):
        whole = note.read_text()
        change(note, old, new)
        with pytest.raises(Conflict, match="was changed where the text had been put"):
            feedback.undo(world.library, settings=world.settings)
        note.write_text(whole)
    change(note, "flood yet.", "flood yet.  ")
    feedback.undo(world.library, settings=world.settings)
    assert "flood" not in note.read_text()


def test_a_name_that_the_disk_spells_in_another_way_is_one_name(world: small_world.World, draft: Draft) -> None:
    plain, spelt = (normalize(form, "Notes/Über.md") for form in ("NFC", "NFD"))
    path = world.vault / spelt
    path.write_text("# Over\n\nMine.\n")
    if [item.name for item in path.parent.glob("*ber.md")] != [spelt.removeprefix("Notes/")]:
        pytest.skip("this file system spells all names in one way")
    shown = feedback.preview(world.library, settings=world.settings, draft_id=draft.id, into=spelt)
    assert shown.note_path == plain
    done = feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=plain, force=True)
    assert done.note_path == plain
    look(world)
    [follow] = world.library.follows.all()
    assert world.library.follows.copies(follow.insertion_id) == {}
    # As earlier versions kept it.
    world.library.db.connection.execute("UPDATE follows SET note_path=?", (spelt,))
    world.library.follows.note_copies(follow.insertion_id, {plain: path.read_bytes()})
    there = world.vault / "Notes/Streams.md"
    path.rename(there)
    assert look(world).moved == ((plain, "Notes/Streams.md"),)
    change(there, "better", "worse")
    assert [event.payload["note_path"] for event in look(world).logged] == ["Notes/Streams.md"]
