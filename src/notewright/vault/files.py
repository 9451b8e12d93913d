"""Which files of the vault are the person's own notes, and which files a link or embed can mean.

Paths are vault-relative, with forward slashes, in NFC (file systems differ in how they store accents); dot folders are never entered.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from unicodedata import normalize
from urllib.parse import unquote

from .config import VaultConfig


@dataclass(frozen=True, slots=True)
class NoteFile:
    """One Markdown file as found: `path` in normal form, `file` as the disk spells it, `size` in bytes."""

    path: str
    file: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class VaultIndex:
    """What links can mean: vault-relative paths of all visible files, by full path and by name, case folded."""

    paths: frozenset[str] = frozenset()
    names: frozenset[str] = field(default=frozenset(), repr=False)

    def has_file(self, target: str) -> bool:
        """Is there a file that an embed of `target` (name or path; percent-encoded is fine) would show?"""
        wanted = _folded(target)
        if "/" not in wanted:
            return wanted in self.names
        return wanted in self.paths or any(path.endswith("/" + wanted) for path in self.paths)

    def has_note(self, target: str) -> bool:
        """Is there a note that `[[target]]` opens? Headings and block ids after `#` are not checked."""
        name = target.partition("#")[0].strip()
        return not name or self.has_file(name if name.lower().endswith(".md") else name + ".md") or self.has_file(name)


def iterate_notes(vault: Path, config: VaultConfig, *, exclude: Iterable[str] = ()) -> Iterator[NoteFile]:
    """The person's notes, sorted by path: no dot files, no Readwise exports, nothing under `exclude` (folders, files or globs).

    Symbolic links are not followed, as Obsidian advises, so nothing outside the vault is ever read.
    """
    unwanted = tuple(filter(None, (_clean(item) for item in (*config.readwise_folders, *exclude))))
    seen: set[str] = set()
    for path, entry in _walk(vault, unwanted):
        if path.lower().endswith(".md") and path not in seen:
            seen.add(path)
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            yield NoteFile(path=path, file=Path(entry.path), size=status.st_size, mtime_ns=status.st_mtime_ns)


def build_index(vault: Path) -> VaultIndex:
    """Every visible file of the vault, Readwise exports and attachments included."""
    paths = frozenset(_folded(path) for path, _ in _walk(vault, ()))
    return VaultIndex(paths=paths, names=frozenset(path.rpartition("/")[2] for path in paths))


def locate(vault: Path, path: str) -> Path:
    """The file that a normal-form `path` means on this disk, which may spell accents differently; it need not exist."""
    folder = vault
    for part in PurePosixPath(path).parts:
        following = folder / part
        if not following.exists() and not following.is_symlink() and folder.is_dir():
            wanted = normalize("NFC", part)
            following = next((item for item in sorted(folder.iterdir()) if normalize("NFC", item.name) == wanted), following)
        folder = following
    return folder


def _walk(vault: Path, unwanted: tuple[str, ...]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    found: list[tuple[str, os.DirEntry[str]]] = []
    waiting = [("", str(vault))]
    while waiting:
        prefix, folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            name = normalize("NFC", entry.name)
            path = prefix + name
            if name.startswith(".") or entry.is_symlink() or _is_unwanted(path, unwanted) or not _is_text(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append((path + "/", entry.path))
            elif entry.is_file(follow_symlinks=False):
                found.append((path, entry))
    return iter(sorted(found, key=lambda item: (item[0], item[1].path)))


def _is_text(name: str) -> bool:
    """A name that is not valid UTF-8 cannot be kept in the library or in a link."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_unwanted(path: str, unwanted: tuple[str, ...]) -> bool:
    return any(path == item or path.startswith(item + "/") or fnmatchcase(path, item) for item in unwanted)


def _clean(path: str) -> str:
    return normalize("NFC", path).replace("\\", "/").removeprefix("./").strip("/")


def _folded(path: str) -> str:
    return normalize("NFC", unquote(path)).replace("\\", "/").strip().lstrip("/").removeprefix("./").casefold()
