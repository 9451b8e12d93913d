"""One note, or one picture, as it stands on the disk now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize
from urllib.parse import unquote

from ..errors import Invalid, NotFound, Unavailable
from ..settings import Settings
from ..text import content_hash
from .config import read_writing
from .files import locate
from .outline import Heading, read_outline
from .places import allowed, path_in

PICTURES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml",
    ".bmp": "image/bmp", ".avif": "image/avif",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenNote:
    """A note as read: `content_hash` is of its bytes (of no bytes where it does not exist). `text` shows bytes that are not UTF-8 as �."""

    path: str
    exists: bool
    content_hash: str
    text: str
    headings: tuple[Heading, ...]


def look(settings: Settings, note_path: str) -> OpenNote:
    """Read the note that `insert` would write to. Raises Invalid for a forbidden place, Unavailable where it cannot be read."""
    root = settings.need_vault().resolve()
    file = allowed(root, note_path)
    try:
        data = file.read_bytes() if file.exists() else b""
    except OSError as error:
        raise Unavailable(f"{note_path} cannot be read: {error.strerror}.", "Check the file's permissions.") from error
    return OpenNote(
        path=path_in(root, file), exists=file.exists(), content_hash=content_hash(data),
        text=data.decode("utf-8-sig", errors="replace"), headings=read_outline(data).headings,
    )  # fmt: skip


def picture(settings: Settings, target: str, *, note_path: str = "") -> tuple[Path, str]:
    """(The file that an embed of `target` in `note_path` shows, its media type): pictures inside the vault only.

    Looked for as Obsidian does: by path from the vault's top, beside the note, in the attachment folder, then by name anywhere.
    """
    root = settings.need_vault().resolve()
    wanted = normalize("NFC", unquote(target)).replace("\\", "/").lstrip("/")
    path = PurePosixPath(wanted)
    media = PICTURES.get(path.suffix.lower())
    too_long = any(len(part.encode("utf-8", errors="replace")) > 255 for part in path.parts)
    if not media or too_long or "\x00" in wanted or ".." in path.parts or any(part.startswith(".") for part in path.parts):
        raise Invalid(f"{target[:80]!r} is no picture of the vault.", f"Pictures end in {', '.join(PICTURES)}.")
    beside = PurePosixPath(normalize("NFC", note_path.replace("\x00", ""))).parent / path
    kept = read_writing(settings).attachment_path(note_path.replace("\x00", ""), wanted)
    for place in dict.fromkeys((wanted, beside.as_posix(), kept)):
        if file := _inside(root, place):
            return file, media
    for found in sorted(root.rglob(_literal(path.name))):
        place = found.relative_to(root).as_posix()
        if f"/{place}".endswith(f"/{wanted}") and (file := _inside(root, place)):
            return file, media
    raise NotFound(f"The vault has no picture {target[:80]!r}.", "Check its name and the attachment folder.")


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _inside(root: Path, place: str) -> Path | None:
    """The file if it is one of the vault, not in a dot folder; links that lead out of it or into one reach nothing."""
    pure = PurePosixPath(place)
    if ".." in pure.parts or pure.is_absolute() or any(part.startswith(".") for part in pure.parts):
        return None
    try:
        file = locate(root, place)
        real = file.resolve()
        if not file.is_file() or not real.is_relative_to(root) or any(part.startswith(".") for part in real.relative_to(root).parts):
            return None
    except (OSError, ValueError):
        return None
    return file
