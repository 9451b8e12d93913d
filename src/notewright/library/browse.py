"""Read-only views for the faces: sources with their counts, chapters with what was done about them, batches of drafts, a fingerprint."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..records import Source
from ..text import plain
from .database import SEEN, TEACHES, Database
from .events import EventStore
from .products import ModelStore
from .sources import source_from_row

SURE = TEACHES  # a proposed pair counts as a note from this score on, as it does for training


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source with its numbers of highlights: the visible ones, those that came with the newest import, those with a note."""

    source: Source
    highlights: int
    chapters: int
    new: int
    noted: int
    last_highlighted_at: str


@dataclass(frozen=True, slots=True)
class ChapterView:
    """A chapter ("" for highlights before the first one) and what was done about it; numbers are of visible highlights."""

    source_id: str
    source_title: str
    source_author: str
    source_kind: str
    chapter: str
    position: int
    highlights: int
    new: int
    noted: int
    batches: int
    inserted: int
    last_highlighted_at: str
    highlight_ids: tuple[str, ...]

    @property
    def has_note(self) -> bool:
        return bool(self.noted or self.inserted)


@dataclass(frozen=True, slots=True)
class BatchView:
    """Drafts shown side by side, told in one line. `ranked`, `accepted`, `rejected` are what still counts of the person's judgements;
    `left`: they went back from a version that wrote some of it; `unseen`: it was prepared ahead, and nobody has looked at it yet. `chapter`
    is None where they are about several, as about a whole source, and "" where they are about what has none."""

    id: str
    source_id: str
    source_title: str
    chapter: str | None
    model_id: str
    created_at: str
    drafts: int
    ranked: bool
    accepted: bool
    rejected: bool
    opening: str
    left: bool = False
    unseen: bool = False


class Browse:
    """Views over a whole library; nothing here writes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def sources(self, *, query: str = "", kind: str = "", limit: int = 100, offset: int = 0) -> tuple[list[SourceView], int]:
        """(A page of the sources by title, how many there are). Every word of `query` must occur in title, author, tags or highlights,
        whatever its case and accents."""
        where, parameters = ["1"], []
        if kind:
            where.append("s.kind=?")
            parameters.append(kind)
        for word in query.split():
            own = " OR ".join(f"instr(plain(s.{name}), ?)" for name in ("title", "author", "tags"))
            inside = "EXISTS (SELECT 1 FROM live_highlights h WHERE h.source_id=s.id"
            inside += " AND instr(plain(h.text || char(10) || h.chapter || char(10) || h.annotation), ?))"
            where.append(f"({own} OR {inside})")
            parameters += [plain(word)] * 4
        condition = " AND ".join(where)
        total = self._db.rows(f"SELECT count(*) AS n FROM live_sources s WHERE {condition}", parameters)[0]["n"]
        rows = self._db.rows(
            f"SELECT s.id FROM live_sources s WHERE {condition} ORDER BY plain(s.title), s.id LIMIT ? OFFSET ?",
            [*parameters, limit, offset],
        )
        return self._source_views([row["id"] for row in rows]), total

    def usual_folder(self, source_id: str) -> str:
        """Where a new note about a source would lie: where most notes with pairs lie that are about sources of its kind, else about any.
        Empty for the vault's root, and where there are no such notes."""
        rows = self._db.rows(
            "SELECT DISTINCT p.note_path, s.kind=(SELECT kind FROM sources WHERE id=?) AS alike"
            " FROM live_pairs p JOIN sources s ON s.id=p.source_id WHERE p.status<>'rejected'",
            (source_id,),
        )
        notes = [row["note_path"] for row in rows if row["alike"]] or [row["note_path"] for row in rows]
        folders = Counter(path.rpartition("/")[0] for path in notes)
        return min(folders, key=lambda folder: (-folders[folder], folder), default="")

    def source(self, source_id: str) -> SourceView | None:
        """One source, also one that Readwise no longer has; None where the id is unknown."""
        found = self._source_views([source_id])
        return found[0] if found else None

    def _source_views(self, ids: list[str]) -> list[SourceView]:
        marks = ",".join("?" * len(ids))
        rows = {row["id"]: row for row in self._db.rows(f"SELECT * FROM sources WHERE id IN ({marks})", ids)}
        counts: dict[str, list[ChapterView]] = defaultdict(list)
        for view in self.chapters(source_ids=ids):
            counts[view.source_id].append(view)
        views = []
        for source_id in (source_id for source_id in ids if source_id in rows):
            chapters = counts[source_id]
            views.append(
                SourceView(
                    source=source_from_row(rows[source_id], ()),
                    highlights=sum(item.highlights for item in chapters),
                    chapters=sum(1 for item in chapters if item.chapter),
                    new=sum(item.new for item in chapters),
                    noted=sum(item.noted for item in chapters),
                    last_highlighted_at=max((item.last_highlighted_at for item in chapters), default=""),
                )  # fmt: skip
            )
        return views

    def chapters(self, *, source_ids: Iterable[str] | None = None) -> list[ChapterView]:
        """Chapters that have visible highlights, by source title and place in it; of all sources, or of some."""
        chosen = None if source_ids is None else list(source_ids)
        where = "" if chosen is None else f" AND h.source_id IN ({','.join('?' * len(chosen))})"
        times = self._db.rows("SELECT min(imported_at) AS first, max(imported_at) AS last FROM live_highlights")[0]
        newest = times["last"] if times["last"] != times["first"] else "-"
        rows = self._db.rows(
            "SELECT h.source_id, h.chapter, s.title, s.author, s.kind, min(h.position) AS place, count(*) AS highlights,"
            " sum(h.imported_at=?) AS new, sum(h.id IN (SELECT l.highlight_id FROM pair_links l JOIN pairs p ON p.id=l.pair_id"
            "   WHERE p.status='accepted' OR (p.status='proposed' AND l.score>=? AND p.method<>'hand'))) AS noted,"
            " max(h.highlighted_at) AS last_at, json_group_array(h.id) AS ids"
            " FROM live_highlights h JOIN live_sources s ON s.id=h.source_id"
            f" WHERE h.heading_level=0 AND h.is_discard=0{where}"
            " GROUP BY h.source_id, h.chapter ORDER BY plain(s.title), s.id, place",
            [newest, SURE, *(chosen or ())],
        )
        batches, inserted = self._drafted()
        return [
            ChapterView(
                source_id=row["source_id"], source_title=row["title"], source_author=row["author"], source_kind=row["kind"],
                chapter=row["chapter"], position=row["place"], highlights=row["highlights"], new=row["new"], noted=row["noted"],
                batches=batches[row["source_id"], row["chapter"]], inserted=inserted[row["source_id"], row["chapter"]],
                last_highlighted_at=row["last_at"], highlight_ids=tuple(json.loads(row["ids"])),
            )
            for row in rows
        ]  # fmt: skip

    def waiting(self) -> list[ChapterView]:
        """Chapters without a note: those with highlights of the newest import first, then sources by what was most lately highlighted in
        them. Chapters of a source are in reading order.

        A chapter has a note when one of its highlights belongs to a pair that is accepted or likely, or when a draft for it was accepted.
        """
        left = [view for view in self.chapters() if not view.has_note]
        latest: dict[tuple[str, bool], str] = {}
        for view in left:
            group = view.source_id, bool(view.new)
            latest[group] = max(latest.get(group, ""), view.last_highlighted_at)
        left.sort(key=lambda view: latest[view.source_id, bool(view.new)], reverse=True)  # stable: they came in reading order
        return sorted(left, key=lambda view: not view.new)

    def _drafted(self) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
        """Numbers of batches that somebody has seen, and of drafts that stand in a note, by source and chapter; those about several
        chapters are counted with each."""
        batches: dict[tuple[str, str], int] = defaultdict(int)
        inserted: dict[tuple[str, str], int] = defaultdict(int)
        several = self.several_chapters()
        for row in self._db.rows(f"SELECT DISTINCT source_id, chapter, batch_id FROM drafts WHERE {SEEN}"):
            for chapter in several.get(row["batch_id"], (row["chapter"],)):
                batches[row["source_id"], chapter] += 1
        rows = self._db.rows(
            "SELECT d.source_id, d.chapter, d.batch_id FROM events e JOIN drafts d ON d.id=e.subject"
            f" WHERE e.kind='insertion' AND {_STANDS}"
        )
        for row in rows:
            for chapter in several.get(row["batch_id"], (row["chapter"],)):
                inserted[row["source_id"], chapter] += 1
        return batches, inserted

    def several_chapters(self) -> dict[str, tuple[str, ...]]:
        """Batches about highlights of several chapters, as those about a whole source are, with these ("" is what has none). Stored drafts
        of them name no chapter, as do those about what has none: only the highlights tell them apart."""
        found: dict[str, list[str]] = defaultdict(list)
        rows = self._db.rows(
            "SELECT DISTINCT d.batch_id, h.chapter FROM drafts d JOIN json_each(d.highlight_ids) item JOIN highlights h ON h.id=item.value"
            " WHERE d.rowid IN (SELECT min(rowid) FROM drafts WHERE chapter='' GROUP BY batch_id) ORDER BY d.rowid, h.position"
        )
        for row in rows:
            found[row["batch_id"]].append(row["chapter"])
        return {batch_id: tuple(chapters) for batch_id, chapters in found.items() if len(chapters) > 1}

    def batches(
        self, *, source_id: str = "", chapter: str | None = None, unseen: bool = False, limit: int = 50, offset: int = 0
    ) -> tuple[list[BatchView], int]:
        """(A page of the batches, newest first; how many there are), of all sources or of one, of one chapter if it is given (and then none
        about several); with `unseen` also those that were prepared ahead and that nobody has looked at yet."""
        several = self.several_chapters()
        where, parameters = ["1" if unseen else SEEN], []
        if source_id:
            where.append("d.source_id=?")
            parameters.append(source_id)
        if chapter is not None:
            where.append("d.chapter=? AND d.batch_id NOT IN (SELECT value FROM json_each(?))")
            parameters += [chapter, json.dumps(list(several))]
        condition = " AND ".join(where)
        total = self._db.rows(f"SELECT count(DISTINCT batch_id) AS n FROM live_drafts d WHERE {condition}", parameters)[0]["n"]
        # With the plus events are found by what they are about: those of a kind may be thousands.
        judged = (
            f"EXISTS (SELECT 1 FROM events e WHERE +e.kind='ranking' AND e.subject=d.batch_id AND {_STANDS}) AS ranked,"
            f" EXISTS (SELECT 1 FROM drafts x CROSS JOIN events e ON e.subject=x.id WHERE x.batch_id=d.batch_id AND +e.kind='decision'"
            f"   AND json_extract(e.payload, '$.decision')='accept' AND {_STANDS}) AS accepted,"
            f" EXISTS (SELECT 1 FROM events e WHERE +e.kind='decision' AND e.subject=d.batch_id"
            f"   AND json_extract(e.payload, '$.decision')='reject_all' AND {_STANDS}) AS rejected"
        )
        # The candidates of a batch have one source and chapter, but each its own text. Who wrote which is not told (`turns.written_by`).
        writers = "SELECT DISTINCT x.model_id FROM drafts x WHERE x.batch_id=d.batch_id AND x.shown ORDER BY x.model_id"
        opening = "SELECT substr(x.text, 1, 200) FROM drafts x WHERE x.batch_id=d.batch_id AND x.shown ORDER BY x.position LIMIT 1"
        page = f"SELECT batch_id FROM live_drafts d WHERE {condition} GROUP BY batch_id ORDER BY max(place) DESC LIMIT ? OFFSET ?"
        rows = self._db.rows(
            "SELECT d.batch_id, d.source_id, coalesce(s.title, '') AS title, d.chapter, min(d.created_at) AS created_at,"
            f" sum(d.shown) AS drafts, coalesce((SELECT group_concat(model_id, ' and ') FROM ({writers})), min(d.model_id)) AS model_id,"
            f" coalesce(({opening}), '') AS opening, NOT {SEEN} AS unseen, {judged}"
            f" FROM drafts d LEFT JOIN sources s ON s.id=d.source_id WHERE d.batch_id IN ({page}) AND {condition}"
            " GROUP BY d.batch_id ORDER BY max(d.rowid) DESC",
            [*parameters, limit, offset, *parameters],
        )
        left = {version for version, examples in ModelStore(self._db).went_back_from() if examples is None}
        return [
            BatchView(
                id=row["batch_id"], source_id=row["source_id"], source_title=row["title"],
                chapter=None if row["batch_id"] in several else row["chapter"], model_id=row["model_id"],
                created_at=row["created_at"], drafts=row["drafts"], ranked=bool(row["ranked"]), accepted=bool(row["accepted"]),
                rejected=bool(row["rejected"]) and not (row["ranked"] and self._ranked_since(row["batch_id"])),
                opening=row["opening"], left=not left.isdisjoint(row["model_id"].split(" and ")),
                unseen=bool(row["unseen"]),
            )
            for row in rows
        ], total  # fmt: skip

    def undecided_duels(self, *, since: str) -> set[str]:
        """The versions of batches that two wrote, drafted `since` then, of which nothing that stands says yet which is better."""
        rows = self._db.rows(
            "SELECT DISTINCT d.model_id FROM drafts d WHERE d.shown AND d.created_at>=?"
            " AND EXISTS (SELECT 1 FROM drafts x WHERE x.batch_id=d.batch_id AND x.shown AND x.model_id<>d.model_id)"
            " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.kind IN ('ranking', 'decision')"
            f"   AND json_extract(e.payload, '$.batch')=d.batch_id AND {_STANDS})",
            (since,),
        )
        return {row["model_id"] for row in rows}

    def _ranked_since(self, batch_id: str) -> bool:
        """Of a batch that was ranked and rejected as a whole: was the ranking the later one?"""
        judged = EventStore(self._db).standing("ranking", "decision", subject=batch_id)
        return [event.kind for event in judged if event.kind == "ranking" or event.payload["decision"] == "reject_all"][-1] == "ranking"

    def version(self) -> int:
        """A number that changes whenever another connection has written to the library."""
        return int(self._db.rows("PRAGMA data_version")[0][0])

    def fingerprint(self) -> dict[str, str]:
        """One short text for each part of the library that differs when that part has changed."""
        queries = {
            "sources": "SELECT count(*), max(imported_at), sum(removed_at<>''), (SELECT group_concat(id) FROM hidden) FROM sources",
            "highlights": (
                "SELECT count(*), max(imported_at), max(updated_at), sum(removed_at<>''), sum(is_favorite), sum(is_discard),"
                " sum(length(text)), sum(length(annotation)), sum(length(tags)) FROM highlights"
            ),
            "notes": "SELECT count(*), sum(mtime_ns % 1000003), sum(removed_at<>'') FROM notes",
            "pairs": "SELECT count(*), max(updated_at), sum(status='accepted'), sum(status='rejected') FROM pairs",
            "drafts": "SELECT count(*), max(rowid), (SELECT count(*) FROM unseen) FROM drafts",
            "events": "SELECT max(id) FROM events",
            "datasets": "SELECT count(*) FROM datasets",
            "runs": "SELECT group_concat(id || status) FROM runs",
            "models": "SELECT (SELECT count(*) FROM models), (SELECT max(id) FROM promotions), (SELECT sum(crc32(metrics)) FROM models)",
        }
        return {name: repr(tuple(self._db.rows(query)[0])) for name, query in queries.items()}


_STANDS = "NOT EXISTS (SELECT 1 FROM events u, json_each(u.payload, '$.events') back WHERE u.kind='undo' AND back.value=e.id)"
