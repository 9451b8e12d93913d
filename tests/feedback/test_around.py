"""Several copies of a passage in the vault, notes merged, swapped and renamed: what stood beside a passage is never where it went."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from accepted_note import NOTE, TEXT, change, look
from notewright import vault

COPY = "Mine/Copy.md"


@pytest.fixture
def copied(world: small_world.World, note: Path) -> Path:
    """The person's own copy of the passage, which was there while the passage stood in its note."""
    look(world)
    copy = world.vault / COPY
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(f"# Mine\n\nOf looms and their keepers.\n\n{TEXT}\n\n- A task of the week\n- Another task for the day\n")
    look(world)
    return copy


def follow_of(world: small_world.World) -> tuple[str, str]:
    [follow] = world.library.follows.all()
    return follow.note_path, follow.state


def test_a_copy_that_is_merged_into_another_note_is_not_the_deleted_passage(world: small_world.World, note: Path, copied: Path) -> None:
    change(note, TEXT, "")
    look(world)
    other = world.vault / "Mine" / "Other.md"
    other.write_text("# Other\n\n" + copied.read_text())
    copied.unlink()
    assert look(world).logged == ()
    assert follow_of(world) == (NOTE, "deleted")


def test_nor_is_the_double_of_a_copy_that_a_sync_made(world: small_world.World, note: Path, copied: Path) -> None:
    change(note, TEXT, "")
    look(world)
    (world.vault / "Mine" / "Copy (conflict).md").write_bytes(copied.read_bytes())
    assert look(world).logged == ()


def test_nor_is_a_copy_above_which_other_lines_were_put(world: small_world.World, note: Path, copied: Path) -> None:
    change(note, TEXT, "")
    look(world)
    text = copied.read_text()
    tasks = text[text.index("- A task") :]
    more = "".join(f"- Task {number} of many that stood below\n" for number in range(4))
    copied.write_text(text + more)
    look(world)
    copied.write_text(f"# Mine\n\n{tasks}{more}\nOf looms and their keepers.\n\n{TEXT}\n")
    assert look(world).logged == ()


def test_a_copy_keeps_being_known_when_its_note_changes_names_with_the_passages(world: small_world.World, note: Path, copied: Path) -> None:
    third = world.vault / "third.md"
    note.rename(third)
    copied.rename(note)
    third.rename(copied)
    assert look(world).moved == ((NOTE, COPY),)
    change(copied, TEXT, "")
    assert [event.payload["final_text"] for event in look(world).logged] == [""]
    change(note, "keepers", "weavers")
    assert look(world).logged == ()


def test_lines_below_a_shortened_list_are_no_part_of_it(world: small_world.World, note: Path) -> None:
    last = TEXT.rpartition("\n\n")[2]
    change(note, TEXT, TEXT.removesuffix(last).rstrip() + "\n- A third line, about gravel.")
    look(world)
    change(note, "\n- A third line, about gravel.", "\n\nMy own thought of the day, on something else.")
    [event] = look(world).logged
    assert "My own" not in event.payload["final_text"]


def test_words_in_its_place_that_share_nothing_with_a_passage_are_not_it() -> None:
    before = b"# N\n\nabove\n\n- The river wanders over its plain in wet years.\n- Stones are cut in winter by the quarrymen.\n\nbelow\n"
    start = before.index(b"- The")
    spans = ((start, before.index(b"\n\nbelow")),)
    after = b"# N\n\nabove\n\n- To do: write letters; answer Alan's questions.\n\nbelow\n"
    assert vault.follow(before, spans, after) is None


def test_a_passage_is_found_in_a_note_with_lines_like_those_that_stood_beside_it() -> None:
    beside = [f"> {words} (Cole, The Iron Road, p. {page})" for words, page in (("Salt was carried", 12), ("Looms kept time", 31))]
    passage = "> Stone was cut in winter (Cole, The Iron Road, p. 44)\n\n> Bread was paid in clay (Cole, The Iron Road, p. 45)"
    before = "\n\n".join(["# A", *beside, "- one task\n- a second task\n- third", passage]) + "\n"
    start = len(before[: before.index(passage)].encode())
    after = f"{passage}\n\n- one task\n- a second task\n- third\n".encode()
    found = vault.Sought(before.encode(), ((start, start + len(passage)),)).find(after)
    assert found
    assert found.text == passage
