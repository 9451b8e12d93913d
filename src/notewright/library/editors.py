"""Obsidians with the plugin that are open beside us, and what they are asked to write: so that two programs never write one note at once.

An order is `waiting` until its editor takes it or the one who gave it takes it back; whoever comes first has it, the other is told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from .database import Database, now, to_json

FRESH = 40.0  # seconds after which an editor that says nothing is taken for closed
KEPT = 100  # orders
_FRESH = "abs(seen_at - ?) < ?"  # a time ahead is of a clock that was wrong
LASTS = timedelta(seconds=30)  # an order that nobody has taken: who gave it is gone, or would have withdrawn it


@dataclass(frozen=True, slots=True)
class Order:
    """One insertion that an editor is asked to make. `state` is waiting, taken, done, refused or withdrawn."""

    id: int
    client: str
    draft_id: str
    body: Mapping[str, Any]
    state: str


class EditorStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def tell(self, client: str, *, vault: str, notes: Sequence[str]) -> None:
        """The editor `client` is there, with these notes of the vault of this name open."""
        with self._db.write() as connection:
            connection.execute("DELETE FROM editors WHERE abs(seen_at - ?) > 86400", (time.time(),))
            connection.execute("INSERT OR REPLACE INTO editors VALUES (?, ?, ?, ?)", (client, vault, to_json(list(notes)), time.time()))

    def touch(self, client: str) -> None:
        """It is still there."""
        with self._db.write() as connection:
            connection.execute("UPDATE editors SET seen_at=? WHERE client=?", (time.time(), client))

    def leave(self, client: str) -> None:
        with self._db.write() as connection:
            connection.execute("DELETE FROM editors WHERE client=?", (client,))

    def connected(self) -> list[str]:
        """Names of the vaults that are open in an editor now."""
        rows = self._db.rows(f"SELECT vault FROM editors WHERE {_FRESH} ORDER BY seen_at DESC", (time.time(), FRESH))
        return [row["vault"] for row in rows]

    def holding(self, note_path: str, *, vault: str) -> str:
        """The editor that has this note of the vault of this name open; empty where there is none."""
        rows = self._db.rows(f"SELECT * FROM editors WHERE {_FRESH} AND vault=? ORDER BY seen_at DESC", (time.time(), FRESH, vault))
        wanted = PurePosixPath(note_path)
        return next((row["client"] for row in rows if wanted in map(PurePosixPath, json.loads(row["open"]))), "")

    def order(self, client: str, draft_id: str, body: Mapping[str, Any]) -> int:
        """Ask an editor to write; returns the order's id."""
        with self._db.write() as connection:
            connection.execute("DELETE FROM orders WHERE id <= (SELECT max(id) FROM orders) - ?", (KEPT,))
            values = (client, draft_id, to_json(body), now())
            made = connection.execute("INSERT INTO orders VALUES (NULL, ?, ?, ?, 'waiting', ?)", values)
            assert made.lastrowid
            return made.lastrowid

    def waiting(self, client: str) -> list[Order]:
        """What `client` is asked to write, oldest first."""
        query = "SELECT * FROM orders WHERE client=? AND state='waiting' AND made_at BETWEEN ? AND ? ORDER BY id"
        rows = self._db.rows(query, (client, *_lately()))
        return [Order(row["id"], row["client"], row["draft_id"], json.loads(row["body"]), row["state"]) for row in rows]

    def state(self, order_id: int) -> str:
        """Empty for an order that never was, or was long ago."""
        row = self._db.row("SELECT state FROM orders WHERE id=?", (order_id,))
        return str(row["state"]) if row else ""

    def move(self, order_id: int, before: str, after: str) -> bool:
        """Bring an order from one state to the next; False where someone was faster, or where it is too old to be taken."""
        made = _lately() if after == "taken" else ("", "9999")
        with self._db.write() as connection:
            query = "UPDATE orders SET state=? WHERE id=? AND state=? AND made_at BETWEEN ? AND ?"
            return connection.execute(query, (after, order_id, before, *made)).rowcount == 1


def _lately() -> tuple[str, str]:
    """From when to when an order was made that can still be taken; one of a later time is of a clock that was wrong."""
    here = datetime.now(UTC)
    return (here - LASTS).isoformat(), (here + LASTS).isoformat()
