"""Links and assets of a draft that are in neither the highlights nor the vault: they lead nowhere. None may get into a note unnamed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from html import unescape
from urllib.parse import unquote

from ..records import Highlight
from .given import flat, given_by
from .index import VaultIndex, read_facts
from .links import targets
from .pointers import same_place
from .protect import MEDIA
from .tokens import Token
from .views import text_of

# With (…) and an apostrophe inside, as in many addresses of Wikipedia's.
URL = re.compile(r"https?://(?:[^\s<>()\[\]\"']|\([^\s<>()\[\]\"]*\)|'(?=\w))+")
_ESCAPED = re.compile(r"\\([()_*~])")
_PARTS = re.compile(r"\s+(?:and|und|et|y|by|with)\s+|\s[-\u2013\u2014]\s|[:;,&/|()\u2014]")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:")
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif)\Z", re.IGNORECASE)
_TO_COME = 0.2  # of the files that a person's notes show; where more are not in the vault, they come later
_IN_HTML = re.compile(r"\b(src|href|poster|data)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)

Stray = tuple[str, str]  # what is wrong with it, and the target as the draft has it


class Allowed:
    """What a draft may link to and show. `known`: the source's title, author and more, a line each; the first two may be linked to, or
    parts of them (without the subtitle, one of two authors). `linked`: targets in use in the person's notes, whether or not there is such a
    note; None where that is not known, which lets every wikilink pass."""

    def __init__(
        self, highlights: Sequence[Highlight], known: str, index: VaultIndex | None, linked: AbstractSet[str] | None = frozenset()
    ) -> None:
        self.index = index
        self.given = given_by(highlights, known)
        self.urls = sorted(self.given.addresses.union(URL.findall(_ESCAPED.sub(r"\1", self.given.raw))))
        self.places = [unquote(name) for name in re.findall(r"[^\s()\[\]|<>\"]+\.\w{2,5}", self.given.raw)]
        self.files = {name.rpartition("/")[2].casefold(): name.rpartition("/")[2] for name in self.places}
        tags = [tag for item in highlights for tag in item.tags]
        links = re.findall(r"\[\[([^\[\]|#\n]+)", self.given.raw)
        about = [part for line in known.splitlines()[:2] for part in (line, *_PARTS.split(line))]
        self.to_come = index is None or _missing(linked or (), index) > _TO_COME
        self.links = None if linked is None else {flat(item) for item in (*linked, *links, *tags, *about)}

    def has_link(self, target: str) -> bool:
        """Is there such a note or file, or a link to it in the highlights or in a note?"""
        key = flat(target.partition("#")[0])
        if self.links is None or not key or key in self.links:
            return True
        return bool(self.index and self.index.has_note(target))

    def has_part(self, target: str, part: str, data: bytes) -> bool:
        """Has the note that `target` means (the draft `data` itself, where it is empty) this heading or block id?"""
        if f"{target}#{part}" in self.given.raw:
            return True
        facts = read_facts(data)
        if target:
            if self.index is None:
                return True
            paths = self.index.resolve(target)
            if not paths or not paths[0].lower().endswith(".md"):
                return bool(paths)  # a note still to be written has no parts; those of a PDF are not known
            facts = self.index.facts(paths[0])
        return part[1:].casefold() in facts.block_ids if part.startswith("^") else facts.has_heading(part)

    def has_file(self, target: str) -> bool:
        """Would an embed of `target` show a file of the vault, or one that the highlights name and the vault has nowhere yet? A folder in
        front of such a name must be one of the vault's, or stand so in the highlights."""
        if self.index and self.index.has_file(target):
            return True
        folder, _, name = unquote(target).replace("\\", "/").rpartition("/")
        if name.casefold() not in self.files:
            return False
        if not folder:
            return True
        if self.index and (self.index.named(name) or self.index.has_folder(folder)):
            return not self.index.named(name)
        return any(f"/{place.casefold()}".endswith(f"/{folder}/{name}".casefold()) for place in self.places)

    def web_picture(self, target: str) -> str:
        """The one address of a picture called so that the vault does not have, where the highlights know it by its address alone."""
        name = _file_name(target)
        if self.to_come or not _PICTURE.search(name) or (self.index and self.index.named(name)):
            return ""
        if any(_file_name(place) == name and not URL.match(place) for place in self.places):
            return ""
        found = {url for url in URL.findall(self.given.raw) if _file_name(url.partition("?")[0]) == name}
        return found.pop() if len(found) == 1 else ""

    def has_url(self, url: str) -> bool:
        return any(url == item or url.rstrip("/.,;") == item.rstrip("/.,;") for item in self.urls)

    def has_address(self, target: str, data: bytes) -> bool:
        """Is this target of a link given, or a place in the vault or in the draft `data` itself?"""
        if target in self.given.raw:
            return True
        if URL.match(target):
            return self.has_url(target) or target.rstrip("/") in self.given.raw
        if SCHEME.match(target):
            return any(same_place(target, url) for url in self.given.addresses)
        place, _, part = unquote(target).partition("#")
        if place and self.index and not self.index.has_note(place) and not self.index.has_file(place):
            return False
        return not part or self.has_part(place, part, data)


def _file_name(place: str) -> str:
    return unquote(place).replace("\\", "/").rpartition("/")[2].casefold()


def _missing(linked: Iterable[str], index: VaultIndex) -> float:
    """The share of the files shown in notes that are not in the vault."""
    places = (target.partition("#")[0] for target in linked if not SCHEME.match(target))
    shown = {_file_name(place) for place in places if MEDIA.search(place)}
    return sum(not index.named(name) for name in shown) / len(shown) if shown else 0.0


def strays(data: bytes, tokens: Sequence[Token], allowed: Allowed) -> Iterator[Stray]:
    """Every link, embed, picture and address of the draft that `allowed` does not have. Comments show nothing, and hold none."""
    shown = [token for token in tokens if token.kind not in ("comment", "html_comment")]
    for kind, target in targets(data, shown):
        name, _, part = target.partition("#")
        if kind == "wikilink":
            if not allowed.has_link(name):
                yield f"the link to {name} leads to no note", name
            elif part and allowed.links is not None and not allowed.has_part(name, part, data):
                yield f"the link to {target} leads to no such part", target
        elif kind in ("embed", "image"):
            yield from _shown(kind, target, allowed, data)
        elif kind in ("url", "link") and not allowed.has_address(target, data):
            yield _address(target), target
    for token in shown:
        if token.kind in ("html", "html_block"):
            for found in _IN_HTML.finditer(text_of(data, token)):
                place = unescape(found[2] or found[3] or found[4] or "")
                if found[1].lower() == "href":
                    if not allowed.has_address(place, data):
                        yield _address(place), place
                else:
                    yield from _shown("image", place, allowed, data)


def _address(target: str) -> str:
    return f"the address {target} is in no highlight" if SCHEME.match(target) else f"the link to {target} leads to no file of the vault"


def _shown(kind: str, target: str, allowed: Allowed, data: bytes) -> Iterator[Stray]:
    if SCHEME.match(target):
        if target not in allowed.given.raw and not (URL.match(target) and allowed.has_url(target)):
            yield f"the image {target} is in no highlight", target
        return
    place, _, part = target.partition("#")
    if not place:
        if part and not allowed.has_part("", part, data):
            yield f"the embed of {target} shows no part of the draft", target
    elif MEDIA.search(place) or kind == "image":
        if not allowed.has_file(place):
            yield f"the embedded file {place} is neither in the highlights nor in the vault", place
    elif allowed.index is not None:
        if not allowed.index.has_note(place):
            yield f"the embedded note {place} is not in the vault", place
        elif part and not allowed.has_part(place, part, data):
            yield f"the embedded note {place} has no part {part}", target
