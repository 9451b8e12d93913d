"""A note of more highlights than a model has room for is asked for in parts: neighbouring highlights each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf
from typing import Protocol

from ..models.room import fits, longest_note
from ..prompts import Message, Question
from .joining import join

AT_CHAPTER = 0.25  # of a part: as far as its end is moved to where a chapter begins


@dataclass(frozen=True, slots=True)
class Part:
    """What a model is asked at once: a prompt, how many highlights it asks about (0: a question that is none of ours), and the most tokens
    that it may write."""

    messages: list[Message]
    highlights: int
    longest: int


@dataclass(frozen=True, slots=True)
class Way:
    """The prompt of all highlights, which is stored, and its parts: one, all of it, as a rule."""

    messages: list[Message]
    parts: tuple[Part, ...]

    @property
    def longest(self) -> int:
        return sum(part.longest for part in self.parts)

    @property
    def examples(self) -> int:
        return len(self.messages) // 2 - 1


class Piece(Protocol):
    """What an engine writes of one part; `models.engine.Generated` is one."""

    @property
    def text(self) -> str: ...
    @property
    def tokens(self) -> int: ...
    @property
    def finished(self) -> bool: ...


def put_together(pieces: Sequence[Piece]) -> tuple[str, int, bool]:
    """Text, tokens, and whether it came to its end, of what was written of a way's parts."""
    text, tokens = join([piece.text for piece in pieces]), sum(piece.tokens for piece in pieces)
    return text, tokens, all(piece.finished for piece in pieces)


def way_of(writer: object, messages: list[Message], *, longest: int | None = None, required: bool = False) -> Way:
    """How `writer` is asked for a note of at most `longest` tokens (by default what its highlights ask for).

    Unless they are `required`, the least alike examples go where there is no room for all. A note is asked for in parts sooner than without
    any example, and at once sooner than in parts with more of them. Where nothing fits it is asked for at once, with what room there is.
    No part asks a small base about more highlights than it keeps its place among.
    """
    shown = [messages]
    while not required and len(shown[-1]) > 3:
        shown.append([shown[-1][0], *shown[-1][3:]])
    some = [prompt for prompt in shown if len(prompt) > 3]
    for prompts in (some, shown[len(some) :]):
        for ask in (_at_once, _in_parts):
            for prompt in prompts:
                if parts := ask(writer, prompt, longest):
                    return Way(prompt, parts)
    return Way(shown[-1], (_part(writer, shown[-1], longest),))


def _part(writer: object, messages: list[Message], longest: int | None) -> Part:
    question = Question.read(messages[-1]["content"])
    return Part(messages, len(question.highlights) if question else 0, longest or longest_note(writer, messages))


def _at_once(writer: object, messages: list[Message], longest: int | None) -> tuple[Part, ...]:
    part = _part(writer, messages, longest)
    return (part,) if _has_room(writer, part, longest) else ()


def _has_room(writer: object, part: Part, longest: int | None) -> bool:
    return part.highlights <= (getattr(writer, "most_highlights", 0) or inf) and fits(writer, part.messages, longest)


def _in_parts(writer: object, messages: list[Message], longest: int | None) -> tuple[Part, ...]:
    """As few parts as have room; none where one highlight alone has not."""
    question = Question.read(messages[-1]["content"])
    if question is None:
        return ()

    def part(start: int, end: int) -> Part:
        return _part(writer, [*messages[:-1], {**messages[-1], "content": question.part(start, end)}], longest)

    sizes = [sum(map(len, lines)) for _, lines in question.highlights]
    largest = sizes.index(max(sizes))
    if not _has_room(writer, part(largest, largest + 1), longest):
        return ()
    for number in range(2, len(sizes) + 1):
        parts = tuple(part(*cut) for cut in split(sizes, [chapter for chapter, _ in question.highlights], number))
        if all(_has_room(writer, part, longest) for part in parts):
            return parts
    return ()


def split(sizes: Sequence[int], chapters: Sequence[str], number: int) -> list[tuple[int, int]]:
    """(start, end) of neighbours in so many parts of about one length; a part ends where a chapter does, if that is not far."""
    sums = [0, *accumulate(sizes)]
    size = sums[-1] / number
    begins = {place for place, (one, other) in enumerate(pairwise(chapters), 1) if one != other}
    cuts = [0]
    for part in range(1, number):
        places = range(cuts[-1] + 1, len(sizes) - (number - part) + 1)
        near = [place for place in places if place in begins and abs(sums[place] - part * size) <= AT_CHAPTER * size]
        cuts.append(min(near or places, key=lambda place: abs(sums[place] - part * size)))
    return list(pairwise([*cuts, len(sizes)]))
