"""Looking again whenever the vault changes, and when a note that changed has been quiet long enough."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import vault
from ..errors import Busy, Unavailable
from ..settings import Settings
from .capture import QUIET, CaptureReport, capture

if TYPE_CHECKING:
    from ..library import Library

_IDLE = 300.0  # seconds after which it looks even though nothing was told
_RETRY = 60.0  # seconds at most until it looks again after trouble


def watch(
    library: Library,
    *,
    settings: Settings,
    stop: threading.Event,
    quiet: float = QUIET,
    polling: bool | None = None,
    report: Callable[[CaptureReport], None] | None = None,
    trouble: Callable[[Busy | Unavailable], None] | None = None,
) -> int:
    """`capture` at once and after every change of the vault, until `stop` is set; returns the number of edits stored.

    `report` gets every look that saw something; `trouble` gets what kept one look from succeeding (the next one makes up for it). Raises
    as `Settings.need_vault` does, and Unavailable where the vault cannot be watched.
    """
    root = settings.need_vault().resolve()
    stored = 0
    wait = [0.0]
    for changed in vault.changes(root, stop=stop, wait=lambda: wait[0], polling=polling):
        try:
            seen = capture(library, settings=settings, quiet=quiet)
        except (Busy, Unavailable) as problem:
            wait[0] = min(max(quiet, 1.0), _RETRY)
            if trouble:
                trouble(problem)
            continue
        stored += len(seen.logged)
        wait[0] = _IDLE if seen.next_in is None else seen.next_in
        if report and (seen.logged or seen.moved or seen.missing or seen.troubles or (changed and seen.waiting)):
            report(seen)
    return stored
