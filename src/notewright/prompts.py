"""Highlights and retrieved examples -> chat messages: the one rendering that training and drafting share.

A prompt is a system line, then for every retrieved example a user turn (its highlights) and an assistant turn (the passage the
person wrote from them), then a user turn with the chosen highlights. Bump `PROMPT_VERSION` whenever the rendering changes: datasets
and models record the version they were built with.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .library import splits
from .library.copies import LONG, measuring, mostly_among
from .library.examples import THRESHOLD, Example, from_pairs, nearest
from .records import Highlight, Prompt
from .text import normalise

if TYPE_CHECKING:
    from .library import Library

PROMPT_VERSION = 1
LEAST_NOTE = 16  # tokens of the context beside the prompt: what is shorter is no note
ROOM = 4500  # characters of the examples beside a prompt
SYSTEM = "Write the note for these highlights in the reader's own style. Use only what the highlights say."

TAIL = ("Rules:", "Instruction: ")  # how the lines below the highlights begin
NUMBERED = re.compile(r"^\d+\. (.*)", re.MULTILINE)  # a highlight's first line in a prompt

Message = dict[str, str]


def location_label(highlight: Highlight) -> str:
    """The location as readers write it: `p. 34`, `loc. 1203`, `12:05` or `1:02:05`; empty for orders and offsets, and for page 0, which
    is what exports say where a source has no pages."""
    value = highlight.location
    if value is None:
        return ""
    match highlight.location_type:
        case "page" if value:
            return f"p. {value}"
        case "location" if value:
            return f"loc. {value}"
        case "time_offset":
            minutes, seconds = divmod(value, 60)
            hours, minutes = divmod(minutes, 60)
            return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return ""


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


def _indented(text: str) -> str:
    return "\n   ".join(text.strip().splitlines())


def render_highlights(prompt: Prompt) -> str:
    """The user turn. Highlights keep their order; a chapter line opens each chapter; metadata lines are indented under the text.

    The text stands alone on its line so that a small model can copy it byte for byte.
    """
    source = prompt.source
    lines = [f"Title: {source.title}"]
    if source.author:
        lines.append(f"Author: {source.author}")
    lines.append(f"Kind: {source.kind}")
    if source.tags:
        lines.append("Tags: " + ", ".join(source.tags))
    if source.summary and not prompt.chapter:
        lines.append("Summary: " + " ".join(source.summary.split()))
    chapter = None
    for number, highlight in enumerate(prompt.highlights, 1):
        if highlight.chapter != chapter:
            chapter = highlight.chapter
            lines += ["", f"Chapter: {chapter}"] if chapter else [""]
        elif number == 1:
            lines.append("")
        lines.append(f"{number}. {_indented(highlight.text)}")
        facts = [location_label(highlight), " ".join(f"#{tag}" for tag in highlight.tags), "favourite" if highlight.is_favorite else ""]
        if any(facts):
            lines.append("   " + " · ".join(fact for fact in facts if fact))
        if highlight.annotation:
            lines.append(f"   Annotation: {_indented(highlight.annotation)}")
    if prompt.rules:
        lines += ["", "Rules:", *(f"- {rule}" for rule in prompt.rules)]
    if prompt.instruction:
        lines += ["", f"Instruction: {prompt.instruction}"]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Question:
    """A rendered user turn, cut at its highlights: the lines above them, each one's chapter and lines, and the lines below."""

    head: tuple[str, ...]
    highlights: tuple[tuple[str, tuple[str, ...]], ...]
    tail: tuple[str, ...]

    @classmethod
    def read(cls, turn: str) -> Question | None:
        """None for what `render_highlights` did not make."""
        lines = turn.split("\n")
        first = next((place for place, line in enumerate(lines) if line.startswith("1. ")), 0)
        head = first - (2 if lines[first - 1].startswith("Chapter: ") else 1)
        if head < 1 or lines[head]:
            return None
        tails = (place for place in range(first, len(lines) - 1) if not lines[place] and lines[place + 1].startswith(TAIL))
        end = next(tails, len(lines))
        found: list[tuple[str, list[str]]] = []
        chapter = ""
        for line in lines[head:end]:
            if not line:
                chapter = ""
            elif line.startswith("Chapter: "):
                chapter = line.removeprefix("Chapter: ")
            elif line.startswith(f"{len(found) + 1}. "):
                found.append((chapter, [line.partition(". ")[2]]))
            elif found and line.startswith("   "):
                found[-1][1].append(line)
            else:
                return None
        return cls(tuple(lines[:head]), tuple((chapter, tuple(words)) for chapter, words in found), tuple(lines[end:]))

    def part(self, start: int, end: int) -> str:
        """The same turn with some of its highlights, counted anew."""
        lines = list(self.head)
        before = None
        for number, (chapter, (first, *more)) in enumerate(self.highlights[start:end], 1):
            if chapter != before:
                lines += ["", f"Chapter: {chapter}"] if chapter else [""]
                before = chapter
            lines += [f"{number}. {first}", *more]
        return "\n".join([*lines, *self.tail])


def build_messages(prompt: Prompt, examples: Iterable[tuple[Prompt, str]] = ()) -> list[Message]:
    """Messages for `prompt`, each example (its prompt, the passage written from it) as an earlier exchange."""
    messages = [{"role": "system", "content": SYSTEM}]
    for example, passage in examples:
        messages.append({"role": "user", "content": render_highlights(example)})
        messages.append({"role": "assistant", "content": passage})
    messages.append({"role": "user", "content": render_highlights(prompt)})
    return messages


def subject(turn: str) -> tuple[str, str, frozenset[str]]:
    """Title, author and chapters that a rendered user turn is about ("" for highlights before the first chapter)."""
    head, *blocks = turn.split("\n\n")
    title, _, rest = head.partition("\n")
    author = rest.partition("\n")[0]
    chapters = {block.partition("\n")[0].removeprefix("Chapter: ") for block in blocks if block.startswith("Chapter: ")}
    chapters |= {"" for block in blocks if block[:1].isdigit()}
    return title.removeprefix("Title: "), author.removeprefix("Author: ") if author.startswith("Author: ") else "", frozenset(chapters)


class Teaching:
    """Which earlier exchanges of stored prompts may stand in training files: those of which is known that their source and chapter teach.

    A draft keeps the prompt that it was asked with. Since then a source or chapter in its examples may have come to measure only: by what
    the exchange asks about, or as its passage (in normal form) is now paired with something that measures, or as another copy of the book
    measures. One that no source in the library is named like, or whose source has no side yet, may still come to measure. `later` and the
    sides are as of now.
    """

    def __init__(self, library: Library, later: splits.Later, *, threshold: float = THRESHOLD) -> None:
        sides = splits.known(library)
        self._later = later
        self._named: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for source in library.sources.all(include_removed=True):
            self._named[source.title, source.author].append((source.id, sides.get(source.id, "")))
        self._measuring = {
            normalise(example.passage)
            for example in from_pairs(library, threshold=threshold)
            if later.side(sides.get(example.source_id, ""), example.source_id, example.prompt.highlights) != "train"
        }
        long = (item.text for item in measuring(library, sides, later) if len(item.text) >= LONG)
        self._copied = {normalise(_first_line(text)) for text in long}
        self._known: dict[tuple[str, str], bool] = {}

    def cut(self, messages: Iterable[Message]) -> tuple[list[Message], int]:
        """The prompt without the exchanges that may not teach, else word for word; and how many were cut."""
        kept: list[Message] = []
        cut = 0
        for message in messages:
            answered = message["role"] == "assistant" and bool(kept) and kept[-1]["role"] == "user"
            if answered and not self._teaches(kept[-1]["content"], message["content"]):
                kept.pop()
                cut += 1
            else:
                kept.append(dict(message))
        return kept, cut

    def _teaches(self, turn: str, passage: str) -> bool:
        if (turn, passage) not in self._known:
            title, author, chapters = subject(turn)
            named = self._named.get((title, author), [])
            known = bool(named) and all(side == "train" and chapters.isdisjoint(self._later.of(source_id)) for source_id, side in named)
            asked = {normalise(line) for line in NUMBERED.findall(turn) if len(line) >= LONG}
            copied = mostly_among(asked, self._copied)
            self._known[turn, passage] = known and normalise(passage) not in self._measuring and not copied
        return self._known[turn, passage]


def prompt_id(messages: Sequence[Message]) -> str:
    """A short content hash; equal messages under one prompt version have equal ids."""
    body = json.dumps([PROMPT_VERSION, list(messages)], ensure_ascii=False, separators=(",", ":"))
    return "prompt_" + hashlib.sha256(body.encode()).hexdigest()[:16]


def shown_examples(
    prompt: Prompt, teaching: Iterable[Example], *, limit: int, max_chars: int = ROOM, former: bool = False
) -> list[Example]:
    """What drafting shows beside a prompt, and measuring does too: up to `limit` of the nearest that fit into `max_chars` together, the
    most alike last, next to the question. `former`: see `nearest`."""
    chosen: list[Example] = []
    for example in nearest(prompt, teaching, former=former):
        size = len(render_highlights(example.prompt)) + len(example.passage)
        if len(chosen) < limit and size <= max_chars:
            max_chars -= size
            chosen.append(example)
    return chosen[::-1]
