"""A note that is open in Obsidian is written by Obsidian: cursor and unsaved words stay, and its own undo takes the draft back.

Never both: the plugin has to take an order before it writes, and one that it did not take in time is withdrawn before we write ourselves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import Conflict, Unavailable
from ..settings import Settings

if TYPE_CHECKING:
    from ..library import Library

TAKE_SECONDS = 3.0  # for a plugin that is there to take an order; a poll of it lasts a fraction of that
WRITE_SECONDS = 10.0  # from taking it to having told the insertion
LOOK_EVERY = 0.05


def hand_over(library: Library, *, settings: Settings, draft_id: str, note_path: str, body: Mapping[str, Any]) -> bool:
    """Let the Obsidian that has the note open make the insertion `body`. True once it is made and recorded, False where we have to.

    Raises Conflict when the note in Obsidian is not as it was on the disk; Unavailable when Obsidian took the order and then fell silent:
    nobody knows whether it wrote, so nobody else does.
    """
    folder = settings.need_vault()
    names = dict.fromkeys((folder.name, folder.resolve().name))  # Obsidian may have opened it through a link
    client = next(filter(None, (library.editors.holding(note_path, vault=name) for name in names)), "")
    if not client:
        return False
    order = library.editors.order(client, draft_id, body)
    try:
        found = _left(library, order, "waiting", TAKE_SECONDS)
    except BaseException:  # whoever stops it here puts the draft elsewhere, perhaps
        library.editors.move(order, "waiting", "withdrawn")
        raise
    if found == "waiting" and library.editors.move(order, "waiting", "withdrawn"):
        return False
    state = _left(library, order, "taken", WRITE_SECONDS)
    if state == "done":
        return True
    if state == "refused":
        why = f"Obsidian wrote nothing: {note_path} changed there since it was saved, or this draft stands in one of its notes already."
        raise Conflict(why, "Look for the draft in the vault; if it is not there, accept it again.")
    hint = "Look at the note there. If the draft is in it, it will be recorded as soon as Obsidian answers; else accept it again."
    raise Unavailable(f"Obsidian took the draft for {note_path} and has not said what became of it.", hint)


def _left(library: Library, order: int, state: str, seconds: float) -> str:
    """The order's state once it is another one than `state`, or the time is over."""
    end = time.monotonic() + seconds
    while (found := library.editors.state(order)) == state and time.monotonic() < end:
        time.sleep(LOOK_EVERY)
    return found
