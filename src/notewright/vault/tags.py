"""Tags: those of a note, and those of a draft that nobody has used before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..text import UNSPACED
from .given import Given, flat
from .tokens import Token
from .views import text_of

if TYPE_CHECKING:
    from .index import VaultIndex

# Wider than Obsidian's own: a tag in code or a comment is known to the person too.
_TAG = re.compile(r"(?:\A|(?<=[\s>(]))#([^\s#,;:.!?'\"()\[\]{}<>|`*=~]+)")
_PROPERTIES = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---", re.DOTALL | re.MULTILINE)
# In one line or several: a list of items, or in brackets, blank lines between them.
_LISTED = re.compile(r"^[\"']?tags?[\"']?[ \t]*:[ \t]*(.*(?:\r?\n(?:(?:[ \t]|-[ \t]|[\[\]]).*|(?=\r?\n)))*)", re.IGNORECASE | re.MULTILINE)
_ITEM = re.compile(r"[^\s,\[\]\"'#]+")
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
_WIDE = re.compile(f"[{UNSPACED}]")


def read_tags(data: bytes) -> frozenset[str]:
    """All tags in a note's text and properties, without `#`, case folded; rather too many than too few."""
    if b"#" not in data and b"tag" not in data[:4000].lower():
        return frozenset()
    text = data.decode("utf-8", errors="replace")
    return frozenset(tag.casefold().strip("/") for tag in (*_TAG.findall(text), *_listed(text)))


def tags_of(texts: Iterable[str]) -> frozenset[str]:
    """Tags written in these texts, as the person would write them in a note."""
    return frozenset(tag for text in texts for tag in read_tags(text.encode("utf-8", errors="replace")))


def bearing(index: VaultIndex, own: Iterable[str] = (), *, besides: str = "") -> Callable[[str], bool]:
    """Asks whether a tag is among `own`, or borne by a note other than the one at `besides`."""
    names = {tag.casefold().strip("#/") for tag in own}
    return lambda tag: tag.casefold() in names or index.has_tag(tag, besides=besides)


def new_tags(data: bytes, tokens: Sequence[Token], given: Given, tagged: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Tags of the draft `data` that nothing of the person's is `tagged` with, and whose words the highlights don't have."""
    shown = [text_of(data, token)[1:] for token in tokens if token.kind == "tag"]
    shown += [tag for token in tokens if token.kind == "properties" for tag in _listed(text_of(data, token))]
    for tag in dict.fromkeys(item.strip("/") for item in shown):
        if not _said(tag, given) and not tagged(tag):
            yield f"the tag #{tag} is new: no highlight and no note has it", f"#{tag}"


def _listed(text: str) -> list[str]:
    properties = _PROPERTIES.match(text)
    found = _LISTED.findall(properties[1]) if properties else []
    return [item for value in found for item in _ITEM.findall(re.sub(r"^[ \t]*-[ \t]", " ", value, flags=re.MULTILINE))]


def _said(tag: str, given: Given) -> bool:
    """Do the highlights, their tags or the source have the tag's words side by side?"""
    words = _apart(_HUMP.sub(" ", tag))
    return words in _apart(given.raw) if _WIDE.search(words) else f" {words} " in f" {_apart(given.raw)} "


def _apart(text: str) -> str:
    return flat(re.sub(r"[-_/#]", " ", text))
