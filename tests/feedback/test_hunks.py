"""An edit is made of typed hunks that turn the one text into the other."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.feedback.hunks import KINDS, Hunk, hunks, units

HIGHLIGHTS = [
    "Willow cuttings hold a bank better than stone, because their roots grow into the gravel.",
    "The weir at Holt was taken down in 1987 after two floods.",
]
DRAFT = """## Banks
- Willow cuttings hold a bank better than stone.
- The weir was taken down in 1987.

A straight river is an argument. It has not met its flood yet.
"""


def applied(before: str, found: list[Hunk]) -> str:
    text = before
    for hunk in reversed(found):
        assert text[hunk.start : hunk.start + len(hunk.before)] == hunk.before
        text = text[: hunk.start] + hunk.after + text[hunk.start + len(hunk.before) :]
    return text


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("hold a bank", "hold a **bank**", ["format", "format"]),
        ("## Banks", "### Banks", ["format"]),
        ("- Willow", "* Willow", ["format"]),
        ("- Willow", "1. Willow", ["format"]),
        ("argument. It", "argument.\nIt", ["format"]),
        ("argument. It", "argument.\n- It", ["format"]),
        ("stone.\n- The weir", "stone. The weir", ["format"]),
        ("argument. It has", "argument, it has", ["format"]),
        ("better", "beter", ["typo"]),
        ("cuttings", "cutings", ["typo"]),
        ("straight", "striaght", ["typo"]),
        ("The weir", "the weir", ["typo"]),
        ("a bank", "a a bank", ["style"]),
        ("cuttings", "cutting", ["style"]),
        ("was taken", "is taken", ["style"]),
        ("better than stone", "more firmly than stone", ["style"]),
        ("in 1987", "in 1988", ["added fact"]),
        ("The weir", "The weir at Holt", ["style"]),
        ("The weir", "The weir at Bradford", ["added fact"]),
        ("in 1987.", "in 1987, and otters, herons and dippers returned.", ["added fact"]),
        ("- The weir was taken down in 1987.\n", "", ["selection"]),
        (" It has not met its flood yet.", "", ["selection"]),
        ("1987.\n", "1987.\n- Their roots grow into the gravel.\n", ["selection"]),
        ("1987.\n", "1987.\n- The author lives beside the canal in Bath.\n", ["added fact"]),
        ("1987.\n", "1987.\n- It is so.\n", ["style"]),
        ("- Willow cuttings hold a bank better than stone.\n- The weir was taken down in 1987.\n",
         "- The weir was taken down in 1987.\n- Willow cuttings hold a bank better than stone.\n", ["selection", "selection"]),
        ("better than stone", "beter than **stone**", ["typo", "format", "format"]),
    ],
)  # fmt: skip
def test_a_change_has_its_kind(old: str, new: str, kinds: list[str]) -> None:
    after = DRAFT.replace(old, new, 1)
    assert after != DRAFT
    found = hunks(DRAFT, after, highlights=HIGHLIGHTS)
    assert [hunk.kind for hunk in found] == kinds, found
    assert applied(DRAFT, found) == after


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("It was the the best.", "It was the best.", "typo"),
        ("There is alot of it.", "There is a lot of it.", "typo"),
        ("teh end", "the end", "typo"),
        ("is it so", "it is so", "style"),
        ("nasa flew", "NASA flew", "style"),
        ("They walked home.", "They walk home.", "style"),
        ("one two three", "", "selection"),
        ("", "quite new", "style"),
        ("a b", "a  b", "format"),
    ],
)
def test_small_cases(before: str, after: str, kind: str) -> None:
    found = hunks(before, after)
    assert {hunk.kind for hunk in found} == {kind}, found
    assert applied(before, found) == after


def test_equal_texts_have_no_hunks() -> None:
    assert hunks(DRAFT, DRAFT) == []


def test_what_the_model_wrote_is_known_even_when_an_earlier_edit_removed_it() -> None:
    assert [hunk.kind for hunk in hunks("It fell.", "It fell in 1987.", draft="It fell in 1987.")] == ["style"]
    assert [hunk.kind for hunk in hunks("It fell.", "It fell in 1987.")] == ["added fact"]


PIECES = st.sampled_from(
    ["a", "the river", "Rivers", "1987", ". ", "! A", "\n", "\n\n", "- ", "## ", "**", " ", "é", "Holt", "> [!note]\n", "\r"]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_hunks_turn_one_text_into_the_other(before: str, after: str) -> None:
    found = hunks(before, after, highlights=["the river Holt"])
    assert applied(before, found) == after
    assert all(hunk.kind in KINDS and hunk.before != hunk.after for hunk in found)
    assert [(hunk.start, hunk.to) for hunk in found] == sorted((hunk.start, hunk.to) for hunk in found)
    assert hunks(before, before) == []


@given(TEXTS)
def test_units_join_up(text: str) -> None:
    assert "".join(units(text)) == text


def test_an_edit_in_a_sentence_of_thousands_of_words_is_found_soon() -> None:
    before = " ".join(f"the word{number % 900} of rivers" for number in range(2000))
    after = before.replace(" word500 ", " stone500 ").replace(" word17 of", " word17 out of")
    start = time.process_time()
    found = hunks(before, after)
    assert time.process_time() - start < 5
    assert applied(before, found) == after
    assert {(hunk.before, hunk.after.strip()) for hunk in found} == {("word", "stone"), ("", "out")}
