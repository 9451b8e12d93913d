"""A draft in another language than the person writes in about such highlights: a large base may well answer in theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..language import NAMES, differ, own_language
from ..records import Finding

if TYPE_CHECKING:
    from .habits import Habits

LEAST = 3  # passages about highlights of that language
MOSTLY, SURE = 0.8, 0.95  # share of them that are in one language for a draft in another to warn, and to block
_SURE_FROM = 8  # passages


def in_another(text: str, spoken: str, habits: Habits) -> Iterator[Finding]:
    """Whether the draft is in another language than the person's passages about highlights in the language `spoken`."""
    seen = {key.partition(" ")[2]: count for key, count in habits.tongues.items() if key.startswith(f"{spoken} ")} if spoken else {}
    total = sum(seen.values())
    if total < LEAST:
        return
    usual = max(seen, key=seen.__getitem__)
    share, own = seen[usual] / total, own_language(text)
    if share >= MOSTLY and differ(own, usual):
        sure = share >= SURE and total >= _SURE_FROM
        reason = f"it is in {NAMES[own]}, your notes about such highlights are in {NAMES[usual]}"
        yield Finding("other language", "block" if sure else "warn", reason, 0, len(text))
