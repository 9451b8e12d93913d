"""The one rendering: a golden text, and what must never be lost in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.prompts import PROMPT_VERSION, SYSTEM, Question, build_messages, location_label, prompt_id, render_highlights, subject
from notewright.records import Highlight, Prompt, Source

RIVER = Source(
    title="The Slow River", id="s1", author="Marit Ekholm", kind="book", tags=("rivers", "restoration"), summary="Rivers\nget bends."
)
ONE = Highlight("A straight river is an argument.\nIt meets its flood.", id="h1", location=19, location_type="page", chapter="Speed")
TWO = Highlight("$Q = A v$", id="h2", annotation="The one equation", tags=("hydraulics",), is_favorite=True, chapter="Speed")
THREE = Highlight("![figure](https://x.org/a.png)", id="h3", location=3725, location_type="time_offset", chapter="Wood")

GOLDEN = """\
Title: The Slow River
Author: Marit Ekholm
Kind: book
Tags: rivers, restoration
Summary: Rivers get bends.

Chapter: Speed
1. A straight river is an argument.
   It meets its flood.
   p. 19
2. $Q = A v$
   #hydraulics · favourite
   Annotation: The one equation

Chapter: Wood
3. ![figure](https://x.org/a.png)
   1:02:05

Instruction: Three bullets at most."""


def test_golden_rendering() -> None:
    assert PROMPT_VERSION == 1, "a changed rendering needs a new version and a new golden text"
    assert render_highlights(Prompt(RIVER, (ONE, TWO, THREE), instruction="Three bullets at most.")) == GOLDEN


def test_a_rendered_turn_tells_what_it_is_about() -> None:
    assert subject(GOLDEN) == ("The Slow River", "Marit Ekholm", {"Speed", "Wood"})
    plain = Highlight("1. Just words.\n\n2. And more.\n\nChapter: no", id="h", annotation="3\n\n4")
    assert subject(render_highlights(Prompt(Source(title="T", kind="article"), (plain,)))) == ("T", "", {""})
    assert subject(render_highlights(Prompt(RIVER, (plain, ONE, plain)))) == ("The Slow River", "Marit Ekholm", {"", "Speed"})
    assert subject("anything") == ("anything", "", set())


WORDS = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["1. One\n\n2. Two", "Rules:", "\n\nInstruction: no", "Chapter: no", "", "  ", "a\n   b", "\u2028c"]
)


@given(
    st.lists(st.tuples(WORDS, WORDS, st.sampled_from(["", "A", "Chapter: B", "1. C"])), min_size=1, max_size=12),
    st.tuples(st.lists(st.sampled_from(["no tags", "1. only"]), max_size=2), st.sampled_from(["", "Short.\n\n1. Really."])),
    st.data(),
)
def test_parts_of_a_turn_are_what_would_be_rendered_of_some(rows, asked, data) -> None:
    highlights = tuple(Highlight(text, annotation=note, chapter=chapter, location=3) for text, note, chapter in rows)
    prompt = Prompt(RIVER, highlights, instruction=asked[1], rules=tuple(asked[0]))
    question = Question.read(render_highlights(prompt))
    assert question is not None
    assert len(question.highlights) == len(rows)
    start = data.draw(st.integers(0, len(rows) - 1))
    end = data.draw(st.integers(start + 1, len(rows)))
    assert question.part(start, end) == render_highlights(replace(prompt, highlights=highlights[start:end]))


@pytest.mark.parametrize("turn", ["", "anything", "1. One", "\n1. One", "Title: T\n1. One", GOLDEN.replace("   p. 19", "p. 19")])
def test_no_other_turn_is_cut(turn: str) -> None:
    assert Question.read(turn) is None


def test_a_single_chapter_leaves_the_summary_out() -> None:
    assert "Summary" not in render_highlights(Prompt(RIVER, (ONE, TWO), chapter="Speed"))


def test_a_source_with_nothing_but_a_title() -> None:
    plain = Highlight("Just words.", id="h")
    assert render_highlights(Prompt(Source(title="T", kind="article"), (plain,))) == "Title: T\nKind: article\n\n1. Just words."


@pytest.mark.parametrize(
    ("location", "kind", "label"),
    [
        (34, "page", "p. 34"), (0, "page", ""), (0, "location", ""), (0, "time_offset", "0:00"),
        (1203, "location", "loc. 1203"), (725, "time_offset", "12:05"), (3725, "time_offset", "1:02:05"),
        (3, "order", ""), (None, "page", ""),
    ],
)  # fmt: skip
def test_locations_as_readers_write_them(location: int | None, kind: str, label: str) -> None:
    assert location_label(Highlight("x", location=location, location_type=kind)) == label


def test_examples_are_earlier_exchanges() -> None:
    question, earlier = Prompt(RIVER, (ONE,)), Prompt(replace(RIVER, title="Other"), (TWO,))
    messages = build_messages(question, [(earlier, "## Note\n- bytes kept  \n")])
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"] == SYSTEM
    assert messages[1]["content"] == render_highlights(earlier)
    assert messages[2]["content"] == "## Note\n- bytes kept  \n"
    assert messages[3] == build_messages(question)[-1]


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1), min_size=1, max_size=5))
def test_every_one_line_highlight_stands_whole_on_its_line(texts: list[str]) -> None:
    prompt = Prompt(RIVER, tuple(Highlight(text, id=str(number)) for number, text in enumerate(texts)))
    rendered = render_highlights(prompt)
    for number, text in enumerate(texts, 1):
        assert f"{number}. {text.strip()}" in rendered


def test_prompt_ids_follow_the_words() -> None:
    one, two = build_messages(Prompt(RIVER, (ONE,))), build_messages(Prompt(RIVER, (TWO,)))
    assert prompt_id(one) == prompt_id([dict(message) for message in one])
    assert prompt_id(one) != prompt_id(two)
