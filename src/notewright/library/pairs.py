"""Pairs: highlights matched to passages. A decision of the person is never overwritten by a machine."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..errors import NotFound
from ..records import Event, Pair, PairLink
from ..text import edit_distance, plain_newlines
from .database import TEACHING, Database, now, to_json
from .events import EventStore
from .following import ALIKE, follow_passages

HAND = "hand"  # the method of pairs that the person named

# An imported event names a pair that is not here yet as pair:SOURCE|PASSAGE. The pair that it turns out to be is kept in `state`.
_NAMED = "({0}>='pair:' AND {0}<'pair;')"
_ABOUT = "coalesce((SELECT value FROM state WHERE key=e.subject), e.subject) AS pair_id"
_TAKEN_BACK = (
    f"SELECT {_ABOUT} FROM events u, json_each(u.payload, '$.events') back JOIN events e ON e.id=back.value"
    " WHERE u.kind='undo' AND u.id>? AND e.kind='pair'"
)
_TOUCHED = f"SELECT {_ABOUT} FROM events e WHERE e.kind='pair' AND e.id>? UNION {_TAKEN_BACK}"


def hand_link(highlight_id: str) -> PairLink:
    """The link of a pair that the person names."""
    return PairLink(highlight_id, 1.0, HAND, "named by you")


class PairStore:
    def __init__(self, db: Database, events: EventStore) -> None:
        self._db = db
        self._events = events

    def propose(
        self, pairs: Iterable[Pair], *, memo: Mapping[str, tuple[str, str]] | None = None, rules: str = "", read_at: int | None = None
    ) -> dict[str, int]:
        """Replace all proposals by `pairs`; accepted and rejected pairs stay as they are, and follow their passages.

        A pair is known by its source and passage; a proposal for one that is already decided is dropped, and a re-proposed pair keeps
        its id. Decisions that were imported before their pairs hold now. Returns counts: added, kept, removed, decided. `memo` (signature
        and payload by note id) and `rules` are what the pairing wants to find again by `memo` and `paired_at`; `read_at` is where
        `changes` stood before it read the library, so that what came in meanwhile is paired the next time.
        """
        counts = dict.fromkeys(("added", "kept", "removed", "decided"), 0)
        with self._db.write() as connection:
            meanwhile = 0 if read_at is None else self.changes() - read_at
            follow_passages(self._db)
            known = {(row["source_id"], row["passage_id"]): row for row in self._db.rows("SELECT * FROM pairs")}
            links = self._links()
            proposed: set[str] = set()
            for pair in pairs:
                old = known.get((pair.source_id, pair.passage_id))
                if old and old["status"] != "proposed":
                    counts["decided"] += 1
                    continue
                pair_id = old["id"] if old else self._db.next_id("pair")
                counts["kept" if old else "added"] += 1
                proposed.add(pair_id)
                if old and _pair(old, links[pair_id]) == replace(pair, id=pair_id):
                    continue
                if old:
                    connection.execute("DELETE FROM pairs WHERE id=?", (pair_id,))
                self._insert(connection, replace(pair, id=pair_id))
            stale = [
                row["id"] for row in self._db.rows("SELECT id FROM live_pairs WHERE status='proposed'") if row["id"] not in proposed
            ]  # those of a source that the person removed wait for it to come back
            connection.executemany("DELETE FROM pairs WHERE id=?", [(pair_id,) for pair_id in stale])
            counts["removed"] = len(stale)
            if memo is not None:
                self._remember(memo, rules, meanwhile)
            self.settle(after=self._events.last())
        return counts

    def add(self, pair: Pair) -> Pair:
        """A pair that the person names, accepted at once. One of its source and passage that is there already gets its highlights."""
        with self._db.write() as connection:
            follow_passages(self._db)  # the passage may have been written anew since the pair was decided, or proposed
            row = self._db.row("SELECT id FROM pairs WHERE source_id=? AND passage_id=?", (pair.source_id, pair.passage_id))
            if row:
                connection.execute(
                    "UPDATE pairs SET note_id=?, note_path=?, passage_start=?, passage_end=?, passage_text=?, headings=? WHERE id=?",
                    (
                        pair.note_id,
                        pair.note_path,
                        pair.passage_start,
                        pair.passage_end,
                        pair.passage_text,
                        to_json(pair.headings),
                        row["id"],
                    ),
                )
                return self.decide(row["id"], "accepted", links=pair.links, named=True)
            pair_id = self._db.next_id("pair")
            self._insert(connection, replace(pair, id=pair_id))
            return self.decide(pair_id, "accepted", named=True)

    def _insert(self, connection: sqlite3.Connection, pair: Pair) -> None:
        connection.execute(
            "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'proposed', ?)",
            (
                pair.id, pair.source_id, pair.note_id, pair.note_path, pair.passage_id, pair.passage_start, pair.passage_end,
                pair.passage_text, to_json(pair.headings), pair.score, pair.method, now(),
            ),
        )  # fmt: skip
        self._link(pair.id, pair.links)

    def follow(self) -> None:
        """Point every decided pair at where its passage stands now; `propose` does so too."""
        with self._db.write():
            follow_passages(self._db)

    def _remember(self, memo: Mapping[str, tuple[str, str]], rules: str, meanwhile: int) -> None:
        connection, known = self._db.connection, {key: signature for key, (signature, _) in self.memo().items()}
        connection.executemany("DELETE FROM pairing_memo WHERE note_id=?", [(key,) for key in known if key not in memo])
        connection.executemany(
            "INSERT OR REPLACE INTO pairing_memo VALUES (?, ?, ?)",
            [(key, signature, payload) for key, (signature, payload) in memo.items() if known.get(key) != signature],
        )
        connection.execute("UPDATE pairing SET paired_at = changes - ?, rules = ?", (meanwhile, rules))

    def memo(self) -> dict[str, tuple[str, str]]:
        """What the last pairing remembered of each note: signature and payload by note id."""
        return {row["note_id"]: (row["signature"], row["payload"]) for row in self._db.rows("SELECT * FROM pairing_memo")}

    def changes(self) -> int:
        """How many rows that pairing looks at have changed since the library was made."""
        return int(self._db.rows("SELECT changes FROM pairing")[0]["changes"])

    def paired_at(self) -> tuple[int, str]:
        """`changes` at the end of the last pairing, less those made by others meanwhile, and the rules it went by; at first (-1, "")."""
        row = self._db.rows("SELECT paired_at, rules FROM pairing")[0]
        return int(row["paired_at"]), str(row["rules"])

    def decide(
        self,
        pair_id: str,
        status: str,
        *,
        links: Sequence[PairLink] | None = None,
        named: bool = False,
        merged: bool = False,
        beside: Sequence[int] = (),
    ) -> Pair:
        """Record the person's `accepted`, `rejected` or (taking it back) `proposed`; `links` replace the pair's highlights.

        `named`: the person named it, so a library to which this comes makes it itself. What the person said of the pair before, with the
        same highlights, changes nothing and is no event, unless there is more to tell: `merged`, rejected only because another pair has
        its highlights now, or `beside`, the events that go with this one.
        """
        with self._db.write() as connection:
            before = self.get(pair_id)
            links = None if links is None else self._known(links)
            same = links is None or set(links) == set(before.links)
            if before.status == status and same and not (merged or beside) and pair_id not in self.merged():
                return before
            payload: dict[str, object] = {"status": status, "before": before.status, "passage_id": before.passage_id}
            payload |= ({"merged": True} if merged else {}) | ({"with": list(beside)} if beside else {})
            if links is not None and not same:
                payload["highlights"] = [link.highlight_id for link in links]
                payload["links_before"] = [(link.highlight_id, link.score, link.method, link.evidence) for link in before.links]
                connection.execute("DELETE FROM pair_links WHERE pair_id=?", (pair_id,))
                self._link(pair_id, links)
            if named or (before.method == HAND and status == "accepted"):
                payload |= {
                    "named": True,
                    "passage": before.passage_text,
                    "highlights": [link.highlight_id for link in self.get(pair_id).links],
                }
            connection.execute("UPDATE pairs SET status=?, updated_at=? WHERE id=?", (status, now(), pair_id))
            self._events.append("pair", pair_id, payload)
        return self.get(pair_id)

    def history(self, pair_id: str) -> list[Event]:
        """What was decided about a pair, here and elsewhere, in the order it happened; what was taken back by an undo included."""
        names = [row["key"] for row in self._db.rows(f"SELECT key FROM state WHERE {_NAMED.format('key')} AND value=?", (pair_id,))]
        events = [event for subject in (pair_id, *names) for event in self._events.all("pair", subject=subject)]
        return sorted(events, key=lambda event: (event.at, event.id))

    def settle(self, *, after: int) -> None:
        """Make imported decisions hold: those of events above `after`, what such events took back, and those whose pairs are here only now.

        Of all decisions about a pair the last one in time that stands holds, wherever it was made. Call inside `write`.
        """
        by_hand = self._by_name()
        new, met = self._newly_tied(by_hand)
        grown = self._grown(by_hand)
        touched = {row["pair_id"] for row in self._db.rows(_TOUCHED, (after, after))} | met | grown
        if not touched:
            return
        undone = self._events.undone()
        taken_back = {row["pair_id"] for row in self._db.rows(_TAKEN_BACK, (after,))}
        for pair_id in sorted(touched):
            if not self._db.row("SELECT 1 FROM pairs WHERE id=?", (pair_id,)) and not self._made_again(pair_id, by_hand.get(pair_id)):
                continue
            events = self.history(pair_id)
            standing = [event for event in events if event.id not in undone]
            last = standing[-1] if standing else None
            if last is None or last.id > after or last.subject in new or pair_id in taken_back | grown:
                self._apply(self.get(pair_id), events, standing)

    def _made_again(self, pair_id: str, event: Event | None) -> str:
        """A pair of this library that the person named: it went when that was taken back, and stands again."""
        ids = event.payload.get("highlights") if event else None
        source = self._db.row("SELECT source_id FROM highlights WHERE id=?", (ids[0],)) if isinstance(ids, list) and ids else None
        return self._made_by_hand(event, source["source_id"], str(event.payload["passage_id"]), pair_id) if event and source else ""

    def _newly_tied(self, by_hand: Mapping[str, Event]) -> tuple[set[str], set[str]]:
        """(Names in events whose pairs are here now, the pairs.) A name is tied to a pair once, as pairs follow their passages."""
        rows = self._db.rows(
            f"SELECT DISTINCT subject FROM events WHERE {_NAMED.format('subject')}"
            " AND subject NOT IN (SELECT key FROM state WHERE value IN (SELECT id FROM pairs))"
        )
        tied: dict[str, str] = {}
        for row in rows:
            source_id, _, passage_id = row["subject"].removeprefix("pair:").rpartition("|")
            found = self._db.row("SELECT id FROM pairs WHERE source_id=? AND passage_id=?", (source_id, passage_id))
            pair_id = found["id"] if found else self._made_by_hand(by_hand.get(row["subject"]), source_id, passage_id)
            if pair_id:
                tied[row["subject"]] = pair_id
                self._db.set_state(row["subject"], pair_id)
        return set(tied), set(tied.values())

    def _by_name(self) -> dict[str, Event]:
        """The last naming of each pair, or name of one, that stands and was not taken back by a later decision."""
        found: dict[str, Event] = {}
        for event in sorted(self._events.standing("pair"), key=lambda event: (event.at, event.id)):
            if event.payload.get("named"):
                found[event.subject] = event
            elif event.payload.get("status") == "proposed":
                found.pop(event.subject, None)
        return found

    def _grown(self, by_hand: Mapping[str, Event]) -> set[str]:
        """Pairs that were named with highlights of which some have come into the library only since."""
        found: set[str] = set()
        for subject, event in by_hand.items():
            row = self._db.row("SELECT id, source_id FROM pairs WHERE id=?", (self._db.get_state(subject) or subject,))
            if row and len(self._by_hand(row["source_id"], event.payload.get("highlights"))) > len(self.get(row["id"]).links):
                found.add(row["id"])
        return found

    def _made_by_hand(self, event: Event | None, source_id: str, passage_id: str, pair_id: str = "") -> str:
        """A pair that nothing here would propose, made once its passage and its highlights are here; its id, or nothing."""
        if event is None or not (links := self._by_hand(source_id, event.payload.get("highlights"))):
            return ""
        at = self._passage(passage_id, event.payload.get("passage"))
        if at is None or self._db.row("SELECT 1 FROM pairs WHERE source_id=? AND passage_id=?", (source_id, at["id"])):
            return ""
        pair = Pair(
            id=pair_id or self._db.next_id("pair"), source_id=source_id, note_id=at["note_id"], note_path=at["path"], passage_id=at["id"],
            passage_start=at["start"], passage_end=at["end"], passage_text=at["text"], score=1.0, method=HAND, status="proposed",
            links=links, headings=tuple(json.loads(at["headings"])),
        )  # fmt: skip
        self._insert(self._db.connection, pair)
        return pair.id

    def _passage(self, passage_id: str, text: object) -> sqlite3.Row | None:
        """The passage of that id if it says about the same; else the only one of that text, however its lines end. An id tells a place in a
        note, where another library may have had other words; of events without a text it is believed."""
        query = "SELECT passages.*, path FROM passages JOIN notes ON notes.id=note_id WHERE removed_at='' AND "
        here = self._db.row(f"{query} passages.id=?", (passage_id,))
        if not isinstance(text, str) or (here is not None and edit_distance(text, here["text"]) < ALIKE):
            return here
        said = "replace(replace(passages.text, char(13, 10), char(10)), char(13), char(10))"
        same = self._db.rows(f"{query} {said}=?", (plain_newlines(text),))
        return same[0] if len(same) == 1 else None

    def _by_hand(self, source_id: str, ids: object) -> tuple[PairLink, ...]:
        """Links to those of the named highlights that are here."""
        own = {row["id"] for row in self._db.rows("SELECT id FROM highlights WHERE source_id=?", (source_id,))}
        return tuple(hand_link(key) for key in ids if key in own) if isinstance(ids, list) else ()

    def _apply(self, pair: Pair, events: Sequence[Event], standing: Sequence[Event]) -> None:
        """An event tells new highlights by their ids only: what is known of them here, or was there before, is taken for the rest."""
        status = str(standing[-1].payload["status"]) if standing else "proposed"
        telling = [event for event in standing if "highlights" in event.payload]
        kept = [event.payload["highlights"] for event in telling]
        before = [rows for event in events if isinstance(rows := event.payload.get("links_before"), list)]
        links = pair.links
        if telling and telling[-1].payload.get("named"):
            links = self._by_hand(pair.source_id, kept[-1]) or pair.links
        elif before:
            wanted = kept[-1] if kept else [row[0] for row in before[0]]
            seen = {link.highlight_id: link for link in self._elsewhere(pair.source_id)}
            seen |= {link.highlight_id: link for rows in before for link in (PairLink(*row) for row in rows)}
            seen |= {link.highlight_id: link for link in pair.links}
            missing = PairLink("", pair.score, pair.method)
            ids = [str(item) for item in wanted] if isinstance(wanted, list) else []
            links = self._known([seen.get(item, replace(missing, highlight_id=item)) for item in ids]) or pair.links
        if links != pair.links:
            self._db.connection.execute("DELETE FROM pair_links WHERE pair_id=?", (pair.id,))
            self._link(pair.id, links)
        if status != pair.status or links != pair.links:
            self._db.connection.execute("UPDATE pairs SET status=?, updated_at=? WHERE id=?", (status, now(), pair.id))

    def _elsewhere(self, source_id: str) -> list[PairLink]:
        """The links of all pairs of a source: a merged pair has some of another one."""
        return [link for links in self._links(" WHERE source_id=?", (source_id,)).values() for link in links]

    def _known(self, links: Sequence[PairLink]) -> tuple[PairLink, ...]:
        """Without those to highlights that this library does not have: an event of another may name them."""
        found = {row["id"] for link in links for row in self._db.rows("SELECT id FROM highlights WHERE id=?", (link.highlight_id,))}
        return tuple(link for link in links if link.highlight_id in found)

    def _link(self, pair_id: str, links: Iterable[PairLink]) -> None:
        self._db.connection.executemany(
            "INSERT INTO pair_links VALUES (?, ?, ?, ?, ?)",
            [(pair_id, link.highlight_id, link.score, link.method, link.evidence) for link in links],
        )

    def all(self, *, status: str = "", source_id: str = "", note_path: str = "", include_removed: bool = False) -> list[Pair]:
        """Pairs by note and place in it; those of sources that the person removed only with `include_removed`."""
        table = "pairs" if include_removed else "live_pairs"
        filters = {"status": status, "source_id": source_id, "note_path": note_path}
        used = {name: value for name, value in filters.items() if value}
        where = " WHERE " + " AND ".join(f"{name}=?" for name in used) if used else ""
        rows = self._db.rows(f"SELECT * FROM {table}{where} ORDER BY note_path, passage_start, id", used.values())
        links = self._links(where, used.values())
        return [_pair(row, links[row["id"]]) for row in rows]

    def _links(self, where: str = "", values: Iterable[str] = ()) -> dict[str, list[PairLink]]:
        """By pair, in reading order."""
        links: dict[str, list[PairLink]] = defaultdict(list)
        some = f" WHERE pair_id IN (SELECT id FROM pairs{where})" if where else ""
        query = (
            "SELECT pair_links.* FROM pair_links JOIN highlights ON highlights.id=highlight_id"
            f"{some} ORDER BY pair_id, position, highlight_id"
        )
        for row in self._db.rows(query, values):
            links[row["pair_id"]].append(PairLink(row["highlight_id"], row["score"], row["method"], row["evidence"]))
        return links

    def decisions(self) -> dict[tuple[str, str], bool]:
        """By source and passage, whether the person accepted (or else rejected) the pair; undecided ones are left out.

        So are those merged into another one: nobody said that they were wrong.
        """
        rows = self._db.rows("SELECT id, source_id, passage_id, status FROM pairs WHERE status<>'proposed'")
        merged = self.merged() if rows else set()
        return {(row["source_id"], row["passage_id"]): row["status"] == "accepted" for row in rows if row["id"] not in merged}

    def merged(self) -> set[str]:
        """Ids of pairs that are rejected only because another pair has their highlights now."""
        names = {row["key"]: row["value"] for row in self._db.rows(f"SELECT key, value FROM state WHERE {_NAMED.format('key')}")}
        last = {names.get(event.subject, event.subject): event for event in self._events.standing("pair")}
        return {pair_id for pair_id, event in last.items() if event.payload.get("merged")}

    def tally(self) -> dict[tuple[str, str], int]:
        """Number of pairs by status and method."""
        rows = self._db.rows("SELECT status, method, count(*) AS n FROM live_pairs GROUP BY status, method")
        return {(row["status"], row["method"]): row["n"] for row in rows}

    def teaching_sources(self) -> set[str]:
        """Ids of the sources that have a pair which teaches."""
        return {row["source_id"] for row in self._db.rows(f"SELECT DISTINCT source_id FROM live_pairs WHERE {TEACHING}")}

    def paired_notes(self) -> set[str]:
        """Paths of notes with a pair that is not rejected; a note that is gone has none, though decided pairs remember it."""
        here = "note_path IN (SELECT path FROM notes WHERE removed_at='')"
        return {row["note_path"] for row in self._db.rows(f"SELECT DISTINCT note_path FROM live_pairs WHERE status<>'rejected' AND {here}")}

    def fingerprint(self) -> str:
        """Changes whenever a pair is added, removed, decided or follows its passage; cheap to ask for."""
        counts = "count(*), max(updated_at), sum(length(passage_text)), sum(status='accepted'), sum(status='rejected')"
        return " ".join(map(str, tuple(self._db.rows(f"SELECT {counts} FROM live_pairs")[0])))

    def get(self, pair_id: str) -> Pair:
        row = self._db.row("SELECT * FROM pairs WHERE id=?", (pair_id,))
        if row is None:
            raise NotFound(f"No pair has the id {pair_id!r}.", "List them with: notewright pairs list")
        query = (
            "SELECT pair_links.* FROM pair_links JOIN highlights ON highlights.id=highlight_id WHERE pair_id=?"
            " ORDER BY position, highlight_id"
        )
        links = [
            PairLink(item["highlight_id"], item["score"], item["method"], item["evidence"]) for item in self._db.rows(query, (pair_id,))
        ]
        return _pair(row, links)


def _pair(row: sqlite3.Row, links: Iterable[PairLink]) -> Pair:
    return Pair(
        id=row["id"], source_id=row["source_id"], note_id=row["note_id"], note_path=row["note_path"], passage_id=row["passage_id"],
        passage_start=row["passage_start"], passage_end=row["passage_end"], passage_text=row["passage_text"], score=row["score"],
        method=row["method"], status=row["status"], links=tuple(links), headings=tuple(json.loads(row["headings"])),
    )  # fmt: skip
