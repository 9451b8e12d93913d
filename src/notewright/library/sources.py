"""Mirrors of what was read: sources and highlights, upserted by outside id, never deleted.

Identity. A source is the one that already has one of the incoming outside ids, strongest first; failing those, the one with the same
title and author, unless both sides carry different ids of one exclusive kind (two books may share a title). Within a source a highlight
is matched by outside id, then by its text in normal form, then by where and when it was marked (an edited text without an id). So the
same highlight from a CSV and later from the API becomes one row, and that row keeps the id it got first.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from ..errors import NotFound
from ..records import Highlight, ImportReport, Source
from ..text import normalise
from .chapters import assign_chapters
from .database import Database, now, to_json

EXCLUSIVE_KINDS = ("readwise", "reader", "asin", "url")
HIGHLIGHT_FIELDS = (
    "text", "annotation", "tags", "location", "location_type", "chapter", "heading_level", "color", "url", "highlighted_at", "updated_at",
    "is_favorite", "is_discard",
)  # fmt: skip
SOURCE_FIELDS = (
    "title", "author", "kind", "app", "url", "readwise_url", "asin", "cover_url", "summary", "document_note", "tags",
)  # fmt: skip
_NEVER_EMPTIED = {
    "location",
    "location_type",
    "chapter",
    "color",
    "url",
    "highlighted_at",
    "updated_at",
}  # absent means unknown, not erased
_COLUMNS = ("id", "source_id", *HIGHLIGHT_FIELDS, "position", "text_key", "origins", "imported_at", "removed_at")
_INSERT = f"INSERT INTO highlights ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)})"
_UPDATE = f"UPDATE highlights SET {', '.join(f'{name}=:{name}' for name in _COLUMNS if name not in ('id', 'imported_at'))} WHERE id=:id"


def text_key(text: str) -> str:
    """Identity of a highlight's words: a hash of the normal form, equal across exporters' formatting."""
    return hashlib.blake2b(normalise(text).encode(), digest_size=12).hexdigest()


class SourceStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def upsert(
        self,
        sources: Iterable[Source],
        *,
        origin: str,
        complete: bool,
        carries: Iterable[str] = HIGHLIGHT_FIELDS,
        source_carries: Iterable[str] = SOURCE_FIELDS,
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Bring the mirror up to date in one transaction: all of it or nothing.

        `origin` names the importer (api, csv, markdown, kindle). `complete` says that each given source comes with all of its highlights,
        so that highlights known only from this origin and now absent are marked as removed. `carries` and `source_carries` are the
        fields this origin can express: others are left as they are. `progress` gets the number of highlights done so far.
        """
        with self._db.write() as connection:
            work = _Upsert(self._db, connection, origin, complete, frozenset(carries), frozenset(source_carries))
            for source in sources:
                work.source(source)
                if progress:
                    progress(work.seen)
            return work.report()

    def all(self, *, include_removed: bool = False) -> list[Source]:
        """Sources by title, without their highlights."""
        where = "" if include_removed else " WHERE removed_at=''"
        ids: dict[str, list[str]] = defaultdict(list)
        for row in self._db.rows("SELECT outside_id, source_id FROM source_ids ORDER BY outside_id"):
            ids[row["source_id"]].append(row["outside_id"])
        rows = self._db.rows(f"SELECT * FROM sources{where} ORDER BY title COLLATE NOCASE, id")
        return [_source(row, ids[row["id"]]) for row in rows]

    def get(self, source_id: str) -> Source:
        row = self._db.row("SELECT * FROM sources WHERE id=?", (source_id,))
        if row is None:
            raise NotFound(f"No source has the id {source_id!r}.", "List them with: notewright sources")
        ids = self._db.rows("SELECT outside_id FROM source_ids WHERE source_id=?", (source_id,))
        return _source(row, [found["outside_id"] for found in ids])

    def find(self, title: str) -> Source:
        """By id, exact title, then the only title that contains the words (case-insensitive). Raises NotFound naming near titles."""
        everything = self.all()
        wanted = normalise(title)
        for test in (
            lambda source: source.id == title or title in source.outside_ids,
            lambda source: normalise(source.title) == wanted,
            lambda source: bool(wanted) and wanted in normalise(source.title),
        ):
            hits = [source for source in everything if test(source)]
            if len(hits) == 1:
                return hits[0]
            if hits:
                names = "; ".join(f"{source.title} ({source.id})" for source in hits[:5])
                raise NotFound(f"{len(hits)} sources fit {title!r}: {names}", "Give the whole title or the id in brackets.")
        import difflib

        near = difflib.get_close_matches(title, [source.title for source in everything], n=3, cutoff=0.4)
        hint = f"Did you mean: {'; '.join(near)}?" if near else "List them with: notewright sources"
        raise NotFound(f"No source is called {title!r}.", hint)

    def highlights(self, source_id: str, *, chapter: str = "", marks: bool = False) -> list[Highlight]:
        """Highlights of a source in reading order; chapter marks only with `marks`; removed ones never."""
        rows = self._db.rows("SELECT * FROM highlights WHERE source_id=? AND removed_at='' ORDER BY position, id", (source_id,))
        found = [_highlight(row) for row in rows]
        return [item for item in found if (marks or not item.heading_level) and (not chapter or item.chapter == chapter)]

    def outside_ids(self) -> dict[str, list[str]]:
        """Outside ids by highlight id, for the whole library."""
        ids: dict[str, list[str]] = defaultdict(list)
        for row in self._db.rows("SELECT outside_id, highlight_id FROM highlight_ids"):
            ids[row["highlight_id"]].append(row["outside_id"])
        return ids

    def highlight(self, highlight_id: str) -> Highlight:
        row = self._db.row("SELECT * FROM highlights WHERE id=?", (highlight_id,))
        if row is None:
            raise NotFound(f"No highlight has the id {highlight_id!r}.")
        ids = self._db.rows("SELECT outside_id FROM highlight_ids WHERE highlight_id=?", (highlight_id,))
        return replace(_highlight(row), outside_ids=tuple(found["outside_id"] for found in ids))

    def get_state(self, key: str) -> str:
        return self._db.get_state(key)

    def set_state(self, key: str, value: str) -> None:
        self._db.set_state(key, value)


class _Upsert:
    """One import in progress. Memory is that of one source plus the sets of touched ids."""

    def __init__(
        self,
        db: Database,
        connection: sqlite3.Connection,
        origin: str,
        complete: bool,
        carries: frozenset[str],
        source_carries: frozenset[str],
    ) -> None:
        self._db, self._connection = db, connection
        self._origin, self._complete, self._carries, self._source_carries = origin, complete, carries, source_carries
        self._at = now()
        self._counts: Counter[str] = Counter()
        self.seen = 0

    def report(self) -> ImportReport:
        counts = self._counts
        return ImportReport(
            origin=self._origin, sources_added=counts["sources_added"], sources_updated=counts["sources_updated"], added=counts["added"],
            updated=counts["updated"], removed=counts["removed"], unchanged=counts["unchanged"],
        )  # fmt: skip

    def source(self, incoming: Source) -> None:
        source_id = self._resolve_source(incoming)
        before = {row["id"]: dict(row) for row in self._db.rows("SELECT * FROM highlights WHERE source_id=?", (source_id,))}
        after = {key: dict(row) for key, row in before.items()}
        matched = self._match(source_id, incoming.highlights, after)
        if self._complete:
            for key, row in after.items():
                if key not in matched and row["origins"] == self._origin and not row["removed_at"]:
                    row["removed_at"] = self._at
        if incoming.is_deleted:
            for row in after.values():
                row["removed_at"] = row["removed_at"] or self._at
        _place(list(after.values()))
        self._store(before, after)
        self.seen += len(incoming.highlights)

    def _resolve_source(self, incoming: Source) -> str:
        connection = self._connection
        title_id = (
            "title:" + hashlib.blake2b(f"{normalise(incoming.title)}|{normalise(incoming.author)}".encode(), digest_size=12).hexdigest()
        )
        ids = [*incoming.outside_ids, title_id]
        for outside in ids:
            for row in self._db.rows("SELECT source_id FROM source_ids WHERE outside_id=?", (outside,)):
                if outside == title_id and self._clashes(row["source_id"], incoming.outside_ids):
                    continue
                source_id: str = row["source_id"]
                self._update_source(source_id, incoming)
                connection.executemany("INSERT OR IGNORE INTO source_ids VALUES (?, ?)", [(item, source_id) for item in ids])
                return source_id
        source_id = ids[0] if ids[0] != title_id else "source:" + title_id.removeprefix("title:")
        values = [_column(incoming, name) for name in SOURCE_FIELDS]
        connection.execute(
            f"INSERT INTO sources (id, {', '.join(SOURCE_FIELDS)}, imported_at, removed_at) VALUES ({', '.join('?' * (len(values) + 3))})",
            (source_id, *values, self._at, self._at if incoming.is_deleted else ""),
        )
        connection.executemany("INSERT OR IGNORE INTO source_ids VALUES (?, ?)", [(item, source_id) for item in ids])
        self._counts["sources_added"] += 1
        return source_id

    def _clashes(self, source_id: str, outside_ids: tuple[str, ...]) -> bool:
        """Does the known source carry a different id of an exclusive kind?"""
        known: dict[str, set[str]] = defaultdict(set)
        for row in self._db.rows("SELECT outside_id FROM source_ids WHERE source_id=?", (source_id,)):
            known[row["outside_id"].partition(":")[0]].add(row["outside_id"])
        return any(known[kind] and item not in known[kind] for item in outside_ids if (kind := item.partition(":")[0]) in EXCLUSIVE_KINDS)

    def _update_source(self, source_id: str, incoming: Source) -> None:
        row = self._db.row("SELECT * FROM sources WHERE id=?", (source_id,))
        assert row is not None
        changes = {
            name: value for name in self._source_carries if (value := _column(incoming, name)) not in ("", "[]") and value != row[name]
        }
        if "title" in changes and normalise(incoming.title) == normalise(row["title"]):
            del changes["title"]
        if "kind" in changes and incoming.kind == "book":
            del changes["kind"]  # the default of formats that do not say
        removed = self._at if incoming.is_deleted else ""
        if bool(removed) != bool(row["removed_at"]):
            changes["removed_at"] = removed
        if changes:
            assignments = ", ".join(f"{name}=?" for name in changes)
            self._connection.execute(f"UPDATE sources SET {assignments} WHERE id=?", (*changes.values(), source_id))
            self._counts["sources_updated"] += 1

    def _match(self, source_id: str, incoming: Iterable[Highlight], rows: dict[str, dict[str, object]]) -> set[str]:
        """Merge incoming highlights into `rows` (id -> columns) and return the ids they ended up as."""
        by_text: dict[object, list[str]] = defaultdict(list)
        by_place: dict[object, list[str]] = defaultdict(list)
        for key, row in sorted(rows.items(), key=lambda item: (item[1]["removed_at"] != "", item[1]["position"])):
            by_text[row["text_key"]].append(key)
            by_place[(row["location"], row["highlighted_at"])].append(key)
        items = [(highlight, text_key(highlight.text)) for highlight in incoming]
        known = self._known_ids(highlight for highlight, _ in items)
        taken: set[str] = set()
        homes: list[str] = [""] * len(items)

        def settle(index: int, candidates: Iterable[str]) -> None:
            for key in candidates:
                if key not in taken and key in rows and not homes[index]:
                    homes[index] = key
                    taken.add(key)

        for index, (highlight, _) in enumerate(items):
            settle(index, [known[outside] for outside in highlight.outside_ids if outside in known])
        for index, (highlight, key) in enumerate(items):
            if not homes[index]:
                settle(index, [other for other in by_text[key] if not self._other_id(other, highlight)])
        for index, (highlight, _) in enumerate(items):
            if not homes[index] and highlight.highlighted_at:
                candidates = by_place[(highlight.location, highlight.highlighted_at)]
                settle(index, [other for other in candidates if not self._other_id(other, highlight)])
        for index, (highlight, key) in enumerate(items):
            homes[index] = homes[index] or self._new_id(source_id, highlight, key, rows)
            self._merge(source_id, homes[index], highlight, key, rows, index)
            taken.add(homes[index])
        return taken

    def _known_ids(self, incoming: Iterable[Highlight]) -> dict[str, str]:
        wanted = [outside for highlight in incoming for outside in highlight.outside_ids]
        known: dict[str, str] = {}
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            for row in self._db.rows(f"SELECT outside_id, highlight_id FROM highlight_ids WHERE outside_id IN ({marks})", part):
                known[row["outside_id"]] = row["highlight_id"]
        return known

    def _other_id(self, highlight_id: str, incoming: Highlight) -> bool:
        """Is the known row another highlight of the same exporter (a different id of the same kind)?"""
        kinds = {outside.partition(":")[0] for outside in incoming.outside_ids}
        if not kinds:
            return False
        rows = self._db.rows("SELECT outside_id FROM highlight_ids WHERE highlight_id=?", (highlight_id,))
        return any(row["outside_id"].partition(":")[0] in kinds and row["outside_id"] not in incoming.outside_ids for row in rows)

    def _new_id(self, source_id: str, highlight: Highlight, key: str, rows: dict[str, dict[str, object]]) -> str:
        if highlight.outside_ids:
            new_id = highlight.outside_ids[0]
        else:
            base = hashlib.blake2b(f"{source_id}|{key}".encode(), digest_size=9).hexdigest()
            new_id = f"highlight:{base}"
            number = 1
            while new_id in rows:
                number += 1
                new_id = f"highlight:{base}.{number}"
        rows[new_id] = {}
        return new_id

    def _merge(self, source_id: str, key: str, incoming: Highlight, words: str, rows: dict[str, dict[str, object]], index: int) -> None:
        row = rows[key]
        if not row:
            row.update({name: _column(incoming, name) for name in HIGHLIGHT_FIELDS})
            row.update(id=key, origins=self._origin, imported_at=self._at, text_key=words)
            row["position"] = index if self._complete else len(rows)
        else:
            for name in self._carries:
                if name == "text" and row["text_key"] == words:
                    continue  # the same words in another exporter's formatting
                value = _column(incoming, name)
                if name in _NEVER_EMPTIED and value in ("", None):
                    continue
                row[name] = value
            if row["text_key"] != words:
                row["text_key"] = words
            origins = set(str(row["origins"]).split(",")) | {self._origin}
            row["origins"] = ",".join(sorted(origins))
        row["source_id"] = source_id
        row["removed_at"] = (row.get("removed_at") or self._at) if incoming.is_deleted else ""
        row["outside_ids"] = incoming.outside_ids

    def _store(self, before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> None:
        new, changed, ids = [], [], []
        for key, row in after.items():
            outside = row.pop("outside_ids", ())
            assert isinstance(outside, tuple)
            ids += [(item, key) for item in outside]
            if key not in before:
                new.append(row)
                self._counts["added" if not row["removed_at"] else "unchanged"] += 1
            elif row != before[key]:
                changed.append(row)
                old = before[key]
                visible = [name for name in (*HIGHLIGHT_FIELDS, "source_id") if row[name] != old[name]]
                if row["removed_at"] and not old["removed_at"]:
                    self._counts["removed"] += 1
                elif visible or (old["removed_at"] and not row["removed_at"]):
                    self._counts["updated"] += 1
                else:
                    self._counts["unchanged"] += 1
            elif not row["removed_at"]:
                self._counts["unchanged"] += 1
        self._connection.executemany(_INSERT, new)
        self._connection.executemany(_UPDATE, changed)
        self._connection.executemany("INSERT OR IGNORE INTO highlight_ids VALUES (?, ?)", ids)


def _place(rows: list[dict[str, object]]) -> None:
    """Give rows their reading order and chapters. By location where every live row has one, else as the exporter listed them."""
    live = [row for row in rows if not row["removed_at"]]
    if all(row["location"] is not None for row in live):
        live.sort(key=lambda row: (row["location"], row["position"]))
    else:
        live.sort(key=lambda row: row["position"])  # type: ignore[arg-type, return-value]
    for position, row in enumerate(live):
        row["position"] = position
    assign_chapters(live)


def _column(record: Source | Highlight, name: str) -> object:
    value = getattr(record, name)
    if isinstance(value, tuple):
        return to_json(list(value))
    return int(value) if isinstance(value, bool) else value


def _source(row: sqlite3.Row, outside_ids: Iterable[str]) -> Source:
    values = {name: row[name] for name in SOURCE_FIELDS}
    values["tags"] = tuple(json.loads(row["tags"]))
    return Source(id=row["id"], is_deleted=bool(row["removed_at"]), outside_ids=tuple(outside_ids), **values)


def _highlight(row: sqlite3.Row) -> Highlight:
    values = {name: row[name] for name in HIGHLIGHT_FIELDS}
    values.update(tags=tuple(json.loads(row["tags"])), is_favorite=bool(row["is_favorite"]), is_discard=bool(row["is_discard"]))
    return Highlight(id=row["id"], source_id=row["source_id"], position=row["position"], is_deleted=bool(row["removed_at"]), **values)
