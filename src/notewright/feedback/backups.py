"""Old copies of notes: how long they are kept, and which are never removed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..records import Event
from ..settings import Settings
from .undo import undone_ids

if TYPE_CHECKING:
    from ..library import Library

_DAY = 86400.0
_STATE = "backups pruned"


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many copies went and how many are left, with their bytes."""

    removed: int
    freed: int
    kept: int
    bytes: int


def prune_backups(library: Library, *, settings: Settings, always: bool = False, clock: Callable[[], float] = time.time) -> Pruned | None:
    """Remove copies older than the settings' days, then the oldest beyond their megabytes; at most once a day unless `always`.

    The newest copy of every note stays, and every one that an insertion which was not undone would need. None when it was not yet time.
    """
    last = library.sources.get_state(_STATE)
    if not always and last and clock() - float(last) < _DAY:
        return None
    library.sources.set_state(_STATE, str(clock()))
    needed = {Path(name).name for name in _needed(library)}
    files = []
    for file in (library.home / "backups" / "notes").glob("*.md"):
        status = file.stat()
        files.append((status.st_mtime, status.st_size, file))
    total = sum(size for _, size, _ in files)
    removed = freed = 0
    for changed_at, size, file in sorted(files):
        old = clock() - changed_at > settings.backup_days * _DAY
        if file.name not in needed and (old or total - freed > settings.backup_megabytes * 1_000_000):
            file.unlink(missing_ok=True)
            removed, freed = removed + 1, freed + size
    return Pruned(removed, freed, len(files) - removed, total - freed)


def _needed(library: Library) -> Iterator[str]:
    undone = undone_ids(library)
    newest: dict[str, str] = {}
    for event in library.events.all("insertion", "undo"):
        note_path, backup = _copy(event)
        if backup:
            newest[note_path] = backup
            if event.kind == "insertion" and event.id not in undone:
                yield backup
    yield from newest.values()


def _copy(event: Event) -> tuple[str, str]:
    """(The note's path, the copy of it that was made for this event), both empty where none was."""
    table: Any = event.payload["insertion"] if event.kind == "insertion" else event.payload
    return str(table.get("note_path", "")), str(table.get("backup", ""))
