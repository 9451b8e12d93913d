"""Whether it is time to improve by itself: enough was judged since the last one began, and the machine has nothing better to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..library.atwork import at_work, numbered, read_state

if TYPE_CHECKING:
    from ..library import Library

JUDGED = ("ranking", "decision", "edit")


def judged_since(library: Library) -> int:
    """Batches whose drafts the person judged since the last `improve` gathered what there was; what was taken back does not count."""
    number, at = _last(library.home / "runs")
    undone = library.events.undone()
    return len({
        event.payload.get("batch") for event in library.events.all(*JUDGED, after=number) if event.id not in undone and event.at > at
    })  # fmt: skip


def unsuitable(library: Library) -> str:
    """Why `improve` should not begin now, in words; empty when it may."""
    import psutil

    if at_work(library.home):
        return "another improve is at work"
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    if battery is not None and battery.power_plugged is False:  # None: it does not say, as where it is kept from being charged full
        return "the machine runs on its battery"
    if psutil.getloadavg()[0] > (os.cpu_count() or 1):
        return "the machine is busy"
    return ""


def _last(runs: Path) -> tuple[int, str]:
    """(newest event, time) when the newest `improve` gathered what was judged, or began; older ones kept the time alone."""
    for _, folder in sorted(numbered(runs).items(), reverse=True):
        if state := read_state(folder):
            return int(state.get("event", 0)), "" if "event" in state else str(state["started_at"])
    return 0, ""
