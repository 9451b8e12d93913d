"""Views over a whole library."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from notewright.library import Library
from notewright.records import Draft, Highlight, Model, Pair, Source


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


def test_a_page_of_batches_costs_at_most_in_proportion_to_their_number(library: Library) -> None:
    """Counted in SQLite's own steps. Once the judgements of all batches were looked for among all events, for each page."""
    ticks: list[int] = []

    def cost(many: int) -> int:
        with library.db.write():
            for _ in range(many):
                batch = library.drafts.new_batch()
                made = library.drafts.add(Draft("", batch, "s", "A", "m", "x", place, 1, "2026-01-01") for place in (0, 1))
                library.events.append("ranking", batch, {"batch": batch, "order": [[item.id] for item in made]})
                library.events.append("decision", made[0].id, {"batch": batch, "decision": "accept"})
        library.db.connection.set_progress_handler(lambda: ticks.append(0), 1000)
        ticks.clear()
        batches, _ = library.browse.batches(limit=10)
        library.db.connection.set_progress_handler(None, 0)
        assert all(item.ranked and item.accepted for item in batches)
        return len(ticks)

    few, many = cost(200), cost(1800)
    assert many < 12 * few  # of ten times as many batches


def test_of_a_ranking_and_a_rejection_of_the_batch_the_later_one_counts(library: Library) -> None:
    batch = library.drafts.new_batch()
    made = library.drafts.add(Draft("", batch, "s", "", "m", "x", place, 1, "2026-01-01") for place in (0, 1))

    def rejected() -> bool:
        return library.browse.batches()[0][0].rejected

    library.events.append("decision", batch, {"batch": batch, "decision": "reject_all"})
    assert rejected()
    ranking = library.events.append("ranking", batch, {"batch": batch, "order": [[item.id] for item in made]})
    assert not rejected()
    library.events.append("undo", str(ranking.id), {"events": [ranking.id], "kind": "ranking"})
    assert rejected()
    library.events.append("ranking", batch, {"batch": batch, "order": [[item.id] for item in made]})
    library.events.append("decision", batch, {"batch": batch, "decision": "reject_all"})
    assert rejected()


def test_drafts_about_a_whole_source_are_told_from_those_about_what_has_no_chapter(library: Library) -> None:
    marked = [Highlight(text=f"Words {place}.", chapter=chapter, location=place) for place, chapter in enumerate(("", "", "Head", "Tail"))]
    put(library, Source(title="Streams", highlights=tuple(marked)), Source(title="Ponds", highlights=(Highlight(text="B.", location=1),)))
    streams, ponds = (library.sources.find(title) for title in ("Streams", "Ponds"))
    ids = {item.text: item.id for item in (*library.sources.highlights(streams.id), *library.sources.highlights(ponds.id))}

    def batch(source: Source, chapter: str, *texts: str) -> Draft:
        chosen = tuple(ids.get(text, text) for text in texts)
        made = Draft("", library.drafts.new_batch(), source.id, chapter, "m", "x", 0, 1, "2026-01-01", highlight_ids=chosen)
        return library.drafts.add([made])[0]

    opening, whole = batch(streams, "", "Words 0.", "Words 1."), batch(streams, "", *list(ids)[:4])
    head, pond = batch(streams, "Head", "Words 2."), batch(ponds, "", "B.")
    lost = batch(ponds, "", "gone", "too")

    def listed(**asked: str) -> dict[str, str | None]:
        rows, total = library.browse.batches(**asked)
        assert total == len(rows)
        return {row.id: row.chapter for row in rows}

    everything = {opening.batch_id: "", whole.batch_id: None, head.batch_id: "Head", pond.batch_id: "", lost.batch_id: ""}
    assert listed() == everything
    assert listed(source_id=streams.id, chapter="") == {opening.batch_id: ""}
    assert listed(source_id=streams.id, chapter="Head") == {head.batch_id: "Head"}

    def views() -> dict[str, tuple[int, bool]]:
        return {view.chapter: (view.batches, view.has_note) for view in library.browse.chapters(source_ids=[streams.id])}

    assert views() == {"": (2, False), "Head": (2, False), "Tail": (1, False)}
    library.events.append("insertion", opening.id, {})
    assert views() == {"": (2, True), "Head": (2, False), "Tail": (1, False)}
    library.events.append("insertion", whole.id, {})
    assert {has_note for _, has_note in views().values()} == {True}


def put(library: Library, *sources: Source) -> None:
    library.sources.upsert(
        sources, origin="csv", complete=False, carries=("text", "annotation", "location"), source_carries=("title", "author", "kind")
    )


@pytest.mark.parametrize(
    "words", ["über größe", "ÜBER GRÖSSE", "uber grosse", "osterreicher", "FLÜSSE", "äsche", "moor-folge", "100% _", "العلم نـور"]
)
def test_sources_are_found_whatever_the_case_and_accents(library: Library, words: str) -> None:
    marked = Highlight(text="Äsche und Nase laichen.", annotation="Vgl. Moor-Folge! العِلْمُ نُورٌ", location=1)
    river = Source(title="Über die Größe 100% _ kleiner Flüsse", author="J. Österreicher", highlights=(marked,))
    put(library, river, Source(title="Uferlos", highlights=(Highlight(text="Ein Asket.", location=1),)))
    found, total = library.browse.sources(query=words)
    assert ([view.source.title for view in found], total) == ([river.title], 1)


def test_sources_stand_where_their_letters_do(library: Library) -> None:
    order = ["Ägypten", "alpen", "Über Flüsse", "ufer", "Zeit"]
    put(library, *(Source(title=title, highlights=(Highlight(text="A.", location=1),)) for title in reversed(order)))
    assert [view.source.title for view in library.browse.sources()[0]] == order
    assert [view.source_title for view in library.browse.chapters()] == order
    assert [source.title for source in library.sources.all()] == order


def test_a_new_note_lies_where_those_about_its_kind_of_source_lie(library: Library) -> None:
    def pair(source_id: str, path: str) -> Pair:
        return Pair("", source_id, path, path, path, 0, 1, "A.", 0.9, "quote", "proposed", ())

    kinds = ("book", "book", "book", "podcast", "podcast", "tweet")
    marked = (Highlight(text="A.", location=1),)
    put(library, *(Source(title=f"{kind} {place}", kind=kind, highlights=marked) for place, kind in enumerate(kinds)))
    ids = {source.title: source.id for source in library.sources.all()}
    assert library.browse.usual_folder(ids["book 0"]) == ""
    places = {"book 0": "B/One.md", "book 1": "A/B/Two.md", "book 2": "A/B/Three.md", "podcast 3": "P/Four.md"}
    library.pairs.propose(pair(ids[title], path) for title, path in places.items())
    found = [library.browse.usual_folder(ids[title]) for title in ("book 0", "podcast 4", "tweet 5")]
    assert found == ["A/B", "P", "A/B"]


def test_batches_of_a_version_that_the_person_went_back_from_are_told(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    for _ in range(3):
        small_world.base_model(library)
    for writers in (["model-1"], ["model-2"], ["model-3"], ["model-1", "model-3"]):
        batch = library.drafts.new_batch()
        library.drafts.add(
            Draft("", batch, "readwise:b-rivers", "Beginnings", writer, "Words", place, 1, "2026-01-01T00:00:00+00:00")
            for place, writer in enumerate(writers)
        )

    def left() -> list[str]:
        return [item.id for item in library.browse.batches()[0] if item.left]

    assert left() == []
    library.models.rollback()
    assert left() == ["batch-4", "batch-3"]
    library.models.promote("model-3", "chosen")
    assert left() == []


def test_new_figures_of_a_version_are_a_change_though_they_are_as_long_as_the_old(library: Library) -> None:
    library.models.add(Model("model-1", "tiny", "", "policy", "2026-01-01"))
    told = []
    for distance in (0.25, 0.31):
        library.models.set_metrics("model-1", {"edit_distance": distance})
        told.append(library.browse.fingerprint())
    assert {name for name in told[0] if told[0][name] != told[1][name]} == {"models"}
