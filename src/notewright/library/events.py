"""What the person did, as given, append-only (two triggers in the schema refuse any other use).

The order of events is that of their times; the id decides between equal ones. Ids are a library's own and tell in which order it got to
know them: what was imported from another machine has higher ids than what was done here after it. What a clock that was days ahead gave a
time has the time of what was there before it, kept beside the events, from the first event on that shows that the clock was wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..errors import Conflict
from ..records import Event
from .database import Database, now, to_json

_CLOCKS = timedelta(days=1)  # two clocks may differ by so much: a time further ahead is a mistake, which what is done now does not follow
_MENDED = "events: times of a wrong clock"  # key of the library's state: by id, what they are taken for


class EventStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def append(self, kind: str, subject: str, payload: Mapping[str, object], *, at: str = "", request: str = "") -> Event:
        """`subject` is the id of what the event is about: a batch, draft, pair or earlier event. `at` is for events that are imported.

        `request` is a key of the request that tells it: sent again with it, as its answer was lost, the event that is there is returned.
        Raises Conflict where the key came with something else.
        What is done now comes after all that is here, also where the clock was set back, or another machine's is ahead.
        On return the event is on the disk (outside of a larger write transaction; inside one, when that ends).
        """
        told = to_json(dict(payload))
        with self._db.write() as connection:
            if request and (row := self._db.row("SELECT * FROM events WHERE request=?", (request,))):
                if (row["kind"], row["subject"], row["payload"]) != (kind, subject, told):
                    raise Conflict(
                        "This was not recorded: another judgement was sent before as the same one, and that one counts.",
                        "Look at what counts now; to have it otherwise, say it once more (a program: with another Idempotency-Key).",
                    )
                return _event(row, self._mended())
            at = at or self._after_all(now())
            number = connection.execute(
                "INSERT INTO events (kind, at, subject, payload, request) VALUES (?, ?, ?, ?, ?)",
                (kind, at, subject, told, request or None),
            ).lastrowid
        assert number is not None
        return Event(id=number, kind=kind, at=at, subject=subject, payload=dict(payload))

    def _after_all(self, at: str) -> str:
        horizon = (datetime.fromisoformat(at) + _CLOCKS).isoformat()
        first = self._db.row("SELECT min(at) AS at FROM events")
        if first and first["at"] and horizon < first["at"]:  # before all that was ever done it is this clock that is wrong
            horizon = "9999"
        mended = self._mend(horizon, first["at"]).values() if first and first["at"] else ()
        row = self._db.row("SELECT max(at) AS last FROM events WHERE at>? AND at<?", (at, horizon))
        last = max(filter(None, (row and row["last"], *mended)), default="")
        return _after(last) if last > at else at

    def _mend(self, horizon: str, first: str) -> dict[int, str]:
        """Times in place of all that are beyond the horizon; those that were mended before stay so."""
        times = self._mended()
        for row in self._db.rows("SELECT id FROM events WHERE at>=?", (horizon,)):
            if row["id"] not in times:
                before = self._db.row("SELECT at FROM events WHERE at<? AND id<? ORDER BY at DESC LIMIT 1", (horizon, row["id"]))
                lower = [at for number, at in times.items() if number < row["id"]]
                times[row["id"]] = _after(max(filter(None, (before and before["at"], *lower)), default=first))
                self._db.set_state(_MENDED, to_json(times))
        return times

    def _mended(self) -> dict[int, str]:
        return {int(number): at for number, at in json.loads(self._db.get_state(_MENDED) or "{}").items()}

    def count(self, *kinds: str, since: str = "", after: int = 0) -> int:
        """How many events of `kinds` that were not taken back there are after a time, and with ids above `after`."""
        query = f"SELECT count(*) AS n FROM events WHERE kind IN ({','.join('?' * len(kinds))}) AND at>? AND id>? AND id NOT IN ({_UNDONE})"
        query += " AND id NOT IN (SELECT value FROM json_each(?))"
        row = self._db.row(query, (*kinds, since, after, to_json([number for number, at in self._mended().items() if at <= since])))
        return int(row["n"]) if row else 0

    def all(self, *kinds: str, subject: str = "", after: int | None = None, newest: int = -1, as_told: bool = False) -> list[Event]:
        """Events of `kinds` (all kinds when none is named), oldest first; at most the `newest` ones. `as_told`: with the times that the
        clocks gave them, by which other libraries know them.

        With `after`, for readers that go on where they were: those with ids above it, in the order of ids, however many there are.
        """
        # With the plus the index by kind is passed over: the newest few are read along the one by time, not all of these kinds.
        kind = "+kind" if newest >= 0 and after is None and not subject else "kind"
        conditions = [f"{kind} IN ({','.join('?' * len(kinds))})"] if kinds else []
        parameters: list[str | int] = list(kinds)
        if after is not None:
            conditions.append("id>?")
            parameters.append(after)
        if subject:
            conditions.append("subject=?")
            parameters.append(subject)
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        times = {} if as_told else self._mended()
        if after is not None:
            return [_event(row, times) for row in self._db.rows(f"SELECT * FROM events{where} ORDER BY id", parameters)]
        if newest >= 0:
            parameters.append(newest + len(times))
            where += " ORDER BY at DESC, id DESC LIMIT ?"
        events = [_event(row, times) for row in self._db.rows(f"SELECT * FROM events{where}", parameters)]
        events.sort(key=lambda event: (event.at, event.id))
        return events[max(0, len(events) - newest) :] if newest >= 0 else events

    def undone(self) -> set[int]:
        """Ids of the events that undo events took back, and of all edits of an insertion that was: another machine that has the same notes
        may have noticed how its text went, or changed before."""
        return {row["id"] for row in self._db.rows(_UNDONE)}

    def first(self) -> tuple[int, str]:
        """(id, time) of the event with the lowest id, (0, "") without any: another library in the same place has another."""
        row = self._db.row("SELECT id, at FROM events ORDER BY id LIMIT 1")
        return (row["id"], row["at"]) if row else (0, "")

    def last(self) -> int:
        """The highest id, 0 without any."""
        row = self._db.row("SELECT max(id) AS last FROM events")
        return int(row["last"] or 0) if row else 0

    def standing(self, *kinds: str, subject: str = "", newest: int = -1) -> list[Event]:
        """As `all`, without the events that were taken back."""
        undone = self.undone()
        return [event for event in self.all(*kinds, subject=subject, newest=newest) if event.id not in undone]


def in_force(standing: Sequence[Event]) -> list[Event]:
    """Of judgements that stand, oldest first, what later ones of the same batch leave in force, as every face shows it: a ranking takes the
    place of all that was rejected in the batch before it, and what is rejected by itself after it has no place in it any more."""
    kept: list[Event | None] = []
    ranked: dict[object, tuple[int, Event]] = {}
    refused: dict[object, list[int]] = {}
    for place, event in enumerate(standing):
        batch, decision = event.payload.get("batch"), event.payload.get("decision")
        if event.kind == "ranking":
            for gone in refused.pop(batch, ()):
                kept[gone] = None
            ranked[batch] = place, event
        elif decision in ("reject", "reject_all"):
            refused.setdefault(batch, []).append(place)
            if decision == "reject" and batch in ranked:
                there, ranking = ranked[batch]
                kept[there] = ranking = _without(ranking, event.subject)
                ranked[batch] = there, ranking
        kept.append(event)
    return [event for event in kept if event]


def _without(ranking: Event, draft_id: str) -> Event:
    told: Any = ranking.payload
    order = [left for group in told["order"] if (left := [item for item in group if item != draft_id])]
    return replace(ranking, payload={**told, "order": order})


# An undo that was imported without what it takes back, as earlier versions let in, names it by a text, which is passed over.
_UNDONE = """
WITH taken AS MATERIALIZED (
    SELECT DISTINCT back.value AS id FROM events u, json_each(u.payload, '$.events') back
    WHERE u.kind='undo' AND json_type(u.payload, '$.events')='array' AND back.type='integer'
)
SELECT id FROM taken UNION
SELECT e.id FROM taken CROSS JOIN events i ON i.id=taken.id AND i.kind='insertion'
    CROSS JOIN events e ON e.subject=i.subject AND +e.kind='edit' AND json_extract(e.payload, '$.insertion')=i.id
"""


def _after(at: str) -> str:
    try:
        return (datetime.fromisoformat(at) + timedelta(microseconds=1)).isoformat()
    except ValueError:  # what was imported has no proper time
        return at


def _event(row: sqlite3.Row, times: Mapping[int, str]) -> Event:
    at = times.get(row["id"], row["at"])
    return Event(id=row["id"], kind=row["kind"], at=at, subject=row["subject"], payload=json.loads(row["payload"]))
