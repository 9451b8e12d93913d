"""Retrieved examples: the person's own finished passages that are most like what is to be drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..library import splits
from ..library.examples import THRESHOLD, from_pairs, nearest
from ..prompts import render_highlights
from ..records import Prompt

if TYPE_CHECKING:
    from ..library import Library


def retrieve_examples(
    library: Library, prompt: Prompt, *, limit: int = 2, max_chars: int = 4500, threshold: float = THRESHOLD
) -> list[tuple[Prompt, str]]:
    """Up to `limit` (prompt, passage) of other sources that fit together into `max_chars`, the most alike last.

    Sources and chapters that only measure (see `library.splits`) are never used.
    """
    sides, later = splits.known(library), splits.later(library)
    teaching = [
        example
        for example in from_pairs(library, threshold=threshold)
        if later.side(sides.get(example.source_id, "train"), example.source_id, example.prompt.highlights) == "train"
    ]
    chosen: list[tuple[Prompt, str]] = []
    room = max_chars
    for example in nearest(prompt, teaching):
        size = len(render_highlights(example.prompt)) + len(example.passage)
        if len(chosen) < limit and size <= room:
            room -= size
            chosen.append((example.prompt, example.passage))
    return chosen[::-1]
