"""Which items of a changed text are which of the earlier one: order-keeping pairs of equal and of alike items."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

LEAST = 0.45  # items less alike than this are different ones
_LARGE = 40_000  # pairs of items; in a larger gap only equal ones are paired, as many as can be


def align(before: Sequence[str], after: Sequence[str], *, least: float = LEAST) -> list[tuple[int, int]]:
    """Pairs (index in `before`, index in `after`), rising in both: what stands in for what.

    Items that occur once on each side are anchors (patience diff); between anchors the pairs of greatest total likeness, weighed by
    length, are taken. `least` (0-1) is how alike two items must be.
    """
    return _between(before, after, 0, len(before), 0, len(after), least)


def _between(before: Sequence[str], after: Sequence[str], a0: int, a1: int, b0: int, b1: int, least: float) -> list[tuple[int, int]]:
    head, tail = [], []
    while a0 < a1 and b0 < b1 and before[a0] == after[b0]:
        head.append((a0, b0))
        a0, b0 = a0 + 1, b0 + 1
    while a0 < a1 and b0 < b1 and before[a1 - 1] == after[b1 - 1]:
        a1, b1 = a1 - 1, b1 - 1
        tail.append((a1, b1))
    tail.reverse()
    if a0 == a1 or b0 == b1:
        return head + tail
    anchors = _anchors(before, after, a0, a1, b0, b1)
    if not anchors:
        return head + _alike(before, after, a0, a1, b0, b1, least) + tail
    inner: list[tuple[int, int]] = []
    for a, b in [*anchors, (a1, b1)]:
        inner += _between(before, after, a0, a, b0, b, least)
        if a < a1:
            inner.append((a, b))
        a0, b0 = a + 1, b + 1
    return head + inner + tail


def _anchors(before: Sequence[str], after: Sequence[str], a0: int, a1: int, b0: int, b1: int) -> list[tuple[int, int]]:
    """The longest rising run of pairs of items that occur exactly once on each side."""
    left, right = Counter(before[a0:a1]), Counter(after[b0:b1])
    at = {item: index for index, item in enumerate(after[b0:b1], b0) if right[item] == 1}
    pairs = [(index, at[item]) for index, item in enumerate(before[a0:a1], a0) if left[item] == 1 and item in at]
    ends: list[int] = []
    last: list[int] = []
    previous = [-1] * len(pairs)
    for number, (_, b) in enumerate(pairs):
        place = bisect_left(ends, b)
        previous[number] = last[place - 1] if place else -1
        ends[place : place + 1] = [b]
        last[place : place + 1] = [number]
    chain, number = [], last[-1] if last else -1
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    return chain[::-1]


def _alike(before: Sequence[str], after: Sequence[str], a0: int, a1: int, b0: int, b1: int, least: float) -> list[tuple[int, int]]:
    """Needleman-Wunsch without a price for gaps."""
    from rapidfuzz.distance import Indel

    rows, columns = a1 - a0, b1 - b0
    if rows * columns > _LARGE:
        blocks = Indel.opcodes(before[a0:a1], after[b0:b1]).as_matching_blocks()
        return [(a0 + block.a + step, b0 + block.b + step) for block in blocks for step in range(block.size)]
    scores = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    gains = [[0.0] * columns for _ in range(rows)]
    for row in range(rows):
        left = before[a0 + row]
        for column in range(columns):
            right = after[b0 + column]
            share = 1.01 if left == right else 0.0  # of two places the one of equal bytes
            if not share:
                share = Indel.normalized_similarity(left, right, score_cutoff=least)
            gains[row][column] = share * (len(left) + len(right) + 1)
            scores[row + 1][column + 1] = max(scores[row][column] + gains[row][column], scores[row][column + 1], scores[row + 1][column])
    pairs, row, column = [], rows, columns
    while row and column:
        if scores[row][column] == scores[row - 1][column]:
            row -= 1
        elif scores[row][column] == scores[row][column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((a0 + row, b0 + column))
    return pairs[::-1]
