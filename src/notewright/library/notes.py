"""Mirror of the vault: notes and their passages."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from ..errors import NotFound
from ..records import Note, Passage
from .database import Database, now, to_json


@dataclass(frozen=True, slots=True)
class NotesReport:
    """What one reading of the vault changed."""

    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0


class NoteStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def sync(self, scanned: Iterable[tuple[Note, Sequence[Passage]]], *, unchanged: Iterable[str] = ()) -> NotesReport:
        """Replace the mirror by `scanned`; notes whose paths are in `unchanged` are kept as they are, all others are marked removed.

        One transaction. A note's id is kept by path; a scanned note with the id of one at another path is that note under a new name.
        """
        added = updated = 0
        same = set(unchanged)
        with self._db.write() as connection:
            seen = set(same)
            for note, passages in scanned:
                seen.add(note.path)
                old = self._db.row("SELECT * FROM notes WHERE path=?", (note.path,))
                named = self._db.row("SELECT * FROM notes WHERE id=? AND path<>? AND removed_at=''", (note.id, note.path))
                if named and (not old or old["removed_at"]):
                    connection.execute("DELETE FROM notes WHERE path=?", (note.path,))
                    old = named
                if (
                    old
                    and old["path"] == note.path
                    and old["content_hash"] == note.content_hash
                    and not old["removed_at"]
                    and self._cut_alike(old["id"], passages)
                ):
                    connection.execute("UPDATE notes SET mtime_ns=? WHERE id=?", (note.mtime_ns, old["id"]))
                    same.add(note.path)
                    continue
                added, updated = (added, updated + 1) if old else (added + 1, updated)
                note_id = old["id"] if old else note.id
                connection.execute(
                    "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?, '') ON CONFLICT (id) DO UPDATE SET path=excluded.path,"
                    " title=excluded.title, content_hash=excluded.content_hash, properties=excluded.properties, aliases=excluded.aliases,"
                    " links=excluded.links, mtime_ns=excluded.mtime_ns, removed_at=''",
                    (
                        note_id, note.path, note.title, note.content_hash, json.dumps(note.properties, ensure_ascii=False, default=str),
                        to_json(note.aliases), to_json(note.links), note.mtime_ns,
                    ),
                )  # fmt: skip
                connection.execute("DELETE FROM passages WHERE note_id=?", (note_id,))
                connection.executemany(
                    "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(item.id, note_id, item.start, item.end, item.text, to_json(item.headings), item.lead) for item in passages],
                )
            gone = [row["id"] for row in self._db.rows("SELECT id, path FROM notes WHERE removed_at=''") if row["path"] not in seen]
            connection.executemany("UPDATE notes SET removed_at=? WHERE id=?", [(now(), note_id) for note_id in gone])
            connection.executemany("DELETE FROM passages WHERE note_id=?", [(note_id,) for note_id in gone])
        return NotesReport(added=added, updated=updated, removed=len(gone), unchanged=len(same))

    def _cut_alike(self, note_id: str, passages: Sequence[Passage]) -> bool:
        """Equal bytes may still be cut differently, by a newer parser."""
        rows = self._db.rows('SELECT id, start, "end", lead FROM passages WHERE note_id=? ORDER BY start', (note_id,))
        cut = sorted(((item.id, item.start, item.end, item.lead) for item in passages), key=lambda item: item[1])
        return [tuple(row) for row in rows] == cut

    def all(self) -> list[Note]:
        return [_note(row) for row in self._db.rows("SELECT * FROM notes WHERE removed_at='' ORDER BY path")]

    def times(self) -> dict[str, int]:
        """Modification times (nanoseconds) of all notes by path, as they were read."""
        return {row["path"]: row["mtime_ns"] for row in self._db.rows("SELECT path, mtime_ns FROM notes WHERE removed_at=''")}

    def links(self) -> set[str]:
        """Targets of all links in the notes, as written: also those that lead to no note yet."""
        rows = self._db.rows("SELECT links FROM notes WHERE removed_at='' AND links<>'[]'")
        return {target for row in rows for target in json.loads(row["links"])}

    def ids(self) -> dict[str, str]:
        """Ids of all notes by path."""
        return {row["path"]: row["id"] for row in self._db.rows("SELECT path, id FROM notes WHERE removed_at=''")}

    def known_passages(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that a passage of any note has."""
        query = "SELECT id FROM passages WHERE id IN (SELECT value FROM json_each(?))"
        return {row["id"] for row in self._db.rows(query, (json.dumps(list(ids)),))}

    def find(self, path: str) -> Note:
        """By its path, in whatever Unicode form: macOS writes accents apart. Raises NotFound."""
        row = self._db.row("SELECT * FROM notes WHERE path IN (?, ?) AND removed_at=''", (path, normalize("NFC", path)))
        if row is None:
            raise NotFound(f"The library knows no note {path!r}.", "Read the vault again with: notewright import vault")
        return _note(row)

    def passages(self, *note_ids: str) -> list[Passage]:
        """Passages of these notes, or of all notes, in file order."""
        where = "WHERE passages.note_id IN (SELECT value FROM json_each(?))" if note_ids else ""
        rows = self._db.rows(
            f"SELECT passages.*, notes.path FROM passages JOIN notes ON notes.id=passages.note_id {where} ORDER BY notes.path, start",
            (json.dumps(note_ids),) if note_ids else (),
        )
        trails = json.loads(f"[{','.join([row['headings'] for row in rows])}]")  # in one go: a large vault has very many of them
        return [
            Passage(
                id=row["id"], note_id=row["note_id"], note_path=row["path"], start=row["start"], end=row["end"], text=row["text"],
                headings=tuple(trail), lead=row["lead"],
            )
            for row, trail in zip(rows, trails, strict=True)
        ]  # fmt: skip


def _note(row: sqlite3.Row) -> Note:
    return Note(
        id=row["id"], path=row["path"], title=row["title"], content_hash=row["content_hash"], properties=json.loads(row["properties"]),
        aliases=tuple(json.loads(row["aliases"])), links=tuple(json.loads(row["links"])), mtime_ns=row["mtime_ns"],
    )  # fmt: skip
