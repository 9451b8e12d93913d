"""Whether what is being written goes in a circle: the same over and over, which small models rarely leave again before the limit.

Everyone who waits for the other candidates waits for such a one, too, so it is ended where it is found, unfinished.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import chat

LEAST = 64  # tokens that say again what stands before them
TIMES = 3  # as often it has been gone round
LARGEST = 400  # tokens of a circle
LOOK_EVERY = 32


def circle(ids: Sequence[int]) -> int:
    """How many tokens the shortest circle has that `ids` end with; 0: none."""
    for size in range(1, min(LARGEST, len(ids) // TIMES) + 1):
        if ids[-1] != ids[-1 - size]:
            continue
        again = max(LEAST, (TIMES - 1) * size)
        if len(ids) >= again + size and ids[-again:] == ids[-again - size : -size]:
            return size
    return 0


def due(before: int, now: int) -> int:
    """At which length a draft that has grown from so many tokens to so many is looked at, and ended if need be; 0: not yet. The same
    lengths always, however many tokens a step brings."""
    return now - now % LOOK_EVERY if before // LOOK_EVERY < now // LOOK_EVERY else 0


class Circles:
    """Those of drafts for one prompt. What goes in circles in the prompt itself may do so in a draft, which quotes it."""

    def __init__(self, tokenizer: Any, prompt: Sequence[int]) -> None:
        self._tokenizer, self._prompt = tokenizer, prompt
        self._asked: str | None = None

    def found(self, ids: Sequence[int]) -> bool:
        """Whether what was written ends in a circle that is no quotation."""
        if not circle(ids):
            return False
        if self._asked is None:
            self._asked = self._bare(self._prompt)
        return self._bare(ids[-LEAST:]) not in self._asked

    def _bare(self, ids: Sequence[int]) -> str:
        """Without white space and the marks of quoted lines."""
        return "".join(chat.decode(self._tokenizer, list(ids)).strip("\ufffd").replace(">", "").split())
