"""Whose turn it is to write, in this library: the judged batches and the kept versions, given to `bandit`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import NotFound
from ..library.database import now
from ..library.examples import CHANGED, NOTICED
from ..library.products import ASKED
from . import registry
from .bandit import KINDS, Measured, Outcome, Standing, Turn, WinRate, outcomes, standings, turn, win_rates
from .drift import SHORTEST, Drift, drift

if TYPE_CHECKING:
    from ..library import Library
    from ..records import Draft
    from ..settings import Settings

UNCHANGED = "unchanged"  # kind of the events in which the person denies a change
REMEMBERED = 2000  # judgements looked at: a year of them; older ones weigh nothing
STALE = 4  # batches judged between the drafting and the judgement of one, so that the taste head had not learnt from them


@dataclass(frozen=True, slots=True)
class Online:
    """How the kept versions stand now. `duels` is the share of drafts that are duels now; `drift` the newest change of the person."""

    standings: tuple[Standing, ...]
    win_rates: tuple[WinRate, ...]
    drift: Drift | None
    duels: float


def online(library: Library, *, settings: Settings) -> Online:
    """For the faces; writes nothing."""
    history, versions = remembered(library), _versions(library)
    duels, changed = settings.duels if len(versions) > 1 else 0.0, changed_of(library, history)
    return Online(tuple(standings(history, versions, changed, _measured(library))), tuple(win_rates(history)), changed, duels)


def next_turn(library: Library, *, settings: Settings, seed: int, duel: bool = True) -> Turn:
    """Who writes the next batch; without `duel` one version alone. A change of the person is noted."""
    registry.current(library, settings)
    history, changed = note_change(library)
    return turn(history, _versions(library), changed, _measured(library), duels=settings.duels if duel else 0.0, seed=seed)


def note_change(library: Library) -> tuple[list[Outcome], Drift | None]:
    """Look whether the person changed, and keep since when, and when that was first seen, for all that learns (`library.examples`).

    The events are the truth. What is kept is only taken back where a look at the same events finds nothing there any more.
    """
    history = remembered(library)
    changed, known = changed_of(library, history), library.db.get_state(CHANGED)
    if changed and changed.at != known:
        library.db.set_state(CHANGED, changed.at)
        # Later edits move where a change began, or hide it for a while; a second one lies further off.
        another = (
            sum(known <= item.at < changed.at for item in history) >= SHORTEST if known else changed.at > library.db.get_state(NOTICED)
        )
        if another:
            library.db.set_state(NOTICED, now())
    elif known and not changed and ((history and history[0].at <= known) or known <= _denied_at(library)):
        library.db.set_state(CHANGED, "")
    return history, changed


def deny_change(library: Library) -> Drift:
    """The person says that they did not change: all counts fully again, and a change is looked for in what is judged from now on only.

    An event like any other, which `feedback.undo` takes back. Raises NotFound where no change is known.
    """
    with library.db.write():
        changed = note_change(library)[1]
        if changed is None:
            raise NotFound("No change of yours is known.", "Who writes, and whether you changed: notewright models list")
        library.events.append(UNCHANGED, "person", {"what": changed.what, "since": changed.at})
        note_change(library)
    return changed


def _denied_at(library: Library) -> str:
    return max((event.at for event in library.events.standing(UNCHANGED)), default="")


def written_by(versions: Iterable[str]) -> str:
    """Who wrote a batch, in words that do not tell which draft is whose."""
    return " and ".join(sorted(set(versions)))


def asked(drafts: Sequence[Draft]) -> list[str]:
    """Whose turn it was to write this batch; what others wrote stood in for them (see `drafting.draft`)."""
    told = drafts[0].sampling.get("turn")
    versions = told["versions"] if isinstance(told, dict) else {item.model_id for item in drafts}  # without: written by an older program
    return sorted(map(str, versions))


def remembered(library: Library) -> list[Outcome]:
    """The judged batches that still count, oldest first."""
    return outcomes(library.events.standing(*KINDS, newest=REMEMBERED))


def changed_of(library: Library, history: Sequence[Outcome]) -> Drift | None:
    """The newest change of the person, if there was one (`drift`). What a version wrote that they tried and left tells nothing of
    it, nor do surprises of drafts that were put in order long before they were judged."""
    left, drafted, denied = registry.tried_and_left(library), library.drafts.times(), _denied_at(library)
    judged = [item.at for item in history]

    def stale(item: Outcome) -> bool:
        return bisect_left(judged, item.at) - bisect_left(judged, drafted.get(item.batch, item.at)) > STALE

    looked_at = [item for item in history if item.version not in left and item.at > denied]
    return drift([replace(item, surprise=None) if stale(item) else item for item in looked_at])


def _measured(library: Library) -> dict[str, Measured]:
    """What held-out work said of the kept versions; nothing where the person changed since."""
    since = library.db.get_state(NOTICED) if library.db.get_state(CHANGED) else ""
    kept = {model.id: (model.metrics["contender"], str(model.metrics.get(ASKED) or "")) for model in registry.contenders(library)}
    return {
        version: Measured(float(found["difference"]), float(found["error"]))
        for version, (found, asked) in kept.items()
        if isinstance(found, dict) and "error" in found and asked >= since
    }


def _versions(library: Library) -> list[str]:
    current = library.models.current()
    return [current.id, *(model.id for model in registry.contenders(library))] if current else []
