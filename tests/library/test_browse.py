"""Views over a whole library."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from notewright.library import Library
from notewright.records import Draft, Highlight, Source


def test_a_batch_opens_as_its_first_shown_draft_does_and_the_newest_comes_first(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path)
    for number in (1, 2):
        batch = library.drafts.new_batch()
        library.drafts.add(
            Draft(
                "", batch, "readwise:b-rivers", "Beginnings", f"model-{place}", f"Batch {number}, place {place}", place, 1,
                f"2026-01-0{number}T00:00:0{9 - place}", shown=shown,
            )
            for place, shown in ((3, True), (0, False), (2, True), (1, True))
        )  # fmt: skip
    batches, total = library.browse.batches()
    assert total == 2
    told = [(item.opening, item.model_id, item.drafts, item.created_at[-1]) for item in batches]
    writers = "model-1 and model-2 and model-3"  # of those that were shown
    assert told == [("Batch 2, place 1", writers, 3, "6"), ("Batch 1, place 1", writers, 3, "6")]
    assert [item.opening for item in library.browse.batches(chapter="Beginnings", limit=1, offset=1)[0]] == ["Batch 1, place 1"]
    assert library.browse.batches(chapter="Troubles") == ([], 0)


def put(library: Library, *sources: Source) -> None:
    library.sources.upsert(
        sources, origin="csv", complete=False, carries=("text", "annotation", "location"), source_carries=("title", "author")
    )


@pytest.mark.parametrize("words", ["über größe", "ÜBER GRÖSSE", "uber grosse", "osterreicher", "FLÜSSE", "äsche", "moor-folge", "100% _"])
def test_sources_are_found_whatever_the_case_and_accents(library: Library, words: str) -> None:
    marked = Highlight(text="Äsche und Nase laichen.", annotation="Vgl. Moor-Folge!", location=1)
    river = Source(title="Über die Größe 100% _ kleiner Flüsse", author="J. Österreicher", highlights=(marked,))
    put(library, river, Source(title="Uferlos", highlights=(Highlight(text="Ein Asket.", location=1),)))
    found, total = library.browse.sources(query=words)
    assert ([view.source.title for view in found], total) == ([river.title], 1)


def test_sources_stand_where_their_letters_do(library: Library) -> None:
    order = ["Ägypten", "alpen", "Über Flüsse", "ufer", "Zeit"]
    put(library, *(Source(title=title, highlights=(Highlight(text="A.", location=1),)) for title in reversed(order)))
    assert [view.source.title for view in library.browse.sources()[0]] == order
    assert [view.source_title for view in library.browse.chapters()] == order
