"""Mirrors of what was read: sources and highlights, upserted by outside id, never deleted.

`SourceStore` reads; its one write, `upsert`, is carried out by `merging.Merge`, which also says how identities are settled.
"""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from ..errors import NotFound
from ..records import Highlight, ImportReport, Source
from ..text import normalise
from .alike import HIGHLIGHT_FIELDS, text_key
from .database import Database
from .hidden import HiddenStore
from .merging import EXCLUSIVE_KINDS, SOURCE_FIELDS, Merge

__all__ = ["EXCLUSIVE_KINDS", "HIGHLIGHT_FIELDS", "SOURCE_FIELDS", "SourceStore", "text_key"]

NEAR = 70  # of 100: how alike a title must be to what was typed to be asked about


class SourceStore:
    def __init__(self, db: Database, hidden: HiddenStore) -> None:
        self._db, self._hidden = db, hidden

    def upsert(
        self,
        sources: Iterable[Source],
        *,
        origin: str,
        complete: bool,
        carries: Iterable[str] = HIGHLIGHT_FIELDS,
        source_carries: Iterable[str] = SOURCE_FIELDS,
        untitled: str = "Untitled",
        asked_at: str = "",
        written_at: str = "",
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Bring the mirror up to date in one transaction: all of it or nothing.

        `origin` names the importer (api, csv, markdown, kindle). `complete` says that each given source comes with all of its highlights,
        so that highlights known only from this origin and now absent are marked as removed. `carries` and `source_carries` are the
        fields this origin can express: others are left as they are. A source without a title is one of those known, by its ids or its
        highlights' words, and keeps the title it has; else it is called `untitled`. A highlight without text is not stored, and keeps what
        is stored at its place from counting as absent; a chapter mark without text ends the chapter above it. The report warns where most
        of a source counts as removed, and of what the person removed, which stays so. What was stored after `asked_at`, when this answer
        was asked for, does not count as absent from it. What Readwise says to have changed after `written_at`, when this file was written,
        stays as it is.
        `progress` gets the number of highlights done so far.
        """
        with self._db.write() as connection:
            work = Merge(
                self._db, connection, origin, complete, frozenset(carries), frozenset(source_carries), untitled, asked_at, written_at
            )
            for source in sources:
                work.source(source)
                if progress:
                    progress(work.seen)
            report = work.finish()
            return replace(report, warnings=(*report.warnings, *self._hidden.imported(work.told, work.touched)))

    def all(self, *, include_removed: bool = False) -> list[Source]:
        """Sources by title, without their highlights; those that vanished or that the person removed only with `include_removed`."""
        table = "sources" if include_removed else "live_sources"
        ids: dict[str, list[str]] = defaultdict(list)
        for row in self._db.rows("SELECT outside_id, source_id FROM source_ids ORDER BY outside_id"):
            ids[row["source_id"]].append(row["outside_id"])
        rows = self._db.rows(f"SELECT * FROM {table} ORDER BY plain(title), id")
        return [source_from_row(row, ids[row["id"]]) for row in rows]

    def files(self) -> set[str]:
        """Where in the vault (or below which folder) the files of Markdown exports lay when they were imported."""
        rows = self._db.rows("SELECT outside_id FROM source_ids WHERE outside_id LIKE 'file:%'")
        return {str(row["outside_id"]).removeprefix("file:") for row in rows}

    def get(self, source_id: str) -> Source:
        row = self._db.row("SELECT * FROM sources WHERE id=?", (source_id,))
        if row is None:
            raise NotFound(f"No source has the id {source_id!r}.", "List them with: notewright sources")
        ids = self._db.rows("SELECT outside_id FROM source_ids WHERE source_id=?", (source_id,))
        return source_from_row(row, [found["outside_id"] for found in ids])

    def find(self, title: str, *, among: Collection[str] | None = None) -> Source:
        """By id, exact title, then the only title that contains the words (case-insensitive); of those with these ids, if given, whether
        they are there or removed. Raises NotFound naming near titles, or how one that the person removed comes back."""
        removed = self._hidden.sources() if among is None else among
        gone = [source for source in self.all(include_removed=True) if source.id in removed] if removed else []
        everything = self.all() if among is None else gone
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
            for source in filter(test, gone):  # before looser tests find another one
                raise NotFound(f"You removed {source.title!r}.", f"To have it back: notewright sources restore {shlex.quote(source.title)}")
        near = near_titles(title, {source.title: normalise(source.title) for source in everything})
        called, where = ("No source is", "") if among is None else ("You removed no source that is", " restore")
        hint = f"Did you mean: {'; '.join(near)}?" if near else f"List them with: notewright sources{where}"
        raise NotFound(f"{called} called {title!r}.", hint)

    def highlights(self, source_id: str, *, chapter: str = "", marks: bool = False) -> list[Highlight]:
        """Highlights of a source in reading order; chapter marks only with `marks`; those that vanished or were removed never."""
        rows = self._db.rows("SELECT * FROM live_highlights WHERE source_id=? ORDER BY position, id", (source_id,))
        named: dict[str, list[str]] = defaultdict(list)
        query = "SELECT i.* FROM highlights h JOIN highlight_ids i ON i.highlight_id=h.id WHERE h.source_id=?"
        for name in self._db.rows(query, (source_id,)):
            named[name["highlight_id"]].append(name["outside_id"])
        found = [_highlight(row, named[row["id"]]) for row in rows]
        return [item for item in found if (marks or not item.heading_level) and (not chapter or item.chapter == chapter)]

    def all_highlights(self) -> dict[str, list[Highlight]]:
        """As `highlights`, by source, for the whole library in one go."""
        found: dict[str, list[Highlight]] = defaultdict(list)
        for row in self._db.rows("SELECT * FROM live_highlights WHERE heading_level=0 ORDER BY source_id, position, id"):
            found[row["source_id"]].append(_highlight(row))
        return found

    def discarded(self) -> list[str]:
        """The ids of highlights that were discarded where they were read."""
        return [row["id"] for row in self._db.rows("SELECT id FROM live_highlights WHERE is_discard ORDER BY id")]

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
        return _highlight(row, [found["outside_id"] for found in ids])

    def known_highlights(self, ids: Iterable[str]) -> list[Highlight]:
        """Those of `ids` that there are, removed ones too."""
        query = "SELECT * FROM highlights WHERE id IN (SELECT value FROM json_each(?)) ORDER BY source_id, position, id"
        return [_highlight(row) for row in self._db.rows(query, (json.dumps(list(ids)),))]

    def get_state(self, key: str) -> str:
        return self._db.get_state(key)

    def set_state(self, key: str, value: str) -> None:
        self._db.set_state(key, value)


def near_titles(typed: str, titles: Mapping[str, str]) -> list[str]:
    """Those that may have been meant, the nearest first; `titles` with their normal forms."""
    from rapidfuzz import fuzz, process

    return [title for _, _, title in process.extract(normalise(typed), titles, scorer=fuzz.WRatio, score_cutoff=NEAR, limit=3)]


def source_from_row(row: sqlite3.Row, outside_ids: Iterable[str]) -> Source:
    values = {name: row[name] for name in SOURCE_FIELDS}
    values["tags"] = tuple(json.loads(row["tags"]))
    return Source(id=row["id"], is_deleted=bool(row["removed_at"]), outside_ids=tuple(outside_ids), **values)


def _highlight(row: sqlite3.Row, outside_ids: Iterable[str] = ()) -> Highlight:
    tags = row["tags"]
    return Highlight(  # spelled out: a large library has very many of them
        text=row["text"], id=row["id"], source_id=row["source_id"], annotation=row["annotation"],
        tags=tuple(json.loads(tags)) if tags != "[]" else (), location=row["location"], location_type=row["location_type"],
        chapter=row["chapter"], heading_level=row["heading_level"], color=row["color"], url=row["url"],
        highlighted_at=row["highlighted_at"], updated_at=row["updated_at"], is_favorite=bool(row["is_favorite"]),
        is_discard=bool(row["is_discard"]), is_deleted=bool(row["removed_at"]), position=row["position"],
        outside_ids=tuple(outside_ids),
    )  # fmt: skip
