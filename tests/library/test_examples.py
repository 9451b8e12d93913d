"""Pairs as examples: which highlights a passage's prompt shows, which pairs are left out, which examples are near."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback
from notewright.library import Library
from notewright.library.database import now
from notewright.library.examples import CHANGED, chapters, coverage, from_pairs, nearest, visible_highlights
from notewright.records import Highlight, PairLink

RIVERS = [small_world.highlight_id("rivers", 0, number) for number in range(4)]


def only(library: Library, *pairs) -> list:
    library.pairs.propose(pairs)
    return from_pairs(library)


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    return small_world.build(library, tmp_path, things=("rivers", "looms", "bread"))


def passages(library: Library) -> dict[tuple[str, str], object]:
    return {(item.note_path, item.headings[-1]): item for item in library.notes.passages() if item.headings}


def test_a_prompt_shows_the_whole_chapter_without_marks_and_discards(world: small_world.World) -> None:
    example = next(item for item in from_pairs(world.library) if item.source_id == "readwise:b-rivers")
    assert example.prompt.chapter == "Beginnings"
    assert [item.id for item in example.prompt.highlights] == RIVERS[:3]
    assert example.passage == small_world.section("rivers", 0).rstrip("\n")
    assert chapters(world.library, "readwise:b-rivers") == {"Beginnings": 3, "Troubles": 3}


def test_windows_line_endings_are_not_taught(world: small_world.World) -> None:
    before = [item.passage for item in from_pairs(world.library)]
    windows = [replace(item, passage_text=item.passage_text.replace("\n", "\r\n")) for item in world.library.pairs.all()]
    assert [item.passage for item in only(world.library, *windows)] == before


def test_the_prompt_is_what_drafting_shows(world: small_world.World) -> None:
    from notewright.drafting import choose_prompt

    for example in from_pairs(world.library):
        assert choose_prompt(world.library, source=example.source_id, chapter=example.prompt.chapter) == example.prompt


def test_highlights_of_another_passage_only_are_left_out(world: small_world.World) -> None:
    found = passages(world.library)
    first, second = found["Notes/Rivers.md", "Beginnings"], found["Notes/Looms.md", "Troubles"]
    one = small_world.pair("rivers", first, RIVERS[:1])
    other = small_world.pair("rivers", second, RIVERS[1:2])
    shown = [[item.id for item in example.prompt.highlights] for example in only(world.library, one, other)]
    assert shown == [RIVERS[1:3], [RIVERS[0], RIVERS[2]]]
    weak = replace(other, links=(PairLink(RIVERS[1], 0.4, "text"), PairLink(RIVERS[0], 0.95, "text")))
    assert [item.id for item in only(world.library, one, weak)[-1].prompt.highlights] == RIVERS[:3]


def test_a_passage_is_an_example_of_the_source_that_it_rests_on(world: small_world.World) -> None:
    passage = passages(world.library)["Notes/Rivers.md", "Beginnings"]
    mostly, barely = small_world.pair("rivers", passage, RIVERS[:2]), small_world.pair("looms", passage, ["readwise:100"])
    looms = [item.id for item in visible_highlights(world.library, "readwise:b-looms")]
    barely = replace(barely, links=(PairLink(looms[0], 0.99, "text"),))
    left_out: Counter[str] = Counter()
    world.library.pairs.propose([mostly, barely])
    assert [item.source_id for item in from_pairs(world.library, left_out=left_out)] == ["readwise:b-rivers"]
    assert left_out == {"the passage rests more on another source": 1}
    both = replace(barely, links=tuple(PairLink(item, 0.99, "text") for item in looms[:2]))
    world.library.pairs.propose([mostly, both])
    assert left_out_of(world) == {"duplicate of another passage": 1}
    world.library.pairs.propose([mostly, barely])
    world.library.pairs.decide(next(item.id for item in world.library.pairs.all() if item.source_id == "readwise:b-looms"), "accepted")
    assert left_out_of(world) == {"duplicate of another passage": 1}


def left_out_of(world: small_world.World) -> dict[str, int]:
    left_out: Counter[str] = Counter()
    from_pairs(world.library, left_out=left_out)
    return dict(left_out)


def test_a_stray_link_does_not_widen_a_prompt(world: small_world.World) -> None:
    found = passages(world.library)
    first, second = found["Notes/Rivers.md", "Beginnings"], found["Notes/Rivers.md", "Troubles"]
    there = small_world.highlight_id("rivers", 1, 0)
    one = small_world.pair("rivers", first, RIVERS[:2])
    one = replace(one, links=(*one.links, PairLink(there, 0.7, "fuzzy")))
    examples = only(world.library, one, small_world.pair("rivers", second, [there]))
    assert [example.prompt.chapter for example in examples] == ["Beginnings", "Troubles"]


def test_links_over_two_chapters_show_the_window_between_them(world: small_world.World) -> None:
    passage = passages(world.library)["Notes/Rivers.md", "Beginnings"]
    ends = [small_world.highlight_id("rivers", 0, 1), small_world.highlight_id("rivers", 1, 0)]
    pair = small_world.pair("rivers", passage, ends)
    [example] = only(world.library, replace(pair, passage_text="Both of them, in words of my own."))
    assert example.prompt.chapter == ""
    assert [item.id for item in example.prompt.highlights] == [RIVERS[1], RIVERS[2], ends[1]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"score": 0.5}, "score below 0.6"),
        ({"passage_text": " \n"}, "empty passage"),
        ({"links": (PairLink(RIVERS[3], 0.95, "text"),)}, "no visible highlight is linked"),
        ({"score": 0.7, "passage_text": "Nothing whatever alike stands written here today."}, "weak coverage"),
    ],
)
def test_pairs_that_teach_nothing_are_left_out_with_the_reason(world: small_world.World, change, reason: str) -> None:
    pair = replace(small_world.pair("rivers", passages(world.library)["Notes/Rivers.md", "Beginnings"], RIVERS[:2]), **change)
    world.library.pairs.propose([pair])
    left_out: Counter[str] = Counter()
    assert from_pairs(world.library, left_out=left_out) == []
    assert [text for text in left_out if text.startswith(reason)]


def test_an_accepted_pair_always_counts_and_a_rejected_one_never(world: small_world.World) -> None:
    pair = replace(small_world.pair("rivers", passages(world.library)["Notes/Rivers.md", "Beginnings"], RIVERS[:2], score=0.3))
    assert only(world.library, pair) == []
    pair_id = world.library.pairs.all()[0].id
    world.library.pairs.decide(pair_id, "accepted")
    assert [example.weight for example in from_pairs(world.library)] == [1.0]
    world.library.pairs.decide(pair_id, "rejected")
    assert from_pairs(world.library) == []


def test_equal_passages_count_once_and_the_surest_keeps_them(world: small_world.World) -> None:
    found = passages(world.library)
    text = found["Notes/Rivers.md", "Beginnings"].text
    one = small_world.pair("rivers", found["Notes/Rivers.md", "Beginnings"], RIVERS[:2], score=0.91)
    two = small_world.pair("looms", found["Notes/Looms.md", "Beginnings"], [small_world.highlight_id("looms", 0, 0)])
    two = replace(two, passage_text=f"**{text}**\n")
    left_out: Counter[str] = Counter()
    world.library.pairs.propose([one, two])
    assert [example.source_id for example in from_pairs(world.library, left_out=left_out)] == ["readwise:b-looms"]
    assert left_out == {"duplicate of another passage": 1}


def test_nearest_are_other_sources_of_the_same_shape(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    examples = from_pairs(world.library)
    prompt = next(item.prompt for item in examples if item.source_id == "readwise:b-looms")
    found = nearest(prompt, examples)
    assert [item.source_id for item in found].count("readwise:b-looms") == 0
    assert len({item.source_id for item in found}) == len(found) == len(small_world.THINGS) - 1
    kinds = [item.prompt.source.kind == prompt.source.kind for item in found]
    assert kinds == sorted(kinds, reverse=True)
    assert nearest(prompt, reversed(examples)) == found


def test_after_a_change_of_the_person_passages_keep_to_their_side(world: small_world.World) -> None:
    library = world.library
    small_world.base_model(library)
    assert not any(item.former for item in from_pairs(library))
    asked = {"chapter": "Beginnings", "n": 1, "engine": small_world.ScriptedEngine(small_world.numbered)}
    old, new = (drafting.draft(library, settings=world.settings, source=thing, **asked)[0] for thing in ("looms", "bread"))
    feedback.decide(library, decision="accept", draft_id=old.id)
    library.db.set_state(CHANGED, now())
    assert all(item.former for item in from_pairs(library))
    feedback.decide(library, decision="accept", draft_id=new.id)
    examples = from_pairs(library)
    assert [item.note_path for item in examples if not item.former] == ["Notes/Bread.md"]
    rivers = next(item.prompt for item in examples if item.source_id == "readwise:b-rivers")
    assert [item.former for item in nearest(rivers, examples)] == [False, True]
    assert [item.former for item in nearest(rivers, examples, former=True)] == [True, True]


def test_coverage() -> None:
    highlight = Highlight("The canal thinks it is a river.", annotation="Irony")
    assert coverage("Canal river irony", [highlight]) == 1.0
    assert coverage("Canal seldom", [highlight]) == 0.5
    assert coverage("a b c", [highlight]) == 1.0


def test_visible_highlights_of_one_chapter(world: small_world.World) -> None:
    assert [item.id for item in visible_highlights(world.library, "readwise:b-rivers", chapter="Beginnings")] == RIVERS[:3]
