"""A note of more highlights than a model has room for is written in parts: neighbouring highlights each, put together by `joining`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from ..models.room import fits, longest_note
from ..prompts import Message, build_messages
from ..records import Draft, Highlight, Prompt

FACTS = 40  # characters of a highlight's number, place and tags
AT_CHAPTER = 0.25  # of a part: as far as its end is moved to where a chapter begins


@dataclass(frozen=True, slots=True)
class Part:
    """What a model is asked at once: a prompt, how many highlights it asks about, and the most tokens that it may write."""

    messages: list[Message]
    highlights: int
    longest: int


@dataclass(frozen=True, slots=True)
class Way:
    """How a version is asked: the prompt of all highlights, which is stored, and its parts, one of which is all of it as a rule."""

    messages: list[Message]
    parts: tuple[Part, ...]

    @property
    def longest(self) -> int:
        return sum(part.longest for part in self.parts)

    @property
    def examples(self) -> int:
        return (len(self.messages) - 2) // 2  # a system turn and the question


def way_of(
    writer: object, prompt: Prompt, retrieved: Sequence[tuple[Prompt, str]], *, longest: int | None = None, required: bool = False
) -> Way:
    """How `writer` is asked for a note of at most `longest` tokens (by default what its highlights ask for) with these examples.

    Unless they are `required`, the least alike go where there is no room for all. A note is written in parts sooner than without any
    example, and whole sooner than in parts with more of them. Where nothing fits it is asked whole, with what room there is.
    """
    shown = [retrieved[dropped:] for dropped in range(1 if required else len(retrieved) + 1)]
    some = [examples for examples in shown if examples]
    for told in (some, shown[len(some) :]):
        for parted in (False, True):
            for examples in told:
                if found := _fitting(writer, prompt, examples, longest, parted=parted):
                    return found
    part = _part(writer, prompt, shown[-1], longest)
    return Way(part.messages, (part,))


def _fitting(writer: object, prompt: Prompt, examples: Sequence[tuple[Prompt, str]], longest: int | None, *, parted: bool) -> Way | None:
    """With all these examples: in one, or `parted`, in as few parts as have room."""

    def has_room(highlights: Sequence[Highlight]) -> bool:
        return fits(writer, build_messages(replace(prompt, highlights=tuple(highlights)), examples), longest)

    if parted and not has_room([max(prompt.highlights, key=_size)]):
        return None
    for number in range(2, len(prompt.highlights) + 1) if parted else (1,):
        pieces = split(prompt.highlights, number)
        if all(map(has_room, pieces)):
            parts = (_part(writer, replace(prompt, highlights=piece), examples, longest) for piece in pieces)
            return Way(build_messages(prompt, examples), tuple(parts))
    return None


def _part(writer: object, prompt: Prompt, examples: Sequence[tuple[Prompt, str]], longest: int | None) -> Part:
    messages = build_messages(prompt, examples)
    return Part(messages, len(prompt.highlights), longest or longest_note(writer, messages))


def _size(highlight: Highlight) -> int:
    return FACTS + len(highlight.text) + len(highlight.annotation)


def told_parts(drafts: Sequence[Draft]) -> str:
    """One sentence where shown drafts were written in parts, else empty."""
    found = next((parts for draft in drafts if isinstance(parts := draft.sampling.get("parts"), list)), None)
    if found is None:
        return ""
    return f"Written in {len(found)} parts, of {' and '.join(map(str, found))} highlights: the model has no room for all of them at once."


def split(highlights: Sequence[Highlight], number: int) -> list[tuple[Highlight, ...]]:
    """Neighbours, in so many parts of about one length; a part ends where a chapter does, if that is not far."""
    sums = [0, *accumulate(map(_size, highlights))]
    size = sums[-1] / number
    begins = {place for place, (one, other) in enumerate(pairwise(highlights), 1) if one.chapter != other.chapter}
    cuts = [0]
    for part in range(1, number):
        places = range(cuts[-1] + 1, len(highlights) - (number - part) + 1)
        near = [place for place in places if place in begins and abs(sums[place] - part * size) <= AT_CHAPTER * size]
        cuts.append(min(near or places, key=lambda place: abs(sums[place] - part * size)))
    return [tuple(highlights[start:end]) for start, end in pairwise([*cuts, len(highlights)])]
