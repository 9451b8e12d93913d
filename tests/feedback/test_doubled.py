"""A draft that stands in its note twice: what becomes of one copy is not told of the other."""

from __future__ import annotations

import pytest

import small_world
from accepted_note import NOTE, TEXT, look
from notewright import feedback
from notewright.records import Draft

EDITS = {
    "a word": ("better", "worse"),
    "a line less": ("- Willow cuttings hold a bank better than stone, say the observers.\n", ""),
    "a line more": ("- The first fact", "- A line of mine.\n- The first fact"),
    "its heading": ("## Note", "## My note"),
    "nothing left": (TEXT, ""),
}


@pytest.fixture(params=[None, "Beginnings"], ids=["below", "above"])
def twice(world: small_world.World, draft: Draft, request: pytest.FixtureRequest) -> small_world.World:
    """Put in twice, the second time below the first, or above it."""
    for _ in range(2):
        feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, under=request.param, force=True)
    first, second = (event.payload["insertion"]["start"] for event in world.library.events.all("insertion"))
    assert (second > first) == (request.param is None)
    return world


def change_copy(world: small_world.World, upper: bool, old: str, new: str) -> str:
    """Change one of the two; returns what it has become."""
    text = (world.vault / NOTE).read_text()
    at = text.index(TEXT) if upper else text.rindex(TEXT)
    changed = TEXT.replace(old, new, 1)
    (world.vault / NOTE).write_text(text[:at] + changed + text[at + len(TEXT) :])
    return changed


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("edit", EDITS)
def test_only_the_copy_that_still_counts_is_followed(twice: small_world.World, edit: str, upper: bool, seen: bool) -> None:
    first, second = (event.payload["insertion"]["start"] for event in twice.library.events.all("insertion"))
    if seen:
        look(twice)
    feedback.undo(twice.library, settings=twice.settings, keep_note=True)
    changed = change_copy(twice, upper, *EDITS[edit])
    counts = upper == (second > first) and edit != "nothing left"  # of two that say the same one is left: it stands
    assert [event.payload["final_text"] for event in look(twice).logged] == [changed] * counts
    assert look(twice).logged == ()


@pytest.mark.parametrize("upper", [True, False])
def test_of_two_that_count_one_is_deleted(twice: small_world.World, upper: bool) -> None:
    look(twice)
    change_copy(twice, upper, TEXT, "")
    [gone] = look(twice).logged
    assert gone.payload["final_text"] == ""
    assert look(twice).logged == ()
    change = (twice.vault / NOTE).read_text().replace("better", "worse")
    (twice.vault / NOTE).write_text(change)
    [edit] = look(twice).logged
    assert edit.payload["final_text"] == TEXT.replace("better", "worse")
    assert edit.payload["insertion"] != gone.payload["insertion"], "what was deleted takes no other's place"


def test_undo_takes_the_one_that_was_put_in_although_the_note_was_edited(world: small_world.World, draft: Draft) -> None:
    path = world.vault / NOTE
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, under="Beginnings", force=True)
    with_it = path.read_text()
    path.write_text(f"{with_it}\nA line of mine.\n\n{TEXT}\n")
    look(world)
    path.write_text(path.read_text().replace("A line of mine.", "A line of my own."))
    assert feedback.undo(world.library, settings=world.settings).payload["how"] == "removed"
    left = path.read_text()
    assert left.count(TEXT) == 1
    assert left.index("A line of my own.") < left.index(TEXT), "the person's own copy"
