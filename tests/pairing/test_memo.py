"""Only what changed is weighed again, and nobody can tell from the result; decisions correct the scores."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import paired_world
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.errors import Unavailable
from notewright.library import Library
from notewright.pairing import merge, pair, reopen
from notewright.records import Pair
from notewright.vault.notes import parse_note

BOOKS = paired_world._bundled()


def proposals(library: Library) -> list[Pair]:
    return [replace(item, id="") for item in library.pairs.all()]


def sync(library: Library, notes: dict[str, str]) -> None:
    parsed = [parse_note(path, text.encode()) for path, text in sorted(notes.items())]
    library.notes.sync([(item.note, item.passages) for item in parsed])


def from_scratch(library: Library, workers: int = 0) -> list[Pair]:
    with library.db.write() as connection:
        connection.execute("DELETE FROM pairing_memo")
        connection.execute("UPDATE pairing SET paired_at = -1")
    report = pair(library, workers=workers)
    assert report.notes_weighed == library.counts()["notes"]
    return proposals(library)


def change(rng: random.Random, world: paired_world.World, library: Library) -> None:
    """One thing that a day may bring."""
    kind = rng.choice(("edit", "remove", "add", "rename", "highlight", "annotation", "title", "source", "decide"))
    path = rng.choice(sorted(world.notes))
    number = rng.randrange(len(world.sources))
    source = world.sources[number]
    if kind == "edit":
        world.notes[path] += f"\n- {rng.choice(source.highlights).text}\n"
    elif kind == "remove" and len(world.notes) > 3:
        del world.notes[path]
    elif kind == "add":
        world.notes[f"New {rng.random()}.md"] = f"# {source.title}\n\n- {rng.choice(source.highlights).text}\n"
    elif kind == "rename":
        world.notes[f"{source.title} {len(world.notes)}.md"] = world.notes.pop(path)
    elif kind in ("highlight", "annotation"):
        items = list(source.highlights)
        at = rng.randrange(len(items))
        words = rng.choice(BOOKS[0])
        items[at] = replace(items[at], text=words) if kind == "highlight" else replace(items[at], annotation=words)
        world.sources[number] = replace(source, highlights=tuple(items))
    elif kind == "title":
        world.sources[number] = replace(source, title=rng.choice(world.sources).title)
    elif kind == "source":
        extra = paired_world.make(seed=rng.randrange(10**6), sources=1, notes=0, texts=BOOKS, per_source=5).sources[0]
        world.sources.append(replace(extra, outside_ids=(f"readwise:n{len(world.sources)}",), highlights=tuple(
            replace(item, outside_ids=(f"readwise:9{len(world.sources)}{at:03d}",)) for at, item in enumerate(extra.highlights)
        )))  # fmt: skip
    elif kind == "decide" and library.pairs.all():
        library.pairs.decide(rng.choice(library.pairs.all()).id, rng.choice(("accepted", "rejected", "proposed")))
    library.sources.upsert(world.sources, origin="api", complete=True)
    sync(library, world.notes)


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_pairing_what_changed_gives_what_pairing_everything_gives(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = random.Random(seed)
    world = paired_world.make(seed=seed, sources=6, notes=10, texts=BOOKS, per_source=8)
    with Library.create(Path(tmp_path_factory.mktemp("home"))) as library:
        paired_world.fill(library, world)
        pair(library)
        for _ in range(3):
            for _ in range(rng.randint(1, 2)):
                change(rng, world, library)
            pair(library)
            mine = proposals(library)
            assert mine == from_scratch(library)


def test_only_the_notes_concerned_are_weighed_again(library: Library) -> None:
    world = paired_world.make(seed=4, sources=10, notes=40, texts=BOOKS, per_source=12)
    paired_world.fill(library, world)
    assert pair(library).notes_weighed == 40
    path = sorted(world.notes)[3]
    world.notes[path] += "\n- One more thought.\n"
    sync(library, world.notes)
    report = pair(library)
    assert 1 <= report.notes_weighed <= 4
    assert report.added + report.removed <= 2


def test_nothing_is_read_when_nothing_changed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    world = paired_world.make(seed=4, sources=6, notes=12, texts=BOOKS, per_source=8)
    paired_world.fill(library, world)
    first = pair(library)
    paired_world.fill(library, world)  # the same import once more
    monkeypatch.setattr("notewright.pairing.Work", None)
    again = pair(library)
    assert (again.kept, again.added, again.removed, again.notes_weighed) == (first.added, 0, 0, 0)
    assert (again.notes_paired, again.notes_unpaired, again.by_method) == (first.notes_paired, first.notes_unpaired, first.by_method)


def test_a_report_says_the_same_of_a_library_whether_or_not_anything_had_changed(library: Library) -> None:
    world = paired_world.make(seed=4, sources=6, notes=12, texts=BOOKS, per_source=8)
    paired_world.fill(library, world)
    pair(library)
    gone, kept, *_ = {item.note_path: item for item in library.pairs.all()}.values()
    library.pairs.decide(gone.id, "accepted")
    library.pairs.decide(kept.id, "rejected")
    del world.notes[gone.note_path]
    sync(library, world.notes)
    report = pair(library)
    assert report.decided == 2  # one of a note that is not there to be proposed for
    assert report.notes_paired + report.notes_unpaired == len(world.notes)
    assert report.by_method == {name: number for (status, name), number in library.pairs.tally().items() if status == "proposed"}
    again = pair(library)
    assert replace(again, notes_silent=report.notes_silent, silent=report.silent) == replace(report, added=0, removed=0, notes_weighed=0)


def test_new_code_pairs_an_unchanged_library_anew(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    paired_world.fill(library, paired_world.make(seed=4, sources=6, notes=12, texts=BOOKS, per_source=8))
    pair(library)
    monkeypatch.setattr("notewright.pairing.memo.RULES", 10_000)
    assert [pair(library).notes_weighed for _ in range(2)] == [12, 0]


def test_what_comes_in_while_pairing_runs_is_paired_the_next_time(library: Library) -> None:
    world = paired_world.make(seed=4, sources=6, notes=12, texts=BOOKS, per_source=8)
    late = world.sources.pop()
    paired_world.fill(library, world)

    def come(done: int, total: int) -> None:
        if done == 1:
            with Library.open(library.home) as other:
                other.sources.upsert([*world.sources, late], origin="api", complete=True)

    pair(library, progress=come)
    pair(library)
    mine = proposals(library)
    assert mine == from_scratch(library)
    assert pair(library).notes_weighed == 0


def test_rejections_lower_the_scores_of_what_is_alike(library: Library) -> None:
    world = paired_world.make(seed=9, sources=12, notes=90, texts=BOOKS, per_source=12)
    paired_world.fill(library, world)
    pair(library)
    before = {item.id: item for item in library.pairs.all()}
    weak = [item for item in before.values() if item.score < 0.95]
    assert len(weak) >= 4
    for item in weak[::2]:
        library.pairs.decide(item.id, "rejected")
    report = pair(library)
    assert report.notes_weighed == 0  # decisions alone weigh nothing again
    after = {item.id: item for item in library.pairs.all() if item.status == "proposed"}
    rest = [item for item in weak[1::2] if item.id in after]
    assert all(after[item.id].score < item.score for item in rest)
    assert {item.id for item in library.pairs.all() if item.status == "rejected"} == {item.id for item in weak[::2]}


def test_a_merge_of_right_pairs_says_nothing_against_them(library: Library) -> None:
    world = paired_world.make(seed=9, sources=12, notes=90, texts=BOOKS, per_source=12)
    paired_world.fill(library, world)
    pair(library)
    by_source: dict[str, list[Pair]] = {}
    for item in library.pairs.all():
        by_source.setdefault(item.source_id, []).append(item)
    for one, other, *_ in by_source.values():
        merge(library, one.id, other.id)
    before = {item.id: item.score for item in library.pairs.all(status="proposed")}
    pair(library)
    after = {item.id: item.score for item in library.pairs.all(status="proposed")}
    assert all(after.get(key, 0.0) >= score for key, score in before.items())


def test_what_was_merged_away_counts_once_it_is_rejected_by_itself(library: Library) -> None:
    paired_world.fill(library, paired_world.make(seed=4, sources=6, notes=12, texts=BOOKS, per_source=8))
    pair(library)
    one, other = next((one, other) for one, other in combinations(library.pairs.all(), 2) if one.source_id == other.source_id)
    kept, gone = (one.source_id, one.passage_id), (other.source_id, other.passage_id)
    merge(library, one.id, other.id)
    assert library.pairs.decisions() == {kept: True}
    reopen(library, other.id)
    library.pairs.decide(other.id, "rejected")
    assert library.pairs.decisions() == {kept: True, gone: False}


@pytest.fixture
def large(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library that counts as large."""
    paired_world.fill(library, paired_world.make(seed=7, sources=12, notes=40, texts=BOOKS, per_source=12))
    monkeypatch.setattr("notewright.pairing.memo.MANY", 2)
    return library


def test_several_processes_find_what_one_finds(large: Library) -> None:
    told: list[tuple[int, int]] = []
    pair(large, workers=2, progress=lambda done, total: told.append((done, total)))
    mine, memo = proposals(large), large.pairs.memo()
    assert mine == from_scratch(large, workers=1)
    assert memo == large.pairs.memo()
    assert told == [(done, 40) for done in range(1, 41)]


def test_a_process_that_dies_leaves_the_library_as_it_was(large: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notewright.pairing.weighing._weigh", os._exit)  # found by the helpers under its own name
    with pytest.raises(Unavailable, match="helper process"):
        pair(large, workers=2)
    assert not large.pairs.all()
    assert not large.pairs.memo()
    monkeypatch.undo()
    assert pair(large).added > 0


def test_interrupted_pairing_leaves_the_library_as_it_was(large: Library) -> None:
    def stop(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pair(large, workers=2, progress=stop)
    assert not large.pairs.all()
    assert not large.pairs.memo()
