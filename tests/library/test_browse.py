"""Views over a whole library."""

from __future__ import annotations

from pathlib import Path

import small_world
from notewright.library import Library
from notewright.records import Draft


def test_a_batch_opens_as_its_first_shown_draft_does_and_the_newest_comes_first(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    model = small_world.base_model(library)
    for number in (1, 2):
        batch = library.drafts.new_batch()
        library.drafts.add(
            Draft(
                "", batch, "readwise:b-rivers", "Beginnings", model.id, f"Batch {number}, place {place}{', held back' * (not shown)}",
                place, 1, f"2026-01-0{number}T00:00:0{9 - place}", shown=shown,
            )
            for place, shown in ((3, False), (1, True), (0, True), (2, True))
        )  # fmt: skip
    batches, total = world.library.browse.batches()
    assert total == 2
    assert [(item.opening, item.drafts, item.created_at[-1]) for item in batches] == [
        ("Batch 2, place 0", 3, "6"),
        ("Batch 1, place 0", 3, "6"),
    ]
    assert [item.opening for item in world.library.browse.batches(chapter="Beginnings", limit=1, offset=1)[0]] == ["Batch 1, place 0"]
    assert world.library.browse.batches(chapter="Troubles") == ([], 0)
