"""A cache: the style measures of texts that never change, by the id of their draft or event. Losing it costs only time."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from .database import Database, to_json


class MeasureStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, subjects: Sequence[str], *, version: int) -> dict[str, tuple[float, ...]]:
        """What is known of `subjects` under this version of the measures; what does not apply to a text is NaN."""
        found: dict[str, tuple[float, ...]] = {}
        for first in range(0, len(subjects), 500):  # SQLite limits the parameters of one statement
            some = subjects[first : first + 500]
            marks = ",".join("?" * len(some))
            for row in self._db.rows(f'SELECT subject, "values" FROM measures WHERE version=? AND subject IN ({marks})', (version, *some)):
                found[row["subject"]] = tuple(math.nan if value is None else value for value in json.loads(row["values"]))
        return found

    def put(self, rows: Mapping[str, Sequence[float]], *, version: int) -> None:
        """Remember rows; those of other versions are replaced."""
        plain = [(subject, version, to_json([None if math.isnan(value) else value for value in row])) for subject, row in rows.items()]
        if plain:
            with self._db.write() as connection:
                connection.executemany("INSERT OR REPLACE INTO measures VALUES (?, ?, ?)", plain)
