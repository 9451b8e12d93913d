"""Watching stores an edit soon after the note is quiet, with and without the system's notices, and stops when asked."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback
from notewright.library import Library
from small_world import ScriptedEngine, numbered


@pytest.mark.parametrize("polling", [None, True])
def test_an_edit_is_stored_while_watching(library: Library, tmp_path: Path, home: Path, polling: bool | None) -> None:
    world = small_world.build(library, tmp_path, things=("rivers",))
    small_world.base_model(library)
    draft = drafting.draft(library, settings=world.settings, source="rivers", n=1, written=1, seed=3, engine=ScriptedEngine(numbered))[0]
    feedback.accept(library, settings=world.settings, draft_id=draft.id, into="Notes/Rivers.md", force=True)
    stop, seen, stored = threading.Event(), threading.Event(), []

    def run() -> None:
        with Library.open(home) as own:
            stored.append(
                feedback.watch(
                    own,
                    settings=world.settings,
                    stop=stop,
                    quiet=0.3,
                    polling=polling,
                    report=lambda look: seen.set() if look.logged else None,
                )
            )

    thread = threading.Thread(target=run)
    thread.start()
    try:
        time.sleep(0.8)
        folder = world.vault / "Moved"
        (world.vault / "Notes").rename(folder)
        path = folder / "Rivers.md"
        text = path.read_text()
        path.write_text(text.replace("words say", "words never say"))
        assert seen.wait(120)
    finally:
        stop.set()
        thread.join(120)
    assert not thread.is_alive()
    assert stored == [1]
    [event] = library.events.all("edit")
    assert "never" in str(event.payload["final_text"])
    assert event.payload["note_path"] == "Moved/Rivers.md"
