"""Where a passage stands in a note that has changed since: by its bytes, its block ids, its words, and last by its heading.

Lines are weighed by how many of their words and word pairs the passage had; the passage is the run of lines that weighs most. So it may
have moved, its sentences may be split, reordered, corrected or partly gone, and lines may have been added inside it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..text import normalise
from .outline import Line, Outline, read_outline

_ALIEN = 0.33  # a line that shares less than this with the passage speaks against being part of it
_ADDED = 0.6  # how much a foreign line counts against the run, beside what a known one counts for it: additions inside are common
_BORDER = 8.0  # words that a heading the passage never had must be outweighed by
_LEAST = 0.3  # share of the passage's words that must be left
_LEAST_IN_PLACE = 0.1  # the same under the passage's own heading
_EDGE = 0.15  # resemblance that a rewritten first or last block needs
_BLOCK_ID = re.compile(r"(?:^|\s)\^([A-Za-z0-9-]+)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Traced:
    """Byte offsets of the passage in the changed note, without the last line's newline. `share` (0-1) of its words is still there;
    `exact` says that its bytes are as they were (newline style aside)."""

    start: int
    end: int
    share: float
    exact: bool


def trace(passage: str, data: bytes, *, headings: Sequence[str] = (), start: int | None = None) -> Traced | None:
    """Find `passage`, as it once stood in a note, in the note's bytes of today; None where too little of it is left.

    `headings` is the trail it stood under and `start` the byte offset it stood at: they decide between several places.
    """
    outline = read_outline(data)
    exact = _exact(passage, data, outline, headings, start)
    if exact:
        return Traced(*exact, share=1.0, exact=True)
    old = _Words([passage])
    if not old.size:
        return None
    lines = _weighed(data, outline, old, set(_BLOCK_ID.findall(passage)), headings)
    run = _heaviest(lines)
    if run:
        first, last = _with_edges(lines, run, passage, old)
        share = old.share([line.text for line in lines[first : last + 1]])
        if share >= _LEAST:
            return _traced(data, lines[first].line.start, lines[last].line.end, share)
    return _in_place(passage, data, outline, old, headings)


@dataclass(slots=True)
class _Weighed:
    line: Line
    text: str
    share: float
    weight: float


class _Words:
    """The passage's words and pairs of neighbouring words."""

    def __init__(self, texts: Iterable[str]) -> None:
        words = [_words(line) for text in texts for line in text.splitlines()]
        self.words = {word for line in words for word in line}
        self.pairs = {pair for line in words for pair in pairwise(line)}
        self.size = len(self.words) + len(self.pairs)

    def covers(self, words: Sequence[str]) -> float:
        """How much of `words` the passage had: the mean of the shares of its words and of its pairs."""
        single = sum(word in self.words for word in words) / len(words)
        pairs = list(pairwise(words))
        return (single + sum(pair in self.pairs for pair in pairs) / len(pairs)) / 2 if pairs else single

    def share(self, texts: Iterable[str]) -> float:
        """How much of the passage is in `texts`."""
        other = _Words(texts)
        return (len(self.words & other.words) + len(self.pairs & other.pairs)) / self.size


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", normalise(text))


def _exact(passage: str, data: bytes, outline: Outline, headings: Sequence[str], start: int | None) -> tuple[int, int] | None:
    """Of several places the one under the same headings, then the nearest to where it was."""
    plain = passage.replace("\r\n", "\n").strip("\n")
    if not plain.strip():
        return None
    places: list[tuple[int, int]] = []
    for form in dict.fromkeys((plain.encode(errors="replace"), plain.replace("\n", "\r\n").encode(errors="replace"))):
        at = data.find(form)
        while at >= 0:
            # Inside a word or a line that goes on it is another text that happens to hold these letters.
            if at in (0, outline.body) or data[at - 1 : at] in (b"\n", b"\r"):
                end = at + len(form)
                if data[end : end + 1].strip() == b"":
                    places.append((at, end))
            at = data.find(form, at + 1)
    trail, trails, starts = list(headings), _trails(outline), [heading.start for heading in outline.headings]
    return min(
        places,
        key=lambda place: (trails[bisect_right(starts, place[0])] != trail, abs(place[0] - (place[0] if start is None else start))),
        default=None,
    )


def trail_at(outline: Outline, offset: int) -> list[str]:
    """Titles of the headings above `offset`, the one that begins there included."""
    return _trails(outline)[sum(heading.start <= offset for heading in outline.headings)]


def _trails(outline: Outline) -> list[list[str]]:
    """The titles above the first heading (none), and those below each heading."""
    stack: list[tuple[int, str]] = []
    found: list[list[str]] = [[]]
    for heading in outline.headings:
        stack = [item for item in stack if item[0] < heading.level] + [(heading.level, heading.title)]
        found.append([title for _, title in stack])
    return found


def _weighed(data: bytes, outline: Outline, old: _Words, block_ids: set[str], headings: Sequence[str]) -> list[_Weighed]:
    lines = []
    trail, own, trails = list(headings), False, iter(_trails(outline)[1:])
    for line in outline.lines:
        text = data[line.start : line.end].decode("utf-8", errors="replace")
        if line.kind == "properties":
            continue
        if line.level:
            own = next(trails) == trail != []
        words = _words(text)
        share = old.covers(words) if words else 0.0
        if block_ids.intersection(_BLOCK_ID.findall(text)):
            share = 1.0
        elif own and share > _ALIEN:
            share = min(1.0, share + 0.1)
        weight = len(words) * (share - _ALIEN)
        if weight < 0:
            weight = min(weight, -_BORDER) if line.level else weight * _ADDED
        lines.append(_Weighed(line, text, share, weight))
    return lines


def _heaviest(lines: Sequence[_Weighed]) -> tuple[int, int] | None:
    """First and last index of the run with the greatest sum (Kadane's algorithm); None where no line speaks for the passage."""
    best, found = 0.0, None
    total, first = 0.0, 0
    for index, line in enumerate(lines):
        if total <= 0:
            total, first = 0.0, index
        total += line.weight
        if total > best:
            best, found = total, (first, index)
    return found


def _with_edges(lines: Sequence[_Weighed], run: tuple[int, int], passage: str, old: _Words) -> tuple[int, int]:
    """The run with what belongs to it at both ends: the rest of a block, a rewritten block, a renamed heading."""
    first, last = run
    blocks = [block for block in re.split(r"\n[ \t]*\n", passage.replace("\r\n", "\n")) if block.strip()]
    kept = _Words(line.text for line in lines[first : last + 1])
    first, last = _rest_of_block(lines, first, -1), _rest_of_block(lines, last, 1)
    if blocks and not _resembles(kept, blocks[-1]):
        last = _rewritten(lines, last, 1, blocks[-1])
    if blocks and not _resembles(kept, blocks[0]):
        first = _rewritten(lines, first, -1, blocks[0])
    level = _heading_level(passage)
    if level and lines[first].line.level != level:
        above = first - 1
        while above >= 0 and not lines[above].text.strip():
            above -= 1
        if above >= 0 and lines[above].line.kind == "underline":
            above = next((index for index in range(above, -1, -1) if lines[index].line.level), above)
        if above >= 0 and lines[above].line.level == level:
            first = above
    return first, last


def _rest_of_block(lines: Sequence[_Weighed], index: int, step: int) -> int:
    """Lines that hang on without a blank line or heading between."""
    if lines[index].line.kind in ("heading", "underline"):
        return index
    while (
        0 <= index + step < len(lines)
        and lines[index + step].text.strip()
        and lines[index + step].line.kind not in ("heading", "underline")
    ):
        index += step
    return index


def _resembles(kept: _Words, block: str) -> bool:
    words = _words(block)
    return not words or kept.covers(words) >= _ALIEN


def _rewritten(lines: Sequence[_Weighed], index: int, step: int, block: str) -> int:
    """Reach over blank lines to the next block, if it is what became of `block`."""
    there = index + step
    while 0 <= there < len(lines) and not lines[there].text.strip():
        there += step
    if not 0 <= there < len(lines) or lines[there].line.level:
        return index
    end = _rest_of_block(lines, there, step)
    texts = [line.text for line in lines[min(there, end) : max(there, end) + 1]]
    return end if _Words([block]).share(texts) >= _EDGE else index


def _heading_level(passage: str) -> int:
    headings = read_outline(passage.encode(errors="replace")).headings
    return headings[0].level if headings and not headings[0].start else 0


def _in_place(passage: str, data: bytes, outline: Outline, old: _Words, headings: Sequence[str]) -> Traced | None:
    """A passage that opened with its own heading was mostly rewritten: the section under the only heading of that trail."""
    trail = list(headings)
    if not trail or not _heading_level(passage):
        return None
    places = [number for number, titles in enumerate(_trails(outline)[1:]) if titles == trail]
    if len(places) != 1:
        return None
    section = outline.headings[places[0]]
    later = outline.headings[places[0] + 1 :]
    end = later[0].start if later else len(data)
    body = data[section.body : end].decode("utf-8", errors="replace")
    share = old.share([body])
    return _traced(data, section.start, end, share) if body.strip() and share >= _LEAST_IN_PLACE else None


def _traced(data: bytes, start: int, end: int, share: float) -> Traced:
    return Traced(start, start + len(data[start:end].rstrip(b" \t\r\n")), round(share, 3), exact=False)
