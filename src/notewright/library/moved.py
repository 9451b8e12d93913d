"""Highlights that are in another source than before: two books were merged, or a short one got another title, and the export has no ids."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Set

from ..records import Highlight
from .alike import HIGHLIGHT_FIELDS, likeness
from .database import Database

_LONG = 40  # letters of a highlight that hardly another one has by chance
_FEW = 5  # highlights of one second; more were brought in at once, and their time tells nothing
_PAIRS = """
SELECT new.id AS new_id, old.id AS old_id FROM highlights new
JOIN highlights old ON {alike} AND old.source_id<>new.source_id AND old.imported_at<>new.imported_at
WHERE new.imported_at=? AND new.heading_level=0 AND old.heading_level=0 AND new.removed_at='' AND {sure}
    AND old.source_id NOT IN (SELECT id FROM hidden) AND old.id NOT IN (SELECT id FROM hidden)
    AND NOT EXISTS (
        SELECT 1 FROM highlight_ids a JOIN highlight_ids b ON substr(a.outside_id, 1, instr(a.outside_id, ':'))
            =substr(b.outside_id, 1, instr(b.outside_id, ':')) WHERE a.highlight_id=new.id AND b.highlight_id=old.id
    )
ORDER BY new.position, new.id, old.removed_at<>'', old.position, old.id
"""
# Of the same words two things more have to be so: the same place, the same second, or many words; and nothing may speak against it.
_SAME = _PAIRS.format(
    alike="old.text_key=new.text_key",
    sure="ifnull(new.location=old.location, 1)"
    " AND (new.highlighted_at=old.highlighted_at OR '' IN (new.highlighted_at, old.highlighted_at))"
    " AND ifnull(new.location=old.location, 0) + (new.highlighted_at=old.highlighted_at AND new.highlighted_at<>'')"
    f" + (length(new.text)>={_LONG}) > 1",
)
# Those that were edited as well stand at the same place since the same second, and have nearly the same words.
_EDITED = _PAIRS.format(
    alike="old.highlighted_at=new.highlighted_at",
    sure="new.location IS old.location AND new.highlighted_at<>'' AND new.highlighted_at IN"
    f" (SELECT highlighted_at FROM highlights GROUP BY highlighted_at HAVING count(*)<={_FEW})",
)


def moved(db: Database, at: str, touched: Set[str]) -> list[tuple[sqlite3.Row, sqlite3.Row]]:
    """(A highlight stored by the import of this time, the one of another source that it is), where that is not among those `touched`."""
    taken: set[str] = set()
    found = []
    for query in (_SAME, _EDITED):
        for row in db.rows(query, (at,)):
            if row["old_id"] in touched or not taken.isdisjoint(row):
                continue
            new, old = (db.row("SELECT * FROM highlights WHERE id=?", (key,)) for key in row)
            assert new
            assert old
            if query == _SAME or likeness(as_given(new, ()), dict(old)):
                taken.update(row)
                found.append((new, old))
    return found


def as_given(row: sqlite3.Row, outside_ids: tuple[str, ...]) -> Highlight:
    """The highlight as the import gave it that has just stored this row."""
    fields = {name: row[name] for name in HIGHLIGHT_FIELDS} | {"tags": tuple(json.loads(row["tags"]))}
    return Highlight(**fields, outside_ids=outside_ids)
