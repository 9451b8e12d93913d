"""In which language the person writes about highlights of a language, and a draft that is in another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..language import NAMES, common_language, differ, own_language
from ..records import Finding, Highlight

if TYPE_CHECKING:
    from .habits import Habits

LEAST = 3  # passages about highlights of that language
MOSTLY, SURE = 0.8, 0.95  # share of them that are in one language for a draft in another to warn, and to block
_SURE_FROM = 8  # passages


def tongue(passage: str, highlights: Sequence[Highlight]) -> str:
    """The language of the highlights and that in which the passage speaks outside of block quotes (`en de`); empty if one is not known."""
    spoken, own = common_language(item.text for item in highlights), own_language(passage)
    return f"{spoken} {own}" if spoken and own else ""


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
