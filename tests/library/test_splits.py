"""Splits by source: fixed for ever, never empty where it matters."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import small_world
from notewright import datasets
from notewright.errors import Invalid
from notewright.library import Library, splits
from notewright.library.examples import from_pairs
from notewright.records import Draft, Highlight, Source

ids = st.lists(st.text(alphabet="abcdef0123456789", min_size=1, max_size=6), unique=True, max_size=40)


@given(ids, ids)
def test_new_sources_never_move_old_ones(first: list[str], second: list[str]) -> None:
    before = splits.choose(first, {})
    after = splits.choose([*first, *second], before)
    assert all(after[source_id] == side for source_id, side in before.items())
    assert set(after) == {*first, *second}


@given(ids)
@example(["0", "203", "23e", "01120", "2fbad"])  # all but one would steer
def test_something_always_teaches_and_from_five_on_something_measures(source_ids: list[str]) -> None:
    chosen = splits.choose(source_ids, {})
    sides = set(chosen.values())
    assert not source_ids or "train" in sides
    assert ("test" in sides) == (len(source_ids) >= splits.MIN_FOR_TEST)
    assert "valid" in sides or len(source_ids) < splits.MIN_FOR_VALID


@given(ids, st.randoms())
def test_the_order_in_which_sources_come_does_not_matter(source_ids: list[str], rng) -> None:
    shuffled = list(source_ids)
    rng.shuffle(shuffled)
    assert splits.choose(shuffled, {}) == splits.choose(source_ids, {})


@pytest.mark.parametrize(("each", "expected"), [(1, 5), (2, 4), (4, 2), (8, 1), (20, 1)])
def test_a_thin_test_split_is_filled_up_to_a_quarter_of_the_sources(each: int, expected: int) -> None:
    few = [name for name in (f"source-{number}" for number in range(200)) if splits.fraction(name) < 0.8][:20]
    chosen = splits.choose(few * each, {})
    assert sum(side == "test" for side in chosen.values()) == expected
    assert "test" not in splits.choose(few * each, {}, fill=False).values()


@given(st.lists(st.integers(1, 30), min_size=splits.MIN_FOR_TEST, max_size=30), st.integers(0, 1000))
@example([8, 7, 3, 2, 2, 2, 1, 1], 0)
def test_what_measures_takes_little_more_from_teaching_than_it_needs(sizes: list[int], salt: int) -> None:
    named = {f"{salt}-{number}": size for number, size in enumerate(sizes)}
    chosen = splits.choose([name for name, size in named.items() for _ in range(size)], {})
    largest = max(named, key=named.__getitem__)
    assert chosen[largest] == "train" or named[largest] <= splits.TOO_MUCH * sum(sizes)
    steering = [size for name, size in named.items() if chosen[name] == "valid"]
    hashed = [name for name in named if 0.8 <= splits.fraction(name) < 0.9]
    if steering and not hashed:
        teaching = [size for name, size in named.items() if chosen[name] == "train"]
        closest = min(abs(size - splits.VALID_EXAMPLES) for size in (*steering, *teaching))
        assert all(abs(size - splits.VALID_EXAMPLES) <= closest + 1 for size in steering)


def test_a_thin_test_split_is_not_filled_up_with_half_of_all_there_is() -> None:
    known = {"a": "train", "b": "train", "c": "train", "d": "test"}
    chosen = splits.choose([*"abcd" * 2, *["new"] * 40, *["other"] * 3, *"efgh"], {**known, **dict.fromkeys("efgh", "train")})
    assert (chosen["new"], chosen["other"]) == ("train", "test")
    alone = splits.choose([*"abcd" * 2, *["new"] * 40], dict.fromkeys(known, "train"))
    assert alone["new"] == "test"  # else nothing would measure


def test_kinds_of_sources_measure_as_often_as_there_are_passages_of_them() -> None:
    def apart(kinds_known: bool) -> float:
        found = []
        for library in range(200):
            kinds = {f"{library}-{number}": "article" if number % 3 == 0 else "book" for number in range(12)}
            chosen = splits.choose([*kinds] * 2, {}, kinds=kinds if kinds_known else None)
            held = [kinds[source_id] for source_id, split in chosen.items() if split != "train"]
            found.append(abs(held.count("article") / len(held) - 1 / 3))
        return fmean(found)

    assert apart(True) < 0.85 * apart(False)  # the hash puts most of them; with four held-out sources 0.08 is the least there can be


def test_shares_are_kept_in_the_large() -> None:
    chosen = splits.choose((f"readwise:{number}" for number in range(4000)), {})
    shares = [sum(side == name for side in chosen.values()) / 4000 for name in splits.SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def test_a_split_survives_closing_the_library(library: Library) -> None:
    first = splits.assign(library, [f"source-{number}" for number in range(9)])
    with Library.open(library.home) as again:
        assert splits.known(again) == first
        grown = splits.assign(again, ["source-100"], shares=(0.1, 0.1, 0.8))
    assert {name: grown[name] for name in first} == first


@pytest.mark.parametrize("shares", [(0.0, 0.5, 0.5), (1.0, -0.1, 0.1), (1.0, 0.0)])
def test_impossible_shares(library: Library, shares) -> None:
    with pytest.raises(Invalid, match="not three shares"):
        splits.assign(library, ["one"], shares=shares)
    assert splits.known(library) == {}


def drafted(library: Library, count: int, *, first: int = 0, unseen: bool = False) -> list[Draft]:
    """Drafts about so many chapters of one source that teaches."""
    return library.drafts.add(
        Draft("", library.drafts.new_batch(unseen=unseen), "readwise:b-looms", f"Chapter {number}", "model-1", "Words", 0, 0, "2026-01-01")
        for number in range(first, first + count)
    )


def test_of_chapters_that_came_later_some_only_measure_for_ever(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path)
    drafted(library, 30)
    assert splits.keep_later(library).held == {}  # what there was before the first build teaches
    drafted(library, 20, first=30)
    first = splits.keep_later(library).held["readwise:b-looms"]
    assert 1 <= len(first) <= splits.MOST_LATER
    assert first <= {f"Chapter {number}" for number in range(30, 50)}
    drafted(library, 200, first=20)
    with Library.open(library.home) as again:
        second = splits.keep_later(again).held["readwise:b-looms"]
    assert first < second
    assert len(second - first) == splits.MOST_LATER
    assert not second & {f"Chapter {number}" for number in range(50) if f"Chapter {number}" not in first}  # what teaches goes on to
    assert splits.keep_later(library) == splits.later(library)


def test_a_chapter_is_decided_about_once_somebody_saw_its_drafts(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("looms",))
    ahead = drafted(library, 200, unseen=True)
    assert splits.keep_later(library).held == {}
    drafted(library, splits.FEWEST_KNOWN, first=300)
    assert splits.keep_later(library).held == {}  # what nobody worked on is none of those that have to teach before
    for draft in ahead:
        library.drafts.seen(draft.batch_id)
    held = splits.keep_later(library).held["readwise:b-looms"]
    assert len(held) == splits.MOST_LATER
    assert held <= {draft.chapter for draft in ahead}


def test_what_was_decided_when_drafts_were_prepared_stays_so(library: Library, tmp_path: Path) -> None:
    """Earlier versions decided before anyone saw them."""
    small_world.build(library, tmp_path, things=("looms",))
    ahead = drafted(library, 40, unseen=True)
    chapters = [*(draft.chapter for draft in ahead), "Beginnings", "Troubles"]
    kept = {"known": {ahead[0].source_id: chapters}, "held": {ahead[0].source_id: ["Chapter 7"]}}
    library.db.set_state("splits later", json.dumps(kept))
    for number in range(0, 40, 10):
        assert splits.keep_later(library).held == {ahead[0].source_id: {"Chapter 7"}}
        for draft in ahead[number : number + 10]:
            library.drafts.seen(draft.batch_id)
    assert json.loads(library.db.get_state("splits later")) == kept


def test_the_first_chapters_all_teach(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("looms",))
    splits.keep_later(library)
    for number in range(splits.FEWEST_KNOWN - 2):
        drafted(library, 1, first=number)
        assert splits.keep_later(library).held == {}


def test_a_draft_over_chapters_of_both_kinds_belongs_nowhere(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("looms",))
    later = splits.Later({"readwise:b-looms": frozenset({"Beginnings"})})
    ids = [small_world.highlight_id("looms", chapter, number) for chapter in (0, 1) for number in (0, 1)]
    for chosen, side in ((ids[:2], "later"), (ids[2:], "train"), (ids, ""), ([], "later")):
        draft = Draft("", "b", "readwise:b-looms", "Beginnings", "m", "x", 0, 0, "2026", highlight_ids=tuple(chosen))
        assert later.side_of(library, "train", draft) == side
        assert later.side_of(library, "test", draft) == "test"


def sides_of(library: Library) -> dict[str, str]:
    """Of every example, by its passage."""
    later = splits.keep_later(library)
    found = from_pairs(library)
    sides = splits.assign(library, [item.source_id for item in found])
    return {item.passage: later.side(sides[item.source_id], item.source_id, item.prompt.highlights) for item in found}


def named_anew(thing: str, *, before: str = "", into: Source | None = None) -> Source:
    """A source of the small world with `before` before its chapters' names; or these chapters at the end of another source."""
    source = small_world.source(thing)
    marks = [replace(item, text=f"{before}{item.text}") if item.heading_level else item for item in source.highlights]
    if into is None:
        return replace(source, highlights=tuple(marks))
    return replace(into, highlights=(*into.highlights, *(replace(item, location=1000 + (item.location or 0)) for item in marks)))


def test_a_chapter_keeps_its_side_under_another_name(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path)
    first = sides_of(library)
    drafted(library, 200)
    splits.keep_later(library)
    held = json.loads(library.db.get_state("splits later"))
    held["held"]["readwise:b-bread"] = ["Troubles"]
    library.db.set_state("splits later", json.dumps(held))
    second = sides_of(library)
    assert {text for text in first if second[text] != first[text]} == {text for text, side in second.items() if side == splits.LATER}
    for before in ("Part: ", "Again: ", "Once more: "):
        library.sources.upsert([named_anew(thing, before=before) for thing in small_world.THINGS], origin="api", complete=True)
        assert sides_of(library) == second
    assert "Once more: Troubles" in splits.later(library).held["readwise:b-bread"]


@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("moved", ["test", "train"])
def test_what_measured_never_teaches_in_another_source_nor_the_other_way_round(
    library: Library, tmp_path: Path, moved: str, alike: bool
) -> None:
    """Two books were merged, with chapters of the same names or not."""
    small_world.build(library, tmp_path)
    first = sides_of(library)
    thing, other = (
        next(name for name, side in splits.known(library).items() if side == wanted).removeprefix("readwise:b-")
        for wanted in (moved, "train" if moved == "test" else "test")
    )
    for pair in library.pairs.all(source_id=f"readwise:b-{thing}"):
        library.pairs.decide(pair.id, "accepted")
    merged = named_anew(thing, before="" if alike else "More ", into=small_world.source(other))
    gone = replace(small_world.source(thing), highlights=(), is_deleted=True)
    library.sources.upsert([merged, gone], origin="api", complete=True)
    library.pairs.follow()
    now = sides_of(library)
    assert {side for text, side in now.items() if f"about {thing} " in text} == ({splits.LATER} if moved == "test" else {""})
    assert {text: side for text, side in now.items() if f"about {thing} " not in text} == {
        text: side for text, side in first.items() if f"about {thing} " not in text
    }
    datasets.build(library, kind="sft")
    assert sides_of(library) == now


def test_a_source_that_was_taken_out_of_another_has_its_side(library: Library) -> None:
    def book(name: str, *numbers: int) -> Source:
        marks = tuple(Highlight(f"Words {number}", outside_ids=(f"readwise:{number}",)) for number in numbers)
        return Source(name, outside_ids=(f"readwise:b{name}",), highlights=marks)

    def draft_of(source_id: str, *numbers: int) -> None:
        ids = tuple(f"readwise:{number}" for number in numbers)
        library.drafts.add([Draft("", library.drafts.new_batch(), source_id, "", "m", "x", 0, 0, "2026", highlight_ids=ids)])

    library.sources.upsert([book("one", *range(8))], origin="api", complete=True)
    for number in range(8):
        draft_of("readwise:bone", number)
    for side in ("test", "train"):
        library.db.set_state("splits", json.dumps({"readwise:bone": side}))
        library.db.set_state("splits places", "")
        library.sources.upsert([book("one", *range(8))], origin="api", complete=True)
        splits.keep_later(library)
        library.sources.upsert([book("one", 0, 1), book("two", *range(2, 8))], origin="api", complete=True)
        splits.keep_later(library)
        assert splits.known(library)["readwise:btwo"] == side


def test_a_draft_whose_highlights_went_to_another_book_is_of_the_chapter_it_was_asked_for(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=("looms", "bread"))
    later = splits.Later({"readwise:b-looms": frozenset({"Troubles"})})
    ids = tuple(small_world.highlight_id("bread", 1, number) for number in (0, 1))  # there, chapters of that name teach
    draft = Draft("", "b", "readwise:b-looms", "Beginnings", "m", "x", 0, 0, "2026", highlight_ids=ids)
    assert later.side_of(library, "train", draft) == "train"
