"""Prompts about highlights that teach nothing: what is written about them shows what a training did beyond the passages it read.

    probe.jsonl    beside the splits of a dataset in which nothing steers; one object a line: prompt, source_id, highlight_ids

They are asked as drafting would ask. Nothing that measures is among them: what is kept of a training may follow from them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..library import splits
from ..library.examples import visible_highlights
from ..library.rows import Row
from ..prompts import NUMBERED, build_messages
from ..records import Highlight, Prompt, Source
from ..reward import rules_for_prompt
from ..text import normalise

if TYPE_CHECKING:
    from ..library import Library

MOST = 6  # a few more than are asked, should one be too long for the base
LONGEST = 1500  # characters of a prompt's highlights: a tiny base has little room


def probes(library: Library, teaching: Iterable[Row], *, later: splits.Later) -> list[Row]:
    """Up to `MOST` prompts, a source each as far as there are as many, of highlights that no prompt of the `teaching` rows shows.

    The same library and rows give the same ones. Sources that are nearest to teaching come first, by the hash that decides of it.
    """
    turns = [message["content"] for row in teaching for message in row["prompt"] if message["role"] == "user"]
    shown = {normalise(line) for turn in turns for line in NUMBERED.findall(turn)}
    sides, rules = splits.known(library), rules_for_prompt(library)
    firsts: list[Prompt] = []
    others: list[Prompt] = []
    for source in sorted(library.sources.all(), key=lambda source: (splits.fraction(source.id), source.id)):
        if sides.get(source.id, "train") == "train" and len(firsts) < MOST:
            asked = list(_of_source(source, visible_highlights(library, source.id), shown, later.of(source.id), rules))
            firsts, others = firsts + asked[:1], others + asked[1:]
    return [
        {"prompt": build_messages(prompt), "source_id": prompt.source.id, "highlight_ids": [item.id for item in prompt.highlights]}
        for prompt in (*firsts, *others)[:MOST]
    ]


def _of_source(
    source: Source, highlights: Iterable[Highlight], shown: set[str], measuring: frozenset[str], rules: tuple[str, ...]
) -> Iterator[Prompt]:
    """A prompt for each chapter with highlights that are not `shown`, those of most letters first."""
    free: dict[str, list[Highlight]] = defaultdict(list)
    room: dict[str, int] = defaultdict(lambda: LONGEST)
    for item in highlights:
        size = len(item.text) + len(item.annotation)
        fits = size <= room[item.chapter] and item.text.strip()
        if fits and item.chapter not in measuring and normalise(item.text.strip().splitlines()[0]) not in shown:
            free[item.chapter].append(item)
            room[item.chapter] -= size
    for chapter in sorted(free, key=lambda chapter: (room[chapter], chapter)):
        yield Prompt(source=source, highlights=tuple(free[chapter]), chapter=chapter, rules=rules)
