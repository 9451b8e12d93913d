"""Decided pairs follow their passages: through edits of the note, of the passage itself, and through a new name of the note. And they
follow their highlights into another source, as when two books were merged in Readwise."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from hashlib import blake2b

from ..text import edit_distance, plain_newlines
from .database import Database, now

# Columns of a pair that say where its passage stands, and those of the passage they copy.
_PLACE = (
    ("note_id", "note_id"), ("note_path", "path"), ("passage_id", "id"), ("passage_start", "start"), ("passage_end", "end"),
    ("passage_text", "text"), ("headings", "headings"),
)  # fmt: skip
_OLD_NAME = re.compile("left-pair-[0-9]+$")
ALIKE = 0.5  # a passage under the same heading is still the same one when less than this share of its words changed


def follow_highlights(db: Database) -> None:
    """Make every decided pair one of the source that all of its highlights are in now. Call inside `write`."""
    moved = db.rows(
        "SELECT p.id, p.passage_id, min(h.source_id) AS source_id FROM pairs p JOIN pair_links l ON l.pair_id=p.id"
        " JOIN highlights h ON h.id=l.highlight_id WHERE p.status<>'proposed' AND h.removed_at='' GROUP BY p.id"
        " HAVING min(h.source_id)=max(h.source_id) AND min(h.source_id)<>p.source_id"
    )
    for pair in moved:
        there = (pair["source_id"], pair["passage_id"])
        db.connection.execute("DELETE FROM pairs WHERE source_id=? AND passage_id=? AND status='proposed'", there)
        # One that was decided there as well stays the one there is.
        db.connection.execute("UPDATE OR IGNORE pairs SET source_id=?, updated_at=? WHERE id=?", (pair["source_id"], now(), pair["id"]))


def follow_passages(db: Database) -> None:
    """Point every accepted or rejected pair at where its passage stands now; one whose passage is nowhere stays as it was seen.

    The passage is the one of the same text, however its lines end, in the same note; else, where that is gone, the one in its place if most
    of it is as it was; else the only one of the same text and headings in another note. Call inside `write`.
    """
    follow_highlights(db)
    decided = db.rows("SELECT * FROM pairs WHERE status<>'proposed' ORDER BY length(id), id")
    if not decided:
        return
    found = _Passages(db)
    targets: dict[str, sqlite3.Row] = {}
    taken: set[tuple[str, str]] = set()
    for search in (found.unmoved, found.moved, found.edited, found.elsewhere):
        for pair in decided:
            passage = None if pair["id"] in targets else search(pair)
            if passage is not None and (pair["source_id"], passage["id"]) not in taken:
                targets[pair["id"]] = passage
                taken.add((pair["source_id"], passage["id"]))
    changed = [pair for pair in decided if pair["id"] in targets and _differs(pair, targets[pair["id"]])]
    # Places are exchanged in two steps, as a source and a passage have one pair: first all of them are left, then taken.
    # A passage that was rewritten is open to a new proposal; the decision stays with the words it was made about.
    # So is an id that another note has by now, which got it with the name of this one.
    leaving = [
        pair for pair in decided if pair["id"] not in targets and (found.has(pair["passage_id"]) or _OLD_NAME.match(pair["passage_id"]))
    ]
    for pair in (*changed, *leaving):
        db.connection.execute("UPDATE pairs SET passage_id=? WHERE id=?", (f"left-{pair['id']}", pair["id"]))
    gone = {(row["source_id"], row["passage_id"]) for row in db.rows("SELECT source_id, passage_id FROM pairs")}
    for pair in leaving:
        name = _left(pair)
        name = f"{name}-{pair['id']}" if (pair["source_id"], name) in gone else name
        gone.add((pair["source_id"], name))
        db.connection.execute("UPDATE pairs SET passage_id=? WHERE id=?", (name, pair["id"]))
    for pair in changed:
        passage = targets[pair["id"]]
        db.connection.execute(
            "DELETE FROM pairs WHERE source_id=? AND passage_id=? AND status='proposed'", (pair["source_id"], passage["id"])
        )
        values = (*(passage[its] for _, its in _PLACE), now(), pair["id"])
        db.connection.execute(f"UPDATE pairs SET {', '.join(f'{mine}=?' for mine, _ in _PLACE)}, updated_at=? WHERE id=?", values)


def _left(pair: sqlite3.Row) -> str:
    """In place of a passage's id: the same in every library that has seen these words under these headings."""
    return "left-" + blake2b(f"{pair['headings']}\0{plain_newlines(pair['passage_text'])}".encode(), digest_size=12).hexdigest()


class _Passages:
    """The passages there are now, by the ways to look for one. Each way takes a pair's row and returns a passage's row."""

    def __init__(self, db: Database) -> None:
        rows = db.rows("SELECT passages.*, notes.path FROM passages JOIN notes ON notes.id=passages.note_id ORDER BY notes.path, start")
        self._by_id: dict[tuple[str, str], sqlite3.Row] = {(row["note_id"], row["id"]): row for row in rows}
        self._ids = {row["id"] for row in rows}
        self._in_note: dict[tuple[str, str], list[sqlite3.Row]] = defaultdict(list)
        self._anywhere: dict[tuple[str, str], list[sqlite3.Row]] = defaultdict(list)
        for row in rows:
            text = plain_newlines(row["text"])
            self._in_note[row["note_id"], text].append(row)
            self._anywhere[row["headings"], text].append(row)

    def has(self, passage_id: str) -> bool:
        return passage_id in self._ids

    def at(self, pair: sqlite3.Row) -> sqlite3.Row | None:
        return self._by_id.get((pair["note_id"], pair["passage_id"]))

    def unmoved(self, pair: sqlite3.Row) -> sqlite3.Row | None:
        row = self.at(pair)
        return row if row is not None and plain_newlines(row["text"]) == plain_newlines(pair["passage_text"]) else None

    def moved(self, pair: sqlite3.Row) -> sqlite3.Row | None:
        return _only(self._in_note[pair["note_id"], plain_newlines(pair["passage_text"])])

    def edited(self, pair: sqlite3.Row) -> sqlite3.Row | None:
        row = self.at(pair)
        return row if row is not None and edit_distance(pair["passage_text"], row["text"]) < ALIKE else None

    def elsewhere(self, pair: sqlite3.Row) -> sqlite3.Row | None:
        return _only(self._anywhere[pair["headings"], plain_newlines(pair["passage_text"])])


def _only(rows: list[sqlite3.Row]) -> sqlite3.Row | None:
    return rows[0] if len(rows) == 1 else None


def _differs(pair: sqlite3.Row, passage: sqlite3.Row) -> bool:
    return any(pair[mine] != passage[its] for mine, its in _PLACE)
