"""Put one span of text into one note, and take it out again, without ever touching another byte.

The policy: work on bytes; keep byte order mark, newline style and mode; refuse when the note changed since it was read; write a temp
file in the same folder, fsync, compare once more, replace; keep a content-addressed backup. A writer that is killed leaves the old
note and at most a dot file that no one reads and the next write into that folder clears away.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from ..errors import Conflict, Invalid, NotFound, Unavailable
from ..settings import Settings
from ..text import content_hash, normalise
from .files import locate
from .outline import BOM, Heading, Outline, read_outline

_TEMPORARY = ".notewright-part"
_ODD_NAMES = re.compile(r"[\x00-\x1f\x7f*\"\\<>:|?#^\[\]]|[. ]$|^ |^(?:con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Insertion:
    """What was written where: enough to undo it. All fields are JSON-able; `Insertion(**table)` brings one back.

    `start` is the byte offset of `inserted` (which includes the newlines around the text) in the note as we left it. `backup` is the
    copy of the earlier bytes, empty when the note was created by this insertion.
    """

    vault: str
    note_path: str
    start: int
    inserted: str
    before_hash: str
    after_hash: str
    backup: str = ""
    backups: str = ""
    created: bool = False


@dataclass(frozen=True, slots=True)
class Undone:
    """How an insertion was taken back: `restored` (the earlier bytes exactly), `removed` (just our span), `deleted` (the note was ours)."""

    note_path: str
    how: str
    backup: str = ""


def insert(
    vault: Path | Settings, note_path: str, text: str, *, under: str | None = None, expected_hash: str | None = None, backups: Path
) -> Insertion:
    """Insert `text` at the end of the section `under` (a heading, or `Parent#Heading`), or at the end of the note.

    A note that does not exist is created; `.md` is added where it lacks. `expected_hash` is `text.content_hash` of the bytes as read, of
    no bytes for a note that did not exist.
    When the text opens with a heading that stands empty in the note, its body goes under that heading instead of a second one.
    Raises NotFound for an unknown heading (the hint lists those there are), Conflict when the note changed since it was read, Invalid
    for a forbidden place or nothing to insert, Unavailable when the disk refuses. Nothing is written in any of these cases.
    """
    planned = plan(vault, note_path, text, under=under, expected_hash=expected_hash)
    path = planned.root / planned.note_path
    if planned.before is None:
        return _create(planned.root, path, planned.inserted, backups)
    after = planned.after
    assert after[: planned.start] == planned.before[: planned.start]
    assert after[planned.start + len(planned.inserted) :] == planned.before[planned.start :]
    backup = _keep(backups, planned.before)
    _replace(path, planned.before, after)
    return Insertion(
        vault=str(planned.root), note_path=planned.note_path, start=planned.start, inserted=planned.inserted.decode("utf-8"),
        before_hash=content_hash(planned.before), after_hash=content_hash(after), backup=str(backup), backups=str(backups),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What an insertion would do: `inserted` at byte `start` of `before`, which is None where the note does not exist yet."""

    root: Path
    note_path: str
    before: bytes | None
    start: int
    inserted: bytes

    @property
    def after(self) -> bytes:
        before = self.before or b""
        return before[: self.start] + self.inserted + before[self.start :]


def plan(vault: Path | Settings, note_path: str, text: str, *, under: str | None = None, expected_hash: str | None = None) -> Plan:
    """What `insert` would write, without writing. Raises as `insert` does."""
    root = (vault.need_vault() if isinstance(vault, Settings) else vault).resolve()
    path = allowed(root, note_path)
    clean = _clean(text)
    place = path.relative_to(root).as_posix()
    if not path.exists():
        if expected_hash not in (None, "", content_hash(b"")):
            raise Conflict(f"{note_path} is gone since it was read.", "Look where it went, then accept the draft again.")
        if under:
            raise NotFound(f"{note_path} does not exist yet, so it has no heading {under!r}.", "Leave the heading out to create the note.")
        return Plan(root, place, None, 0, (clean + "\n").encode("utf-8"))
    before = _read(path)
    if expected_hash and content_hash(before) != expected_hash:
        raise Conflict(f"{note_path} changed since it was read; nothing was written.", "Read the vault again, then accept the draft again.")
    return Plan(root, place, before, *_span(note_path, before, clean, under))


def undo(insertion: Insertion) -> Undone:
    """Take `insertion` back: the exact earlier bytes if the note is as we left it, else only our span if it is still there once.

    The state before the undo is backed up too. Raises Conflict naming the note and the backup when neither is possible.
    """
    root = Path(insertion.vault)
    path = allowed(root, insertion.note_path)
    if not path.exists():
        raise _cannot(path, insertion, "is gone")
    now, span = _read(path), insertion.inserted.encode("utf-8")
    end = insertion.start + len(span)
    untouched = content_hash(now) == insertion.after_hash
    backups = Path(insertion.backups) if insertion.backups else Path(insertion.backup).parent
    if untouched and insertion.created:
        backup = _keep(backups, now)
        if _read(path) != now:
            raise _cannot(path, insertion, "changed while it was being undone")
        path.unlink()
        return Undone(insertion.note_path, "deleted", str(backup))
    earlier = now[: insertion.start] + now[end:]
    if not (untouched and content_hash(earlier) == insertion.before_hash):
        at = _only_place(now, span)
        if at is None:
            raise _cannot(path, insertion, "was changed where the text had been put")
        earlier = now[: at[0]] + now[at[1] :]
    backup = _keep(backups, now)
    _replace(path, now, earlier)
    return Undone(insertion.note_path, "restored" if content_hash(earlier) == insertion.before_hash else "removed", str(backup))


def written(insertion: Insertion) -> bytes | None:
    """The whole note as `insertion` left it, made from its backup; None where the backup is gone."""
    inserted = insertion.inserted.encode("utf-8")
    if insertion.created:
        return inserted
    try:
        before = Path(insertion.backup).read_bytes()
    except OSError:
        return None
    after = before[: insertion.start] + inserted + before[insertion.start :]
    return after if content_hash(after) == insertion.after_hash else None


def _cannot(path: Path, insertion: Insertion, what: str) -> Conflict:
    hint = (
        f"Compare it with the earlier note, kept in: {insertion.backup}"
        if insertion.backup
        else "The note was new; there is no earlier one."
    )
    return Conflict(f"{path} {what}, so nothing was undone.", hint)


def _only_place(now: bytes, span: bytes) -> tuple[int, int] | None:
    """Where the span stands exactly once: as written, else with the newlines an editor may have made of it."""
    core = span.strip(b"\r\n")
    forms = [span, span.replace(b"\r\n", b"\n"), span.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")]
    forms += [form.strip(b"\r\n") for form in forms] if len(core) > 20 else []
    for form in dict.fromkeys(forms):
        if now.count(form) == 1 and now.find(form) == now.rfind(form):
            at = now.find(form)
            return at, at + len(form)
    return None


def _clean(text: str) -> str:
    """With LF newlines, without outer blank lines."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Invalid("The draft holds characters that cannot be written as UTF-8.", "Edit the draft, or draft again.") from error
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise Invalid("There is nothing to insert.", "Accept a draft that has text.")
    return "\n".join(lines)


def allowed(root: Path, note_path: str) -> Path:
    """The note's file, or Invalid when it would lie outside the vault, in a dot folder, or behind a symbolic link."""
    path = normalize("NFC", note_path).replace("\\", "/")
    pure = PurePosixPath(path)
    if not path.strip() or "\x00" in path or pure.is_absolute() or ".." in pure.parts or re.match(r"[A-Za-z]:", path):
        raise Invalid(f"{note_path!r} is not a path inside the vault.", "Name the note by its path from the vault's top folder.")
    parts = [part for part in pure.parts if part != "."]
    if not parts or any(part.startswith(".") for part in parts):
        raise Invalid(f"{note_path!r} lies in a dot folder, which belongs to Obsidian.", "Choose a note outside dot folders.")
    if not parts[-1].lower().endswith(".md"):
        parts[-1] += ".md"
    if any(len(part.encode("utf-8", errors="replace")) > 255 for part in parts):
        raise Invalid(f"{note_path[:60]!r} holds a name longer than file systems allow.", "Choose a shorter name.")
    file = locate(root, "/".join(parts))
    for folder in (file, *file.parents):
        if folder == root:
            break
        if folder.is_symlink():
            raise Invalid(f"{note_path!r} goes through a symbolic link ({folder.name}).", "Name the real note; links are not followed.")
    if file.is_dir():
        raise Invalid(f"{note_path!r} is a folder.", "Name a note inside it.")
    if not file.exists():
        _check_new(root, file, parts)
    return file


def _check_new(root: Path, file: Path, parts: list[str]) -> None:
    stems = [*parts[:-1], parts[-1][:-3]]
    odd = [part for part in stems if _ODD_NAMES.search(part) or len(part.encode()) > 240]
    if odd:
        hint = 'Leave out * " \\ < > : | ? # ^ [ ] and dots or spaces at the end; a heading is named with --under.'
        raise Invalid(f"{odd[0][:60]!r} is no name for a note that works on every system and in links.", hint)
    if not file.parent.exists():
        return
    if not file.parent.is_dir():
        raise Invalid(f"{file.parent.relative_to(root)} is a file, not a folder.", "Choose another folder.")
    folded = file.name.casefold()
    twin = next((item.name for item in file.parent.iterdir() if normalize("NFC", item.name).casefold() == folded), None)
    if twin:
        raise Conflict(f"There is already {twin!r}, which many systems take for the same file.", f"Name it exactly so: {twin}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.", "Check the file's permissions.") from error


def _span(note_path: str, before: bytes, text: str, under: str | None) -> tuple[int, bytes]:
    """Offset and bytes to insert."""
    try:
        before.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"{note_path} is not UTF-8 text (byte {error.start}), so it is left alone.", "Save the note as UTF-8.") from error
    outline = read_outline(before)
    target = _find(note_path, outline, under) if under else None
    if unclosed := read_outline(text.encode("utf-8")).unclosed:
        raise Invalid(f"The draft's {unclosed} is never closed; it would swallow what follows it in the note.", "Close it, then accept.")
    own, body = _own_heading(text)
    if own and body:
        # With a heading named by the person, that heading itself or one inside its section; else anywhere, if it stands empty.
        reach = outline.headings if target is None else [target, *_inside(outline, target)]
        twins = [item for item in reach if normalise(item.title) == normalise(own)]
        if len(twins) == 1 and (twins[0] is target or _is_empty(before, outline, twins[0])):
            target, text = twins[0], body
    end = _section_end(outline, target, len(before)) if target else len(before)
    if outline.unclosed and end == len(before):
        raise Invalid(f"{note_path}: the {outline.unclosed} is never closed, so text put after it would vanish in it.", "Close it first.")
    floor = target.body if target else outline.body
    start = floor + len(before[floor:end].rstrip(b" \t\r\n"))
    # Spaces at the end of a last line are the person's (a line break in Markdown): insert after that line's newline.
    newline = _newline(before, start)
    tail = re.compile(rb"[ \t]*(?:\r\n|\n|\r)?").match(before, start)
    start = min(tail.end() if tail else start, end) if start > floor else floor
    ended = start == 0 or before[start - 1 : start] in (b"\n", b"\r") or before[:start] == BOM
    nothing_above = start <= (len(BOM) if before.startswith(BOM) else 0)
    lead = "" if ended else "\n"
    if not nothing_above and not (target and start == floor and not _blank_after_headings(before, outline)):
        lead += "\n"
    following = before[start:]
    if not following.strip():
        # At the end: keep the note's habit about the final newline.
        trail = "\n" if nothing_above or (ended and not following) else ""
    else:
        trail = "\n" if re.match(rb"[ \t]*(?:\r\n|\n|\r)", following) else "\n\n"
    return start, (lead + text + trail).replace("\n", newline).encode("utf-8")


def _own_heading(text: str) -> tuple[str, str]:
    """The draft's first heading and what follows it, both empty where it does not open with one."""
    data = text.encode("utf-8")
    headings = read_outline(data).headings
    if not headings or headings[0].start:
        return "", ""
    return headings[0].title, data[headings[0].body :].decode("utf-8").lstrip("\n")


def _find(note_path: str, outline: Outline, under: str) -> Heading:
    wanted = normalise(under)
    trails = _trails(outline)
    hits = [heading for heading in outline.headings if normalise(heading.title) == wanted]
    if not hits and "#" in under.strip("# "):
        steps = [normalise(step) for step in under.split("#") if step.strip()]
        hits = [heading for heading, trail in zip(outline.headings, trails, strict=True) if trail[-len(steps) :] == steps]
    if len(hits) == 1:
        return hits[0]
    if hits:
        lines = ", ".join(str(heading.line) for heading in hits)
        told = [trail for heading, trail in zip(outline.headings, trails, strict=True) if heading in hits]
        apart = all(told.count(trail) == 1 for trail in told)
        hint = "Name the one above it too: Parent#Heading" if apart else "Give one of them another name in the note first."
        raise NotFound(f"{note_path} has {len(hits)} headings {under!r} (lines {lines}).", hint)
    names = "; ".join(heading.title for heading in outline.headings)
    raise NotFound(f"{note_path} has no heading {under!r}.", f"Its headings: {names}" if names else "It has no headings; leave it out.")


def _trails(outline: Outline) -> list[list[str]]:
    trails: list[list[str]] = []
    stack: list[Heading] = []
    for heading in outline.headings:
        stack = [item for item in stack if item.level < heading.level] + [heading]
        trails.append([normalise(item.title) for item in stack])
    return trails


def _section_end(outline: Outline, heading: Heading, length: int) -> int:
    later = (item.start for item in outline.headings if item.start > heading.start and item.level <= heading.level)
    return next(later, length)


def _inside(outline: Outline, heading: Heading) -> list[Heading]:
    end = _section_end(outline, heading, outline.lines[-1].end)
    return [item for item in outline.headings if heading.start < item.start < end]


def _is_empty(data: bytes, outline: Outline, heading: Heading) -> bool:
    end = _section_end(outline, heading, len(data))
    return not data[heading.body : end].strip()


def _blank_after_headings(data: bytes, outline: Outline) -> bool:
    """Does this note put a blank line after its headings? Where it shows no habit, yes."""
    kinds = [re.match(rb"[ \t]*(?:\r\n|\n|\r)", data[heading.body :]) is not None for heading in outline.headings]
    shown = [kind for heading, kind in zip(outline.headings, kinds, strict=True) if not _is_empty(data, outline, heading)]
    return not shown or sum(shown) * 2 >= len(shown)


def _newline(data: bytes, position: int) -> str:
    """The newline of the line at `position`, else of the nearest line above, else the file's commonest, else LF."""
    found = re.compile(rb"\r\n|\n|\r").search(data, position) if position < len(data) else None
    if not found:
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        return "\n" if last < 0 else "\r\n" if data[last - 1 : last + 1] == b"\r\n" else data[last : last + 1].decode()
    return found[0].decode()


def _create(root: Path, path: Path, data: bytes, backups: Path) -> Insertion:
    part = path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _part(path, data)
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if path.exists():
                raise FileExistsError from None
            os.replace(part, path)
    except FileExistsError as error:
        raise Conflict(f"{path} appeared while it was being written; nothing was changed.", "Accept the draft again.") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.", "Check the folder's permissions and the disk.") from error
    finally:
        if part != path:
            part.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return Insertion(
        vault=str(root), note_path=path.relative_to(root).as_posix(), start=0, inserted=data.decode("utf-8"),
        before_hash=content_hash(b""), after_hash=content_hash(data), backups=str(backups), created=True,
    )  # fmt: skip


def _replace(path: Path, before: bytes, after: bytes) -> None:
    """Put `after` in place of `before`, or raise Conflict when the file is no longer `before`."""
    part = path
    try:
        mode = path.stat().st_mode & 0o7777
        if not mode & 0o222:
            raise Unavailable(f"{path} is read-only.", "Make the note writable, then try again.")
        _clear_parts(path)
        part = _part(path, after, mode)
        if path.is_symlink() or path.read_bytes() != before:
            raise Conflict(f"{path} changed since it was read; nothing was written.", "Read the vault again, then try again.")
        os.replace(part, path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.", "Check the folder's permissions and the disk.") from error
    finally:
        if part != path:
            part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _part(path: Path, data: bytes, mode: int | None = None) -> Path:
    """A complete, synced temp file beside `path`; a dot file, so Obsidian does not show it. Without a `mode` it gets the usual one."""
    part = path.with_name(f".{secrets.token_hex(6)}{_TEMPORARY}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if mode is not None:
                os.chmod(part, mode)
            os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def _clear_parts(path: Path) -> None:
    """Remove what writers killed over an hour ago left in this folder."""
    for stale in path.parent.glob(f".*{_TEMPORARY}"):
        if re.fullmatch(rf"\.[0-9a-f]{{12}}{re.escape(_TEMPORARY)}", stale.name) and time.time() - stale.lstat().st_mtime > 3600:
            stale.unlink(missing_ok=True)


def _keep(backups: Path, data: bytes) -> Path:
    """Store `data` under its hash; an equal copy is not written twice."""
    target = backups / (content_hash(data).removeprefix("sha256:") + ".md")
    try:
        backups.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() == data:
            return target
        part = _part(target, data, 0o600)
        os.replace(part, target)
    except OSError as error:
        raise Unavailable(f"No backup could be kept in {backups}: {error.strerror}.", "Nothing was written. Check the disk.") from error
    _sync_folder(backups)
    return target


def _sync_folder(folder: Path) -> None:
    """Make a rename durable where the system can sync folders."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
