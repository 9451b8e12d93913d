"""What the links and embeds of a vault can mean: its files by name and path, and the headings and block ids of its notes.

An index lives in memory. Names take one walk through the folders (some 50 ms for 5,000 files); a note's headings and block ids are read
when a link first asks for them, tags when the first tag does, and again when its size or time changed. `refresh` brings a held index up to
date, `renewed` makes another one of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from unicodedata import normalize
from urllib.parse import unquote

from .files import walk
from .outline import Heading, read_outline
from .tags import read_tags

BLOCK_ID = re.compile(rb"(?<![^ \t\r\n])\^([A-Za-z0-9-]+)[ \t]*(?:\r\n|\n|\r|\Z)")
_NOT_IN_KEYS = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class NoteFacts:
    """What can be linked to inside one note. `headings` are trails: the titles above each heading and its own, in file order."""

    headings: tuple[tuple[str, ...], ...] = ()
    block_ids: frozenset[str] = frozenset()

    def has_heading(self, fragment: str) -> bool:
        """Does `fragment` (`Heading`, or `Above#Heading`) name a heading? Obsidian ignores case and marks, and so does this."""
        wanted = [title_key(part) for part in fragment.split("#") if part.strip()]
        for trail in self.headings:
            keys = iter(title_key(title) for title in trail)
            if wanted and title_key(trail[-1]) == wanted[-1] and all(part in keys for part in wanted):
                return True
        return not wanted


class VaultIndex:
    """Every visible file of the vault, exports and attachments included. Targets and paths are compared in NFC, case folded."""

    def __init__(self, vault: Path | None = None, *, paths: Iterable[str] = ()) -> None:
        """Of the files in `vault`, or, without a folder, of `paths` alone (vault-relative; their notes count as empty)."""
        self._vault = vault
        self._facts: dict[str, tuple[tuple[int, int], NoteFacts]] = {}
        self._tags: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}
        self._bearers: dict[str, set[str]] | None = None  # paths of notes by tag
        self._stamps: dict[str, tuple[int, int]] = {}
        self._files: dict[str, Path] = {}
        self._fill(paths)
        if vault is not None:
            self.refresh()

    def refresh(self) -> None:
        """Walk through the vault again. Headings of notes that kept their size and time are kept."""
        if self._vault is None:
            return
        stamps, files = {}, {}
        paths = []
        for path, entry in walk(self._vault):
            paths.append(path)
            if path.lower().endswith(".md"):
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                stamps[path], files[path] = (status.st_mtime_ns, status.st_size), Path(entry.path)
        self._stamps, self._files = stamps, files
        self._bearers = None
        self._facts = {path: known for path, known in self._facts.copy().items() if stamps.get(path) == known[0]}
        self._fill(paths)

    def renewed(self) -> VaultIndex:
        """Another index, of the vault as it is now, for a program in which other threads go on reading this one."""
        other = copy(self)
        other.refresh()
        return other

    def _fill(self, paths: Iterable[str]) -> None:
        whole: dict[str, str] = {}
        endings: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            folded = _folded(path)
            whole.setdefault(folded, path)
            while folded:
                endings[folded].append(path)
                folded = folded.partition("/")[2]
        self._whole, self._endings = whole, dict(endings)

    def notes(self) -> Iterator[str]:
        """Paths of all Markdown files."""
        return (path for path in self._whole.values() if path.lower().endswith(".md"))

    def resolve(self, target: str, *, source: str = "") -> tuple[str, ...]:
        """Vault paths that a link target (name or path, what follows `#` aside) can mean in the note at `source`; empty if it is broken.

        More than one only where the target is ambiguous: no full path, and no file of that name beside the source. The one nearest to the
        vault's top comes first.
        """
        name = target.partition("#")[0].strip()
        if not name:
            return (source,) if source else ()
        for form in dict.fromkeys((name, unquote(name))):
            for candidate in (f"{form}.md", form) if not form.lower().endswith(".md") else (form,):
                if found := self._meant(candidate, source):
                    return found
        return ()

    def _meant(self, target: str, source: str) -> tuple[str, ...]:
        folder = source.rpartition("/")[0]
        plain = target.replace("\\", "/")
        beside = _folded(normpath(f"{folder}/{plain}" if folder else plain))
        if plain.startswith(("./", "../")):
            return (self._whole[beside],) if beside in self._whole else ()
        wanted = _folded(plain)
        for exact in (wanted, beside) if plain.startswith("/") or "/" in wanted else (beside, wanted):
            if exact in self._whole:
                return (self._whole[exact],)
        return tuple(sorted(self._endings.get(wanted, ()), key=lambda path: (path.count("/"), path)))

    def has_file(self, target: str) -> bool:
        """Is there a file that an embed of `target` (name or path; percent-encoded is fine) would show?"""
        name = target.strip()
        return any(_folded(form) in self._endings for form in (name, unquote(name)))

    def named(self, name: str) -> tuple[str, ...]:
        """Paths of all files called `name` (with its ending), whatever folder they are in."""
        return tuple(self._endings.get(_folded(name), ()))

    def has_folder(self, folder: str) -> bool:
        """Is there such a folder with a file in it? `folder` may lack the folders above it, as a link's path may."""
        inner = f"/{_folded(folder).rstrip('/')}/"
        return any(inner in f"/{path.rpartition('/')[0]}/" for path in self._whole)

    def has_note(self, target: str) -> bool:
        """Is there a note or file that `[[target]]` opens? Headings and block ids after `#` are not checked."""
        return not target.partition("#")[0].strip() or bool(self.resolve(target))

    def has_tag(self, tag: str, *, besides: str = "") -> bool:
        """Does a note other than that at vault-relative path `besides` bear this tag, or one below it, in its text or its properties? The
        first question reads all notes."""
        if self._bearers is None:
            self._bearers = defaultdict(set)
            for path, stamp in self._stamps.items():
                known = self._tags.get(path)
                if known is None or known[0] != stamp:
                    try:
                        known = self._tags[path] = stamp, read_tags(self._files[path].read_bytes())
                    except OSError:
                        continue
                for full in known[1]:
                    parts = full.split("/")
                    for size in range(1, len(parts) + 1):
                        self._bearers["/".join(parts[:size])].add(path)
        return bool(self._bearers.get(tag.casefold(), set()) - {besides})

    def facts(self, path: str) -> NoteFacts:
        """Headings and block ids of the note at vault-relative `path`, as of the last `refresh`; empty for one that cannot be read."""
        stamp = self._stamps.get(path)
        if stamp is None:
            return NoteFacts()
        known = self._facts.get(path)
        if known is None or known[0] != stamp:
            try:
                known = (stamp, read_facts(self._files[path].read_bytes()))
            except OSError:
                known = (stamp, NoteFacts())
            self._facts[path] = known
        return known[1]


def build_index(vault: Path) -> VaultIndex:
    """The index of every visible file of the vault."""
    return VaultIndex(vault)


def read_facts(data: bytes) -> NoteFacts:
    """Headings and block ids in a note's bytes."""
    outline = read_outline(data)
    trails: list[tuple[str, ...]] = []
    stack: list[Heading] = []
    for heading in outline.headings:
        stack = [item for item in stack if item.level < heading.level] + [heading]
        trails.append(tuple(item.title for item in stack))
    ids: frozenset[str] = frozenset()
    if b"^" in data:
        ends = (
            BLOCK_ID.search(data, line.start, line.end) for line in outline.lines if line.kind in ("text", "heading", "underline", "math")
        )
        ids = frozenset(found[1].decode().casefold() for found in ends if found)
    return NoteFacts(tuple(trails), ids)


def title_key(title: str) -> str:
    """A heading's title as links compare it."""
    return _NOT_IN_KEYS.sub("", normalize("NFC", title)).casefold()


def _folded(path: str) -> str:
    return normalize("NFC", path).replace("\\", "/").strip().lstrip("/").removeprefix("./").casefold()
