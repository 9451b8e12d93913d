"""Words that do not exist, as far as that can be told without a dictionary: those that stutter (`interleavinging`).

Rare pieces of letters tell nothing: what a model makes up is made of common ones (lab notes, 2026-11-28).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..records import Finding, Highlight
from ..text import UNSPACED
from .names import LINK

_WORD = re.compile(rf"(?:(?![{UNSPACED}])[^\W\d_]){{6,}}")
_DOUBLED = re.compile(r"([^\W\d_]{3,})\1+(?:e?s)?\Z")  # an ending of three letters or more, twice or more
_MANY = re.compile(r"([^\W\d_]{2})\1{5,}|([^\W\d_]{3,})\2{3,}")  # laughter is shorter
LEAST, LONG = 6, 8  # letters of the word before its ending came again; `stringing` is a word
_ENDINGS = ("ing", "est")


def stutters(text: str, highlights: Sequence[Highlight], known: str = "") -> Iterator[Finding]:
    """Words of the draft that say the ending of a word once more which it or the highlights have, or one piece over and over; what stands
    so in the highlights is a word."""
    given = {word.casefold() for item in highlights for word in _WORD.findall(f"{item.text} {item.annotation} {item.chapter}")}
    given |= {word.casefold() for word in _WORD.findall(known)}
    bare = LINK.sub(lambda match: " " * len(match[0]), text)
    words = [(found, found[0].casefold()) for found in _WORD.finditer(bare)]
    there = given | {word for _, word in words}
    seen: set[str] = set()
    for found, word in words:
        if word not in given and word not in seen and _stutters(word, there):
            seen.add(word)
            shown = found[0] if len(word) <= 30 else f"{found[0][:29]}…"
            yield Finding("broken word", "warn", f"this is hardly a word: {shown}", *found.span())


def _stutters(word: str, there: set[str]) -> bool:
    if _MANY.search(word):
        return True
    found = _DOUBLED.search(word)
    base = word[: found.end(1)] if found else ""
    return base in there and len(base) >= (LONG if found and found[1] in _ENDINGS else LEAST)
