"""Files that gather highlights of several books, as of a day: what is in them belongs to its book, in whatever order they come."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import replace

from ..records import Source
from ..text import normalise
from .alike import same_head, text_key
from .database import Database

_NAMED = """
SELECT DISTINCT h.id, h.source_id, h.removed_at FROM highlight_ids i JOIN highlights h ON h.id=i.highlight_id
WHERE h.heading_level=0 AND i.outside_id IN (SELECT value FROM json_each(?))
"""
_LIVE = """
SELECT source_id, count(*) AS live FROM highlights
WHERE removed_at='' AND heading_level=0 AND source_id IN (SELECT value FROM json_each(?)) GROUP BY source_id
"""


def is_digest(db: Database, incoming: Source, own: str) -> bool:
    """Does it name, by their ids, highlights of several sources, and not all that one of them holds? `own` is the source of its title, if
    there is. What a book by an author names that is known, if only under a title like it, has moved there. Without an author, highlights
    of one book by somebody, of another title, are enough; with one, those of what may itself be a digest do not count."""
    named = _named(db, incoming)
    if incoming.author and (own or any(_earlier_title(db, source_id, incoming) for source_id in named)):
        return False
    others = [item for item in named if item != own and not (incoming.author and not _author(db, item))]
    in_part = any(named[source_id] < 1 for source_id in others)
    if not incoming.author and (in_part or not own) and any(_other_book(db, source_id, incoming) for source_id in others):
        return True
    return len(others) > 1 and in_part


def was_digest(db: Database, source_id: str, incoming: Source) -> bool:
    """Is this source, as far as can be seen, a digest (or a book that one was taken for) and no earlier form of this book? It has another
    title and author, and holds highlights that are not this book's."""
    return bool(incoming.author) and _other_book(db, source_id, incoming) and _named(db, incoming).get(source_id, 1) < 1


def take_title(db: Database, connection: sqlite3.Connection, source_id: str, incoming: Source) -> None:
    """A digest of which all but one book's highlights have gone to their books is that book; not where Readwise itself gave the title."""
    told = db.row("SELECT 1 FROM source_ids WHERE source_id=? AND outside_id LIKE 'readwise:%'", (source_id,))
    if incoming.author and not told and not _author(db, source_id) and _other_book(db, source_id, incoming):
        connection.execute("UPDATE sources SET title=? WHERE id=?", (incoming.title, source_id))
        connection.execute("DELETE FROM source_ids WHERE source_id=? AND outside_id LIKE 'title:%'", (source_id,))


def without_held(db: Database, incoming: Source, own: str) -> tuple[Source, list[sqlite3.Row]]:
    """Without the highlights that another source than `own` holds; and the rows that these are, as far as ids tell."""
    rest, found = [], []
    for item in incoming.highlights:
        rows = [row for row in db.rows(_NAMED, (json.dumps(item.outside_ids),)) if row["source_id"] != own]
        found += rows
        words = "SELECT 1 FROM highlights WHERE text_key=? AND source_id<>? AND removed_at=''"
        if not rows and not db.row(words, (text_key(item.text), own)):
            rest.append(item)
    return replace(incoming, highlights=tuple(rest)), found


def _other_book(db: Database, source_id: str, incoming: Source) -> bool:
    """Do its title and its author differ?"""
    return _author(db, source_id) != normalise(incoming.author) and not _alike(db, source_id, incoming)


def _earlier_title(db: Database, source_id: str, incoming: Source) -> bool:
    return _author(db, source_id) == normalise(incoming.author) and _alike(db, source_id, incoming)


def _alike(db: Database, source_id: str, incoming: Source) -> bool:
    title = db.rows("SELECT title FROM sources WHERE id=?", (source_id,))[0]["title"]
    return same_head(_letters(title), _letters(incoming.title))


def _author(db: Database, source_id: str) -> str:
    return normalise(db.rows("SELECT author FROM sources WHERE id=?", (source_id,))[0]["author"])


def _letters(title: str) -> str:
    return "".join(filter(str.isalnum, normalise(title)))


def _named(db: Database, incoming: Source) -> dict[str, float]:
    """By source, the share of its highlights that are among these."""
    ids = [outside for highlight in incoming.highlights for outside in highlight.outside_ids]
    named: Counter[str] = Counter()
    for row in db.rows(_NAMED, (json.dumps(ids),)) if ids else ():
        named[row["source_id"]] += not row["removed_at"]
    live = db.rows(_LIVE, (json.dumps(list(named)),)) if named else []
    return {row["source_id"]: named[row["source_id"]] / row["live"] for row in live}
