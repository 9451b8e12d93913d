"""Which file a vault-relative path means, and whether a note may stand there at all."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from ..errors import Conflict, Invalid, Unavailable
from .files import locate

_ODD_NAMES = re.compile(r"[\x00-\x1f\x7f*\"\\<>:|?#^\[\]]|[. ]$|^ |^(?:con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


def allowed(root: Path, note_path: str) -> Path:
    """The note's file. Symbolic links are resolved: what they point at is the note, if it lies in the vault.

    Raises Invalid for a place outside the vault, in a dot folder, or of a name that links or other systems do not allow; Conflict where
    another system would take the name for that of an existing note; Unavailable where the note is in the cloud only.
    """
    parts = _parts(note_path)
    file = _resolved(root, locate(root, "/".join(parts)), note_path)
    if file.is_dir():
        raise Invalid(f"{note_path!r} is a folder.", "Name a note inside it.")
    if not file.exists():
        _check_taken(root, note_path)
        _check_new(root, file, parts)
    elif is_in_the_cloud(file.stat()):
        raise Unavailable(f"{note_path} is in the cloud and not on this machine.", "Open it in Obsidian once, so that it is downloaded.")
    return file


def path_in(root: Path, file: Path) -> str:
    """The path by which all know a note of the vault, however the disk spells its accents."""
    return normalize("NFC", file.relative_to(root).as_posix())


def named(note_path: str, *, new: bool = False) -> str:
    """The path as the vault has it, for a note that another program holds: nothing is looked up. Raises Invalid as `allowed` does."""
    parts = _parts(note_path)
    if new:
        _check_name(parts)
    return "/".join(parts)


def _parts(note_path: str) -> list[str]:
    path = normalize("NFC", note_path).replace("\\", "/")
    pure = PurePosixPath(path)
    if not path.strip() or "\x00" in path or pure.is_absolute() or ".." in pure.parts or re.match(r"[A-Za-z]:", path):
        raise Invalid(f"{note_path!r} is not a path inside the vault.", "Name the note by its path from the vault's top folder.")
    if path.endswith("/"):
        raise Invalid(f"{note_path!r} is a folder.", "Name a note inside it.")
    parts = [part for part in pure.parts if part != "."]
    if not parts or any(part.startswith(".") for part in parts):
        raise Invalid(f"{note_path!r} lies in a dot folder, which belongs to Obsidian.", "Choose a note outside dot folders.")
    if not parts[-1].lower().endswith(".md"):
        parts[-1] += ".md"
    if any(len(part.encode("utf-8", errors="replace")) > 255 for part in parts):
        raise Invalid(f"{note_path[:60]!r} holds a name longer than file systems allow.", "Choose a shorter name.")
    return parts


def _resolved(root: Path, file: Path, note_path: str) -> Path:
    links = [item.name for item in (file, *file.parents) if item.is_relative_to(root) and item != root and item.is_symlink()]
    if not links:
        return file
    try:
        target = file.resolve(strict=file.is_symlink())
    except (OSError, RuntimeError) as error:
        raise Invalid(f"{note_path!r} goes through a broken symbolic link ({links[0]}).", "Name the real note.") from error
    inside = target.relative_to(root).parts if target.is_relative_to(root) else ()
    if not inside or any(part.startswith(".") for part in inside):
        hint = "Name a note of this vault; nothing outside is ever written."
        raise Invalid(f"{note_path!r} goes through a symbolic link ({links[0]}) that leads out of the vault.", hint)
    return target


def _check_taken(root: Path, note_path: str) -> None:
    """A name given without the ending of notes, which no note has, may be that of something else."""
    given = PurePosixPath(normalize("NFC", note_path).replace("\\", "/"))
    if given.suffix.lower() == ".md" or not (there := locate(root, str(given))).exists():
        return
    if there.is_dir():
        raise Invalid(f"{note_path!r} is a folder.", "Name a note inside it.")
    raise Invalid(f"{note_path!r} is a file that is no note.", f"Name a note, whose name ends in .md: {given}.md")


def _check_new(root: Path, file: Path, parts: list[str]) -> None:
    _check_name(parts)
    if file.with_name(f".{file.name}.icloud").exists():
        raise Unavailable(f"{file.name} is in iCloud and not on this machine.", "Open it in Obsidian once, so that it is downloaded.")
    item = file
    while not item.parent.exists():
        item = item.parent
    if not item.parent.is_dir():
        raise Invalid(f"{item.parent.relative_to(root)} is a file, not a folder.", "Choose another folder.")
    folded = normalize("NFC", item.name).casefold()
    twin = next((other.name for other in item.parent.iterdir() if normalize("NFC", other.name).casefold() == folded), None)
    if twin and item != file and (item.parent / twin).is_file():
        raise Invalid(f"{twin} is a file, not a folder.", "Choose another folder.")
    if twin:
        raise Conflict(f"There is already {twin!r}, which many systems take for the same file.", f"Name it exactly so: {twin}")


def _check_name(parts: list[str]) -> None:
    stems = [*parts[:-1], parts[-1][:-3]]
    odd = [part for part in stems if _ODD_NAMES.search(part) or len(part.encode()) > 240]
    if odd:
        hint = 'Leave out * " \\ < > : | ? # ^ [ ] and dots or spaces at the end; a heading is named with --under.'
        raise Invalid(f"{odd[0][:60]!r} is no name for a note that works on every system and in links.", hint)


def is_in_the_cloud(status: os.stat_result) -> bool:
    """Is this file only a placeholder that a cloud service would fill when it is read (macOS: dataless; Windows: recall on access)?"""
    return bool(getattr(status, "st_flags", 0) & 0x40000000 or getattr(status, "st_file_attributes", 0) & 0x401000)
