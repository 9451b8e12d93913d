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
from typing import TYPE_CHECKING
from unicodedata import normalize

from .. import vault
from ..errors import Unavailable
from ..library.follows import Follow
from ..records import Event
from ..settings import Settings
from ..text import content_hash
from .around import Around, Seeker
from .following import is_by_words, start_following, with_lead
from .journal import recover
from .judge import record_edit

if TYPE_CHECKING:
    from ..library import Library

QUIET = 60.0  # seconds without a change before an edit counts as finished
GIVE_UP = 30 * 86400.0  # seconds that a note may be gone

# A note that was deleted took its passages along, and that is stored as if they alone had been deleted. A sync that deletes and makes anew,
# or a file that is moved by hand, is over in ten minutes, which the plugin waits, too. By the clock alone these may be ten minutes in which
# the machine slept, or nobody looked: so the note has to be gone at three looks, each five minutes after the one before, with most of the
# vault's other notes there each time, and with its own folder telling that it was taken out. What comes back later (out of the trash, with
# another branch of a repository) is stored as an edit like any other, which takes the deletion back.
LOOKS = 3
APART = 300.0  # seconds
_GONE = "gone "
_LOOK_ABOUT = 7 * 86400.0  # seconds in which a deleted passage may turn up in another note


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """One look at all followed passages. `logged` are the new edit events; `waiting` are notes that changed a moment ago; `moved` are
    (old path, new path); `missing` are (draft id, note path, missing or given up); `troubles` say what could not be read. `next_in` is
    when a waiting note will be quiet, or a missing one is to be looked for again (seconds)."""

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
    clock: Callable[[], float] = time.time,
) -> CaptureReport:
    """Store an edit event for every inserted passage that the person changed and that has been left alone for `quiet` seconds.

    Only what lies within the passage is stored. A passage that was deleted is stored once, with an empty final text. A note that is gone
    is looked for; where it was deleted by all signs (see `LOOKS`), so were its passages, and else it is given up after thirty days. A
    passage went only to where it was not before: to a new note, or into what was added to another one since the last look. Undone
    insertions and those of another vault are not followed. `clock` gives the time in seconds since 1970. Raises as
    `Settings.need_vault` does.
    """
    settings.need_vault()
    recover(library)
    follows = start_following(library)
    if not follows:
        return CaptureReport(followed=0)
    look = _Look(library, settings, quiet, clock())
    look.at_all(follows)
    return look.report()


def log_edit(
    library: Library, *, draft_id: str, before: str, after: str, note_path: str = "", spans: vault.Spans = (), via: str = "plugin"
) -> Event | None:
    """Store an edit that a face noticed itself: the passage's text `before` and `after`. None when it is stored already.

    A face may send the same change again: it is known by its hashes, and by the state the library has seen since. The watcher then finds
    the note as it should be. Raises NotFound for an unknown draft.
    """
    note_path = normalize("NFC", note_path)
    with library.db.write():
        start_following(library)
        draft = library.drafts.get(draft_id)
        follow = _told_of(library.follows.of_draft(draft_id), before, note_path)
        insertion = follow.insertion_id if follow else None
        edits = library.events.standing("edit", subject=draft_id)
        edits = [event for event in edits if event.payload.get("insertion") in (insertion, None)]
        lead = follow.lead if follow else ""
        old, new = (with_lead(lead, vault.tidy(text)) for text in (before, after))
        last = follow.text if follow else str(edits[-1].payload["final_text"]) if edits else vault.tidy(draft.text)
        hashes = (content_hash(old), content_hash(new))
        stored = [(event.payload.get("before_hash"), event.payload["final_hash"]) for event in edits]
        stored += [(one.payload["final_hash"], other.payload["final_hash"]) for one, other in pairwise(edits)]
        if new == last or (old != last and hashes in stored):
            return None
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


def _told_of(follows: Sequence[Follow], before: str, note_path: str) -> Follow | None:
    """Which of a draft's insertions, newest first, a face speaks of: by its note, and by what was in it."""

    def fit(follow: Follow) -> tuple[bool, bool]:
        return bool(note_path) and follow.note_path == note_path, follow.text == with_lead(follow.lead, vault.tidy(before))

    return max(follows, key=fit, default=None)


def _last_text(edits: Sequence[Event]) -> str:
    """What a passage was before it was deleted: from that text it is changed when it comes back, and not written anew."""
    texts = (str(event.payload.get(name) or "") for event in reversed(edits) for name in ("final_text", "before"))
    return next((text for text in texts if text.strip()), "")


class _Look:
    """One pass over the followed passages: first each in its own note, then those that are not there."""

    def __init__(self, library: Library, settings: Settings, quiet: float, now: float) -> None:
        self.library, self.settings, self.quiet, self.now = library, settings, quiet, now
        self.root = settings.need_vault().resolve()
        self.around = Around(library, settings)
        self.followed = 0
        self.logged: list[Event] = []
        self.waiting: dict[str, float] = {}
        self.moved: list[tuple[str, str]] = []
        self.missing: list[tuple[str, str, str]] = []
        self.troubles: list[str] = []
        self.again: list[float] = []
        self.notes: dict[str, set[str]] = {}
        self.placed: dict[str, list[tuple[Follow, vault.Spans]]] = {}

    def report(self) -> CaptureReport:
        return CaptureReport(
            followed=self.followed, logged=tuple(self.logged), waiting=tuple(self.waiting), moved=tuple(dict.fromkeys(self.moved)),
            missing=tuple(self.missing), troubles=tuple(dict.fromkeys(self.troubles)),
            next_in=min([*self.waiting.values(), *self.again], default=None),
        )  # fmt: skip

    def at_all(self, follows: Sequence[Follow]) -> None:
        here = [follow for follow in follows if follow.vault == str(self.root) or not Path(follow.vault).is_dir()]  # it may have been moved
        for follow in here:
            if follow.state == "followed":
                self.notes.setdefault(follow.note_hash, set()).add(follow.note_path)
        # What was put in later is no part of what stood there before, so it is placed first; what was deleted takes no other's place.
        newest = here[::-1]
        for follow in sorted(newest, key=lambda follow: (not self._is_back(follow), not follow.text)):
            try:
                self._at(follow)
            except Unavailable as problem:  # one note that cannot be read keeps no other from being looked at
                self.troubles.append(problem.message)
                self.around.unsure(follow)
        self._elsewhere()
        self.around.keep(here, awaited=any(state == "missing" for _, _, state in self.missing))

    def _is_back(self, follow: Follow) -> bool:
        """Is the note of a deleted passage again just as it was with it: by a sync, another branch, an undo of the editor?"""
        if follow.text:
            return False
        try:
            read = vault.read_note(self.root, self.around.renamed.get(follow.note_path, follow.note_path))
        except Unavailable:
            return False
        return read is not None and read[0] == follow.note

    def _at(self, follow: Follow) -> None:
        path = self.around.renamed.get(follow.note_path, follow.note_path)
        read = vault.read_note(self.root, path)
        if read is None or self._is_another(follow, path, read[0]):
            if follow.state == "given up":
                self._tell_missing(follow, follow.state)
            else:
                self.around.seek(Seeker(follow, path, read[0] if read else None, gone=True))
            return
        data, changed_at = read
        if not vault.is_readable(data):
            raise Unavailable(f"{path} is not UTF-8 text, so it is left alone.", "Save the note as UTF-8.")
        if follow.state in ("missing", "given up"):
            follow = replace(follow, state="followed" if follow.text else "deleted", since=self._stamp(), note_hash="")
        self.followed += 1
        found = self._found(follow, path, data)
        if content_hash(data) == follow.note_hash:
            if path != follow.note_path or (found and is_by_words(follow)):
                self._settle(follow, path, data, found if follow.state == "followed" else None)
            if follow.state == "followed":
                self.around.stands(follow, path, found)
            elif self.now - _seconds(follow.since) < _LOOK_ABOUT:  # what was cut may have been pasted into another note later
                self.around.seek(Seeker(follow, path, since=_seconds(follow.since) - self.quiet))
            return
        quiet = self._is_quiet(follow, path, data, changed_at)
        if found and found.share >= vault.ENOUGH:
            self.around.stands(follow, path, found)
        elif not quiet or follow.state != "followed":
            self.around.unsure(follow)
        else:
            # A line left behind does not keep it from being looked for; but while some is here, an old note with the same words is a copy.
            since = _seconds(follow.since) - self.quiet if found else 0.0
            self.around.seek(Seeker(follow, path, data, here=found, since=since))
            return
        if quiet:
            self._settle(follow, path, data, found)

    def _found(self, follow: Follow, path: str, data: bytes) -> vault.Followed | None:
        """The passage in its own note, less those that were put into the note since it was last seen there."""
        beside = vault.tidy(vault.blanked(follow.note, follow.spans).decode("utf-8", errors="replace"))
        strange: vault.Spans = ()
        for newer, spans in self.placed.get(path, ()):
            if newer.note != follow.note and vault.passage_text(newer.note, newer.spans) not in beside:
                strange += spans
        told = follow.text.removeprefix(follow.lead)
        by_words = is_by_words(follow)

        def search(without: vault.Spans) -> vault.Followed | None:
            if by_words:  # nothing around it tells which of other words could be it
                return vault.Sought(follow.note, follow.spans).find(data, without=without)
            return vault.follow(follow.note, follow.spans, data, without=without, told=told)

        found = search(strange)
        if found and any(found.spans == spans for _, spans in self.placed.get(path, ())):  # of two that say the same, one is gone
            found = search((*strange, *found.spans))
        if found and not follow.text and found.share < vault.ENOUGH:  # it was deleted: other words in its place are not it
            return None
        if found and (follow.text or data == follow.note):
            self.placed.setdefault(path, []).append((follow, found.spans))
        return found

    def _is_another(self, follow: Follow, path: str, data: bytes) -> bool:
        """Does another note bear this name now? One that was renamed, one that is followed elsewhere, or the one found at the last look."""
        if self.around.came.get(path, follow.note_path) != follow.note_path:
            return True
        found = content_hash(data)
        if data == follow.note or (found == follow.note_hash and follow.state in ("followed", "deleted")):
            return False
        if found != follow.note_hash:
            return bool(self.notes.get(found, set()) - {follow.note_path})
        text = vault.passage_text(follow.note, follow.spans)
        return bool(follow.text) and text not in vault.tidy(data.decode("utf-8", errors="replace"))

    def _elsewhere(self) -> None:
        """Passages that are not in their notes: where each can only be, those with the best claim first."""
        offers = self.around.offers()
        placed: dict[int, str] = {}
        names: dict[str, str] = {}
        for offer in offers:
            follow = offer.seeker.follow
            found = None if follow.insertion_id in placed else self.around.free(offer)
            if found:
                placed[follow.insertion_id] = offer.path
                names.setdefault(follow.note_path, offer.path) if offer.seeker.gone else None
                self._follow_to(offer.seeker, offer.path, offer.data, found)
        for seeker in self.around.seekers:
            follow = seeker.follow
            if follow.insertion_id in placed:
                continue
            # A note that was renamed took all of its passages along.
            beside = self.around.beside(seeker, names[follow.note_path]) if seeker.gone and follow.note_path in names else None
            if beside:
                self._follow_to(seeker, *beside)
            elif seeker.gone:
                self._missing(seeker)
            elif seeker.data is not None:
                self._settle(follow, seeker.path, seeker.data, self.around.left(seeker))

    def _missing(self, seeker: Seeker) -> None:
        follow = seeker.follow
        first = follow.state != "missing"
        since = self._stamp() if first else follow.since
        state = "given up" if not first and self.now - _seconds(since) > GIVE_UP else "missing"
        fresh = replace(follow, state=state, since=since)
        if first or state == "given up":
            fresh = replace(fresh, fresh_hash="", fresh_at="")
        if seeker.data is not None:
            fresh = replace(fresh, note_hash=content_hash(seeker.data))
        if state == "missing" and not self._is_emptied(follow):
            fresh = self._looked_in_vain(seeker, fresh)
            if fresh.fresh_hash == f"{_GONE}{LOOKS}":
                self._store(follow, replace(fresh, text="", fresh_hash="", fresh_at=""))
                return
        if fresh != follow:
            self._put(follow, fresh)
        self._tell_missing(follow, state)

    def _looked_in_vain(self, seeker: Seeker, follow: Follow) -> Follow:
        """Counts this look, where it says that the note was deleted and is not too soon after the last one; else counting begins anew."""
        so_far = int(follow.fresh_hash.removeprefix(_GONE)) if follow.fresh_hash.startswith(_GONE) else 0
        left = APART - (self.now - _seconds(follow.fresh_at)) if so_far else 0.0
        if not self.around.is_whole or (left <= 0 and not self._is_deleted(seeker)):
            return replace(follow, fresh_hash="", fresh_at="")
        if left > 0 or so_far + 1 < LOOKS:
            self.again.append(left if left > 0 else APART)
        return follow if left > 0 else replace(follow, fresh_hash=f"{_GONE}{so_far + 1}", fresh_at=self._stamp())

    def _is_deleted(self, seeker: Seeker) -> bool:
        """As far as this vault tells: one in which it has never been, or in which its name is another note's now, tells by that."""
        follow, known = seeker.follow, self.around.known
        if follow.vault != str(self.root) and follow.note_path not in known:
            return False
        since, stamp = self.around.accepted_at(follow), known.get(follow.note_path, "")
        return seeker.data is not None or vault.was_taken_out(self.root, follow.note_path, since=since, stamp=stamp)

    def _tell_missing(self, follow: Follow, state: str) -> None:
        """A passage that the person had emptied, here or as another machine told, is missed by nobody when its note goes, too."""
        if not self._is_emptied(follow):
            self.missing.append((follow.draft_id, follow.note_path, state))

    def _is_emptied(self, follow: Follow) -> bool:
        edits = self._edits(follow)
        return not follow.text or bool(edits and not edits[-1].payload["final_text"])

    def _follow_to(self, seeker: Seeker, path: str, data: bytes, found: vault.Followed) -> None:
        self.followed += seeker.gone
        self.around.claim(path, found)
        follow = seeker.follow
        try:
            read = vault.read_note(self.root, path)
        except Unavailable as problem:
            self.troubles.append(problem.message)
            return
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
        text = with_lead(follow.lead, found.text) if found else ""
        fresh = replace(
            follow, note_path=path, vault=str(self.root), note_hash=content_hash(data), text=text, fresh_hash="", fresh_at="",
            state="followed" if found else "deleted",
            since=self._stamp() if (found is None) != (follow.state == "deleted") else follow.since,
        )  # fmt: skip
        if found:
            fresh = replace(fresh, note=data, spans=found.spans)
        if self._store(follow, fresh) and path != follow.note_path:
            self.around.went(follow, path)
            self.moved.append((follow.note_path, path))

    def _store(self, follow: Follow, fresh: Follow) -> bool:
        """The new state, and the edit that led to it if there is one; nothing where another watcher was faster."""
        with self.library.db.write():
            if not self._put(follow, fresh):
                return False
            edits = self._edits(follow)
            known = bool(edits) and edits[-1].payload["final_text"] == fresh.text  # another machine saw it in the synced vault, and told
            if fresh.text != follow.text and not known:
                self.logged.append(
                    record_edit(
                        self.library,
                        draft_id=follow.draft_id,
                        final_text=fresh.text,
                        before=follow.text or _last_text(edits),
                        note_path=fresh.note_path,
                        via="watch",
                        spans=fresh.spans if fresh.text else (),
                        insertion=follow.insertion_id,
                    )  # fmt: skip
                )
            return True

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
