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

from ..library.examples import CHANGED, Example, from_pairs, judged_lately, selection_of
from ..models.bandit import FADED
from ..records import Draft, Event
from .corrections import prior_changes
from .evidence import KINDS, batch_evidence, demonstration
from .features import VERSION
from .prior import PRIOR
from .rows import Rows, draft_rows, edit_rows, note_rows
from .scale import fit_scale
from .taste import DEMONSTRATION_WEIGHT, Head, Stages, weighted

if TYPE_CHECKING:
    from ..library import Library

MAX_DEMONSTRATIONS = 60  # together no more than some 20 rankings
_KEPT = 4  # libraries whose head stays in memory

_learners: OrderedDict[Path, Learner] = OrderedDict()
_lock = threading.Lock()


def taste_of(library: Library) -> Head:
    """The head of this library, fitted to everything done so far; while nothing is done the same one. Do not change it."""
    with _lock:
        try:
            return _learner(library).follow(library)
        except BaseException:  # it has read on, and not learnt from all that it read
            _learners.pop(library.home, None)
            raise


def times_judged(library: Library) -> int:
    """How often the person said something of drafts, or did something with them, that stands."""
    return library.events.count(*KINDS)


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
        self._given: Head | None = None  # what readers have: other threads may go on reading while the head learns
        self._examples: dict[tuple[str, ...], Example] = {}
        for example in examples:
            self._examples.setdefault(tuple(item.id for item in example.prompt.highlights), example)
        self._event = self._draft = 0
        self._lately = judged_lately(library)  # highlights of what is not former; None: no change is known
        self._judged = False  # whether there were judgements since then
        self._demonstrations: dict[str, tuple[frozenset[str], Stages]] = {}  # by draft: what it was written from, and the full evidence
        self._undone: set[int] = set()
        self._batch_of: dict[int, str] = {}
        self._events: dict[str, list[Event]] = {}
        self._drafts: dict[str, list[Draft]] = {}
        self._keys: dict[str, set[str]] = {}
        self._changes: dict[int, tuple[float, float]] = {}

    def fits(self, library: Library) -> bool:
        """Whether this is the same history, only longer, and the yardstick has not moved."""
        mark = _mark(library)
        return self._mark[:-1] == mark[:-1] and library.events.last() >= self._event and self._mark[-1] in (0, mark[-1])

    def follow(self, library: Library) -> Head:
        """Read what is new, and fit."""
        new = library.events.all(*KINDS, "undo", "belief", "rule", after=self._event)
        if new:
            self._event = new[-1].id
            # An edit may be of an insertion that was taken back before it came in.
            undone = library.events.undone() if any(event.kind in ("undo", "edit") for event in new) else self._undone
            taken_back = undone - self._undone
            touched = {event.id for event in new} | taken_back
            self._undone = undone
            for event in new:
                self._file(event)
            batches = {self._batch_of[number] for number in touched if number in self._batch_of}
            self._learn(library, batches)
            self._fade(library, batches, again=bool(taken_back))
            if any(event.kind in ("undo", "belief", "rule") for event in new):
                changes = prior_changes(library, self.head.scale)
                if changes != self._changes:
                    self._changes = changes
                    self.head.set_prior(PRIOR.with_(changes))
        self._demonstrate(library)
        if self._given is None or not self.head.fitted:
            self._given = self.head.still()
        return self._given

    def _fade(self, library: Library, batches: Iterable[str], *, again: bool) -> None:
        """Of these batches something was judged, or (`again`) a judgement taken back: weigh the demonstrations by what is former now."""
        if self._lately is None:
            return
        self._judged = True
        judged = {item for batch in batches for draft in self._drafts.get(batch, []) for item in draft.highlight_ids}
        moved = [
            draft_id
            for draft_id, (highlights, _) in self._demonstrations.items()
            if not highlights.isdisjoint(judged) and (again or highlights.isdisjoint(self._lately))
        ]
        if moved:  # else no need to read all that was judged
            self._know_lately(library)
        for draft_id in moved:
            self._demonstrated(draft_id)

    def _know_lately(self, library: Library) -> None:
        if self._judged:
            self._lately, self._judged = judged_lately(library), False

    def _demonstrated(self, draft_id: str) -> None:
        highlights, stages = self._demonstrations[draft_id]
        former = self._lately is not None and highlights.isdisjoint(self._lately)
        self.head.add(f"{draft_id} demonstration", weighted(stages, FADED) if former else stages)

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
            judged = standing[batch] if shown else []  # nothing is shown of what is about a source that the person removed
            found = batch_evidence(self.head.scale, judged, shown, {draft.id: rows[draft.id] for draft in shown}, edited)
            for key in self._keys.get(batch, set()) - found.keys():
                self.head.drop(key)
            faded = min((event.at for event in standing[batch]), default="") < self._changed
            for key, stages in found.items():
                self.head.add(key, weighted(stages, FADED) if faded else stages)
            self._keys[batch] = set(found)

    def _demonstrate(self, library: Library) -> None:
        """The own note beats what models wrote from the same highlights: the first `MAX_DEMONSTRATIONS` such drafts."""
        last = library.drafts.place_of_last()
        if not self._examples or last == self._draft or len(self._demonstrations) >= MAX_DEMONSTRATIONS:
            self._draft = last
            return
        room = MAX_DEMONSTRATIONS - len(self._demonstrations)
        pairs = [
            (draft, self._examples[draft.highlight_ids])
            for draft in library.drafts.written_from(self._examples, after=self._draft, limit=room)
        ]
        self._draft = last
        if pairs:
            self._know_lately(library)
        rows = draft_rows(library, [draft for draft, _ in pairs])
        for draft, example in pairs:
            stages = demonstration(self.head.scale, self.note_rows[example.pair_id], rows[draft.id], DEMONSTRATION_WEIGHT)
            self._demonstrations[draft.id] = frozenset(draft.highlight_ids), stages
            self._demonstrated(draft.id)


def _mark(library: Library) -> tuple[object, ...]:
    """What a head depends on besides the events it has read; and the first event, by which a library is told from another in its place."""
    number, at = library.events.first()
    return (
        VERSION,
        library.pairs.fingerprint(),
        library.hidden.stamp(),
        library.db.get_state(CHANGED),
        selection_of(library),
        at if number else 0,
    )
