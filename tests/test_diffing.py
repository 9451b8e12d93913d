"""Pairs of items keep their order, hold every anchor, and never pair the unlike."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.diffing import align


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ("a b c", "a b c", [(0, 0), (1, 1), (2, 2)]),
        ("a b c", "a x b c", [(0, 0), (1, 2), (2, 3)]),
        ("a b c", "c", [(2, 0)]),
        ("willows weirs", "weirs willow", [(1, 0)]),
        ("willows hold", "x willow held y", [(0, 1), (1, 2)]),
        ("same same same", "same same", [(0, 0), (1, 1)]),
        ("", "a", []),
        ("abcd", "wxyz", []),
    ],
)
def test_what_stands_for_what(before: str, after: str, pairs: list[tuple[int, int]]) -> None:
    assert align(before.split(), after.split()) == pairs


ITEMS = st.lists(st.sampled_from(["a", "b", "the first line", "the first lime", "another line", ""]), max_size=12)


@given(ITEMS, ITEMS)
def test_pairs_rise_on_both_sides_and_equal_lists_are_paired_whole(before: list[str], after: list[str]) -> None:
    pairs = align(before, after)
    assert all(a < c and b < d for (a, b), (c, d) in zip(pairs, pairs[1:], strict=False))
    assert align(before, before) == [(index, index) for index in range(len(before))]


def test_long_texts_without_a_line_that_both_have_once_are_aligned_in_a_moment() -> None:
    start = time.process_time()
    assert align([f"line {number} of a log" for number in range(6000)], [f"row {number} of a table" for number in range(6000)]) == []
    before, after = ["- [ ] task", "***", "text"] * 2000, ["***", "- [ ] task", "other"] * 2000
    pairs = align(before, after)
    assert len(pairs) == 3999
    assert all(before[a] == after[b] for a, b in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in zip(pairs, pairs[1:], strict=False))
    assert time.process_time() - start < 5
