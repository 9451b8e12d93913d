"""Put one span of text into one note, and take it out again, without ever touching another byte.

The policy: work on bytes; keep byte order mark, newline style, mode and owner; refuse when the note changed since it was read; replace
files whole (`atomic`); keep a content-addressed backup. `before_write` lets a caller note down what is about to happen, so that a writer
that was killed can be told from one that was not.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Conflict, Invalid, NotFound, Unavailable
from ..settings import Settings
from ..text import content_hash, normalise
from .atomic import create, keep, read, remove_folders, replace
from .files import locate, walk
from .outline import BOM, Heading, Outline, properties_span, read_outline
from .places import allowed, named, path_in
from .rules import left_open
from .standing import LONG, Known, is_doubled, only_place, place_of
from .tokens import Token, tokenize

ELSEWHERE = "obsidian:"  # as the vault of a note that this machine does not have


@dataclass(frozen=True, slots=True)
class Insertion:
    """What was written where: enough to undo it. All fields are JSON-able; `Insertion(**table)` brings one back.

    `start` is the byte offset of `inserted` (which includes the newlines around the text) in the note as we left it. `backup` is the
    copy of the earlier bytes, empty when the note was created by this insertion; `folders` are those that were made for it.
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
    folders: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Undone:
    """How an insertion was taken back: `restored` (the earlier bytes exactly), `removed` (just our span), `deleted` (the note was ours)."""

    note_path: str
    how: str
    backup: str = ""


def insert(
    vault: Path | Settings,
    note_path: str,
    text: str,
    *,
    under: str | None = None,
    expected_hash: str | None = None,
    backups: Path,
    before_write: Callable[[Insertion], None] | None = None,
) -> Insertion:
    """Insert `text` at the end of the section `under` (a heading, or `Parent#Heading`), or at the end of the note.

    A note that does not exist is created; `.md` is added where it lacks. `expected_hash` is `text.content_hash` of the bytes as read, of
    no bytes for a note that did not exist.
    When the text opens with a heading that stands empty in the note, its body goes under that heading instead of a second one.
    `before_write` gets the insertion when all is ready and nothing is written yet.
    Raises NotFound for an unknown heading (the hint lists those there are), Conflict when the note changed since it was read, Invalid
    for a forbidden place or nothing to insert, Unavailable when the disk refuses. Nothing is written in any of these cases.
    """
    planned = plan(vault, note_path, text, under=under, expected_hash=expected_hash)
    path = locate(planned.root, planned.note_path)
    before, after = planned.before, planned.after
    missing = [folder for folder in path.parents if folder.is_relative_to(planned.root) and not folder.exists()]
    insertion = Insertion(
        vault=str(planned.root), note_path=planned.note_path, start=planned.start, inserted=planned.inserted.decode("utf-8"),
        before_hash=content_hash(before or b""), after_hash=content_hash(after), backups=str(backups), created=before is None,
        backup="" if before is None else str(keep(backups, before)),
        folders=tuple(folder.relative_to(planned.root).as_posix() for folder in reversed(missing)),
    )  # fmt: skip
    if before_write:
        before_write(insertion)
    if before is None:
        create(path, after)
        return insertion
    assert after[: planned.start] == before[: planned.start]
    assert after[planned.start + len(planned.inserted) :] == before[planned.start :]
    replace(path, before, after)
    return insertion


def recognise(
    vault: Path | Settings, note_path: str, *, start: int, inserted: str, created: bool = False, backups: Path, seen: str | None = None
) -> Insertion:
    """The insertion that another writer (the plugin) has made: `inserted` stands at byte `start` of the note, or elsewhere in it once.

    The note without it is kept as the backup, so that undoing works as for our own. `seen` is the whole note as its writer left it: it
    is believed where this machine has no such note. Raises Conflict where the text does not stand.
    """
    root = (vault.vault if isinstance(vault, Settings) else vault) or Path(ELSEWHERE)
    here = root.is_dir()
    path = allowed(root.resolve(), note_path) if here else None
    if path and path.exists():
        place, now = path_in(root.resolve(), path), read(path)
    elif seen is not None:
        place, now = named(note_path), seen.encode("utf-8", errors="replace")
    else:
        raise Conflict(f"{note_path} does not hold the inserted text.", "Send it again once the note is saved.")
    span = inserted.encode("utf-8", errors="replace")
    at = (start, start + len(span)) if start >= 0 and now[start : start + len(span)] == span else only_place(now, span)
    if at is None or not inserted.strip():
        raise Conflict(f"{note_path} does not hold the inserted text, or holds it more than once.", "Send it again once the note is saved.")
    before = now[: at[0]] + now[at[1] :]
    created = created and not before.strip()
    return Insertion(
        vault=str(root.resolve()) if here else ELSEWHERE, note_path=place, start=0 if created else at[0],
        inserted=(now if created else now[at[0] : at[1]]).decode("utf-8", errors="replace"),
        before_hash=content_hash(b"" if created else before), after_hash=content_hash(now), created=created,
        backup="" if created else str(keep(backups, before)), backups=str(backups),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """A note as another program holds it, perhaps not saved yet; `text` is None where it has no such note."""

    text: str | None


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


def plan(
    vault: Path | Settings,
    note_path: str,
    text: str,
    *,
    under: str | None = None,
    expected_hash: str | None = None,
    seen: Seen | None = None,
) -> Plan:
    """What `insert` would write, without writing; into the note as it is `seen` by another program, else as it is on the disk.

    Raises as `insert` does.
    """
    if seen:
        root, place = Path(ELSEWHERE), named(note_path, new=seen.text is None)
        before = None if seen.text is None else seen.text.encode("utf-8", errors="replace")
    else:
        root = (vault.need_vault() if isinstance(vault, Settings) else vault).resolve()
        path = allowed(root, note_path)
        place = path_in(root, path)
        before = read(path) if path.exists() else None
    clean = _clean(text)
    if before is None:
        if expected_hash not in (None, "", content_hash(b"")):
            raise Conflict(f"{note_path} is gone since it was read.", "Look where it went, then accept the draft again.")
        if under:
            raise NotFound(f"{note_path} does not exist yet, so it has no heading {under!r}.", "Leave the heading out to create the note.")
        return Plan(root, place, None, 0, (clean + "\n").encode("utf-8"))
    if expected_hash and content_hash(before) != expected_hash:
        raise Conflict(f"{note_path} changed since it was read; nothing was written.", "Read the vault again, then accept the draft again.")
    return Plan(root, place, before, *_span(note_path, before, clean, under))


def place(before: bytes, text: str, *, under: str | None = None, note_path: str = "the note") -> tuple[int, bytes]:
    """Where in the bytes of a note `text` would go, and the bytes that would: as `plan`, for a note that is not on the disk."""
    return _span(note_path, before, _clean(text), under)


def undo(insertion: Insertion, *, known: Known | None = None) -> Undone:
    """Take `insertion` back: the exact earlier bytes if the note is as we left it, else only our span if it is still there.

    Where its words are there more than once, `known` tells which of them are ours (by default the note as we left it), or nothing is done.
    The state before the undo is backed up too. Raises Conflict naming the note and the backup when neither is possible.
    """
    root = Path(insertion.vault)
    path = allowed(root, insertion.note_path)
    if not path.exists():
        raise _cannot(path, insertion, "is gone")
    now = read(path)
    backups = Path(insertion.backups) if insertion.backups else Path(insertion.backup).parent
    if content_hash(now) == insertion.after_hash and insertion.created:
        backup = keep(backups, now)
        if read(path) != now:
            raise _cannot(path, insertion, "changed while it was being undone")
        try:
            path.unlink()
        except OSError as error:
            raise Unavailable(
                f"{path} cannot be deleted: {error.strerror}.", "Close it elsewhere, or check its folder's permissions."
            ) from error
        remove_folders([root / folder for folder in insertion.folders])
        return Undone(insertion.note_path, "deleted", str(backup))
    earlier = without(now, insertion, known=known)
    if earlier is None:
        several = is_doubled(now, insertion.inserted.encode("utf-8"))
        what = "has the text more than once, and nothing tells which was put in" if several else "was changed where the text had been put"
        raise _cannot(path, insertion, what)
    backup = keep(backups, now)
    replace(path, now, earlier)
    return Undone(insertion.note_path, "restored" if content_hash(earlier) == insertion.before_hash else "removed", str(backup))


def without(now: bytes, insertion: Insertion, *, known: Known | None = None) -> bytes | None:
    """What undoing makes of the note as it is `now`: the earlier bytes, else those without our span, as `undo` finds it; None where that is
    not in it, or nothing tells which of several."""
    span = insertion.inserted.encode("utf-8")
    earlier = now[: insertion.start] + now[insertion.start + len(span) :]
    if content_hash(now) == insertion.after_hash and content_hash(earlier) == insertion.before_hash:
        return earlier
    if known is None and (left := written(insertion)):
        known = Known(left, ((insertion.start, insertion.start + len(span)),))
    at = place_of(now, span, known)
    return None if at is None else now[: at[0]] + _kept_apart(now, at) + now[at[1] :]


def _kept_apart(now: bytes, at: tuple[int, int]) -> bytes:
    """Of the newlines that open our span, those without which a line that the person fastened to its end would join the text above it."""
    above, ours, below = now[: at[0]], now[at[0] : at[1]], now[at[1] :]
    under = _newlines(below[: len(below) - len(below.lstrip())])
    if not above.strip(BOM + b" \t\r\n") or not below.strip() or len(_newlines(ours[len(ours.rstrip()) :])) + len(under) > 1:
        return b""
    there = len(_newlines(above[len(above.rstrip()) :])) + len(under)
    return b"".join(_newlines(ours[: len(ours) - len(ours.lstrip())])[: max(0, 2 - there)])


def _newlines(data: bytes) -> list[bytes]:
    return re.findall(rb"\r\n|\n|\r", data)


def state(insertion: Insertion) -> str:
    """Where an interrupted write stands: `done` (the text is in the note), `undone` (the note is as it was before), else `unclear`.

    Raises Unavailable where the vault is not there, which says nothing about its notes.
    """
    if not Path(insertion.vault).is_dir():
        raise Unavailable(f"The vault {insertion.vault} is not there just now.", "Connect or mount what it lies on, then try again.")
    path = locate(Path(insertion.vault), insertion.note_path)
    if not path.exists():
        return "undone" if insertion.created else "unclear"
    now = read(path)
    if content_hash(now) in (insertion.after_hash, insertion.before_hash):
        return "done" if content_hash(now) == insertion.after_hash else "undone"
    return "done" if _came(now, insertion) else "unclear"


def under_its_name(insertion: Insertion) -> Insertion:
    """The insertion with the name that its note bears now, where the note was only renamed since."""
    root, after = Path(insertion.vault), written(insertion)
    if after is not None and not locate(root, insertion.note_path).exists():
        for path, entry in walk(root):
            if path.lower().endswith(".md") and entry.stat().st_size == len(after) and read(Path(entry.path)) == after:
                return dataclasses.replace(insertion, note_path=path)
    return insertion


def written(insertion: Insertion) -> bytes | None:
    """The whole note as `insertion` left it, made from its backup; None where the backup is gone."""
    inserted = insertion.inserted.encode("utf-8")
    before = _earlier(insertion)
    if insertion.created or before is None:
        return inserted if insertion.created else None
    after = before[: insertion.start] + inserted + before[insertion.start :]
    return after if content_hash(after) == insertion.after_hash else None


def _came(now: bytes, insertion: Insertion) -> bool:
    """Is the text in the note, which changed elsewhere, once more than before? It may have been in it already."""
    span = insertion.inserted.encode("utf-8")
    before = _earlier(insertion)
    if before is None:
        return only_place(now, span) is not None
    core = span.strip(b"\r\n")
    form = core if len(core) > LONG else span
    there, here = (_lf(data).count(_lf(form)) for data in (before, now))
    return here > there


def _earlier(insertion: Insertion) -> bytes | None:
    """The note as it was before; None where the backup is gone."""
    if insertion.created:
        return b""
    try:
        return Path(insertion.backup).read_bytes()
    except OSError:
        return None


def _lf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _cannot(path: Path, insertion: Insertion, what: str) -> Conflict:
    hint = (
        f"Compare it with the earlier note, kept in: {insertion.backup}"
        if insertion.backup
        else "The note was new; there is no earlier one."
    )
    return Conflict(f"{path} {what}, so nothing was undone.", hint)


def _clean(text: str) -> str:
    """With LF newlines, without outer blank lines."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Invalid("The draft holds characters that cannot be written as UTF-8.", "Edit the draft, or draft again.") from error
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[0].strip(" \t"):
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise Invalid("There is nothing to insert.", "Accept a draft that has text.")
    return "\n".join(lines)


def _span(note_path: str, before: bytes, text: str, under: str | None) -> tuple[int, bytes]:
    """Offset and bytes to insert."""
    try:
        before.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"{note_path} is not UTF-8 text (byte {error.start}), so it is left alone.", "Save the note as UTF-8.") from error
    tokens, draft = tokenize(before), text.encode("utf-8")
    outline, own_tokens = read_outline(before, tokens), tokenize(draft)
    target = _find(note_path, outline, under) if under else None
    if unclosed := _unclosed(draft, own_tokens, read_outline(draft, own_tokens), len(draft)):
        raise Invalid(f"The draft's {unclosed} is never closed; it would swallow what follows it in the note.", "Close it, then accept.")
    own, body = _own_heading(text)
    if own and body:
        # With a heading named by the person, that heading itself or one inside its section; else anywhere, if it stands empty.
        reach = outline.headings if target is None else [target, *_inside(outline, target)]
        twins = [item for item in reach if normalise(item.title) == normalise(own)]
        if len(twins) == 1 and (twins[0] is target or _is_empty(before, outline, twins[0])):
            target, text = twins[0], body
    end = _section_end(outline, target, len(before)) if target else len(before)
    if unclosed := _unclosed(before, tokens, outline, end):
        raise Invalid(f"{note_path}: the {unclosed} is never closed, so text put after it would vanish in it.", "Close it first.")
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
    inserted = (lead + text + trail).replace("\n", newline).encode("utf-8")
    if before.strip(BOM + b" \t\r\n") and properties_span(before[:start] + inserted + before[start:]) != properties_span(before):
        raise Invalid(
            f"{note_path} begins with a line of dashes, and the draft has another: all between them would become the note's properties.",
            "Write *** in place of one of the two lines, then accept.",
        )
    return start, inserted


def _unclosed(data: bytes, tokens: tuple[Token, ...], outline: Outline, end: int) -> str:
    """What is left open before `end` and would swallow text that is put there."""
    left = left_open(data, tokens)
    return (outline.unclosed if end == len(data) else "") or (left[1] if left and left[0] < end else "")


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
