"""What the person later does to an inserted passage, wherever it went, becomes an edit event: exactly one for each change.

All that is needed lies in the library (`library.follows`) and in the vault, so that nothing is lost between two runs; and each change is
stored together with the new state in one transaction, so that two watchers never store it twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import vault
from ..errors import Unavailable
from ..library.follows import Follow
from ..records import Event
from ..settings import Settings
from ..text import content_hash
from .journal import recover
from .judge import record_edit
from .undo import undone_ids

if TYPE_CHECKING:
    from ..library import Library

QUIET = 60.0  # seconds without a change before an edit counts as finished
GIVE_UP = 30 * 86400.0  # seconds that a note may be gone
_LOOK_ABOUT = 7 * 86400.0  # seconds in which a deleted passage may turn up in another note


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """One look at all followed passages. `logged` are the new edit events; `waiting` are notes that changed a moment ago; `moved` are
    (old path, new path); `missing` are (draft id, note path, missing or given up); `troubles` say what could not be read. `next_in` is
    when a waiting note will be quiet (seconds)."""

    followed: int
    logged: tuple[Event, ...] = ()
    waiting: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    missing: tuple[tuple[str, str, str], ...] = ()
    troubles: tuple[str, ...] = ()
    next_in: float | None = None


def capture(
    library: Library,
    *,
    settings: Settings,
    quiet: float = QUIET,
    patience: float = 0.0,
    clock: Callable[[], float] = time.time,
) -> CaptureReport:
    """Store an edit event for every inserted passage that the person changed and that has been left alone for `quiet` seconds.

    Only what lies within the passage is stored. A passage that was deleted is stored once, with an empty final text. A note that is gone
    is looked for in the whole vault, not more often than every `patience` seconds, and given up after thirty days; undone insertions and
    those of another vault are not followed. `clock` gives the time in seconds since 1970. Raises as `Settings.need_vault` does.
    """
    settings.need_vault()
    recover(library)
    look = _Look(library, settings, quiet, patience, clock())
    for follow in start_following(library):
        if look.is_here(follow):
            try:
                look.at(follow)
            except Unavailable as problem:  # one note that cannot be read keeps no other from being looked at
                look.troubles.append(problem.message)
    return look.report()


def start_following(library: Library) -> list[Follow]:
    """Follow every insertion that stands, and no other; returns what is followed, oldest first."""
    with library.db.write():
        undone = undone_ids(library)
        known = {follow.insertion_id: follow for follow in library.follows.all()}
        for number in undone & known.keys():
            library.follows.drop(number)
        for event in library.events.all("insertion"):
            if event.id not in undone and event.id not in known:
                for follow in [*_shifted(library, event), _first(library, event)]:
                    library.follows.put(follow)
        return library.follows.all()


def log_edit(
    library: Library, *, draft_id: str, before: str, after: str, note_path: str = "", spans: vault.Spans = (), via: str = "plugin"
) -> Event | None:
    """Store an edit that a face noticed itself: the passage's text `before` and `after`. None when it is stored already.

    A face may send the same change again: it is known by its hashes, and by the state the library has seen since. The watcher then finds
    the note as it should be. Raises NotFound for an unknown draft.
    """
    with library.db.write():
        start_following(library)
        draft = library.drafts.get(draft_id)
        follow = library.follows.of_draft(draft_id)
        undone = undone_ids(library)
        edits = [event for event in library.events.all("edit", subject=draft_id) if event.id not in undone]
        lead = follow.lead if follow else ""
        old, new = (_with_lead(lead, vault.tidy(text)) for text in (before, after))
        last = follow.text if follow else str(edits[-1].payload["final_text"]) if edits else vault.tidy(draft.text)
        hashes = (content_hash(old), content_hash(new))
        stored = [(event.payload.get("before_hash"), event.payload["final_hash"]) for event in edits]
        stored += [(one.payload["final_hash"], other.payload["final_hash"]) for one, other in pairwise(edits)]
        if new == last or (old != last and hashes in stored):
            return None
        insertion = follow.insertion_id if follow else None
        event = record_edit(
            library,
            draft_id=draft_id,
            final_text=new,
            before=old or last or _last_text(edits),
            note_path=note_path,
            via=via,
            spans=spans,
            insertion=insertion,
        )
        if follow:
            library.follows.put(replace(follow, text=new, note_path=note_path or follow.note_path))
        return event


def _first(library: Library, event: Event) -> Follow:
    """An insertion as it was made: the note's bytes then, and where in them the passage stood."""
    table: Any = event.payload["insertion"]
    insertion = vault.Insertion(**table)
    inserted = insertion.inserted.encode()
    note, start = vault.written(insertion), insertion.start
    if note is None:  # the backup is gone: the passage is followed by its words
        note, start = inserted, 0
    passage: Any = event.payload.get("passage")
    if passage:
        start, inserted = start + passage[0], inserted[passage[0] : passage[1]]
    begin = start + len(inserted) - len(inserted.lstrip(b"\r\n"))
    spans = ((begin, start + len(inserted.rstrip(b"\r\n \t"))),)
    core, full = vault.passage_text(note, spans), vault.tidy(_accepted_text(library, event))
    lead = full[: -len(core)] if core and full != core and full.endswith(core) else ""
    return Follow(
        insertion_id=event.id, draft_id=event.subject, vault=insertion.vault, note_path=insertion.note_path, note=note, spans=spans,
        note_hash=insertion.after_hash, lead=lead, text=lead + core, state="followed", since=event.at,
    )  # fmt: skip


def _accepted_text(library: Library, event: Event) -> str:
    """The text as accepted: the person's own version, or the draft."""
    beside: Any = event.payload.get("with") or []
    for edit in library.events.all("edit", subject=event.subject):
        if edit.id in beside:
            return str(edit.payload["final_text"])
    return library.drafts.get(event.subject).text


def _shifted(library: Library, event: Event) -> list[Follow]:
    """Passages already in that note, which our own insertion moved and did not edit."""
    table: Any = event.payload["insertion"]
    insertion = vault.Insertion(**table)
    note, size = vault.written(insertion), len(insertion.inserted.encode())
    moved = []
    for follow in library.follows.all():
        if note is not None and follow.note_path == insertion.note_path and follow.note_hash == insertion.before_hash:
            spans = tuple((a + size * (a >= insertion.start), b + size * (b > insertion.start)) for a, b in follow.spans)
            if follow.state == "followed":
                moved.append(replace(follow, note=note, spans=spans, note_hash=insertion.after_hash))
    return moved


def _last_text(edits: Sequence[Event]) -> str:
    """What a passage was before it was deleted: from that text it is changed when it comes back, and not written anew."""
    texts = (str(event.payload.get(name) or "") for event in reversed(edits) for name in ("final_text", "before"))
    return next((text for text in texts if text.strip()), "")


def _with_lead(lead: str, text: str) -> str:
    return lead + text if text and lead and not text.startswith(lead.strip()) else text


class _Look:
    """One pass over the followed passages."""

    def __init__(self, library: Library, settings: Settings, quiet: float, patience: float, now: float) -> None:
        self.library, self.settings, self.quiet, self.patience, self.now = library, settings, quiet, patience, now
        self.root = settings.need_vault().resolve()
        self.followed = 0
        self.logged: list[Event] = []
        self.waiting: dict[str, float] = {}
        self.moved: list[tuple[str, str]] = []
        self.missing: list[tuple[str, str, str]] = []
        self.troubles: list[str] = []
        self.renamed: dict[str, str] = {}

    def report(self) -> CaptureReport:
        return CaptureReport(
            followed=self.followed, logged=tuple(self.logged), waiting=tuple(self.waiting), moved=tuple(dict.fromkeys(self.moved)),
            missing=tuple(self.missing), troubles=tuple(dict.fromkeys(self.troubles)), next_in=min(self.waiting.values(), default=None),
        )  # fmt: skip

    def is_here(self, follow: Follow) -> bool:
        """Does it stand in this vault, which may have been moved since?"""
        return follow.vault == str(self.root) or not Path(follow.vault).is_dir()

    def at(self, follow: Follow) -> None:
        read = vault.read_note(self.root, follow.note_path)
        if read is None:
            self._gone(follow)
            return
        since = _seconds(follow.since)
        if follow.state in ("missing", "given up"):
            follow = replace(follow, state="followed" if follow.text else "deleted", since=self._stamp(), note_hash="")
        self.followed += 1
        data, changed_at = read
        if content_hash(data) == follow.note_hash:
            if follow.state == "deleted":
                self._look_about(follow)
        elif self._is_quiet(follow, follow.note_path, data, changed_at):
            found = vault.follow(follow.note, follow.spans, data)
            if other := self._moved(follow, found, since):
                self._follow_to(follow, *other)
            else:
                self._settle(follow, follow.note_path, data, found)

    def _moved(self, follow: Follow, here: vault.Followed | None, since: float) -> tuple[str, bytes, vault.Followed] | None:
        """Where more of the passage is than is left `here`, in its own note. A line left behind does not keep it from being looked for."""
        if follow.state != "followed" or (here and here.share >= vault.ENOUGH):
            return None
        # While some of it is here, a note that already had the same words before is only a copy.
        other = vault.search(self.settings, follow.note, follow.spans, changed_since=since - self.quiet if here else 0.0)
        return other if other and vault.is_ahead(other[2], here) else None

    def _gone(self, follow: Follow) -> None:
        """The note was renamed, moved, or deleted."""
        first = follow.state not in ("missing", "given up")
        if follow.state != "given up" and (first or self.now - _seconds(follow.fresh_at) >= self.patience):
            if other := self._beside(follow) or vault.search(self.settings, follow.note, follow.spans):
                self.followed += 1
                self.renamed[follow.note_path] = other[0]
                self._follow_to(follow, *other)
                return
            since = self._stamp() if first else follow.since
            state = "given up" if not first and self.now - _seconds(since) > GIVE_UP else "missing"
            self._put(follow, replace(follow, state=state, since=since, fresh_hash="", fresh_at=self._stamp()))
            follow = replace(follow, state=state)
        self.missing.append((follow.draft_id, follow.note_path, follow.state))

    def _beside(self, follow: Follow) -> tuple[str, bytes, vault.Followed] | None:
        """Where another passage of the same note was just found: a note that was renamed took all of them along."""
        path = self.renamed.get(follow.note_path)
        read = vault.read_note(self.root, path) if path else None
        found = vault.follow(follow.note, follow.spans, read[0]) if read else None
        return (path, read[0], found) if path and read and found else None

    def _look_about(self, follow: Follow) -> None:
        """A passage that was cut may have been pasted into another note later."""
        since = _seconds(follow.since)
        if self.now - since < _LOOK_ABOUT and (
            other := vault.search(self.settings, follow.note, follow.spans, changed_since=since - self.quiet)
        ):
            self._follow_to(follow, *other)

    def _follow_to(self, follow: Follow, path: str, data: bytes, found: vault.Followed) -> None:
        read = vault.read_note(self.root, path)
        if read and read[0] == data and (content_hash(data) == follow.note_hash or self._is_quiet(follow, path, data, read[1])):
            self._settle(follow, path, data, found)

    def _is_quiet(self, follow: Follow, path: str, data: bytes, changed_at: float) -> bool:
        """Was the file, or were these very bytes, left alone long enough? The second also holds where clocks differ."""
        fresh = content_hash(data)
        age = self.now - changed_at
        if follow.fresh_hash == fresh:
            age = max(age, self.now - _seconds(follow.fresh_at))
        if age >= self.quiet:
            return True
        if follow.fresh_hash != fresh:
            self._put(follow, replace(follow, fresh_hash=fresh, fresh_at=self._stamp()))
        self.waiting[path] = min(self.quiet, self.quiet - age)
        return False

    def _settle(self, follow: Follow, path: str, data: bytes, found: vault.Followed | None) -> None:
        """Store what became of the passage, if no one else has meanwhile."""
        text = _with_lead(follow.lead, found.text) if found else ""
        fresh = replace(
            follow, note_path=path, vault=str(self.root), note_hash=content_hash(data), text=text, fresh_hash="", fresh_at="",
            state="followed" if found else "deleted",
            since=self._stamp() if (found is None) != (follow.state == "deleted") else follow.since,
        )  # fmt: skip
        if found:
            fresh = replace(fresh, note=data, spans=found.spans)
        with self.library.db.write():
            if not self._put(follow, fresh):
                return
            if text != follow.text:
                self.logged.append(
                    record_edit(
                        self.library,
                        draft_id=follow.draft_id,
                        final_text=text,
                        before=follow.text or _last_text(self._edits(follow)),
                        note_path=path,
                        via="watch",
                        spans=found.spans if found else (),
                        insertion=follow.insertion_id,
                    )  # fmt: skip
                )
        if path != follow.note_path:
            self.moved.append((follow.note_path, path))

    def _edits(self, follow: Follow) -> list[Event]:
        edits = self.library.events.standing("edit", subject=follow.draft_id)
        return [event for event in edits if event.payload.get("insertion") == follow.insertion_id]

    def _put(self, seen: Follow, fresh: Follow) -> bool:
        """Replace the state that was seen, unless another watcher did."""
        with self.library.db.write():
            stored = self.library.follows.get(seen.insertion_id)
            if stored is None or stored.text != seen.text or (stored.note_hash != seen.note_hash and seen.note_hash):
                return False
            self.library.follows.put(fresh)
            return True

    def _stamp(self) -> str:
        return datetime.fromtimestamp(self.now, UTC).isoformat()


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp() if stamp else 0.0
