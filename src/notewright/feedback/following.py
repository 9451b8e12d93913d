"""Which insertions are followed, and where each was put."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from .. import vault
from ..errors import Conflict
from ..library.follows import Follow
from ..records import Event
from ..text import content_hash

if TYPE_CHECKING:
    from ..library import Library


def start_following(library: Library) -> list[Follow]:
    """Follow every insertion that stands, and no other; returns what is followed, oldest first, wherever it was made."""
    with library.db.write():
        undone = library.events.undone()
        known = {follow.insertion_id: follow for follow in library.follows.all()}
        made = library.events.all("insertion")
        for event in reversed([event for event in made if event.id in undone and event.id in known]):
            gone = known.pop(event.id)
            library.follows.drop(event.id)
            for follow in _moved_back(library, event, gone, known.values()):
                known[follow.insertion_id] = follow
                library.follows.put(follow)
        for event in made:
            if event.id not in undone and event.id not in known:
                for follow in [*_shifted(library, event), first(library, event)]:
                    library.follows.put(follow)
        follows = {follow.insertion_id: follow for follow in library.follows.all()}
        return [follows[event.id] for event in made if event.id in follows]


def need_unchanged(library: Library, event: Event, insertion: vault.Insertion) -> vault.Known | None:
    """Before an insertion is taken back: is the passage that is followed still as it was put in? What has the same words beside it in the
    note is a copy, and the person's own.

    `insertion` says where the note is now. Returns where the passage was when it was last seen, None where it is not followed. Raises
    Conflict where the passage was changed or deleted.
    """
    follow = next((follow for follow in start_following(library) if follow.insertion_id == event.id), None)
    read = vault.read_note(Path(insertion.vault), insertion.note_path) if follow else None
    if follow is None or read is None:
        return None
    # What was looked at and is not the note, while that is missing, is another note under its name.
    another = follow.state in ("missing", "given up") and read[0] != follow.note and content_hash(read[0]) == follow.note_hash
    found = None if another else vault.follow(follow.note, follow.spans, read[0])
    passage: Any = event.payload.get("passage")
    inserted = insertion.inserted.encode()
    if passage:
        inserted = inserted[passage[0] : passage[1]]
    lines = re.escape(vault.tidy(inserted.decode("utf-8", errors="replace")))
    # Words added to one of its lines would be left behind alone.
    if found is None or not re.search(rf"^{lines}[ \t]*$", found.text, re.MULTILINE):
        raise Conflict(
            f"{insertion.note_path} was changed where the text had been put, so nothing was undone.",
            "To leave the note as it is and go on: notewright undo --keep-note.",
        )
    return vault.Known(follow.note, follow.spans)


def as_made(library: Library, event: Event) -> vault.Insertion:
    """The event's insertion. Its copies are in the library's own folder, wherever that was when they were made; what another library on
    this machine has kept is read there. The note's name is spelt as all spell it, where earlier versions kept the disk's spelling."""
    table: Any = event.payload["insertion"]
    insertion, copies = vault.Insertion(**table), library.home / "backups" / "notes"
    own = copies / Path(insertion.backup).name
    backup = str(own) if insertion.backup and own.exists() else insertion.backup
    return replace(insertion, note_path=normalize("NFC", insertion.note_path), backup=backup, backups=str(copies))


def first(library: Library, event: Event) -> Follow:
    """An insertion as it was made: the note's bytes then, and where in them the passage stood."""
    insertion = as_made(library, event)
    inserted = insertion.inserted.encode()
    note, start = vault.written(insertion), insertion.start
    passage: Any = event.payload.get("passage")
    told = [edit for edit in library.events.standing("edit", subject=event.subject) if edit.payload.get("insertion") == event.id]
    last = str(max(told, key=lambda edit: (edit.at, edit.id)).payload["final_text"]) if told else None
    if note is None:  # the backup is gone: the passage is followed by its words
        note, start = inserted, 0
        if last:
            note, inserted, passage = last.encode(), last.encode(), None
    if passage:
        start, inserted = start + passage[0], inserted[passage[0] : passage[1]]
    begin = start + len(inserted) - len(inserted.lstrip(b"\r\n"))
    spans = ((begin, start + len(inserted.rstrip(b"\r\n \t"))),)
    core, full = vault.passage_text(note, spans), vault.tidy(_accepted_text(library, event))
    lead = full[: -len(core)] if core and full != core and full.endswith(core) else ""
    return Follow(
        insertion_id=event.id, draft_id=event.subject, vault=insertion.vault, note_path=insertion.note_path, note=note, spans=spans,
        note_hash=insertion.after_hash, lead=lead, text=lead + core if last is None else last,
        state="deleted" if last == "" else "followed", since=event.at,
    )  # fmt: skip


def is_by_words(follow: Follow) -> bool:
    """Is only the passage known, and not yet the note around it? It is of an insertion of another machine, until it is seen here."""
    if not follow.note_hash or content_hash(follow.note) == follow.note_hash:
        return False
    return vault.passage_text(follow.note, follow.spans) == vault.tidy(follow.note.decode("utf-8", errors="replace"))


def _accepted_text(library: Library, event: Event) -> str:
    """The text as accepted: the person's own version, or the draft."""
    beside: Any = event.payload.get("with") or []
    for edit in library.events.all("edit", subject=event.subject):
        if edit.id in beside:
            return str(edit.payload["final_text"])
    return library.drafts.get(event.subject).text


def _shifted(library: Library, event: Event) -> list[Follow]:
    """Passages already in that note, which our own insertion moved and did not edit."""
    insertion = as_made(library, event)
    note, size = vault.written(insertion), len(insertion.inserted.encode())
    moved = []
    for follow in library.follows.all():
        if note is not None and follow.note_path == insertion.note_path and follow.note_hash == insertion.before_hash:
            at, spans = insertion.start, []
            for a, b in follow.spans:
                spans += [(a, at), (at + size, b + size)] if a < at < b else [(a + size, b + size)] if at <= a else [(a, b)]
            if follow.state == "followed" and not is_by_words(follow):  # whose spans are places in its words, and not in the note
                moved.append(replace(follow, note=note, spans=tuple(spans), note_hash=insertion.after_hash))
    return moved


def _moved_back(library: Library, event: Event, gone: Follow, others: Iterable[Follow]) -> list[Follow]:
    """Passages of the note that an insertion was taken out of, as they stand without it: of two with the same words, nothing else tells
    which one is left."""
    beside = [other for other in others if (other.vault, other.note_path, other.note) == (gone.vault, gone.note_path, gone.note)]
    kept = any(undo.payload.get("how") == "kept" for undo in library.events.all("undo", subject=str(event.id)))
    if kept or not beside or not gone.spans or gone.state != "followed":
        return []
    inserted, begin = as_made(library, event).inserted.encode(), gone.spans[0][0]
    start = gone.note.find(inserted, max(0, begin - len(inserted)))
    cuts = ((start, start + len(inserted)),) if 0 <= start <= begin else gone.spans  # with its blank lines, where it is as it was put in
    note = bytearray(gone.note)
    for a, b in reversed(cuts):
        del note[a:b]
    moved = []
    for other in beside:
        ends = [[at - sum(min(b, at) - a for a, b in cuts if a < at) for at in span] for span in other.spans]
        seen = content_hash(bytes(note)) if other.note_hash == content_hash(other.note) else other.note_hash
        moved.append(replace(other, note=bytes(note), spans=tuple((a, b) for a, b in ends if a < b), note_hash=seen))
    return moved


def with_lead(lead: str, text: str) -> str:
    return lead + text if text and lead and not text.startswith(lead.strip()) else text
