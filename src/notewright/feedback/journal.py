"""What is about to be written into the vault, noted down before it is: a writer that was killed is made up for at the next start.

One small file for each write in progress. It is removed when the events are stored, so that normally there is none. What stands in the
note decides: where the text is in it (or was taken out again), the events that are missing are stored; else nothing has happened. An undo
notes down how the note will be without the text, as the person may have changed other places of it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import vault
from ..errors import Conflict, NotewrightError, Unavailable
from ..files import put
from ..text import content_hash
from .judge import decide, record_edit

if TYPE_CHECKING:
    from ..library import Library


@contextmanager
def writing(library: Library, kind: str, about: dict[str, Any]) -> Iterator[Callable[[vault.Insertion], None]]:
    """The yielded function notes down an insertion that is about to be made (`kind` accept) or taken back (undo).

    `about` is what else the events need; it gets the entry's own name, which the insertion event keeps.

    Use around the library's transaction: the entry goes when that was stored, and stays for `recover` when it broke off.
    """
    about["entry"] = secrets.token_hex(8)
    file = _folder(library) / f"{about['entry']}.json"

    def begin(insertion: vault.Insertion) -> None:
        try:
            put(file, json.dumps({"kind": kind, "insertion": asdict(insertion), "about": about}, ensure_ascii=False))
        except OSError as error:
            raise Unavailable(f"{file.parent} cannot be written: {error.strerror}.", "Nothing was changed. Check the disk.") from error

    try:
        yield begin
    except NotewrightError as error:
        # Accepting takes the text out again by itself, where the disk lets it; an undo that was refused has left the note as it is.
        if _stands(file, "undone") if kind == "accept" else isinstance(error, Conflict) or _stands(file, "done"):
            file.unlink(missing_ok=True)
        raise
    file.unlink(missing_ok=True)


def recover(library: Library) -> list[int]:
    """Make up for writers that were killed; returns the ids of the events that were stored for them."""
    stored: list[int] = []
    if not any(_folder(library).glob("*.json")):
        return stored
    with library.db.write():  # whoever writes now holds this lock, so that no file found under it is of a living writer
        for file in sorted(_folder(library).glob("*.json")):
            entry = _entry(file)
            if entry:
                try:
                    stored += _made_up(library, entry)
                except NotewrightError:  # the vault is elsewhere just now: another time
                    continue
            file.unlink(missing_ok=True)
    return stored


def _folder(library: Library) -> Path:
    return library.home / "backups" / "writing"


def _stands(file: Path, state: str) -> bool:
    """Is the entry's text in the note (done), or the note as it was before it (undone)?"""
    entry = _entry(file)
    if entry is None:
        return True
    try:
        return vault.state(vault.Insertion(**entry["insertion"])) == state
    except NotewrightError:
        return False


def _entry(file: Path) -> dict[str, Any] | None:
    try:
        entry = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def _made_up(library: Library, entry: dict[str, Any]) -> list[int]:
    table: dict[str, Any] = entry["insertion"]
    insertion = vault.Insertion(**table)
    about: dict[str, Any] = entry["about"]
    standing = vault.state(insertion)
    if entry["kind"] == "undo":
        done = any(event.subject == str(about["event"]) for event in library.events.all("undo"))
        removed = standing != "undone" and _is(insertion, str(about.get("result", "")))
        if done or not (removed or standing == "undone"):
            return []
        how = "removed" if removed else "deleted" if insertion.created else "restored"
        payload = {**about["payload"], "note_path": insertion.note_path, "how": how}
        return [library.events.append("undo", str(about["event"]), {**payload, "recovered": True}).id]
    known = {event.payload.get("entry") for event in library.events.all("insertion", subject=about["draft_id"])}
    if about["entry"] in known:
        return []
    if standing != "done":
        insertion = vault.under_its_name(insertion)
        if vault.state(insertion) != "done":
            return []
    events = store(library, insertion, recovered=True, **about)
    return [event.id for event in events]


def _is(insertion: vault.Insertion, result: str) -> bool:
    read = vault.read_note(Path(insertion.vault), insertion.note_path)
    return bool(result) and read is not None and content_hash(read[0]) == result


def store(
    library: Library,
    insertion: vault.Insertion,
    *,
    draft_id: str,
    under: str,
    forced: bool,
    final_text: str | None,
    seconds: float | None,
    **more: object,
) -> list[Any]:
    """The events of an insertion: the edit, if the text was changed before, the decision, and the insertion with `more` of its payload."""
    events = []
    if final_text is not None:
        events.append(record_edit(library, draft_id=draft_id, final_text=final_text, note_path=insertion.note_path))
    events.append(decide(library, draft_id=draft_id, decision="accept", seconds=seconds))
    payload = {"insertion": asdict(insertion), "under": under, "forced": forced, "with": [event.id for event in events], **more}
    events.append(library.events.append("insertion", draft_id, payload))
    return events
