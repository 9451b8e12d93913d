"""What the person did, as given, append-only (two triggers in the schema refuse any other use)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from ..records import Event
from .database import Database, now, to_json


class EventStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def append(self, kind: str, subject: str, payload: Mapping[str, object]) -> Event:
        """`subject` is the id of what the event is about: a batch, draft, pair or earlier event."""
        with self._db.write() as connection:
            at = now()
            number = connection.execute(
                "INSERT INTO events (kind, at, subject, payload) VALUES (?, ?, ?, ?)", (kind, at, subject, to_json(dict(payload)))
            ).lastrowid
        assert number is not None
        return Event(id=number, kind=kind, at=at, subject=subject, payload=dict(payload))

    def all(self, *kinds: str, subject: str = "") -> list[Event]:
        """Events of `kinds` (all kinds when none is named), oldest first."""
        conditions = [f"kind IN ({','.join('?' * len(kinds))})"] if kinds else []
        parameters: list[str] = list(kinds)
        if subject:
            conditions.append("subject=?")
            parameters.append(subject)
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        return [_event(row) for row in self._db.rows(f"SELECT * FROM events{where} ORDER BY id", parameters)]


def _event(row: sqlite3.Row) -> Event:
    return Event(id=row["id"], kind=row["kind"], at=row["at"], subject=row["subject"], payload=json.loads(row["payload"]))
