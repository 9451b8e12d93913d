"""Insertions that another machine made, whose backups are not here; notes that come back as they were; undo and orders that break off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from notewright import feedback, vault
from notewright.errors import Conflict, Invalid, Unavailable
from notewright.feedback import handover
from notewright.feedback.capture import CaptureReport
from notewright.library import Library
from notewright.library.database import now
from notewright.library.editors import LASTS
from notewright.records import Draft
from notewright.settings import Settings

ONE = "- Willow cuttings hold a bank better than stone, say the observers.\n- A straight river is an argument that has not met its flood."
TWO = "- Looms keep the time of a village better than its bells, says the weaver.\n- Salt is carried further than bread."
NOTE = "# N\n\n## One\n\nmine one\n\n## Two\n\nmine two\n"


class Machine:
    """A library of its own; the vault may be shared with another machine, by a sync."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.library = Library.create(home)
        self.vault = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(home=home, vault=folder, device="cpu")
        self.note = folder / "N.md"

    def draft(self, text: str) -> str:
        batch = self.library.drafts.new_batch()
        draft = Draft(
            id="", batch_id=batch, source_id="s", chapter="", model_id="", text=text, position=0, seed=0, created_at=now(),
            messages=({"role": "user", "content": "x"},),
        )  # fmt: skip
        return self.library.drafts.add([draft])[0].id

    def accept(self, text: str, into: str = "N.md", under: str | None = None) -> str:
        draft = self.draft(text)
        feedback.accept(self.library, settings=self.settings, draft_id=draft, into=into, under=under, force=True)
        return draft

    def look(self, **more: Callable[[], float]) -> CaptureReport:
        return feedback.capture(self.library, settings=self.settings, quiet=0.0, **more)

    def undo(self) -> object:
        return feedback.undo(self.library, settings=self.settings).payload["how"]

    def edits(self) -> list[object]:
        return [event.payload["final_text"] for event in self.library.events.standing("edit")]

    def change(self, before: str, after: str) -> None:
        text = self.note.read_text()
        assert before in text
        self.note.write_text(text.replace(before, after))

    def send(self, other: Machine) -> None:
        feedback.import_feedback(other.library, list(feedback.export_feedback(self.library)))

    def leave(self) -> None:
        """This machine's backups are where the other one cannot read them."""
        copies = self.library.home / "backups" / "notes"
        shutil.move(copies, copies.with_name("elsewhere"))


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    pair = Machine(tmp_path / "a", tmp_path / "vault"), Machine(tmp_path / "b", tmp_path / "vault")
    yield pair
    for each in pair:
        each.library.close()


@pytest.fixture
def one(machines: tuple[Machine, Machine]) -> Machine:
    return machines[0]


def test_a_passage_known_by_its_words_is_not_moved_by_places_in_the_note(machines: tuple[Machine, Machine]) -> None:
    first, second = machines
    first.note.write_text(NOTE)
    first.accept(ONE, under="Two")
    first.leave()
    first.send(second)
    second.accept(TWO, under="One")
    assert second.look().logged == ()
    second.change("mine one", "mine one changed")
    assert second.look().logged == ()
    assert [second.undo(), second.undo()] == ["removed", "removed"]
    assert second.note.read_text() == NOTE.replace("mine one", "mine one changed")


def test_a_passage_known_by_its_words_takes_no_other_s_place(machines: tuple[Machine, Machine]) -> None:
    """The other machine takes its own draft out again; what stands there still is this one's."""
    first, second = machines
    first.accept(ONE)
    first.look()
    second.accept(TWO)
    second.leave()
    second.send(first)
    assert first.look().logged == ()
    copies = second.library.home / "backups"
    shutil.move(copies / "elsewhere", copies / "notes")
    second.undo()
    assert ONE in first.note.read_text()
    assert [(event.payload["before"], event.payload["final_text"]) for event in first.look().logged] == [(TWO, "")]
    first.note.write_text(first.note.read_text() + "\nAnother line of mine.\n")
    assert first.look().logged == ()


@pytest.mark.parametrize("backups", [True, False])
def test_what_became_of_a_passage_elsewhere_is_where_following_begins(machines: tuple[Machine, Machine], backups: bool) -> None:
    first, second = machines
    first.note.write_text(NOTE)
    first.accept("Looms keep the time of a village better than its bells, says the weaver.", under="One")
    first.look()
    for before, after in (
        ("Looms keep the time of a village", "Weaving machines measure the hours of every small place"),
        ("better than its bells, says the weaver", "more surely than church towers ever could"),
    ):
        first.change(before, after)
        assert len(first.look().logged) == 1
    if not backups:
        first.leave()
    first.send(second)
    assert second.look().logged == ()
    second.change("church towers", "bells")
    assert [event.payload["final_text"] for event in second.look().logged] == [
        "Weaving machines measure the hours of every small place more surely than bells ever could."
    ]


def test_a_note_that_was_renamed_before_its_insertion_was_heard_of(machines: tuple[Machine, Machine]) -> None:
    first, second = machines
    first.note.write_text(NOTE)
    for name in ("O", "P"):
        (first.vault / f"{name}.md").write_text(f"# {name}\n\nother words\n")
    second.accept(TWO, "O.md")
    second.look()
    first.accept(ONE, under="One")
    first.look()
    first.note.rename(first.vault / "Renamed.md")
    first.look()
    second.look()
    first.send(second)
    for turn in range(4):
        report = second.look(clock=lambda turn=turn: 4e9 + 400 * turn)
        assert report.logged == ()
        assert report.missing == ()
    assert second.undo() == "restored"
    assert (first.vault / "Renamed.md").read_text() == NOTE


@pytest.mark.parametrize("head", ["", NOTE])
def test_a_note_that_comes_back_as_it_was_has_the_draft_of_then(one: Machine, head: str) -> None:
    under = "One" if head else None
    if head:
        one.note.write_text(head)
    first = one.accept(ONE, under=under)
    one.look()
    before = one.note.read_bytes()
    one.note.write_bytes(before.replace(ONE.encode(), b""))
    one.look()
    second = one.accept("- Willow cuttings hold a bank, say some.\n- The flood settles each argument of a river.", under=under)
    one.look()
    one.note.write_bytes(before)
    assert {(event.subject, event.payload["final_text"]) for event in one.look().logged} == {(first, ONE), (second, "")}


def test_an_undo_that_was_refused_is_not_made_up_for(one: Machine) -> None:
    draft = one.accept(ONE)
    one.note.write_text(one.note.read_text() + "\nMy own words.\n")
    with mock.patch("notewright.vault.write.replace", side_effect=Unavailable("N.md is read-only.", "")), pytest.raises(Unavailable):
        one.undo()
    one.note.rename(one.vault / "Better name.md")
    assert one.look().moved == (("N.md", "Better name.md"),)
    assert one.library.events.all("undo") == []
    with pytest.raises(Invalid, match="already"):
        feedback.accept(one.library, settings=one.settings, draft_id=draft, into="Other.md")


def test_a_note_that_cannot_be_deleted_says_so(one: Machine) -> None:
    one.accept(ONE)
    unlink = Path.unlink

    def held(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".md":
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    with mock.patch.object(Path, "unlink", held), pytest.raises(Unavailable, match="cannot be deleted"):
        one.undo()
    assert one.undo() == "deleted"


def test_a_copy_of_the_person_s_is_not_what_undo_takes_out(one: Machine) -> None:
    """Ours has lost the spaces at its end, which make a line break; the copy has them."""
    one.note.write_text(NOTE)
    one.accept(f"{ONE}  ", under="One")
    one.change("mine two", f"mine two\n\n{ONE}  ")
    one.change(f"{ONE}  \n\n## Two", f"{ONE}\n\n## Two")
    text = one.note.read_text()
    with pytest.raises(Conflict):
        one.undo()
    assert one.note.read_text() == text


def test_an_order_ends_with_whoever_gave_it(one: Machine) -> None:
    one.note.write_text("# N\n")
    draft = one.draft(ONE)
    one.library.editors.tell("c1", vault="vault", notes=["N.md"])
    with mock.patch.object(handover.time, "sleep", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        feedback.accept(one.library, settings=one.settings, draft_id=draft, into="N.md")
    assert one.library.editors.waiting("c1") == []


def test_an_order_of_one_who_was_killed_is_taken_by_nobody(one: Machine) -> None:
    order = one.library.editors.order("c1", "draft-1", {})
    assert [item.id for item in one.library.editors.waiting("c1")] == [order]
    with mock.patch("notewright.library.editors.LASTS", -LASTS):
        assert one.library.editors.waiting("c1") == []
        assert not one.library.editors.move(order, "waiting", "taken")
        assert one.library.editors.move(order, "waiting", "withdrawn")


def test_a_vault_that_obsidian_opened_through_a_link_is_the_same_one(one: Machine, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(one.vault, target_is_directory=True)
    settings = replace(one.settings, vault=tmp_path / "link")
    for name in ("link", "vault"):
        one.library.editors.tell("c1", vault=name, notes=["N.md"])
        with mock.patch.object(handover, "_left", return_value="done"):
            assert handover.hand_over(one.library, settings=settings, draft_id="draft-1", note_path="N.md", body={})


def test_a_first_line_of_a_no_break_space_moves_no_passage() -> None:
    framed = "\u00a0\n# Title\n\nwords\n"
    assert vault.place(b"", framed)[1].decode().startswith(framed.rstrip())


def test_nothing_but_spaces_is_nothing_to_insert(one: Machine) -> None:
    with pytest.raises(Invalid):
        vault.place(b"", " \n\u00a0\n")
    assert os.listdir(one.vault) == []
