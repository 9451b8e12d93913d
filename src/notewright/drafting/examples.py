"""Retrieved examples: the person's own finished passages that are most like what is to be drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..library import splits
from ..library.examples import THRESHOLD, from_pairs
from ..prompts import ROOM, shown_examples
from ..records import Prompt

if TYPE_CHECKING:
    from ..library import Library


def retrieve_examples(
    library: Library, prompt: Prompt, *, limit: int = 2, max_chars: int = ROOM, threshold: float = THRESHOLD
) -> list[tuple[Prompt, str]]:
    """Up to `limit` (prompt, passage) of other sources that fit together into `max_chars`, the most alike last.

    Sources and chapters that only measure (see `library.splits`) are never used. One that nothing is decided about yet may come to measure
    later: what is trained on then has its passages cut from the prompts (`prompts.Teaching`).
    """
    if not limit:
        return []
    sides, later = splits.known(library), splits.later(library)
    teaching = [
        example
        for example in from_pairs(library, threshold=threshold)
        if later.side(sides.get(example.source_id, "train"), example.source_id, example.prompt.highlights) == "train"
    ]
    return [(example.prompt, example.passage) for example in shown_examples(prompt, teaching, limit=limit, max_chars=max_chars)]
