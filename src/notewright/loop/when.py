"""Whether it is time to improve by itself: enough was judged since the last one began, and the machine has nothing better to do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..library.atwork import at_work, gathered

if TYPE_CHECKING:
    from ..library import Library

JUDGED = ("ranking", "decision", "edit")


def judged_since(library: Library) -> int:
    """Batches whose drafts the person judged since the last `improve` gathered what there was; what was taken back does not count."""
    number, at = gathered(library.home)
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
