"""A draft that goes in circles: the same words one after the other, or the same line again and again. No person's habit of saying things
twice excuses it, so it is a finding of its own beside `repeats`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .given import LOCATOR, LONGEST_NAME, Given, extent, flat
from .rows import Row

LEAST = 4  # times
LONGEST = 40  # words of what comes again
LINE = 4  # words of a line; shorter ones may well come up under every heading


def loops(rows: Sequence[Row], given: Given) -> Iterator[tuple[str, str]]:
    """The first circle, in words, and where it begins; what a highlight itself says over and over is none, nor is a table."""
    told = [row for row in rows if row.kinds[:1] not in (["table_pipe"], ["html"], ["html_block"])]
    words = flat("\n".join(row.verbatim for row in told)).split()
    if circle := _circle(words, given):
        yield f"the same words over and over: {circle if len(circle) <= 60 else circle[:57] + '…'}", ""
        return
    lines = [(flat(row.verbatim), row.words) for row in told if row.kinds[:1] != ["tag"] and not is_label(row, given)]
    counts = Counter(said for said, _ in lines)
    for said, line in lines:
        if extent(said) >= LINE and counts[said] >= LEAST + given.times(said):
            yield f"said {counts[said]} times: {line.strip()[:60]}", line
            return


def is_label(row: Row, given: Given) -> bool:
    """Does the line name a chapter or the source, or stand as a short item below another one? Such lines say where something is from,
    however often."""
    said = flat(LOCATOR.sub("", row.verbatim))
    below = [kind for kind, _ in row.pieces[:2]] == ["indent", "list_marker"]
    return said in given.places or (below and extent(said) <= LONGEST_NAME)


def _circle(words: Sequence[str], given: Given) -> str:
    """What is said four times in a row, shortest first; empty without such words."""
    often = Counter(words)
    if not often or max(often.values()) < LEAST:
        return ""
    for size in range(1, min(LONGEST, len(words) // LEAST) + 1):
        alike = 0
        for at in range(size, len(words)):
            alike = alike + 1 if words[at] == words[at - size] else 0
            if alike == (LEAST - 1) * size and " ".join(words[at + 1 - LEAST * size : at + 1]) not in given.words:
                return " ".join(words[at + 1 - size : at + 1])
    return ""
