"""The connection: WAL, foreign keys, busy timeout, numbered migrations, short write transactions, friendly ids."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

from ..errors import Busy, Invalid, NotewrightError, Unavailable
from ..files import whole
from ..text import plain
from .migrations import MIGRATIONS

_ROOM = 1_000_000  # bytes; with fewer the trouble is the disk's
SEEN = "(batch_id NOT IN (SELECT batch_id FROM unseen))"  # of drafts: somebody asked for them, or looked at them since
TEACHES = 0.6  # from this score on a pair teaches without being accepted
TEACHING = f"(status='accepted' OR status='proposed' AND score>={TEACHES} AND method<>'hand')"


def now() -> str:
    """UTC, ISO 8601, microseconds."""
    return datetime.now(UTC).isoformat()


def to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Database:
    """One SQLite file. Opening applies pending migrations, each in one transaction with its record, after copying the file."""

    def __init__(self, path: Path, *, backups: Path) -> None:
        self.path = path
        self._advice = f"Put a copy back (docs/your-data.md; {backups} may have one), or move the file away."
        try:
            self.connection = sqlite3.connect(path, timeout=15, isolation_level=None, check_same_thread=False)
            self.connection.row_factory = sqlite3.Row
            self.connection.create_function("plain", 1, plain, deterministic=True)  # SQLite's own lower() and LIKE know ASCII only
            self.connection.create_function("crc32", 1, lambda text: crc32(text.encode()), deterministic=True)
            self.connection.execute("PRAGMA journal_mode=WAL")
            # A verb that has returned has told the person that their action is kept: it must survive a power cut, not only a crash.
            self.connection.execute("PRAGMA synchronous=FULL")
            self.connection.execute("PRAGMA foreign_keys=ON")
            self._migrate(backups)
        except sqlite3.DatabaseError as error:
            raise (self.explain(error) or Invalid(f"{path} is not a notewright library: {error}.", self._advice)) from error

    def _migrate(self, backups: Path) -> None:
        self.connection.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)")
        applied = self._applied()
        unknown = applied - {number for number, _ in MIGRATIONS}
        if unknown:
            raise Invalid(
                f"{self.path} was written by a newer notewright (migration {max(unknown)}).",
                f"Upgrade: pip install --upgrade notewright. Or put back the copy of before, from {backups} (docs/your-data.md).",
            )
        pending = [(number, script) for number, script in MIGRATIONS if number not in applied]
        if pending and applied:
            with self.write():
                if self._applied() == applied:  # else another process is faster, and has made the copy
                    self._copy(backups, pending[0][0])
        for number, script in pending:
            with self.write():
                # Another process may have migrated between our look and our lock.
                if self.connection.execute("SELECT 1 FROM migrations WHERE number=?", (number,)).fetchone():
                    continue
                for statement in _statements(script):
                    self.connection.execute(statement)
                self.connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, now()))

    def _applied(self) -> set[int]:
        return {row["number"] for row in self.connection.execute("SELECT number FROM migrations")}

    def _copy(self, backups: Path, number: int) -> None:
        backups.mkdir(parents=True, exist_ok=True)
        # By a connection of its own: from the one that holds the lock SQLite copies nothing.
        with whole(backups / f"library-before-migration-{number:04d}.db") as part:
            part.unlink(missing_ok=True)  # of one that was killed; SQLite would go on with it
            with closing(sqlite3.connect(self.path)) as read, closing(sqlite3.connect(part)) as copy:
                read.backup(copy)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One short write transaction; nested use joins the outer one. Rolled back on any exception, Ctrl-C included."""
        if self.connection.in_transaction:
            yield self.connection
            return
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise self._trouble(error, writing=True) from error
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:  # SQLite itself rolls back when the disk is full
                self.connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and _is_outside(error):
                raise self._trouble(error, writing=True) from error
            raise

    def _trouble(self, error: sqlite3.OperationalError, *, writing: bool) -> NotewrightError:
        """With `writing` a transaction was rolled back; what the same verb wrote before it is another matter."""
        if "locked" in str(error) or "busy" in str(error):
            return Busy(f"The library {self.path} is in use by another process.", "Wait for it to finish and try again.")
        hint = "The disk is full: make room on it, and try again." if self._is_full() else "Check the disk and its permissions."
        if writing:
            return Unavailable(f"The library {self.path} cannot be written: {error}. Nothing of this step was kept.", hint)
        done = "written" if "readonly" in str(error) or "is full" in str(error) else "read"
        return Unavailable(f"The library {self.path} cannot be {done}: {error}.", hint)

    def _is_full(self) -> bool:
        try:
            return shutil.disk_usage(self.path.parent).free < _ROOM
        except OSError:
            return False

    def explain(self, error: BaseException | None) -> NotewrightError | None:
        """What the person can do about it, where the disk, another process or a damaged file is to blame; else None."""
        if isinstance(error, sqlite3.OperationalError) and _is_outside(error):
            return self._trouble(error, writing=False)  # what is written is told of in `write`: something was read, or the file opened
        if type(error) is sqlite3.DatabaseError:  # SQLite's words for a damaged file and for one that never was a library
            return Invalid(f"{self.path} is damaged, or not a notewright library: {error}.", self._advice)
        return None

    def check(self) -> None:
        """Raises Invalid where the file is damaged."""
        try:
            told = str(self.connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.DatabaseError as error:
            told = str(error)
        if told != "ok":
            raise Invalid(f"{self.path} is damaged: {' '.join(told.split())}.", self._advice)

    def rows(self, query: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
        return self.connection.execute(query, tuple(parameters)).fetchall()

    def row(self, query: str, parameters: Iterable[Any] = ()) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.connection.execute(query, tuple(parameters)).fetchone()
        return found

    def next_id(self, prefix: str, *, folder: str = "") -> str:
        """`prefix-1`, `prefix-2`, …: short enough to type, never given twice. Call inside `write`.

        Names that something in the home's `folder` has are passed over: an older copy of the library that was put back knows nothing of it.
        """
        while True:
            number = self.connection.execute(
                "INSERT INTO counters VALUES (?, 1) ON CONFLICT (prefix) DO UPDATE SET last = last + 1 RETURNING last", (prefix,)
            ).fetchone()[0]
            name = f"{prefix}-{number}"
            if not folder or not (self.path.parent / folder / name).exists():
                return name

    def get_state(self, key: str) -> str:
        """A remembered value such as a sync cursor; empty when never set."""
        row = self.row("SELECT value FROM state WHERE key=?", (key,))
        return row["value"] if row else ""

    def set_state(self, key: str, value: str) -> None:
        with self.write() as connection:
            connection.execute("INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value", (key, value))

    def material(self) -> int:
        """Another number whenever a source, highlight, passage, pair or a pair's link was added, changed or removed."""
        return int(self.rows("SELECT changes FROM material")[0]["changes"])

    def counts(self) -> dict[str, int]:
        queries = {
            "sources": "SELECT count(*) FROM live_sources",
            "sources_removed": "SELECT count(*) FROM sources WHERE id IN (SELECT id FROM hidden)",
            "highlights": "SELECT count(*) FROM live_highlights WHERE heading_level=0",
            "chapter_marks": "SELECT count(*) FROM live_highlights WHERE heading_level>0",
            "notes": "SELECT count(*) FROM notes WHERE removed_at=''",
            "passages": "SELECT count(*) FROM passages",
            "pairs": "SELECT count(*) FROM live_pairs WHERE status<>'rejected'",
            "pairs_accepted": "SELECT count(*) FROM live_pairs WHERE status='accepted'",
            "pairs_teaching": f"SELECT count(*) FROM live_pairs WHERE {TEACHING}",
            "datasets": "SELECT count(*) FROM datasets",
            "models": "SELECT count(*) FROM models",
            "drafts": f"SELECT count(*) FROM live_drafts WHERE shown AND {SEEN}",
            "rankings": f"SELECT count(DISTINCT subject) FROM events WHERE kind='ranking' AND id NOT IN ({_UNDONE})",
            "events": "SELECT count(*) FROM events",
        }
        return {name: self.connection.execute(query).fetchone()[0] for name, query in queries.items()}

    def close(self) -> None:
        self.connection.close()


_UNDONE = "SELECT taken.value FROM events, json_each(payload, '$.events') AS taken WHERE kind='undo'"


def _is_outside(error: sqlite3.OperationalError) -> bool:
    """Is the disk or another process to blame, rather than our SQL?"""
    return any(words in str(error) for words in ("locked", "busy", "full", "readonly", "disk I/O", "unable to open"))


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise AssertionError(f"unfinished migration statement: {statement[:80]}")
