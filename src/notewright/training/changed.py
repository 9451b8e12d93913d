"""What of a text a change or another text makes different, as one weight for each of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

Span = tuple[int, int]
EDGE, EDGE_SHARE = 3, 0.5  # tokens after a change that count as half changed: after a deletion they are all that can be learnt
CHANCE = 2  # tokens in a row that two texts may have in common by chance


def differing(text: Sequence[int], other: Sequence[int], shared: float) -> list[float]:
    """One weight for each token of `text`: 1 where `other` differs, a half for the next tokens, which are all that a deletion leaves to
    learn, else `shared`."""
    found = [1.0] * len(text)
    for block in SequenceMatcher(None, other, text, autojunk=False).get_matching_blocks():
        if block.size > CHANCE:
            for place in range(block.size):
                is_after = place < EDGE and max(block.a, block.b) > 0
                found[block.b + place] = max(shared, EDGE_SHARE) if is_after else shared
    return found


def weights(tokens: Sequence[Span], spans: Sequence[Span], changed: float, *, rest: float = 0.0, edges: bool = True) -> list[float]:
    """One weight for each token: `changed` where it touches a span, a share of it for the next tokens after one, else `rest`."""
    found = [rest] * len(tokens)
    for _, end in spans:
        after = [place for place, (first, _) in enumerate(tokens) if first >= end][: EDGE if edges else 0]
        for place in after:
            found[place] = max(found[place], EDGE_SHARE * changed)
    for place, (first, last) in enumerate(tokens):
        if any(first < end and start < last for start, end in spans):
            found[place] = changed
    return found
