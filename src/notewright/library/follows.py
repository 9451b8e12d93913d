"""Where each inserted passage stood when its note was last looked at, so that a later edit is noticed exactly once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

from .database import Database

STATES = ("followed", "deleted", "missing", "given up")


@dataclass(frozen=True, slots=True)
class Follow:
    """One insertion that is followed. `note` is the whole note when the passage was last seen in it, at the byte `spans`.

    `text` is the passage as last recorded (LF newlines; empty once it was deleted), `lead` the heading line that the draft brought along
    but the note already had. `note_hash` is of the bytes last looked at. `fresh_hash` and `fresh_at` are of a change that was seen and
    waits until the note is quiet; while the note is missing, they tell how often it was looked for in vain, and when last. `state` is one
    of `STATES`, since `since`.
    """

    insertion_id: int
    draft_id: str
    vault: str
    note_path: str
    note: bytes = field(repr=False)
    spans: tuple[tuple[int, int], ...]
    note_hash: str
    lead: str
    text: str
    state: str
    since: str
    fresh_hash: str = ""
    fresh_at: str = ""


class FollowStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> list[Follow]:
        """Oldest insertion first."""
        return [_follow(row) for row in self._db.rows("SELECT * FROM follows ORDER BY insertion_id")]

    def fingerprint(self) -> str:
        """Changes whenever an insertion, the place that it is followed to or its text there does."""
        digest = hashlib.blake2b(digest_size=16)
        for row in self._db.rows("SELECT * FROM follows ORDER BY insertion_id"):
            digest.update(row["note"])
            digest.update(repr([row[name] for name in ("insertion_id", "draft_id", "note_path", "spans", "text", "state")]).encode())
        return digest.hexdigest()

    def ids(self) -> set[int]:
        """The insertions that are followed."""
        return {row["insertion_id"] for row in self._db.rows("SELECT insertion_id FROM follows")}

    def get(self, insertion_id: int) -> Follow | None:
        row = self._db.row("SELECT * FROM follows WHERE insertion_id=?", (insertion_id,))
        return _follow(row) if row else None

    def of_draft(self, draft_id: str) -> list[Follow]:
        """The insertions of a draft, newest first: it may have been put into several notes."""
        return [_follow(row) for row in self._db.rows("SELECT * FROM follows WHERE draft_id=? ORDER BY insertion_id DESC", (draft_id,))]

    def put(self, follow: Follow) -> None:
        """Store or replace."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO follows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    follow.insertion_id, follow.draft_id, follow.vault, follow.note_path, zlib.compress(follow.note),
                    json.dumps(follow.spans), follow.note_hash, follow.lead, follow.text, follow.state, follow.since, follow.fresh_hash,
                    follow.fresh_at,
                ),
            )  # fmt: skip

    def drop(self, insertion_id: int) -> None:
        """Follow an insertion no longer."""
        with self._db.write() as connection:
            connection.execute("DELETE FROM follows WHERE insertion_id=?", (insertion_id,))
            connection.execute("DELETE FROM copies WHERE insertion_id=?", (insertion_id,))

    def looked(self, vault: str) -> dict[str, str]:
        """The stamp of every note by path, as the vault was last looked at."""
        return {row["path"]: row["stamp"] for row in self._db.rows("SELECT path, stamp FROM looked WHERE vault=?", (vault,))}

    def look(self, vault: str, stamps: Mapping[str, str], gone: Iterable[str]) -> None:
        """These notes were looked at now, and those are gone."""
        with self._db.write() as connection:
            connection.executemany("DELETE FROM looked WHERE vault=? AND path=?", [(vault, path) for path in gone])
            rows = [(vault, path, stamp) for path, stamp in stamps.items()]
            connection.executemany("INSERT OR REPLACE INTO looked VALUES (?, ?, ?)", rows)

    def compared(self) -> set[int]:
        """Insertions of which it is known for the whole vault which notes had their text."""
        return {row["insertion_id"] for row in self._db.rows("SELECT insertion_id FROM copies WHERE path=''")}

    def copies(self, insertion_id: int) -> dict[str, bytes]:
        """The notes, by path, as they were when they had (much of) the passage beside the passage's own note."""
        rows = self._db.rows("SELECT path, note FROM copies WHERE insertion_id=? AND path<>''", (insertion_id,))
        return {row["path"]: zlib.decompress(row["note"]) for row in rows}

    def note_copies(self, insertion_id: int, notes: Mapping[str, bytes | None], *, whole: bool = False) -> None:
        """Which notes have (much of) the passage, by path; None for one that has not. `whole`: it is known for all others too."""
        with self._db.write() as connection:
            without = [(insertion_id, path) for path, note in notes.items() if note is None]
            connection.executemany("DELETE FROM copies WHERE insertion_id=? AND path=?", without)
            rows = [(insertion_id, path, zlib.compress(note)) for path, note in notes.items() if note is not None]
            rows += [(insertion_id, "", b"")] if whole else []
            connection.executemany("INSERT OR REPLACE INTO copies VALUES (?, ?, ?)", rows)

    def rename_copies(self, insertion_id: int, paths: Mapping[str, str]) -> None:
        """Notes that had the passage have other names now, by their old ones; two may have changed names."""
        with self._db.write() as connection:
            for old in paths:
                connection.execute("UPDATE copies SET path='//'||path WHERE insertion_id=? AND path=?", (insertion_id, old))
            for old, new in paths.items():
                connection.execute("UPDATE OR REPLACE copies SET path=? WHERE insertion_id=? AND path=?", (new, insertion_id, f"//{old}"))


def _follow(row: sqlite3.Row) -> Follow:
    return Follow(
        insertion_id=row["insertion_id"], draft_id=row["draft_id"], vault=row["vault"], note_path=normalize("NFC", row["note_path"]),
        note=zlib.decompress(row["note"]), spans=tuple((start, end) for start, end in json.loads(row["spans"])),
        note_hash=row["note_hash"], lead=row["lead"], text=row["text"], state=row["state"], since=row["since"],
        fresh_hash=row["fresh_hash"], fresh_at=row["fresh_at"],
    )  # fmt: skip
