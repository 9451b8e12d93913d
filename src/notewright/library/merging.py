"""How one import is merged into the mirror: whose highlight is this, which fields may change, what is gone, in which order it reads.

Identity of a source, first hit wins: an outside id, strongest first; the highlights' own outside ids; the same title and author; the same
words under a title that was shortened or renamed. Never one that carries a different id of an equally strong or stronger kind: two books
may share a title. Identity of a highlight within its source: an outside id; its words in normal form; where and when it was marked (an
edited text without an id); nearly the same words at the same place. So one highlight from a CSV, from the API and from a Markdown export
becomes one row, in any order, and that row keeps the id it got first. What is new in its source in the end, and gone from another one, with
the same words and place or time, has moved there (`moved`).

Exporters differ in what they can express and how they format it. `RANK` says whose form wins when two say the same in other words, so
that importing the lesser export again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter, itemgetter

from ..records import Highlight, ImportReport, Source
from ..text import normalise
from .alike import HIGHLIGHT_FIELDS, Row, apart, column, conflicts, differences, match_edited, same_form, same_head, text_key
from .chapters import place, without_ends
from .database import Database, now
from .digests import is_digest, take_title, was_digest, without_held
from .moved import as_given, moved

EXCLUSIVE_KINDS = ("readwise", "reader", "asin", "url")
SOURCE_FIELDS = (
    "title", "author", "kind", "app", "url", "readwise_url", "asin", "cover_url", "summary", "document_note", "tags",
)  # fmt: skip
RANK = {"kindle": 0, "markdown": 1, "csv": 2, "api": 3}
_TRUSTED = RANK["csv"]  # from here on an empty annotation means that there is none
# Absent means unknown, not erased:
_NEVER_EMPTIED = {"location", "location_type", "chapter", "color", "url", "highlighted_at", "updated_at"}
_EMPTIED_BY_TRUSTED = {"tags", "summary", "document_note"}
_FORMATTED = {"text", "annotation", "tags"}
_COLUMNS = ("id", "source_id", *HIGHLIGHT_FIELDS, "position", "text_key", "origins", "imported_at", "removed_at")
_VISIBLE = (*HIGHLIGHT_FIELDS, "source_id")
_INSERT = f"INSERT INTO highlights ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)})"
_UPDATE = f"UPDATE highlights SET {', '.join(f'{name}=:{name}' for name in _COLUMNS if name not in ('id', 'imported_at'))} WHERE id=:id"

_MANY = 5  # highlights; where so many and most of a source's are gone, the report says so


@lru_cache(maxsize=64)
def _rank(origins: str) -> int:
    return max(RANK.get(origin, RANK["markdown"]) for origin in origins.split(","))


class Merge:
    """One import in progress. Memory is that of one source plus the ids touched so far."""

    def __init__(
        self,
        db: Database,
        connection: sqlite3.Connection,
        origin: str,
        complete: bool,
        carries: frozenset[str],
        source_carries: frozenset[str],
        untitled: str = "Untitled",
        asked_at: str = "",
        written_at: str = "",
    ) -> None:
        self._asked_at, self._written_at = asked_at, written_at
        self._db, self._connection = db, connection
        self._origin, self._complete, self._source_carries, self._untitled = origin, complete, source_carries, untitled
        self._carries = tuple(name for name in HIGHLIGHT_FIELDS if name in carries)
        # Without tags, which rows hold as JSON: a whole highlight and its row in one comparison.
        plain = [name for name in self._carries if name != "tags"] or ["text"]
        self._of_highlight, self._of_row = attrgetter(*plain), itemgetter(*plain)
        self._my_rank = _rank(origin)
        self._at = now()
        self._counts: Counter[str] = Counter()
        self.touched: set[str] = set()
        self.told: dict[str, Row] = {}  # the sources that this import has told of, as they were before; empty for a new one
        self._given: set[str] = set()  # outside ids of highlights that this import has stored
        self._gone: dict[str, tuple[str, int]] = {}  # highlight id -> its source, and how many that source had; of a chapter mark 0
        self._titles: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for key, title, author in db.rows("SELECT id, title, author FROM sources"):
            self._titles[title.casefold()].append((key, author.casefold()))
        self._was_empty = self._began_empty = not self._titles
        self._sources_of_words: dict[str, str] | None = None
        self._left: set[str] = set()  # sources that highlights have left for another one
        self._guessed = False  # is a source known by its highlights alone?
        self._listed = complete  # does what is being merged list all of its source's highlights?
        self.seen = 0

    def finish(self) -> ImportReport:
        """Mark what vanished, now that everything was seen, and say what changed."""
        if self._counts["added"] and not self._began_empty:
            for new, old in moved(self._db, self._at, self.touched):
                self._move(new, old)
        gone = sorted(self._gone.keys() - self.touched)
        self._connection.executemany("UPDATE highlights SET removed_at=? WHERE id=?", [(self._at, key) for key in gone])
        self._close_left()
        counts = self._counts
        marks = sum(not self._gone[key][1] for key in gone)
        known = {key: row for key, row in self.told.items() if row}
        sources_updated = sum(dict(row) != known[row["id"]] for row in self._in("SELECT * FROM sources WHERE id IN ({})", list(known)))
        return ImportReport(
            origin=self._origin, sources_added=counts["sources_added"], sources_updated=sources_updated, added=counts["added"],
            updated=counts["updated"], removed=counts["removed"] + len(gone) - marks, unchanged=counts["unchanged"],
            warnings=tuple(self._mostly_gone(gone)), marks_changed=counts["marks"] + marks,
        )  # fmt: skip

    def _move(self, new: sqlite3.Row, old: sqlite3.Row) -> None:
        """What was stored as a new highlight is one that was in another source: it is that, and where the better exporter says it is."""
        connection, row = self._connection, dict(old)
        self._merge_known(old["source_id"], row, as_given(new, tuple(self._outside_ids(new["id"]))), new["text_key"])
        if self._my_rank >= _rank(old["origins"]):
            row |= {name: new[name] for name in ("source_id", "position", "chapter")}
        connection.execute("UPDATE highlight_ids SET highlight_id=? WHERE highlight_id=?", (old["id"], new["id"]))
        connection.execute("DELETE FROM highlights WHERE id=?", (new["id"],))
        connection.execute(_UPDATE, row)
        self._left |= {new["source_id"], old["source_id"]}
        self.touched.add(old["id"])
        self._counts["added"] -= 1
        changed = old["removed_at"] != row["removed_at"] or any(row[name] != old[name] for name in _VISIBLE)
        self._counts["updated" if changed else "unchanged"] += not row["removed_at"]

    def _close_left(self) -> None:
        """A source that all of its highlights have left is there no more."""
        empty = "removed_at='' AND NOT EXISTS (SELECT 1 FROM highlights WHERE source_id=sources.id AND removed_at='')"
        for row in self._in(f"SELECT * FROM sources WHERE id IN ({{}}) AND {empty}", sorted(self._left)):
            was = self.told.setdefault(row["id"], dict(row))  # nothing, of one that this import has made
            self._counts["sources_added"] -= not was
            self._connection.execute("UPDATE sources SET removed_at=? WHERE id=?", (was.get("removed_at") or self._at, row["id"]))

    def _mostly_gone(self, gone: list[str]) -> Iterable[str]:
        for (source_id, had), lost in Counter(self._gone[key] for key in gone).items():
            row = self._db.row("SELECT title FROM sources WHERE id=?", (source_id,))
            if row and had and lost >= _MANY and 2 * lost > had:
                yield (
                    f"{row['title']}: {lost} of its {had} highlights are not in this import and count as removed;"
                    " nothing is erased, and importing all of them again brings them back"
                )

    def source(self, incoming: Source) -> None:
        incoming, ends = without_ends(incoming)
        unread = [item for item in incoming.highlights if not item.text and not item.is_deleted]
        if unread:
            incoming = replace(incoming, highlights=tuple(item for item in incoming.highlights if item.text or item.is_deleted))
        if self._was_empty and any(item in self._given for highlight in incoming.highlights for item in highlight.outside_ids):
            self._was_empty = False  # two files of one export may name the same highlight
        if not incoming.title and not self._own_ids(incoming):
            parts, incoming = self._by_owner(incoming)
            for source_id, part in parts.items():
                self._update_source(source_id, part)
                self._highlights(source_id, part, complete=False)
            if not incoming.highlights:
                return
        digest = not self._was_empty and not self._own_ids(incoming) and is_digest(self._db, incoming, self._of_title(incoming))
        if digest:
            incoming = self._without_held(incoming)
            if not any(item.text and not item.heading_level for item in incoming.highlights):
                return
        source_id = self._resolve_source(incoming)
        if unread:
            self.touched.update(self._at_places(source_id, unread))
        self._highlights(source_id, incoming, complete=self._complete and not (digest or self._guessed), ends=ends)

    def _highlights(self, source_id: str, incoming: Source, *, complete: bool, ends: Sequence[Highlight] = ()) -> None:
        self._listed = complete
        found = self._db.rows("SELECT * FROM highlights WHERE source_id=?", (source_id,))
        self.seen += len(incoming.highlights)
        if found and not ends and self._as_before(incoming, found):
            self._counts["unchanged"] += sum(not row["heading_level"] for row in found)
            self.touched.update(row["id"] for row in found)
            self._was_empty = False
            return
        before: dict[str, Row] = {row["id"]: dict(row) for row in found}
        after = {key: row.copy() for key, row in before.items()}
        self._was_empty = self._was_empty and not before
        homes = self._match(source_id, incoming, before, after)
        # Those of now too: what was removed once may still have the chapter of a mark that has come back since.
        marks = {" ".join(str(row["text"]).split()) for row in (*before.values(), *after.values()) if row["heading_level"]}
        self.touched.update(homes)
        live = {key: row for key, row in after.items() if row["source_id"] == source_id and not row["removed_at"]}
        gone = set()
        for key, row in live.items():
            if incoming.is_deleted:
                row["removed_at"] = self._at
            elif complete and key not in self.touched and row["origins"] == self._origin and not self._is_newer(row):
                gone.add(key)
        own = {key: row for key, row in live.items() if key not in gone}
        self._reorder(homes, own)
        if own and not incoming.is_deleted:
            self._connection.execute("UPDATE sources SET removed_at='' WHERE id=? AND removed_at<>''", (source_id,))
        for row in own.values():
            if row["chapter"] and row["chapter"] in marks:
                row["chapter"] = ""  # it came from a mark, which may be gone
        ending = {key for key, highlight in zip(homes, incoming.highlights, strict=True) if any(item is highlight for item in ends)}
        place(list(own.values()), ending)
        self._store(before, after, gone)
        had = sum(not row["heading_level"] for row in live.values())
        self._gone |= {key: (source_id, 0 if live[key]["heading_level"] else had) for key in gone}

    def _as_before(self, incoming: Source, found: list[sqlite3.Row]) -> bool:
        """Does the mirror hold exactly these highlights in this order? The usual case of a second import, told cheaply."""
        if len(found) != len(incoming.highlights) or incoming.is_deleted:
            return False
        tagged = "tags" in self._carries
        for highlight, row in zip(incoming.highlights, sorted(found, key=itemgetter("position")), strict=True):
            if row["removed_at"] or self._of_highlight(highlight) != self._of_row(row) or self._origin not in row["origins"].split(","):
                return False
            if highlight.outside_ids or highlight.is_deleted or (tagged and column(highlight, "tags") != row["tags"]):
                return False
            if highlight.is_favorite > row["is_favorite"] or highlight.is_discard > row["is_discard"]:
                return False
        return True

    # -- which source

    def _own_ids(self, incoming: Source) -> list[str]:
        """Where an export lay says nothing of what it is (files are moved and renamed): `file:` ids are kept, never matched by."""
        return [item for item in incoming.outside_ids if not item.startswith("file:")]

    def _title_id(self, incoming: Source) -> str:
        name = f"{normalise(incoming.title or self._untitled)}|{normalise(incoming.author)}"
        return "title:" + hashlib.blake2b(name.encode(), digest_size=12).hexdigest()

    def _resolve_source(self, incoming: Source) -> str:
        connection = self._connection
        title_id, own = self._title_id(incoming), self._own_ids(incoming)
        ids = own if own and not incoming.title else [*own, title_id]  # a title that nothing gave is nobody's
        source_id = self._known_source(incoming, ids, title_id)
        if source_id:
            self._update_source(source_id, incoming)
        else:
            source_id = ids[0] if ids[0] != title_id else "source:" + title_id.removeprefix("title:")
            while self._db.row("SELECT 1 FROM sources WHERE id=?", (source_id,)):
                source_id += "+"
            incoming = replace(incoming, title=incoming.title or self._untitled, kind=incoming.kind or "book")
            values = [column(incoming, name) for name in SOURCE_FIELDS]
            marks = ", ".join("?" * (len(values) + 3))
            connection.execute(
                f"INSERT INTO sources (id, {', '.join(SOURCE_FIELDS)}, imported_at, removed_at) VALUES ({marks})",
                (source_id, *values, self._at, self._at if incoming.is_deleted else ""),
            )
            self._titles[incoming.title.casefold()].append((source_id, incoming.author.casefold()))
            self._counts["sources_added"] += not incoming.is_deleted
            self.told[source_id] = {}
        known_as = dict.fromkeys([*ids, *incoming.outside_ids])
        connection.executemany("INSERT OR IGNORE INTO source_ids VALUES (?, ?)", [(item, source_id) for item in known_as])
        return source_id

    def _of_title(self, incoming: Source) -> str:
        row = self._db.row("SELECT source_id FROM source_ids WHERE outside_id=?", (self._title_id(incoming),))
        return str(row["source_id"]) if row else ""

    def _without_held(self, incoming: Source) -> Source:
        """A digest without what is told of in its books. Where it lies is kept, so that it is no note of the person's."""
        rest, rows = without_held(self._db, incoming, self._of_title(incoming))
        self.touched.update(row["id"] for row in rows)
        self.seen += len(incoming.highlights) - len(rest.highlights)
        self._counts["unchanged"] += sum(not row["removed_at"] for row in rows)
        known_as = [(item, row["source_id"]) for row in rows[:1] for item in incoming.outside_ids]
        self._connection.executemany("INSERT OR IGNORE INTO source_ids VALUES (?, ?)", known_as)
        return rest

    def _by_owner(self, incoming: Source) -> tuple[dict[str, Source], Source]:
        """Highlights that nothing says the source of, by the source that holds their words; and those that none holds."""
        own = self._of_title(incoming)
        writers: dict[str, str] = {}
        parts: dict[str, list[Highlight]] = defaultdict(list)
        for highlight in incoming.highlights:
            owner = self._owner_of_words(highlight)
            if owner and owner not in writers:
                found = self._db.row("SELECT author FROM sources WHERE id=?", (owner,))
                writers[owner] = normalise(found["author"]) if found else ""
            fits = owner and owner != own and normalise(incoming.author) in ("", writers[owner])
            parts[owner if fits else ""].append(highlight)
        rest = replace(incoming, highlights=tuple(parts.pop("", ())))
        return {owner: replace(incoming, highlights=tuple(items)) for owner, items in parts.items()}, rest

    def _at_places(self, source_id: str, unread: Iterable[Highlight]) -> Iterable[str]:
        """The highlights that those without text may be: all that are where and when they were marked, as far as that is said."""
        rows = self._db.rows("SELECT id, location, highlighted_at FROM highlights WHERE source_id=?", (source_id,))
        for item in unread:
            for row in rows:
                moved = item.location is not None and row["location"] is not None and item.location != row["location"]
                if not moved and (not item.highlighted_at or row["highlighted_at"] in ("", item.highlighted_at)):
                    yield row["id"]

    def _known_source(self, incoming: Source, ids: list[str], title_id: str) -> str:
        self._guessed = False
        for number, outside in enumerate(dict.fromkeys([*ids, title_id])):
            if outside == title_id and not self._was_empty:
                owners = Counter(self._owners(incoming))
                for source_id, _ in owners.most_common(1):
                    strong = [item for item in ids if not item.startswith("url:")]
                    if not self._clashes(source_id, strong) and not was_digest(self._db, source_id, incoming):
                        self._guessed = self._of_title(incoming) != source_id
                        take_title(self._db, self._connection, source_id, incoming)
                        return source_id
            if number >= len(ids):
                break
            for row in self._db.rows("SELECT source_id FROM source_ids WHERE outside_id=?", (outside,)):
                found: str = row["source_id"]
                if not self._clashes(found, ids[:number]):
                    return found
        return "" if self._was_empty else self._by_words(incoming, ids)

    def _owners(self, incoming: Source) -> list[str]:
        wanted = [outside for highlight in incoming.highlights for outside in highlight.outside_ids]
        return [row["source_id"] for row in self._in("SELECT h.source_id FROM highlight_ids i JOIN highlights h ON h.id=i.highlight_id"
                                                     " WHERE i.outside_id IN ({})", wanted)]  # fmt: skip

    def _clashes(self, source_id: str, outside_ids: list[str]) -> bool:
        """Does the known source carry a different id of an exclusive kind?"""
        if not outside_ids:
            return False
        known: dict[str, set[str]] = defaultdict(set)
        for row in self._db.rows("SELECT outside_id FROM source_ids WHERE source_id=?", (source_id,)):
            known[row["outside_id"].partition(":")[0]].add(row["outside_id"])
        return any(known[kind] and item not in known[kind] for item in outside_ids if (kind := item.partition(":")[0]) in EXCLUSIVE_KINDS)

    def _by_words(self, incoming: Source, ids: list[str]) -> str:
        """The source that holds these very highlights under another form of the title or author."""
        owners: Counter[str] = Counter()
        sure: Counter[str] = Counter()  # marked at the same second too
        for highlight in incoming.highlights:
            owner = self._owner_of_words(highlight)
            if owner:
                owners[owner] += 1
                query = "SELECT 1 FROM highlights WHERE source_id=? AND text_key=? AND highlighted_at=? AND highlighted_at<>''"
                sure[owner] += self._db.row(query, (owner, text_key(highlight.text), highlight.highlighted_at)) is not None
        for source_id, hits in owners.most_common(1):
            row = self._db.row("SELECT title FROM sources WHERE id=?", (source_id,))
            assert row is not None
            share = hits / len(incoming.highlights)
            alike = not incoming.title or same_head(normalise(row["title"]), normalise(incoming.title))
            enough = (alike and share >= 0.3) or ((hits >= 3 or sure[source_id] == hits) and share >= 0.6)
            if enough and not self._clashes(source_id, ids) and not was_digest(self._db, source_id, incoming):
                return source_id
        return ""

    def _owner_of_words(self, highlight: Highlight) -> str:
        if self._sources_of_words is None:
            rows = self._db.rows("SELECT text_key, source_id FROM highlights WHERE source_id NOT IN (SELECT id FROM hidden)")
            self._sources_of_words = {row["text_key"]: row["source_id"] for row in rows}
        return self._sources_of_words.get(text_key(highlight.text), "")

    def _update_source(self, source_id: str, incoming: Source) -> None:
        row = self._db.row("SELECT * FROM sources WHERE id=?", (source_id,))
        assert row is not None
        changes: Row = {}
        again = source_id in self.told  # as of a book that is there from two shops, or in two files: what was told first stays
        self.told.setdefault(source_id, dict(row))
        for name in self._source_carries:
            value = column(incoming, name)
            empty = value in ("", "[]") and not (self._my_rank >= _TRUSTED and name in _EMPTIED_BY_TRUSTED)
            if value == row[name] or empty or (again and row[name] not in ("", "[]")):
                continue
            if name == "kind":
                if self._knows_kind(source_id, str(row[name]), str(value)):
                    changes[name] = value
                continue
            if name in ("title", "author") and self._my_rank < RANK["api"] and normalise(str(value)) == normalise(row[name]):
                continue
            if self._my_rank < _TRUSTED and row[name] not in ("", "[]") and (name != "tags" or same_form(name, value, row[name])):
                continue  # it fills gaps; what is there may come from a better exporter
            changes[name] = value
        if incoming.is_deleted != bool(row["removed_at"]) and (incoming.is_deleted or self._my_rank == RANK["api"]):
            changes["removed_at"] = self._at if incoming.is_deleted else ""
        if changes:
            assignments = ", ".join(f"{name}=?" for name in changes)
            self._connection.execute(f"UPDATE sources SET {assignments} WHERE id=?", (*changes.values(), source_id))

    def _knows_kind(self, source_id: str, known: str, said: str) -> bool:
        """Does this export know better what the source is? Readwise itself knows best; a CSV only guesses that something is an article,
        where Markdown has mostly a category."""
        if self._my_rank == RANK["api"]:
            return True
        if self._is_known_as(source_id, "readwise:"):
            return False
        return said != "article" or (known == "book" and not (self._my_rank == RANK["csv"] and self._is_known_as(source_id, "file:")))

    def _is_known_as(self, source_id: str, prefix: str) -> bool:
        return self._db.row("SELECT 1 FROM source_ids WHERE source_id=? AND outside_id LIKE ?", (source_id, f"{prefix}%")) is not None

    # -- which highlight

    def _match(self, source_id: str, incoming: Source, before: dict[str, Row], rows: dict[str, Row]) -> list[str]:
        """Merge incoming highlights into `rows` (id -> columns) and return the ids they ended up as, in their order."""
        same_text = {row["text"]: str(row["text_key"]) for row in rows.values()}
        items = [(highlight, same_text.get(highlight.text) or text_key(highlight.text)) for highlight in incoming.highlights]
        known = {} if self._was_empty else self._known_ids(incoming.highlights, before, rows)
        ids_of: dict[str, list[str]] = defaultdict(list)
        for outside, key in known.items():
            ids_of[key].append(outside)
        homes = [""] * len(items)
        taken: set[str] = set()

        def settle(index: int, candidates: Iterable[str]) -> None:
            for key in candidates:
                if key not in taken:
                    homes[index] = key
                    taken.add(key)
                    return

        def fits(key: str, highlight: Highlight) -> bool:
            """Is the known row no other highlight of the same exporter: one with a different id of the same kind, or one that this very
            import has at another place or time, as of a book from two shops?"""
            if key in self.touched and apart(highlight, rows[key]):
                return False
            kinds = {outside.partition(":")[0] for outside in highlight.outside_ids}
            return not any(item.partition(":")[0] in kinds and item not in highlight.outside_ids for item in self._ids(key, ids_of, kinds))

        for index, (highlight, _) in enumerate(items):  # not by a lesser id alone what this very import has told of under another one
            own = [known[outside] for outside in highlight.outside_ids if outside in known]
            settle(index, [key for key in own if key not in self.touched or highlight.outside_ids[0] in known])
        lost = [index for index, home in enumerate(homes) if not home]
        lost.sort(key=lambda index: items[index][0].is_deleted)  # what is there comes before what was taken away
        free = [key for key in rows if key not in taken] if lost else []
        by_text: dict[object, list[str]] = defaultdict(list)
        for key in sorted(free, key=lambda key: (rows[key]["removed_at"] != "", rows[key]["position"], key)):
            by_text[rows[key]["text_key"]].append(key)
        for sure in (True, False):  # repeated words: first the rows that fit in every field
            for index in lost:
                highlight, words = items[index]
                candidates = by_text.get(words, [])
                if homes[index] or not candidates:
                    continue
                if len(candidates) > 1:
                    scores = {key: conflicts(highlight, rows[key]) for key in candidates if key not in taken}
                    possible = [key for key in scores if not (sure and scores[key])]
                    candidates = sorted(
                        possible, key=lambda key: (scores[key], rows[key]["removed_at"] != "", differences(highlight, rows[key]))
                    )
                settle(index, [key for key in candidates if fits(key, highlight)])
        self._claim_twins(source_id, incoming, items, homes, taken, before, rows)
        unclaimed = [key for key in free if key not in taken]
        match_edited(items, homes, unclaimed, rows, settle, fits, only_grows=self._origin == "kindle")
        for index, (highlight, words) in enumerate(items):
            homes[index] = homes[index] or self._new_id(source_id, highlight, words, known, rows)
            self._merge(source_id, homes[index], highlight, words, rows, index)
        return homes

    def _is_newer(self, row: Row) -> bool:
        """Was it stored after what is imported now had been asked for? Not by a clock that was ahead."""
        return bool(self._asked_at) and self._asked_at < str(row["imported_at"]) <= self._at

    def _ids(self, key: str, ids_of: dict[str, list[str]], kinds: set[str]) -> list[str]:
        if not kinds or self._was_empty:
            return []
        if ids_of.get(key) is None:
            ids_of[key] = self._outside_ids(key)
        return ids_of[key]

    def _known_ids(self, incoming: Iterable[Highlight], before: dict[str, Row], rows: dict[str, Row]) -> dict[str, str]:
        """Highlight ids by outside id; rows that sit in another source (it was merged or split there) are taken in."""
        wanted = [outside for highlight in incoming for outside in highlight.outside_ids]
        query = "SELECT outside_id, highlight_id FROM highlight_ids WHERE outside_id IN ({})"
        known: dict[str, str] = {row["outside_id"]: row["highlight_id"] for row in self._in(query, wanted)}
        elsewhere = sorted({key for key in known.values() if key not in rows})
        for found in self._in("SELECT * FROM highlights WHERE id IN ({})", elsewhere):
            before[found["id"]] = dict(found)
            rows[found["id"]] = dict(found)
        return known

    def _claim_twins(
        self, source_id: str, incoming: Source, items: list[tuple[Highlight, str]], homes: list[str], taken: set[str],
        before: dict[str, Row], rows: dict[str, Row],
    ) -> None:  # fmt: skip
        """Highlights of another source with this title: a CSV cannot tell two articles of one name apart, the API can."""
        author = incoming.author.casefold()
        twins = [other for other, name in self._titles[incoming.title.casefold()] if other != source_id and name == author]
        missing = {words: index for index, (_, words) in reversed(list(enumerate(items))) if not homes[index]}
        if not twins or not missing:
            return
        kinds = {outside.partition(":")[0] for highlight, _ in items for outside in highlight.outside_ids}
        for row in self._in("SELECT * FROM live_highlights WHERE source_id IN ({})", twins):
            index = missing.get(row["text_key"])
            if index is None or row["id"] in taken or apart(items[index][0], dict(row)) or kinds & self._kinds(row["id"]):
                continue
            before[row["id"]], rows[row["id"]] = dict(row), dict(row)
            homes[index] = row["id"]
            taken.add(row["id"])
            del missing[row["text_key"]]

    def _kinds(self, highlight_id: str) -> set[str]:
        return {item.partition(":")[0] for item in self._outside_ids(highlight_id)}

    def _outside_ids(self, highlight_id: str) -> list[str]:
        return [row["outside_id"] for row in self._db.rows("SELECT outside_id FROM highlight_ids WHERE highlight_id=?", (highlight_id,))]

    def _new_id(self, source_id: str, highlight: Highlight, words: str, known: dict[str, str], rows: dict[str, Row]) -> str:
        new_id = highlight.outside_ids[0] if highlight.outside_ids else ""
        if not new_id or new_id in rows or new_id in known:
            base = hashlib.blake2b(f"{source_id}|{words}".encode(), digest_size=9).hexdigest()
            new_id, number = f"highlight:{base}", 1
            while new_id in rows or (not self._was_empty and self._db.row("SELECT 1 FROM highlights WHERE id=?", (new_id,))):
                number += 1
                new_id = f"highlight:{base}.{number}"
        rows[new_id] = {}
        return new_id

    # -- which fields

    def _merge(self, source_id: str, key: str, incoming: Highlight, words: str, rows: dict[str, Row], index: int) -> None:
        row = rows[key]
        if row:
            self._merge_known(source_id, row, incoming, words)
        else:
            row.update({name: column(incoming, name) for name in HIGHLIGHT_FIELDS})
            row.update(id=key, source_id=source_id, origins=self._origin, imported_at=self._at, text_key=words)
            row["position"] = index if self._listed else len(rows)
            row["removed_at"] = self._at if incoming.is_deleted else ""
        row["outside_ids"] = incoming.outside_ids

    def _merge_known(self, source_id: str, row: Row, incoming: Highlight, words: str) -> None:
        origins = str(row["origins"])
        rank = _rank(origins)
        lesser = self._my_rank < rank
        if self._origin == "api" and incoming.updated_at and incoming.updated_at < str(row["updated_at"]):
            return  # Readwise has said something newer since
        if self._written_at and str(row["updated_at"]) > self._written_at:
            return  # and here, since the file was written
        same = self._of_highlight(incoming) == self._of_row(row) and (
            "tags" not in self._carries or column(incoming, "tags") == row["tags"]
        )
        for name in () if same else self._carries:
            value = column(incoming, name)
            if value == row[name]:
                continue
            if value in ("", None) and name in _NEVER_EMPTIED and origins != self._origin:
                continue  # another exporter knew it
            if lesser:
                if self._my_rank < _TRUSTED and rank == RANK["api"] and (name not in _NEVER_EMPTIED or row[name] not in ("", None)):
                    continue  # these are only ever added to: an edit that Readwise tells of never reaches them
                if name in _FORMATTED and same_form(name, value, row[name], str(row["color"])):
                    continue
                if self._my_rank < _TRUSTED and value in ("", "[]", 0):
                    continue  # its template may just not show it
                if self._my_rank == RANK["kindle"] and row[name] not in ("", None, "[]", 0):
                    continue
            row[name] = value
        if "text" in self._carries and row["text"] == incoming.text:
            row["text_key"] = words
        if "api" not in origins:
            for name in ("is_favorite", "is_discard"):
                row[name] = int(bool(row[name]) or getattr(incoming, name)) if name not in self._carries else row[name]
        seen = row["id"] in self.touched and self._origin != "api"  # another file of this very import has it too
        if row["source_id"] != source_id and not lesser and not seen and (incoming.outside_ids or self._my_rank > rank):
            row["source_id"] = source_id
        if incoming.is_deleted:
            row["removed_at"] = row["removed_at"] or self._at
        elif not (lesser and rank == RANK["api"]):  # only Readwise itself takes a deletion back
            row["removed_at"] = ""
        if self._origin not in origins.split(","):
            row["origins"] = ",".join(sorted({*origins.split(","), self._origin}))

    def _reorder(self, homes: list[str], live: dict[str, Row]) -> None:
        """Take over the exporter's order where it lists every live highlight and no better exporter has spoken."""
        if self._listed and live.keys() <= set(homes) and all(_rank(str(row["origins"])) <= self._my_rank for row in live.values()):
            for index, key in enumerate(homes):
                if key in live:
                    live[key]["position"] = index

    def _store(self, before: dict[str, Row], after: dict[str, Row], gone: set[str]) -> None:
        new, changed, ids = [], [], []
        counts = self._counts
        for key, row in after.items():
            outside = row.pop("outside_ids", ())
            assert isinstance(outside, tuple)
            ids += [(item, key) for item in outside]
            old = before.get(key)
            if old is None:
                new.append(row)
                counts["marks" if row["heading_level"] else "added"] += not row["removed_at"]
                continue
            if row == old:
                counts["as before" if row["heading_level"] else "unchanged"] += not row["removed_at"] and key not in gone
                continue
            changed.append(row)
            if row["source_id"] != old["source_id"]:
                self._left.add(str(old["source_id"]))
            if row["removed_at"]:
                counts["marks" if row["heading_level"] else "removed"] += not old["removed_at"]
            elif old["removed_at"] or any(row[name] != old[name] for name in _VISIBLE):
                counts["marks" if row["heading_level"] else "updated"] += 1
            else:
                counts["as before" if row["heading_level"] else "unchanged"] += 1
        self._connection.executemany(_INSERT, new)
        self._connection.executemany(_UPDATE, changed)
        self._connection.executemany("INSERT OR IGNORE INTO highlight_ids VALUES (?, ?)", ids)
        self._given.update(item for item, _ in ids)

    def _in(self, query: str, values: list[str]) -> list[sqlite3.Row]:
        """Rows of a query with one `IN ({})`."""
        return self._db.rows(query.format("SELECT value FROM json_each(?)"), (json.dumps(values),))
