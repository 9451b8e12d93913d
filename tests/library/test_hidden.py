"""What the person removes is kept, and nothing looks at it; restoring brings all of it back as it was."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import small_world
from notewright import datasets, drafting, feedback, importers, pairing
from notewright.errors import Invalid, NotFound
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.examples import from_pairs
from notewright.records import Highlight, Source
from notewright.reward import taste_of
from notewright.reward.lists import choices
from notewright.settings import Settings
from small_world import ScriptedEngine, numbered

RIVERS, LOOMS = "A Book of Rivers", "A Book of Looms"


def book(title: str, *texts: str, **more: Any) -> Source:
    return Source(title=title, author="Ann", highlights=tuple(Highlight(text=text) for text in texts), **more)


def put(library: Library, *sources: Source, origin: str = "csv", complete: bool = True) -> list[str]:
    return list(library.sources.upsert(sources, origin=origin, complete=complete).warnings)


def live(library: Library) -> dict[str, list[str]]:
    return {source.title: [item.text for item in library.sources.highlights(source.id)] for source in library.sources.all()}


def remove(library: Library, *titles: str) -> None:
    library.hidden.remove([library.sources.find(title).id for title in titles])


def restore(library: Library, *titles: str) -> None:
    library.hidden.restore([library.sources.find(title, among=library.hidden.parts()).id for title in titles])


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, things=("rivers", "looms", "bread"))
    small_world.base_model(library)
    return made


def seen(library: Library) -> tuple[object, ...]:
    """All that anything looks at."""
    views, total = library.browse.sources()
    counts = library.counts()
    del counts["events"]
    return (
        live(library), library.sources.all_highlights(), views, total, library.browse.chapters(), library.browse.batches(),
        library.pairs.all(), library.pairs.tally(), library.pairs.teaching_sources(), library.pairs.paired_notes(), counts,
        [example.pair_id for example in from_pairs(library)], library.drafts.all(unshown=True), [choice.key for choice in choices(library)],
        sorted(taste_of(library).evidence), drafting.queue(library),
    )  # fmt: skip


def judge(world: small_world.World, thing: str) -> str:
    drafts = drafting.draft(world.library, settings=world.settings, source=thing, chapter="Troubles", n=3, engine=ScriptedEngine(numbered))
    a, b, c = (draft.id for draft in drafts)
    feedback.rank(world.library, batch_id=drafts[0].batch_id, order=[[b], [a]], rejected=[c])
    return drafts[0].batch_id


def test_what_is_removed_is_looked_at_by_nothing_and_comes_back_as_it_was(world: small_world.World) -> None:
    library = world.library
    batch = judge(world, "rivers")
    judge(world, "looms")
    library.pairs.decide(library.pairs.all()[0].id, "accepted")
    before = seen(library)
    material, changes = library.db.material(), library.pairs.changes()
    remove(library, RIVERS)
    rivers = next(source.id for source in library.sources.all(include_removed=True) if source.title == RIVERS)
    assert RIVERS not in live(library)
    assert rivers not in library.sources.all_highlights()
    assert {view.source.title for view in library.browse.sources()[0]} == {LOOMS, "A Book of Bread"}
    assert all(view.source_id != rivers for view in (*library.browse.chapters(), *library.browse.batches()[0], *drafting.queue(library)))
    assert all(item.source_id != rivers for item in (*library.pairs.all(), *from_pairs(library), *library.drafts.all(unshown=True)))
    assert batch not in {choice.batch for choice in choices(library)}
    assert not any(batch in key or "draft-1" in key.split() for key in taste_of(library).evidence)
    assert library.counts()["sources"] == 2
    assert (library.db.material(), library.pairs.changes()) != (material, changes)
    with pytest.raises(NotFound, match=f"You removed '{RIVERS}'") as told:
        drafting.choose_prompt(library, source="rivers")
    assert told.value.hint == f"To have it back: notewright sources restore '{RIVERS}'"
    restore(library, RIVERS)
    assert seen(library) == before


def test_nothing_is_paired_with_what_is_removed(library: Library, home: Path, sample: Path) -> None:
    importers.import_readwise(library, path=sample / "readwise.csv")
    import_vault(library, settings=Settings(home=home, vault=sample / "vault"))

    def paired() -> set[tuple[str, str, str, float]]:
        pairing.pair(library)
        return {(item.id, item.source_id, item.passage_id, item.score) for item in library.pairs.all()}

    before = paired()
    source = Counter(source_id for _, source_id, _, _ in before).most_common(1)[0][0]
    library.hidden.remove([source])
    assert {source_id for _, source_id, _, _ in before} - {source_id for _, source_id, _, _ in paired()} == {source}
    library.hidden.restore([source])
    assert paired() == before


def test_a_note_whose_words_were_taken_back_from_a_source_is_a_note_again(library: Library, tmp_path: Path) -> None:
    words = "Green things grow slowly in the deepest shade of old woods"
    lists = tmp_path / "vault" / "Lists"
    lists.mkdir(parents=True)
    (lists / "Ferns.md").write_text(f"# Ferns\n\n## Highlights\n- {words} (Page 1)\n- and what I make of it (Page 2)\n")
    put(library, Source("Ferns", highlights=(Highlight(words),)))
    import_vault(library, settings=Settings(home=library.home, vault=tmp_path / "vault"))
    assert pairing.pair(library).added == 1
    importers.import_readwise(library, path=lists, vault=tmp_path / "vault")
    assert live(library) == {"Ferns": [words, "and what I make of it"]}
    pairing.pair(library)
    assert library.pairs.all() == []
    last = library.hidden.last_import()
    assert last is not None
    library.hidden.take_back(last)
    assert live(library) == {"Ferns": [words]}
    pairing.pair(library)
    assert [pair.note_path for pair in library.pairs.all()] == ["Lists/Ferns.md"]


def test_its_choices_teach_nothing(world: small_world.World) -> None:
    library = world.library
    judge(world, "rivers")
    judge(world, "looms")
    remove(library, RIVERS)
    dataset = datasets.build(library, kind="preference", settings=world.settings)
    assert set(dataset.manifest["sources"]) == {"readwise:b-looms"}
    assert dataset.manifest["left_out"] == {"you removed its source": 3}


def test_a_dataset_with_it_is_not_trained_on_unasked(world: small_world.World) -> None:
    from notewright import training

    library = world.library
    datasets.build(library, kind="sft", settings=world.settings)
    remove(library, RIVERS)
    with pytest.raises(Invalid, match=f"about what you removed since: {RIVERS}") as told:
        training.train(library, settings=world.settings, method="sft")
    assert told.value.hint == "Build one without them: notewright dataset sft. To train on it all the same: --dataset dataset-1"


def test_imported_again_it_stays_away_and_the_import_says_how_it_comes_back(library: Library) -> None:
    ferns, moss = book("Ferns", "Green things"), book("Moss", "Soft things")
    put(library, ferns, moss)
    remove(library, "Ferns")
    assert put(library, book("Ferns", "Green things", "New things"), moss) == [
        "1 source in it that you removed stays so: Ferns. To have one back: notewright sources restore TITLE"
    ]
    assert put(library, moss) == []
    assert live(library) == {"Moss": ["Soft things"]}
    restore(library, "Ferns")
    assert live(library) == {"Ferns": ["Green things", "New things"], "Moss": ["Soft things"]}


def test_an_import_that_was_taken_back_comes_again_with_the_next_that_has_it(library: Library) -> None:
    put(library, book("Ferns", "Green things"))
    put(library, book("Ferns", "Green things", "My own words"), book("Diary", "Dear me", "Dear you"), complete=False)
    last = library.hidden.last_import()
    assert last is not None
    library.hidden.take_back(last)
    assert live(library) == {"Ferns": ["Green things"]}
    assert library.hidden.last_import().removed
    assert put(library, book("Ferns", "Green things"), complete=False) == []
    assert live(library) == {"Ferns": ["Green things"]}
    assert put(library, book("Diary", "Dear me"), complete=False) == ["1 source of an import that you took back is there again: Diary"]
    assert live(library) == {"Ferns": ["Green things"], "Diary": ["Dear me"]}
    put(library, book("Ferns", "My own words"), book("Diary", "Dear you"), complete=False)
    assert live(library) == {"Ferns": ["Green things", "My own words"], "Diary": ["Dear me", "Dear you"]}
    assert library.hidden.parts() == {}


def test_a_removal_outlives_an_import_that_is_taken_back(library: Library) -> None:
    put(library, book("Ferns", "Green things"))
    remove(library, "Ferns")
    last = library.hidden.last_import()
    assert last is not None
    library.hidden.take_back(last)
    put(library, book("Ferns", "Green things"))
    assert live(library) == {}


def test_real_highlights_are_not_drawn_into_what_was_removed(library: Library) -> None:
    """A note of the person's that quotes a book, imported by mistake and removed, holds the book's words under another title."""
    words = ["the quick brown fox jumps over it", "the lazy dog sleeps under it all", "and nobody else has seen either one"]
    put(library, book("My summary", *words, "and what I make of it"), origin="markdown")
    remove(library, "My summary")
    assert put(library, book("Foxes and Dogs", *words), origin="csv") == []
    assert live(library) == {"Foxes and Dogs": words}


def test_one_undo_takes_back_one_step(library: Library) -> None:
    put(library, book("Ferns", "Green things"), book("Moss", "Soft things"), book("Peat", "Old things"))
    remove(library, "Peat")
    remove(library, "Ferns", "Moss")
    remove_again = len(library.events.all())
    library.hidden.remove(library.hidden.parts())
    assert len(library.events.all()) == remove_again
    feedback.undo(library)
    assert set(live(library)) == {"Ferns", "Moss"}
    restore(library, "Peat")
    feedback.undo(library)
    assert set(live(library)) == {"Ferns", "Moss"}
    feedback.undo(library)
    assert set(live(library)) == {"Ferns", "Moss", "Peat"}
    with pytest.raises(NotFound, match="nothing to undo"):
        feedback.undo(library)


def test_another_library_hears_of_it_also_before_it_has_the_source(library: Library, tmp_path: Path) -> None:
    put(library, book("Ferns", "Green things"), book("Moss", "Soft things"))
    remove(library, "Ferns", "Moss")
    restore(library, "Moss")
    lines = list(feedback.export_feedback(library))
    with Library.create(tmp_path / "other") as other:
        feedback.import_feedback(other, lines)
        assert put(other, book("Ferns", "Green things"), book("Moss", "Soft things")) != []
        assert live(other) == {"Moss": ["Soft things"]}
        assert list(feedback.export_feedback(other)) == lines
        feedback.import_feedback(other, lines)
        assert live(other) == {"Moss": ["Soft things"]}


TITLES = ("Ferns", "Moss", "Peat")
steps = st.one_of(
    st.tuples(st.just("import"), st.sets(st.sampled_from(TITLES), min_size=1)),
    st.tuples(st.sampled_from(["remove", "restore", "undo", "take back"]), st.sets(st.sampled_from(TITLES), min_size=1)),
)


@hypothesis.settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(steps, max_size=8))
def test_whatever_was_done_restoring_all_of_it_is_the_import_alone(
    tmp_path_factory: pytest.TempPathFactory, done: list[tuple[str, set[str]]]
) -> None:
    books = {title: book(title, f"{title} one", f"{title} two") for title in TITLES}
    with Library.create(tmp_path_factory.mktemp("home")) as library, Library.create(tmp_path_factory.mktemp("plain")) as plain:
        for verb, titles in done:
            known = {source.title: source.id for source in library.sources.all(include_removed=True)}
            ids = [known[title] for title in sorted(titles) if title in known]
            if verb == "import":
                put(library, *(books[title] for title in sorted(titles)))
                put(plain, *(books[title] for title in sorted(titles)))
            elif verb == "remove":
                library.hidden.remove(ids)
                assert not titles & set(live(library))
            elif verb == "restore":
                library.hidden.restore(ids)
                assert titles & set(known) <= set(live(library))
            elif verb == "take back" and (last := library.hidden.last_import()):
                library.hidden.take_back(last)
            elif verb == "undo" and feedback.undoable(library):
                feedback.undo(library)
        library.hidden.restore(library.hidden.parts())
        assert live(library) == live(plain)
        assert library.hidden.parts() == {}
        assert library.db.rows("SELECT * FROM hidden") == []
