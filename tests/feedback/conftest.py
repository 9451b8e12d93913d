"""A small vault with one draft, and the note into which it was accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from accepted_note import NOTE, TEXT
from notewright import drafting, feedback
from notewright.library import Library
from notewright.records import Draft
from small_world import ScriptedEngine


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, things=("rivers", "looms"))
    small_world.base_model(library)
    return made


@pytest.fixture
def draft(world: small_world.World) -> Draft:
    # Each has a problem (a quotation, a year), so that both are shown.
    engine = ScriptedEngine(lambda messages, seed: TEXT if seed < 0 else "## Note\n- Other words of 1999.\n")
    written = drafting.draft(
        world.library, settings=world.settings, source="rivers", chapter="Beginnings", seed=3, n=2, written=2,
        engine=engine,
    )  # fmt: skip
    return next(draft for draft in written if draft.text == TEXT)


@pytest.fixture
def note(world: small_world.World, draft: Draft) -> Path:
    feedback.accept(world.library, settings=world.settings, draft_id=draft.id, into=NOTE, under="Beginnings", force=True)
    return world.vault / NOTE
