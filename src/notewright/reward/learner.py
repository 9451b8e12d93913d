"""The head kept up with the library: events are the truth, the head is derived, and can be rebuilt at any time with the same result.

`taste_of(library)` is the way in. The first call reads everything; later ones only the events and drafts since, so that a click is learnt
from at once. New pairs move the yardstick, and then everything is read again; so it is when drafting finds that the person has changed
(`models.drift`): what was judged before counts less.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..library.examples import CHANGED, Example, from_pairs
from ..models.bandit import FADED
from ..records import Draft, Event
from .corrections import prior_changes
from .evidence import KINDS, batch_evidence, demonstration
from .features import VERSION
from .prior import PRIOR
from .rows import Rows, draft_rows, edit_rows, note_rows
from .scale import fit_scale
from .taste import DEMONSTRATION_WEIGHT, Head, weighted

if TYPE_CHECKING:
    from ..library import Library

MAX_DEMONSTRATIONS = 60  # together no more than some 20 rankings
_KEPT = 4  # libraries whose head stays in memory

_learners: OrderedDict[Path, Learner] = OrderedDict()
_lock = threading.Lock()


def taste_of(library: Library) -> Head:
    """The head of this library, fitted to everything done so far. One copy per library is kept in memory; do not change it."""
    with _lock:
        return _learner(library).follow(library)


def note_rows_of(library: Library) -> Rows:
    """Feature rows of the person's finished passages, by pair id."""
    with _lock:
        return dict(_learner(library).note_rows)


def forget_taste(library: Library) -> None:
    """Let the next call build the head anew."""
    with _lock:
        _learners.pop(library.home, None)


def _learner(library: Library) -> Learner:
    learner = _learners.pop(library.home, None)
    if learner is None or not learner.fits(library):
        learner = Learner(library)
    _learners[library.home] = learner
    while len(_learners) > _KEPT:
        _learners.popitem(last=False)
    return learner


class Learner:
    """A head and how far in the library's history it has read."""

    def __init__(self, library: Library) -> None:
        self._mark = _mark(library)
        self._changed = library.db.get_state(CHANGED)  # the person was another one before this time
        examples = from_pairs(library)
        self.note_rows = note_rows(library, examples)
        self.head = Head(fit_scale(list(self.note_rows.values())))
        self._examples: dict[tuple[str, ...], Example] = {}
        for example in examples:
            self._examples.setdefault(tuple(item.id for item in example.prompt.highlights), example)
        self._event = self._draft = self._demonstrations = 0
        self._undone: set[int] = set()
        self._batch_of: dict[int, str] = {}
        self._events: dict[str, list[Event]] = {}
        self._drafts: dict[str, list[Draft]] = {}
        self._keys: dict[str, set[str]] = {}
        self._changes: dict[int, tuple[float, float]] = {}

    def fits(self, library: Library) -> bool:
        """Whether this is the same history, only longer, and the yardstick has not moved."""
        return self._mark[:3] == _mark(library)[:3] and library.events.last() >= self._event and self._mark[3] in (0, _mark(library)[3])

    def follow(self, library: Library) -> Head:
        """Read what is new, and fit."""
        new = library.events.all(*KINDS, "undo", "belief", "rule", after=self._event)
        if new:
            self._event = new[-1].id
            # An edit may be of an insertion that was taken back before it came in.
            undone = library.events.undone() if any(event.kind in ("undo", "edit") for event in new) else self._undone
            touched = {event.id for event in new} | (undone - self._undone)
            self._undone = undone
            for event in new:
                self._file(event)
            self._learn(library, {self._batch_of[number] for number in touched if number in self._batch_of})
            if any(event.kind in ("undo", "belief", "rule") for event in new):
                changes = prior_changes(library, self.head.scale)
                if changes != self._changes:
                    self._changes = changes
                    self.head.set_prior(PRIOR.with_(changes))
        self._demonstrate(library)
        return self.head.fit()

    def _file(self, event: Event) -> None:
        if event.kind in KINDS:
            batch = str(event.payload.get("batch", ""))
            self._batch_of[event.id] = batch
            self._events.setdefault(batch, []).append(event)

    def _learn(self, library: Library, batches: Iterable[str]) -> None:
        """Derive the evidence of these batches anew; what did not change stays in the head as it is."""
        batches = sorted(batches)
        unseen = [batch for batch in batches if batch not in self._drafts]
        self._drafts |= library.drafts.batches(unseen)
        drafts = {draft.id: draft for batch in batches for draft in self._drafts.get(batch, [])}
        rows = draft_rows(library, drafts.values())
        for batch in batches:
            self._events[batch].sort(key=lambda event: (event.at, event.id))  # what was imported may be older than what was read before
        standing = {batch: [event for event in self._events[batch] if event.id not in self._undone] for batch in batches}
        edits = [event for events in standing.values() for event in events if event.kind == "edit"]
        edited = edit_rows(library, edits, drafts)
        for batch in batches:
            shown = self._drafts.get(batch, [])
            found = batch_evidence(self.head.scale, standing[batch], shown, {draft.id: rows[draft.id] for draft in shown}, edited)
            for key in self._keys.get(batch, set()) - found.keys():
                self.head.drop(key)
            faded = min(event.at for event in self._events[batch]) < self._changed
            for key, stages in found.items():
                self.head.add(key, weighted(stages, FADED) if faded else stages)
            self._keys[batch] = set(found)

    def _demonstrate(self, library: Library) -> None:
        """The own note beats what models wrote from the same highlights: the first `MAX_DEMONSTRATIONS` such drafts."""
        last = library.drafts.place_of_last()
        if not self._examples or last == self._draft or self._demonstrations >= MAX_DEMONSTRATIONS:
            self._draft = last
            return
        new = [draft for draft in library.drafts.since(self._draft) if draft.highlight_ids in self._examples]
        pairs = [(draft, self._examples[draft.highlight_ids]) for draft in new[: MAX_DEMONSTRATIONS - self._demonstrations]]
        self._draft = last
        self._demonstrations += len(pairs)
        rows = draft_rows(library, [draft for draft, _ in pairs])
        for draft, example in pairs:
            weight = DEMONSTRATION_WEIGHT * (FADED if example.former else 1.0)
            stages = demonstration(self.head.scale, self.note_rows[example.pair_id], rows[draft.id], weight)
            self.head.add(f"{draft.id} demonstration", stages)


def _mark(library: Library) -> tuple[int, str, str, object]:
    """What a head depends on besides the events it has read; and the first event, by which a library is told from another in its place."""
    number, at = library.events.first()
    return VERSION, library.pairs.fingerprint(), library.db.get_state(CHANGED), at if number else 0
