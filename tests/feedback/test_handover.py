"""Who writes a note that is open in Obsidian: one of us, never both, whatever the other does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import small_world
from notewright import drafting
from notewright.errors import Conflict, Unavailable
from notewright.feedback import accept, handover, record_insertion
from notewright.library import Library
from notewright.library.editors import Order
from small_world import ScriptedEngine, World, numbered

NOTE = "Notes/Looms.md"


@pytest.fixture
def world(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for wait in ("TAKE_SECONDS", "WRITE_SECONDS"):  # longer than any pause of a busy machine
        monkeypatch.setattr(handover, wait, 120.0)
    made = small_world.build(library, tmp_path, paired=small_world.THINGS[1:])
    small_world.base_model(library)
    return made


@pytest.fixture
def draft(world: World) -> str:
    made = drafting.draft(
        world.library, settings=world.settings, source="A Book of Rivers", chapter="Beginnings", n=2, engine=ScriptedEngine(numbered)
    )
    return made[0].id


def obsidian(
    world: World, act: Callable[[Library, Order], None], *, vault: str = "vault", notes: tuple[str, ...] = (NOTE,)
) -> threading.Thread:
    """An editor in another process's shoes: its own library, waiting for one order."""
    world.library.editors.tell("one", vault=vault, notes=notes)

    def wait() -> None:
        with Library.open(world.settings.home) as library:
            end = time.monotonic() + 120
            while time.monotonic() < end:
                if orders := library.editors.waiting("one"):
                    act(library, orders[0])
                    return
                time.sleep(0.01)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def write(world: World, order: Order) -> None:
    path = world.vault / NOTE
    before, start = path.read_bytes(), order.body["start"]
    path.write_bytes(before[:start] + order.body["inserted"].encode() + before[start:])


def insertions(world: World) -> int:
    return len(world.library.events.all("insertion"))


def test_obsidian_writes_and_the_library_has_it_once(world: World, draft: str) -> None:
    def act(library: Library, order: Order) -> None:
        assert library.editors.move(order.id, "waiting", "taken")
        write(world, order)
        body = order.body
        record_insertion(
            library, settings=world.settings, draft_id=draft, note_path=NOTE, start=body["start"], inserted=body["inserted"], order=order.id
        )

    thread = obsidian(world, act)
    done = accept(world.library, settings=world.settings, draft_id=draft, into=NOTE)
    thread.join()
    assert done.note_path == NOTE
    assert [event.kind for event in done.events] == ["decision", "insertion"]
    assert done.events[-1].payload["via"] == "plugin"
    assert insertions(world) == 1


@pytest.mark.parametrize(
    ("vault", "notes"),
    [("vault", ("Notes/Other.md",)), ("another vault", (NOTE,)), ("vault", ())],
    ids=["another note", "another vault", "none"],
)
def test_what_is_not_open_there_is_written_here(world: World, draft: str, vault: str, notes: tuple[str, ...]) -> None:
    world.library.editors.tell("one", vault=vault, notes=notes)
    done = accept(world.library, settings=world.settings, draft_id=draft, into=NOTE)
    assert "via" not in done.events[-1].payload


def test_what_a_clock_that_was_ahead_has_said_of_editors_is_not_believed(world: World, draft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    editors = world.library.editors
    with monkeypatch.context() as patch:
        patch.setattr("notewright.library.editors.time.time", lambda: time.time_ns() / 1e9 + 5e6)
        patch.setattr("notewright.library.editors.now", lambda: "2999-01-01T00:00:00+00:00")
        editors.tell("one", vault="vault", notes=[NOTE])
        order = editors.order("one", draft, {})
    assert editors.connected() == []
    assert editors.holding(NOTE, vault="vault") == ""
    assert editors.waiting("one") == []
    assert not editors.move(order, "waiting", "taken")
    assert editors.move(order, "waiting", "withdrawn")
    editors.tell("two", vault="vault", notes=[])
    assert [row["client"] for row in world.library.db.rows("SELECT client FROM editors")] == ["two"]


def test_an_editor_that_is_silent_loses_the_order_and_cannot_take_it_later(
    world: World, draft: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "TAKE_SECONDS", 0.1)
    world.library.editors.tell("one", vault="vault", notes=[NOTE])
    before = (world.vault / NOTE).read_bytes()
    done = accept(world.library, settings=world.settings, draft_id=draft, into=NOTE)
    assert "via" not in done.events[-1].payload
    assert (world.vault / NOTE).read_bytes() != before
    assert world.library.editors.waiting("one") == []
    assert not world.library.editors.move(1, "waiting", "taken")
    assert insertions(world) == 1


def test_a_refusal_writes_nothing(world: World, draft: str) -> None:
    def act(library: Library, order: Order) -> None:
        library.editors.move(order.id, "waiting", "taken")
        library.editors.move(order.id, "taken", "refused")

    before = (world.vault / NOTE).read_bytes()
    thread = obsidian(world, act)
    with pytest.raises(Conflict, match="Obsidian wrote nothing"):
        accept(world.library, settings=world.settings, draft_id=draft, into=NOTE)
    thread.join()
    assert (world.vault / NOTE).read_bytes() == before
    assert insertions(world) == 0


def test_an_editor_that_took_it_and_fell_silent_is_not_overruled(world: World, draft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "WRITE_SECONDS", 0.1)
    before = (world.vault / NOTE).read_bytes()
    thread = obsidian(world, lambda library, order: library.editors.move(order.id, "waiting", "taken") and None)
    with pytest.raises(Unavailable, match="has not said"):
        accept(world.library, settings=world.settings, draft_id=draft, into=NOTE)
    thread.join()
    assert (world.vault / NOTE).read_bytes() == before


def test_of_taking_and_withdrawing_at_the_same_moment_one_succeeds(world: World) -> None:
    editors = world.library.editors
    for _ in range(20):
        order = editors.order("one", "draft-1", {})
        granted: list[str] = []

        def move(to: str, order: int = order, granted: list[str] = granted) -> None:
            with Library.open(world.settings.home) as library:
                if library.editors.move(order, "waiting", to):
                    granted.append(to)

        threads = [threading.Thread(target=move, args=(to,)) for to in ("taken", "withdrawn")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert granted == [editors.state(order)]


def test_editors_are_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    editors = world.library.editors
    editors.tell("one", vault="vault", notes=[NOTE])
    assert editors.connected() == ["vault"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 45)
    assert editors.connected() == []
    assert editors.holding(NOTE, vault="vault") == ""
    editors.touch("one")
    assert editors.holding(NOTE, vault="vault") == "one"
    editors.leave("one")
    assert editors.connected() == []
