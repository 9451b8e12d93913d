"""What a model is asked for a note at once, and when in parts."""

from __future__ import annotations

import pytest

from notewright.prompts import Message, Question, build_messages
from notewright.records import Highlight, Prompt, Source
from notewright.writing import Way, way_of
from notewright.writing.parts import split
from small_world import ScriptedEngine, Small

WORDS = [
    f"Sounding {number} found the bottom at {number * 7} fathoms, and the lead brought up shells and grey sand." for number in range(60)
]


def prompt_of(count: int, *more: str) -> Prompt:
    highlights = tuple(Highlight(text, chapter="C") for text in (*WORDS[:count], *more))
    return Prompt(Source("T", highlights=highlights), highlights, "C", "")


def told(way: Way) -> tuple[int, bool]:
    return way.examples, len(way.parts) > 1


def test_what_goes_first() -> None:
    """At once with all examples, with fewer of them, in parts with them, at once without, in parts without."""
    prompt = prompt_of(30)
    shown = build_messages(prompt, [(prompt_of(8), "- x\n" * 150)] * 2)
    assert [told(way_of(Small(context), shown)) for context in (6000, 4300, 2600)] == [(2, False), (1, False), (2, True)]
    huge = build_messages(prompt, [(prompt_of(8), "- x\n" * 3000)])
    assert [told(way_of(Small(context), huge)) for context in (3400, 1200)] == [(0, False), (0, True)]
    assert told(way_of(Small(2600), shown, required=True)) == (2, True)
    assert way_of(Small(40), shown).messages == build_messages(prompt)  # nothing fits: the engine says so
    assert way_of(ScriptedEngine(lambda *_: ""), shown).messages == shown


def test_parts_ask_for_what_the_whole_asks_for() -> None:
    prompt = prompt_of(40)
    way = way_of(Small(1500), build_messages(prompt, [(prompt_of(3), "- x")]))
    assert way.messages == build_messages(prompt, [(prompt_of(3), "- x")])
    assert sum(part.highlights for part in way.parts) == 40
    start = 0
    for part in way.parts:
        some = prompt.highlights[start : start + part.highlights]
        assert part.messages == build_messages(Prompt(prompt.source, some, "C", ""), [(prompt_of(3), "- x")])
        start += part.highlights


def test_a_small_base_is_asked_about_no_more_than_it_keeps_its_place_among() -> None:
    writer = Small(1 << 20)
    for most, parts in ((0, [40]), (40, [40]), (39, [20, 20]), (15, [14, 13, 13])):
        writer.most_highlights = most
        assert [part.highlights for part in way_of(writer, build_messages(prompt_of(40))).parts] == parts
    uneven = build_messages(prompt_of(8, *["A long one. " * 60] * 2, *["short"] * 30))
    assert max(part.highlights for part in way_of(writer, uneven).parts) <= 15


def test_a_question_that_is_none_of_ours_is_asked_at_once() -> None:
    messages: list[Message] = [{"role": "user", "content": "Tell me all. " * 2000}]
    assert [part.highlights for part in way_of(Small(1500), messages).parts] == [0]
    assert Question.read(messages[0]["content"]) is None


def test_one_giant_highlight_leaves_no_way() -> None:
    assert len(way_of(Small(1500), build_messages(prompt_of(10, "word " * 3000))).parts) == 1


@pytest.mark.parametrize("number", [1, 2, 3, 7, 30])
def test_parts_are_neighbours_of_about_one_length(number: int) -> None:
    cuts = split([10] * 30, ["C"] * 30, number)
    assert [place for start, end in cuts for place in range(start, end)] == list(range(30))
    assert len(cuts) == number
    lengths = [end - start for start, end in cuts]
    assert max(lengths) - min(lengths) <= 1
    assert split([1000, *[10] * 9], ["C"] * 10, 2) == [(0, 1), (1, 10)]


@pytest.mark.parametrize(("begins", "cut"), [(17, 17), (13, 13), (25, 15)])
def test_parts_end_where_chapters_do_if_that_is_near(begins: int, cut: int) -> None:
    assert split([10] * 30, ["A"] * begins + ["B"] * (30 - begins), 2) == [(0, cut), (cut, 30)]
