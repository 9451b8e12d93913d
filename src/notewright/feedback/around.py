"""The vault around the followed passages: which notes had their text all along, and where one that is gone from its note can be.

Of every note the stamp is kept, so that only notes that changed since the last look are read. While a passage stands in its own note, any
other note that has (much of) its words is a copy, and kept as it was then: later only what was added to it can be where the passage went.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from .. import vault
from ..library.follows import Follow
from ..settings import Settings
from .following import start_following

if TYPE_CHECKING:
    from ..library import Library

_AT_ONCE = 60.0  # seconds from writing a note to storing that


@dataclass(frozen=True, slots=True)
class Seeker:
    """A passage that is not in its note at `path`, or less of it than could be elsewhere (`here`).

    `data` is that note where it has just lost the passage, or, where the note itself is `gone`, another one that bears its name now.
    Notes that were last changed before `since` (seconds) are no place for it.
    """

    follow: Follow = field(repr=False)
    path: str
    data: bytes | None = field(default=None, repr=False)
    gone: bool = False
    here: vault.Followed | None = None
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A place where a passage can be. Higher `rank`s come first."""

    rank: tuple[float, float]
    seeker: Seeker
    path: str
    data: bytes = field(repr=False)
    found: vault.Followed
    without: vault.Spans


class Around:
    """The vault as it is now, beside what is remembered of it. `renamed` are notes under another name that nobody wrote to since the last
    look, by their old paths, and `came` the same by their new ones."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self.library = library
        self.vault = str(settings.need_vault().resolve())
        self.files = {file.path: file for file in _notes(settings)}
        self.known = library.follows.looked(self.vault)
        self.fresh = {path for path, file in self.files.items() if self.known.get(path) != file.stamp}
        left = defaultdict(list)
        for path, stamp in self.known.items():
            if path not in self.files or path in self.fresh:
                left[stamp].append(path)
        self.came: dict[str, str] = {}
        for path in sorted(self.fresh):
            file = self.files[path]
            if file.number and len(left[file.stamp]) == 1:
                self.came[path] = left[file.stamp].pop()
        self.renamed = {old: new for new, old in self.came.items()}
        self.changed = self.fresh - self.came.keys()
        self.seekers: list[Seeker] = []
        self._standing: list[tuple[Follow, str]] = []
        self._unsure: list[Follow] = []
        self._claims: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._copies: dict[int, dict[str, bytes | None]] = defaultdict(dict)
        self._compared = library.follows.compared()
        self._held: set[str] = set()

    @property
    def is_whole(self) -> bool:
        """Are most of the notes there that were? A disk that is away, or a sync that has only begun, says nothing about a single note."""
        left = sum(path in self.files or path in self.renamed for path in self.known)
        return left > 0 and left * 2 >= len(self.known)

    def stands(self, follow: Follow, path: str, found: vault.Followed | None) -> None:
        """It is in its own note, so that what other notes have of it are copies."""
        self._standing.append((follow, path))
        if found:
            self.claim(path, found)

    def seek(self, seeker: Seeker) -> None:
        self.seekers.append(seeker)

    def unsure(self, follow: Follow) -> None:
        """Nobody can say yet whether it stands: what changed elsewhere is looked at once more when that is known."""
        self._unsure.append(follow)

    def went(self, follow: Follow, path: str) -> None:
        """It is in this note from now on, which is no longer one that has a copy."""
        self._copies[follow.insertion_id][path] = None

    def claim(self, path: str, found: vault.Followed) -> None:
        """Here stands a passage that is followed, and no other."""
        self._claims[path] += found.spans

    def offers(self) -> list[Offer]:
        """Where each passage that is sought can be, the best place first. On the way, copies of those that stand are noted."""
        found = []
        sought = {follow.insertion_id: vault.Sought(follow.note, follow.spans) for follow in self._follows()}
        unknown = [(follow, path) for follow, path in self._standing if follow.insertion_id not in self._compared]
        # What another machine inserted may be in a note that was looked at here before this was heard of.
        strange = {seeker.follow.insertion_id for seeker in self.seekers} - self._compared
        for path in self.files if unknown or strange else sorted(self.changed):
            changed = path in self.changed
            data = _read(self.files[path]) if sought else None
            if data is None:
                if sought:
                    self._held.add(path)
                continue
            folded = vault.folded(data)
            for follow, own in self._standing if changed else unknown:
                number = follow.insertion_id
                holds = own != path and sought[number].may_be_in(folded)
                if holds or number in self._compared:
                    self._copies[number][path] = data if holds else None
            if changed and any(sought[follow.insertion_id].may_be_in(folded) for follow in self._unsure):
                self._held.add(path)
            for seeker in self.seekers:
                wanted = changed or seeker.follow.insertion_id in strange
                if wanted and path != seeker.path and sought[seeker.follow.insertion_id].may_be_in(folded):
                    offer = self._offer(seeker, sought[seeker.follow.insertion_id], path, data)
                    found += [offer] if offer else []
                    may_be_copy = offer or not (seeker.gone or seeker.data is None)  # if the passage turns out to stand
                    if changed and may_be_copy:
                        self._held.add(path)
        return sorted(found, key=lambda offer: offer.rank, reverse=True)

    def free(self, offer: Offer) -> vault.Followed | None:
        """The place, where nothing else that is followed stands in it."""
        claims = tuple(self._claims[offer.path])
        if not self._is_taken(offer.path, offer.found):
            return offer.found
        follow = offer.seeker.follow
        found = vault.Sought(follow.note, follow.spans).find(offer.data, without=(*offer.without, *claims))
        return found if found and vault.is_ahead(found, offer.seeker.here) else None

    def beside(self, seeker: Seeker, path: str) -> tuple[str, bytes, vault.Followed] | None:
        """Where it is in the note at `path`, to which another passage of its note went."""
        data = _read(self.files[path])
        found = vault.follow(seeker.follow.note, seeker.follow.spans, data) if data else None
        if data is None or found is None or self._is_taken(path, found):
            return None
        if not seeker.follow.text and found.share < vault.ENOUGH:  # it was deleted before
            return None
        return path, data, found

    def left(self, seeker: Seeker) -> vault.Followed | None:
        """What of it is still in its own note, less what came there from another one."""
        if seeker.here is None or seeker.data is None or not self._is_taken(seeker.path, seeker.here):
            return seeker.here
        follow = seeker.follow
        return vault.follow(follow.note, follow.spans, seeker.data, without=tuple(self._claims[seeker.path]))

    def _is_taken(self, path: str, found: vault.Followed) -> bool:
        return any(a < high and low < b for a, b in found.spans for low, high in self._claims[path])

    def keep(self, follows: Sequence[Follow], *, awaited: bool = False) -> None:
        """Remember what was seen. While a note is `awaited` that is gone, notes that are gone are remembered too; and of a vault that
        is not as it was, nothing else, or it would seem so the next time."""
        # A followed note that is not quiet yet has its old name for now, and only that tells the next look that it was renamed.
        now = self.library.follows.all() if self.renamed else ()
        before, after = ({(follow.insertion_id, follow.note_path) for follow in some} for some in (follows, now))
        unsettled = {path for _, path in before & after} & self.renamed.keys()
        gone = self.known.keys() - self.files.keys() - unsettled
        fresh = self.fresh - self._held - unsettled - {self.renamed[path] for path in unsettled}
        if awaited:
            gone &= self.renamed.keys()
            fresh &= fresh if self.is_whole or not self.known else self.known.keys()
        stamps = {path: self.files[path].stamp for path in fresh}
        compared = {follow.insertion_id for follow, _ in self._standing} - self._compared
        if not (stamps or gone or compared or self._copies):
            return
        with self.library.db.write():
            for number in {follow.insertion_id for follow in follows} & self.library.follows.ids():  # others were undone meanwhile
                if self.renamed:
                    self.library.follows.rename_copies(number, self.renamed)
                if self._copies[number] or number in compared:
                    self.library.follows.note_copies(number, self._copies[number], whole=number in compared)
            self.library.follows.look(self.vault, stamps, gone)

    def _follows(self) -> list[Follow]:
        return [*(follow for follow, _ in self._standing), *self._unsure, *(seeker.follow for seeker in self.seekers)]

    def _offer(self, seeker: Seeker, sought: vault.Sought, path: str, data: bytes) -> Offer | None:
        follow, changed_at = seeker.follow, self.files[path].mtime_ns / 1e9
        if changed_at < seeker.since or (follow.insertion_id not in self._compared and changed_at < self.accepted_at(follow)):
            return None
        copy = self._copy(follow, path, data)
        if copy is None and not follow.text and self._copy_left(follow, sought):
            copy = data  # of a passage that was deleted before, it is the copy that went there
        if copy is not None:
            self._copies[follow.insertion_id][path] = data  # unless it turns out to be the place
        without = () if copy is None or (copy != data == follow.note) else vault.stood(copy, data)
        found = sought.find(data, without=(*without, *self._claims[path]))
        if found is None or not vault.is_ahead(found, seeker.here):
            return None
        self._copies[follow.insertion_id].pop(path, None)
        return Offer((found.share, _likeness(follow.note, data)), seeker, path, data, found, without)

    def _copy(self, follow: Follow, path: str, data: bytes) -> bytes | None:
        """The note at `path` as it was when it was a copy, under this name or another one that is no longer its."""
        copies = self.library.follows.copies(follow.insertion_id)
        copies.pop(follow.note_path, None)  # as which earlier versions took a note that the disk spells in another way
        if path in copies and path not in self.renamed:
            return copies[path]
        left = (
            copy
            for other, copy in copies.items()
            if not follow.text or (other not in self.renamed and (other not in self.files or other in self.changed))
        )  # and of a passage that was deleted before, the copy of one that stands
        return data if data in left else None

    def _copy_left(self, follow: Follow, sought: vault.Sought) -> bool:
        """Is a copy gone from its note, or the note itself, since the last look?"""
        for path in self.library.follows.copies(follow.insertion_id).keys() - self.renamed.keys():
            data = _read(self.files[path]) if path in self.changed else None
            if path not in self.files or (data is not None and not sought.may_be_in(vault.folded(data))):
                return True
        return False

    def accepted_at(self, follow: Follow) -> float:
        """In seconds. Where it is not known which notes had the text before, those that were not touched since count as such."""
        insertions = self.library.events.all("insertion", subject=follow.draft_id)
        times = (datetime.fromisoformat(event.at).timestamp() for event in insertions if event.id == follow.insertion_id)
        return max(times, default=0.0) - _AT_ONCE


def compare(library: Library, settings: Settings, insertion_id: int) -> None:
    """Note which notes have the text of an insertion at the moment it is made. What cannot be done now is made up for by the next look."""
    if settings.vault is None or not settings.vault.is_dir():
        return
    follow = next((follow for follow in start_following(library) if follow.insertion_id == insertion_id), None)
    if follow is None or follow.vault != str(settings.vault.resolve()):
        return
    sought = vault.Sought(follow.note, follow.spans)
    found: dict[str, bytes | None] = {}
    stamps = {}
    for file in _notes(settings):
        data = _read(file)
        if data is None:
            continue
        stamps[file.path] = file.stamp
        if file.path != follow.note_path and sought.may_be_in(vault.folded(data)):
            found[file.path] = data
    with library.db.write():
        library.follows.note_copies(insertion_id, found, whole=True)
        if library.follows.ids() == {insertion_id}:  # no other passage has to be compared with what changed since the last look
            library.follows.look(follow.vault, stamps, library.follows.looked(follow.vault).keys() - stamps.keys())


def _notes(settings: Settings) -> list[vault.NoteFile]:
    root = settings.need_vault().resolve()
    return list(vault.iterate_notes(root, vault.read_config(settings), exclude=settings.exclude))


def _read(file: vault.NoteFile) -> bytes | None:
    """The note, if it can be read and nobody has written to it since it was listed."""
    try:
        with open(file.place, "rb") as opened:  # thousands are read in a row
            data = opened.read()
            status = os.fstat(opened.fileno())
    except OSError:
        return None
    return data if (status.st_size, status.st_mtime_ns) == (file.size, file.mtime_ns) and vault.is_readable(data) else None


def _likeness(one: bytes, other: bytes) -> float:
    """Share of lines that two notes have in common."""
    left, right = ({line.strip() for line in data.splitlines() if line.strip()} for data in (one, other))
    return len(left & right) / max(1, len(left | right))
