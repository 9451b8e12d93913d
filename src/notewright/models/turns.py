"""Whose turn it is to write, in this library: the judged batches and the kept versions, given to `bandit`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..library.database import now
from ..library.examples import CHANGED, NOTICED
from . import registry
from .bandit import KINDS, Drift, Outcome, Standing, Turn, WinRate, drift, outcomes, standings, turn, win_rates

if TYPE_CHECKING:
    from ..library import Library
    from ..settings import Settings

REMEMBERED = 2000  # judgements looked at: a year of them; older ones weigh nothing


@dataclass(frozen=True, slots=True)
class Online:
    """How the kept versions stand now. `duels` is the share of drafts that are duels now; `drift` the newest change of the person."""

    standings: tuple[Standing, ...]
    win_rates: tuple[WinRate, ...]
    drift: Drift | None
    duels: float


def online(library: Library, *, settings: Settings) -> Online:
    """For the faces; writes nothing."""
    history, versions = _history(library), _versions(library)
    duels = settings.duels if len(versions) > 1 else 0.0
    return Online(tuple(standings(history, versions)), tuple(win_rates(history)), drift(history), duels)


def next_turn(library: Library, *, settings: Settings, seed: int, duel: bool = True) -> Turn:
    """Who writes the next batch; without `duel` one version alone. A change of the person is noted for the taste head."""
    registry.current(library, settings)
    history = _history(library)
    _note(library, drift(history))
    return turn(history, _versions(library), duels=settings.duels if duel else 0.0, seed=seed)


def written_by(versions: Iterable[str]) -> str:
    """Who wrote a batch, in words that do not tell which draft is whose."""
    return " and ".join(sorted(set(versions)))


def _history(library: Library) -> list[Outcome]:
    return outcomes(library.events.standing(*KINDS, newest=REMEMBERED))


def _versions(library: Library) -> list[str]:
    current = library.models.current()
    return [current.id, *(model.id for model in registry.contenders(library))] if current else []


def _note(library: Library, changed: Drift | None) -> None:
    """The events are the truth; this is only where the last look at them found a change, and when a look first did."""
    found, noticed = (str(changed.event) if changed else ""), library.db.get_state(NOTICED) or ""
    if library.db.get_state(CHANGED) != found:
        library.db.set_state(CHANGED, found)
        if not changed or changed.at > noticed:  # else later edits only moved its beginning
            library.db.set_state(NOTICED, now() if changed else "")
