"""Examples that are kept in memory: made once, and made anew when anything changes that they are made of."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback, reward
from notewright.library import Library, examples
from notewright.library.database import now
from notewright.library.examples import CHANGED, NOTICED, from_pairs, judged_lately
from notewright.library.memory import Memory
from notewright.library.products import DraftStore
from notewright.records import Draft, PairLink
from notewright.vault import parse_note


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    return small_world.build(library, tmp_path, things=("rivers", "looms", "bread"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows each time that examples are made."""
    times, make = [], examples._make

    def counted(*arguments: object) -> object:
        times.append(1)
        return make(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(examples, "_make", counted)
    return times


def fresh(library: Library) -> list[examples.Example]:
    return examples._make(library, examples.THRESHOLD, examples.MIN_COVERAGE)[0]


def first(library: Library) -> str:
    return next(item.id for item in library.pairs.all() if item.source_id == "readwise:b-rivers")


def accept(world: small_world.World) -> None:
    world.library.pairs.decide(first(world.library), "accepted")


def reject(world: small_world.World) -> None:
    world.library.pairs.decide(first(world.library), "rejected")


def other_links(world: small_world.World) -> None:
    links = (PairLink(small_world.highlight_id("rivers", 0, 1), 1.0, "person"),)
    world.library.pairs.decide(first(world.library), "accepted", links=links)


def other_text(world: small_world.World) -> None:
    pairs = world.library.pairs.all()
    world.library.pairs.propose([replace(pairs[0], passage_text=pairs[0].passage_text.replace("fact", "tale")), *pairs[1:]])


def other_passages(world: small_world.World) -> None:
    """The note was edited; its accepted pairs follow."""
    library, path = world.library, "Notes/Rivers.md"
    library.pairs.decide(first(library), "accepted")
    from_pairs(library)
    file = world.settings.need_vault() / path
    file.write_bytes(file.read_bytes().replace(b"careful", b"patient"))
    notes = [parse_note(note.path, (world.settings.need_vault() / note.path).read_bytes()) for note in library.notes.all()]
    library.notes.sync((parsed.note, parsed.passages) for parsed in notes)
    library.pairs.follow()


def other_highlight(world: small_world.World) -> None:
    source = world.library.sources.get("readwise:b-rivers")
    marked = [
        replace(item, is_favorite=not item.is_favorite, tags=("later",)) for item in world.library.sources.highlights(source.id, marks=True)
    ]
    world.library.sources.upsert([replace(source, highlights=tuple(marked))], origin="api", complete=False)


def other_author(world: small_world.World) -> None:
    source = world.library.sources.get("readwise:b-rivers")
    world.library.sources.upsert([replace(source, author="A. Nother", highlights=())], origin="api", complete=False)


CHANGES = (accept, reject, other_links, other_text, other_passages, other_highlight, other_author)


def test_examples_are_made_once(world: small_world.World, made: list[int]) -> None:
    found = from_pairs(world.library)
    reasons: Counter[str] = Counter()
    assert from_pairs(world.library, left_out=reasons) == found
    world.library.events.append("comment", "draft-1", {})
    assert from_pairs(world.library) == found
    assert len(made) == 1
    from_pairs(world.library, threshold=0.99)
    from_pairs(world.library)
    assert len(made) == 2


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_examples_are_made_anew_after(world: small_world.World, change: Callable[[small_world.World], None]) -> None:
    before = from_pairs(world.library)
    change(world)
    after = from_pairs(world.library)
    assert after == fresh(world.library)
    assert after != before


def test_what_another_process_changed_is_seen(world: small_world.World) -> None:
    before = from_pairs(world.library)
    with Library.open(world.library.home) as other:
        other.pairs.decide(first(other), "rejected")
    assert len(from_pairs(world.library)) == len(before) - 1


def test_another_library_in_its_place_is_seen(world: small_world.World, tmp_path: Path) -> None:
    library, copy = world.library, tmp_path / "copy.db"
    with sqlite3.connect(copy) as target:
        library.db.connection.backup(target)
    target.close()
    library.pairs.decide(first(library), "rejected")
    fewer = from_pairs(library)
    library.close()
    shutil.move(copy, library.db.path)
    with Library.open(library.home) as restored:
        restored.pairs.decide(first(restored), "accepted")
        assert len(from_pairs(restored)) == len(fewer) + 1


def test_what_is_rolled_back_is_not_kept(world: small_world.World) -> None:
    library, before = world.library, from_pairs(world.library)

    def interrupted() -> None:
        with library.db.write():
            library.pairs.decide(first(library), "rejected")
            assert len(from_pairs(library)) == len(before) - 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    library.pairs.decide(first(library), "accepted")
    assert len(from_pairs(library)) == len(before)


def test_what_was_judged_since_is_known_after_each_judgement_and_undo(world: small_world.World) -> None:
    library = world.library
    library.db.set_state(CHANGED, "2020-01-01T00:00:00Z")
    assert judged_lately(library) == frozenset()
    assert all(item.former for item in from_pairs(library))
    shown = tuple(item.id for item in from_pairs(library)[0].prompt.highlights)
    [draft] = library.drafts.add([
        Draft("", library.drafts.new_batch(), "readwise:b-rivers", "", "model-1", "A.", 0, 0, now(), highlight_ids=shown)
    ])  # fmt: skip
    feedback.decide(library, decision="accept", draft_id=draft.id)
    assert judged_lately(library) == frozenset(shown)
    assert not from_pairs(library)[0].former
    feedback.undo(library)
    assert judged_lately(library) == frozenset()


def test_a_draft_reads_once_what_was_judged_since(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    library, reads = world.library, []
    read = DraftStore.highlights
    monkeypatch.setattr(DraftStore, "highlights", lambda store, batches: reads.append(1) or read(store, batches))
    small_world.base_model(library)
    reward.add_rule(library, "only favourites")
    library.db.set_state(CHANGED, "2020-01-01T00:00:00Z")
    library.db.set_state(NOTICED, now())
    engine = small_world.ScriptedEngine(small_world.numbered)
    drafting.draft(library, settings=world.settings, source="rivers", chapter="Beginnings", engine=engine)
    assert len(reads) <= 2  # since the change, and since the rule


def test_only_the_last_few_are_kept(library: Library) -> None:
    memory: Memory[int] = Memory(most=2)
    worked: list[int] = []

    def work(number: int) -> Callable[[], int]:
        return lambda: worked.append(number) or number

    for number in (1, 2, 1, 3, 1, 2):
        assert memory.get(library, number, "as it is", work(number)) == number
    assert worked == [1, 2, 3, 2]
