"""A note with an accepted draft in it, and what a person does to it there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import small_world
from notewright import feedback
from notewright.library import Library
from notewright.records import Draft, Event

NOTE = "Notes/Rivers.md"
TEXT = """## Note
- Willow cuttings hold a bank better than stone, say the observers.
- The first fact about rivers concerns careful observers and their willows.

> A straight river is an argument that has not met its flood yet."""


def look(world: small_world.World, **options) -> feedback.CaptureReport:
    return feedback.capture(world.library, settings=world.settings, **{"quiet": 0.0, **options})


def change(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())


def watched(library: Library) -> list[Event]:
    return [event for event in library.events.all("edit") if event.payload["via"] == "watch"]


def final_texts(library: Library) -> dict[str, list[str]]:
    """Of each draft, what its passage became."""
    found: dict[str, list[str]] = {}
    for event in watched(library):
        found.setdefault(event.subject, []).append(str(event.payload["final_text"]))
    return found


def further_drafts(world: small_world.World, draft: Draft, *texts: str) -> list[Draft]:
    """Further drafts of the same source, with these texts."""
    made = [replace(draft, id="", batch_id=world.library.drafts.new_batch(), text=text, problems=()) for text in texts]
    return [stored for one in made for stored in world.library.drafts.add([one])]
