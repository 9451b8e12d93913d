"""Which files of the vault are the person's own notes.

Paths are vault-relative, with forward slashes, in NFC (file systems differ in how they store accents); dot folders are never entered.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from ..settings import Settings
from .config import VaultConfig


@dataclass(frozen=True, slots=True)
class NoteFile:
    """One Markdown file as found: `path` in normal form, `place` (and `file`) as the disk spells it, `size` in bytes; `number` is the
    file system's, 0 where it tells none."""

    path: str
    place: str
    size: int
    mtime_ns: int
    number: int = 0

    @property
    def stamp(self) -> str:
        """Stays while the file is not written to, under another name too."""
        return f"{self.number} {self.size} {self.mtime_ns}"

    @property
    def file(self) -> Path:
        return Path(self.place)  # made when it is asked for: of thousands of notes few are opened


def iterate_notes(
    vault: Path, config: VaultConfig, *, exclude: Iterable[str] = (), unseen: dict[str, str] | None = None
) -> Iterator[NoteFile]:
    """The person's notes, sorted by path: no dot files, no Readwise exports, no templates, nothing that Obsidian excludes, nothing under
    `exclude` (folders, files or globs).

    Symbolic links are not followed, as Obsidian advises, so nothing outside the vault is ever read. `unseen` gets the folders and files
    that the disk did not let be looked at, and why: what is in them is not gone for that.
    """
    unwanted = tuple(filter(None, (_clean(item) for item in (*config.readwise_folders, *config.templates, *exclude))))
    seen: set[str] = set()
    for path, entry in walk(vault, unwanted, unseen):
        if path.lower().endswith(".md") and path not in seen and not config.ignores(path):
            seen.add(path)
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError as problem:
                _not_seen(path, problem, unseen)
                continue
            yield NoteFile(path=path, place=entry.path, size=status.st_size, mtime_ns=status.st_mtime_ns, number=status.st_ino)


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


def walk(vault: Path, unwanted: tuple[str, ...] = (), unseen: dict[str, str] | None = None) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every visible file by path in normal form, sorted: no dot files, no links, nothing under `unwanted`. `unseen` is
    that of `iterate_notes`."""
    found: list[tuple[str, os.DirEntry[str]]] = []
    waiting = [("", str(vault))]
    while waiting:
        prefix, folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as problem:
            _not_seen(prefix.rstrip("/"), problem, unseen)
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


def _not_seen(path: str, problem: OSError, unseen: dict[str, str] | None) -> None:
    if unseen is not None and not isinstance(problem, FileNotFoundError):  # which went meanwhile
        unseen[path] = problem.strerror or str(problem)


def is_under(path: str, folders: Iterable[str]) -> bool:
    """Is this note one of these files, or in one of these folders? "" is the whole vault."""
    return any(not item or path == item or path.startswith(item + "/") for item in folders)


def was_taken_out(vault: Path, note_path: str, *, since: float, stamp: str = "") -> bool:
    """Is the note at vault-relative `note_path` no longer in the vault, as far as the disk tells?

    No where its folder cannot be listed, or is an empty one that nothing was taken out of after the note was there at `since` (seconds), as
    a disk that is away leaves it; nor where the file of that `stamp` is still to be seen under any name, which may be an excluded one.
    """
    folder = vault
    try:
        for part in PurePosixPath(note_path).parts:
            names = {normalize("NFC", name): name for name in os.listdir(folder)}
            if normalize("NFC", part) not in names:
                emptied = bool(names) or folder.stat().st_mtime >= since
                return emptied and not _is_somewhere(vault, stamp)
            folder /= names[normalize("NFC", part)]
    except OSError:
        pass
    return False


def _is_somewhere(vault: Path, stamp: str) -> bool:
    for path, entry in walk(vault):
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if status.st_ino and NoteFile(path, entry.path, status.st_size, status.st_mtime_ns, status.st_ino).stamp == stamp:
            return True
    return False


def absent(settings: Settings) -> tuple[str, ...]:
    """The Readwise folder and the excluded ones that the settings name and the vault lacks; patterns are not looked for. Empty without a
    vault."""
    if settings.vault is None or not settings.vault.is_dir():
        return ()
    named = [name for name in (settings.readwise_folder, *settings.exclude) if not any(mark in name for mark in "*?[")]
    return tuple(name for name in named if (path := _clean(name)) and not _is_there(settings.vault, path))


def _is_there(vault: Path, path: str) -> bool:
    try:
        return ".." not in path.split("/") and locate(vault, path).exists()
    except (OSError, ValueError):  # too long a name, or one with a null character
        return False


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
