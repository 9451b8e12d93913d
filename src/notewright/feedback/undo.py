"""Taking back the last thing done. The events stay; an undo event says that they no longer count.

The last is the last in time, wherever it was done: two machines that exchange their feedback take back the same, and what was done on the
other one before is never taken back in place of what was done here since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import vault
from ..errors import Conflict, NotFound
from ..models.turns import UNCHANGED, note_change
from ..records import Event
from ..settings import Settings
from ..text import content_hash
from .following import as_made, need_unchanged
from .journal import recover, writing

if TYPE_CHECKING:
    from ..library import Library

KINDS = ("ranking", "decision", "comment", "edit", "insertion", "belief", "rule", "pair", "source", UNCHANGED)
NOTICED = ("watch", "plugin")  # edits made in the vault, which only the vault can take back


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the person did; `undone` says that it was taken back."""

    event: Event
    undone: bool


def undone_ids(library: Library) -> set[int]:
    """Ids of the events that were taken back."""
    return library.events.undone()


def history(library: Library, *, limit: int | None = None) -> list[Action]:
    """Everything of `KINDS`, newest first in time, what was imported from another machine included."""
    undone = undone_ids(library)
    return [Action(event, event.id in undone) for event in reversed(library.events.all(*KINDS))][:limit]


@dataclass(frozen=True, slots=True)
class Undoable:
    """What one undo would take back: an action with the ids of all that goes with it, its own among them. `note_path` is the note concerned
    as far as it is known, empty where there is none."""

    event: Event
    events: tuple[int, ...]
    note_path: str


def undoable(library: Library, *, number: int = 1) -> list[Undoable]:
    """What `undo_last` of the same `number` would take back, newest first; fewer where there are no more. Takes nothing back."""
    recover(library)
    steps = islice(_steps([action.event for action in history(library) if not action.undone]), number)
    return [Undoable(event, tuple(ids), _note_concerned(library, event)) for event, ids in steps]


def _steps(standing: Sequence[Event]) -> Iterator[tuple[Event, list[int]]]:
    """What one undo after the other takes back of `standing` (newest first): the action, and the ids of all that goes with it."""
    gone: set[int] = set()
    for at, event in enumerate(standing):
        if event.id in gone or _is_noticed(event):
            continue
        ids = [*_list(event.payload.get("with")), event.id]
        if event.kind == "insertion":
            ids += sorted(other.id for other in standing if other.kind == "edit" and other.payload.get("insertion") == event.id)
        elif event.kind == "pair" and not event.payload.get("with"):  # a merge, as it was stored once
            before = next((other for other in standing[at + 1 :] if not _is_noticed(other)), None)
            ids = [*([before.id] if before and before.payload.get("merged") else []), event.id]
        gone.update(ids)
        yield event, ids


def _is_noticed(event: Event) -> bool:
    return event.kind == "edit" and event.payload.get("via") in NOTICED


def _note_concerned(library: Library, event: Event) -> str:
    if event.kind == "insertion":
        return note_of(library, event)
    if event.kind == "pair":
        found = [pair.note_path for pair in library.pairs.all(include_removed=True) if pair.id == event.subject]
        return found[0] if found else ""  # of a pair that another library decided, or that is no longer proposed
    return str(event.payload.get("note_path") or "")


def undo(library: Library, *, settings: Settings | None = None, keep_note: bool = False, expected: int | None = None) -> Event:
    """Take back the last action in time that still counts; an accepted draft leaves its note again, with its decision and edits.

    A pair is then as what was decided before says, a proposal where nothing was; two that were merged are two again.

    Edits that were noticed in the vault are no actions of their own: they go with the insertion they changed.

    The undo event's payload has `events` (their ids), `kind`, and for insertions `note_path` and `how` (restored, removed or deleted).
    Raises NotFound when nothing is left to undo, Conflict (from the vault) when the person has since changed the inserted text or the
    note is gone. With `keep_note` an insertion no longer counts and its note is left as it is (`how` is kept), so that undoing can go on.
    Only the vault in `settings` is written to (without one that is an Invalid, and nothing is), also where the insertion was made in
    another folder, or on another machine, whose events may name any place: from a synced or moved vault it is taken out here as there,
    and where its text is not (yet) in this vault, that is a Conflict, and no older action is taken in its place. So is a last action that
    is not the one with the id `expected`, where that is given: something else was done since it was looked at.
    """
    recover(library)
    about: dict[str, Any] = {}
    with writing(library, "undo", about) as begin, library.db.write():
        last, ids = next(_steps([action.event for action in history(library) if not action.undone]), (None, []))
        if last is None:
            raise NotFound("There is nothing to undo.", "See what was done with: notewright feedback list")
        if expected not in (None, last.id):
            raise Conflict(
                "Something else was done meanwhile, so nothing more was taken back.",
                "What was done last is taken back first: look again at what that is.",
            )
        payload: dict[str, object] = {"events": ids, "kind": last.kind}
        if last.kind == "insertion":
            if keep_note:
                payload |= {"note_path": note_of(library, last), "how": "kept"}
            else:
                insertion = _where_it_is(library, settings, last)
                known = need_unchanged(library, last, insertion)
                about |= {"event": last.id, "payload": dict(payload), "result": _result(insertion, known)}
                begin(insertion)
                payload |= _take_out(insertion, known)
        done = library.events.append("undo", str(last.id), payload)
        if last.kind == "pair":
            library.pairs.settle(after=done.id - 1)
        if last.kind == "source":
            library.hidden.settle()
        if last.kind == UNCHANGED:
            note_change(library)
        return done


def undo_last(
    library: Library,
    *,
    settings: Settings | None = None,
    number: int = 1,
    keep_note: bool = False,
    listed: Sequence[Undoable] | None = None,
) -> Iterator[Event]:
    """Take back the last `number` actions, one by one, each told once it is done; fewer where there are no more. With `listed` just those
    that `undoable` named, and nothing that was done since.

    Raises as `undo` does, NotFound only when there was nothing at all; what was told before stays undone.
    """
    expected: Sequence[int | None] = [None] * number if listed is None else [item.event.id for item in listed]
    for done, event_id in enumerate(expected):
        try:
            event = undo(library, settings=settings, keep_note=keep_note, expected=event_id)
        except NotFound:
            if not done:
                raise
            return
        yield event


def withdraw(library: Library, batch_id: str) -> Event | None:
    """Take back all that still counts of a batch's order and of what was rejected in it, as one undo event; None where nothing does.

    What was accepted, edited or remarked stays. Raises NotFound for an unknown batch.
    """
    subjects = (batch_id, *(draft.id for draft in library.drafts.batch(batch_id)))
    with library.db.write():
        undone = undone_ids(library)
        said = [event for subject in subjects for event in library.events.all("ranking", "decision", subject=subject)]
        taken = [event for event in said if event.id not in undone and event.payload.get("decision") != "accept"]
        if not taken:
            return None
        last = max(taken, key=lambda event: (event.at, event.id))
        return library.events.append("undo", str(last.id), {"events": sorted(event.id for event in taken), "kind": last.kind})


def note_of(library: Library, event: Event) -> str:
    """An insertion's note where it was last known to be, also where the passage or the note is gone since."""
    table: Any = event.payload["insertion"]
    follow = library.follows.get(event.id)
    return follow.note_path if follow else str(table["note_path"])


def _where_it_is(library: Library, settings: Settings | None, event: Event) -> vault.Insertion:
    insertion = replace(as_made(library, event), note_path=note_of(library, event))
    if insertion.vault == vault.ELSEWHERE and not (settings and settings.vault and settings.vault.is_dir()):
        hint = "Take it back there with Obsidian's own undo, then here with: notewright undo --keep-note"
        raise Conflict(f"{insertion.note_path} is in an Obsidian that this machine's files do not belong to.", hint)
    root = (settings or Settings(home=library.home)).need_vault()  # where the whole folder is away, that says nothing about the note
    return insertion if Path(insertion.vault).resolve() == root.resolve() else replace(insertion, vault=str(root))


def _result(insertion: vault.Insertion, known: vault.Known | None) -> str:
    """Hash of the note without the text, which may not be as it was before; empty where the vault will refuse."""
    read = vault.read_note(Path(insertion.vault), insertion.note_path)
    left = vault.without(read[0], insertion, known=known) if read else None
    return "" if left is None else content_hash(left)


def _take_out(insertion: vault.Insertion, known: vault.Known | None) -> dict[str, object]:
    try:
        return asdict(vault.undo(insertion, known=known))
    except Conflict as conflict:
        gone = vault.read_note(Path(insertion.vault), insertion.note_path) is None
        found = "If it was renamed or moved: notewright sync finds it, then undo again. " if gone else ""
        hint = f"{found}To leave the note as it is and go on: notewright undo --keep-note. {conflict.hint}"
        raise Conflict(conflict.message, hint) from conflict


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
