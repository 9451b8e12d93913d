"""Highlights and pictures that a draft lost, judged by what the person's own notes do with such highlights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from ..language import common_language, differ, language_of
from ..library.selection import is_picture
from ..records import Finding, Highlight
from ..vault.given import flat
from .support import stems

if TYPE_CHECKING:
    from .habits import Habits

USED = 0.5  # of the content words of a highlight's best sentence; a person who kept only the annotation kept all of it
_FILE = re.compile(r"[^\s()\[\]|<>\"/]+\.(?:png|jpe?g|gif|svg|webp|bmp|avif|pdf)\b", re.IGNORECASE)
# Of scripts without spaces a clause counts, as what is kept of a sentence is told by few characters; Thai has a space between clauses.
_SENTENCE = re.compile(r"(?<=[.!?…؟।])[\"”’)]*\s+|(?<=[。！？｡、，；])[\"”’)」』]*(?=.)|(?<=[\u0e00-\u0eff])\s+(?=[\u0e00-\u0eff])")


def lost(text: str, highlights: Sequence[Highlight], habits: Habits) -> list[Finding]:
    """Highlights of a sort that the person's notes mostly use, and that this draft does not; where it can be told, see `told_by_words`."""
    found = []
    by_words = told_by_words(text, highlights)
    for item in unused(text, highlights):
        if not by_words and not asset(item):
            continue
        if severity := habits.lost_severity(sort(item)):
            if asset(item):
                found.append(Finding("lost asset", severity, f"the picture {asset(item)} is left out"))
            else:
                found.append(Finding("lost highlight", severity, f"a highlight is left out: {_short(item.text)}"))
    return found


def told_by_words(text: str, highlights: Sequence[Highlight]) -> bool:
    """Whether words can tell which highlights a text uses: not where it is in another language."""
    return not differ(language_of(text), common_language(item.text for item in highlights))


def unused(text: str, highlights: Sequence[Highlight]) -> list[Highlight]:
    """The highlights of which the text has neither the picture nor half the words of one sentence nor the annotation.

    Words that most of the highlights share tell none of them from the others, and do not count; a passage marked twice is one.
    """
    said, whole = stems(text), flat(text)
    different = {stems(item.text) for item in highlights}
    held = Counter(stem for words in different for stem in words)
    shared = {stem for stem, count in held.items() if len(different) > 2 and count > len(different) / 2}
    return [item for item in highlights if not _uses(text, said, whole, item, shared)]


def _uses(text: str, said: Set[str], whole: str, highlight: Highlight, shared: Set[str]) -> bool:
    name = asset(highlight)
    if name:
        return name.casefold() in text.casefold()
    if (verbatim := flat(highlight.text)) and verbatim in whole:  # one of short words, or in a script without spaces, has no stems
        return True
    parts = [*_SENTENCE.split(" ".join(highlight.text.split())), highlight.text]
    own = shared if stems(highlight.text) - shared else frozenset()  # one without words of its own is judged by all it has
    wanted = [stems(part) - own for part in parts]
    long = [words for words in wanted if len(words) >= 3] or wanted[-1:]
    remark = stems(highlight.annotation)
    return (len(remark) > 1 and remark <= said) or any(words and len(words & said) / len(words) >= USED for words in long)


def asset(highlight: Highlight) -> str:
    """The file name of a highlight that is a picture, else empty."""
    if not is_picture(highlight):
        return ""
    found = _FILE.search(highlight.text)
    return found[0] if found else ""


def sort(highlight: Highlight) -> str:
    """How the person treats highlights depends on this: picture, favourite, annotated or plain."""
    if asset(highlight):
        return "picture"
    return "favourite" if highlight.is_favorite else "annotated" if highlight.annotation else "plain"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "…"
