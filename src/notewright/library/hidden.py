"""What the person removed: sources, or what one import brought in. Nothing of it is deleted; nothing looks at it.

Removing and restoring are events (kind `source`), as all that the person does; the table `hidden` has what they come to, and the views
`live_sources`, `live_highlights`, `live_pairs` and `live_drafts` leave it out (docs/decisions/0030-removed-sources.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..records import Dataset
from ..text import count
from .database import Database
from .events import EventStore

KIND = "source"
REMOVED, RESTORED = "removed", "restored"
_NAMED = 5  # titles in a sentence

Parts = Mapping[str, Collection[str]]  # highlights by source; none of them: the whole source


@dataclass(frozen=True, slots=True)
class Removed:
    """What is removed of a source: these highlights, or all of it where none is named. Not `lasting`: an import was taken back, and another
    one that has them brings them back. `events` are those that say so."""

    highlights: frozenset[str]
    lasting: bool
    events: tuple[int, ...]

    @property
    def whole(self) -> bool:
        return not self.highlights


@dataclass(frozen=True, slots=True)
class LastImport:
    """What the newest import that brought anything brought in new: whole `sources`, and `highlights` of sources that were there before.
    `removed`: that was taken back already."""

    at: str
    sources: tuple[str, ...]
    highlights: dict[str, tuple[str, ...]]
    removed: bool


class HiddenStore:
    def __init__(self, db: Database, events: EventStore) -> None:
        self._db, self._events = db, events

    def remove(self, source_ids: Iterable[str]) -> None:
        """From now on nothing looks at these sources, also when they are imported again. Of one that is removed nothing is told."""
        known = self.parts()
        wanted = [key for key in dict.fromkeys(source_ids) if not (key in known and known[key].whole and known[key].lasting)]
        self._tell(dict.fromkeys(wanted, ()), {"status": REMOVED})

    def restore(self, source_ids: Iterable[str]) -> None:
        """All of these sources is there again; of one that was never removed nothing is told."""
        known = self.parts()
        self._tell(dict.fromkeys((key for key in source_ids if key in known), ()), {"status": RESTORED})

    def take_back(self, last: LastImport) -> None:
        """Remove what an import brought in new, until an import has it again."""
        known = self.parts()
        parts = {**dict.fromkeys(last.sources, ()), **last.highlights}
        self._tell({key: ids for key, ids in parts.items() if not (key in known and known[key].whole)}, {"status": REMOVED, "import": True})

    def imported(self, told: Collection[str], touched: Collection[str]) -> list[str]:
        """An import tells of these sources and has these highlights. What was removed only as an import was taken back is there again, all
        else that the person removed stays so; of both, what is to be said."""
        said, again = [], self._titles(self._came_again(told, touched))
        if again:
            are = "is" if len(again) == 1 else "are"
            said.append(f"{count(len(again), 'source')} of an import that you took back {are} there again: {_some(again)}")
        hidden = self._hidden()
        within = (self._db.row("SELECT source_id FROM highlights WHERE id=?", (item,)) for item in hidden.intersection(touched))
        if titles := self._titles(hidden.intersection(told) | {row["source_id"] for row in within if row}):
            stay = f"{count(len(titles), 'source')} in it that you removed {'stays' if len(titles) == 1 else 'stay'} so: {_some(titles)}"
            said.append(f"{stay}. To have one back: notewright sources restore TITLE")
        return said

    def _came_again(self, told: Collection[str], touched: Collection[str]) -> list[str]:
        found = []
        for source_id, part in self.parts().items() if self._any() else ():
            if part.lasting or (source_id not in told if part.whole else part.highlights.isdisjoint(touched)):
                continue
            query = "SELECT id FROM highlights WHERE source_id=?"
            before = {row["id"] for row in self._db.rows(query, (source_id,))} if part.whole else part.highlights
            found.append(source_id)
            self._events.append("undo", str(part.events[-1]), {"events": [*part.events], "kind": KIND})
            if left := before.difference(touched):
                self._tell({source_id: left}, {"status": REMOVED, "import": True})
        self.settle()
        return found

    def _tell(self, parts: Parts, payload: Mapping[str, object]) -> None:
        """One event a source, the last with all the others, so that one undo takes back what was one step of the person's."""
        with self._db.write():
            told: list[int] = []
            for place, (source_id, ids) in enumerate(sorted(parts.items()), 1):
                more: dict[str, object] = {"highlights": sorted(ids)} if ids else {}
                more |= {"with": told} if told and place == len(parts) else {}
                told = [*told, self._events.append(KIND, source_id, {**payload, **more}).id]
            self.settle()

    def settle(self) -> None:
        """Make hidden what the events that stand come to; the last in time about a source says it, wherever it was told."""
        wanted = {item for source_id, part in self.parts().items() for item in part.highlights or (source_id,)}
        with self._db.write() as connection:
            there = self._hidden()
            connection.executemany("DELETE FROM hidden WHERE id=?", [(item,) for item in sorted(there - wanted)])
            connection.executemany("INSERT INTO hidden VALUES (?)", [(item,) for item in sorted(wanted - there)])

    def parts(self) -> dict[str, Removed]:
        """What is removed, by source; also of those that are not here (yet), as another library told of them."""
        found: dict[str, Removed] = {}
        for event in self._events.standing(KIND):
            before = found.get(event.subject)
            named = event.payload.get("highlights")
            ids = frozenset(map(str, named)) if isinstance(named, list) else frozenset()
            events = (*(before.events if before else ()), event.id)
            if event.payload.get("status") == RESTORED:
                found.pop(event.subject, None)
            elif not ids:
                found[event.subject] = Removed(ids, not event.payload.get("import"), events)
            elif before is None or not before.whole:
                found[event.subject] = Removed(ids | (before.highlights if before else frozenset()), False, events)
        return found

    def sources(self) -> set[str]:
        """Ids of the sources that are removed whole."""
        return {source_id for source_id, part in self.parts().items() if part.whole} if self._any() else set()

    def taught_by(self, dataset: Dataset) -> list[str]:
        """Titles of the sources in a frozen dataset that the person has removed since."""
        sources = dataset.manifest.get("sources")
        return self._titles(self.sources().intersection(sources if isinstance(sources, dict) else ()))

    def stamp(self) -> int:
        """Another number when something was removed or restored."""
        query = "SELECT max(id) AS last FROM events WHERE kind=? OR kind='undo' AND json_extract(payload, '$.kind')=?"
        row = self._db.row(query, (KIND, KIND))
        return int(row["last"] or 0) if row else 0

    def last_import(self) -> LastImport | None:
        """What there is to take back; None before the first import. A highlight keeps the time of the import that brought it."""
        row = self._db.row("SELECT max(imported_at) AS at FROM highlights")
        if not row or not row["at"]:
            return None
        at = row["at"]
        new = [row["id"] for row in self._db.rows("SELECT id FROM sources WHERE imported_at=? ORDER BY plain(title), id", (at,))]
        among: dict[str, list[str]] = defaultdict(list)
        query = "SELECT h.id, h.source_id FROM highlights h JOIN sources s ON s.id=h.source_id WHERE h.imported_at=? AND s.imported_at<>?"
        for row in self._db.rows(query, (at, at)):
            among[row["source_id"]].append(row["id"])
        hidden = self._hidden()
        removed = hidden.issuperset(new) and all(key in hidden or hidden.issuperset(ids) for key, ids in among.items())
        return LastImport(at, tuple(new), {key: tuple(ids) for key, ids in among.items()}, removed)

    def _titles(self, source_ids: Iterable[str]) -> list[str]:
        rows = (self._db.row("SELECT title FROM sources WHERE id=?", (key,)) for key in source_ids)
        return sorted(row["title"] for row in rows if row)

    def _hidden(self) -> set[str]:
        return {row["id"] for row in self._db.rows("SELECT id FROM hidden")}

    def _any(self) -> bool:
        return self._db.row("SELECT 1 FROM hidden LIMIT 1") is not None


def _some(titles: Sequence[str]) -> str:
    return "; ".join(titles[:_NAMED]) + (f" and {len(titles) - _NAMED:,} more" if len(titles) > _NAMED else "")
