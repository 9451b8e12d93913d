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

    def append(self, kind: str, subject: str, payload: Mapping[str, object], *, at: str = "") -> Event:
        """`subject` is the id of what the event is about: a batch, draft, pair or earlier event. `at` is for events that are imported.

        On return the event is on the disk (outside of a larger write transaction; inside one, when that ends).
        """
        with self._db.write() as connection:
            at = at or now()
            number = connection.execute(
                "INSERT INTO events (kind, at, subject, payload) VALUES (?, ?, ?, ?)", (kind, at, subject, to_json(dict(payload)))
            ).lastrowid
        assert number is not None
        return Event(id=number, kind=kind, at=at, subject=subject, payload=dict(payload))

    def count(self, *kinds: str, since: str = "") -> int:
        """How many events of `kinds` there are after a time."""
        row = self._db.row(f"SELECT count(*) AS n FROM events WHERE kind IN ({','.join('?' * len(kinds))}) AND at>?", (*kinds, since))
        return int(row["n"]) if row else 0

    def all(self, *kinds: str, subject: str = "", after: int = 0, newest: int = -1) -> list[Event]:
        """Events of `kinds` (all kinds when none is named) with ids above `after`, oldest first; at most the `newest` ones."""
        conditions = [f"kind IN ({','.join('?' * len(kinds))})"] if kinds else []
        parameters: list[str | int] = list(kinds)
        if after:
            conditions.append("id>?")
            parameters.append(after)
        if subject:
            conditions.append("subject=?")
            parameters.append(subject)
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        rows = self._db.rows(f"SELECT * FROM events{where} ORDER BY id DESC LIMIT ?", [*parameters, newest])
        return [_event(row) for row in reversed(rows)]

    def undone(self) -> set[int]:
        """Ids of the events that later undo events took back."""
        taken: set[int] = set()
        for event in self.all("undo"):
            numbers = event.payload.get("events")
            taken |= {int(number) for number in numbers} if isinstance(numbers, list) else set()
        return taken

    def first(self) -> tuple[int, str]:
        """(id, time) of the oldest event, (0, "") without any: another library in the same place has another."""
        row = self._db.row("SELECT id, at FROM events ORDER BY id LIMIT 1")
        return (row["id"], row["at"]) if row else (0, "")

    def last(self) -> int:
        """Id of the newest event, 0 without any."""
        row = self._db.row("SELECT max(id) AS last FROM events")
        return int(row["last"] or 0) if row else 0

    def standing(self, *kinds: str, subject: str = "", newest: int = -1) -> list[Event]:
        """As `all`, without the events that were taken back."""
        undone = self.undone()
        return [event for event in self.all(*kinds, subject=subject, newest=newest) if event.id not in undone]


def _event(row: sqlite3.Row) -> Event:
    return Event(id=row["id"], kind=row["kind"], at=row["at"], subject=row["subject"], payload=json.loads(row["payload"]))
