"""Feedback as JSON lines: out of one library, into another or the same one, and out again with the same bytes.

Ids such as draft-3 are a library's own, so here everything is named by what it is: a draft or event by the hash of its content, a batch by
its first draft. A line is a draft (the whole candidate, held back ones too) or an event; drafts come before the events about them. What a
library already has under its name is skipped, so importing twice changes nothing; so is a change in a synced vault that both noticed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Invalid
from ..library.database import to_json
from ..records import Draft, Event, Finding
from .undo import NOTICED

if TYPE_CHECKING:
    from ..library import Library

Rename = Callable[[str], str]
_DRAFT_FIELDS = {item.name: item for item in dataclasses.fields(Draft) if item.name not in ("id", "batch_id")}
_NEEDED = {name for name, item in _DRAFT_FIELDS.items() if item.default is item.default_factory is dataclasses.MISSING}
_ABOUT_DRAFTS = ("ranking", "decision", "comment", "edit", "insertion")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What an import added, and how many lines were there already."""

    drafts: int
    events: int
    known: int


def export_feedback(library: Library) -> Iterator[str]:
    """The lines, without newlines: every event in the order it happened, each batch's drafts before the first event about it."""
    names = _Names(library)
    told: set[str] = set()
    for event in library.events.all():
        batch = names.batch_of(event)
        if batch and batch not in told:
            told.add(batch)
            yield from (to_json(_draft_line(names, draft)) for draft in names.batches[batch])
        yield to_json(names.event_line(event))


def import_feedback(library: Library, lines: Iterable[str]) -> Exchanged:
    """Add what the lines tell and the library does not know, in one transaction. Raises Invalid naming every line that is wrong."""
    parsed = _parse(lines)
    with library.db.write():
        names = _Names(library)
        for event in library.events.all():
            names.event_line(event)
        noticed = _Noticed(library, names, {str(line["event"]) for line in parsed if "event" in line})
        added = [0, 0]
        for line in parsed:
            if "draft" in line:
                added[0] += _take_draft(library, names, line)
            else:
                added[1] += _take_event(library, names, noticed, line)
    return Exchanged(added[0], added[1], len(parsed) - sum(added))


class _Names:
    """Local ids <-> names that hold in every library."""

    def __init__(self, library: Library) -> None:
        self.names: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.batches: dict[str, list[Draft]] = {}
        self._events: dict[str, int] = {}
        for draft in library.drafts.all(unshown=True):
            self.batches.setdefault(draft.batch_id, []).append(draft)
        for batch_id, drafts in self.batches.items():
            for draft in drafts:
                self.tie(draft.id, "draft:" + _digest(_content(draft)))
            first = min(drafts, key=lambda draft: (draft.created_at, draft.position))
            self.tie(batch_id, "batch:" + self.names[first.id].removeprefix("draft:"))
        for pair in library.pairs.all():
            self.tie(pair.id, f"pair:{pair.source_id}|{pair.passage_id}")

    def tie(self, local: str, name: str) -> None:
        self.names[local] = name
        self.ids[name] = local

    def name(self, local: str) -> str:
        return self.names.get(local, local)

    def local(self, name: str) -> str:
        return self.ids.get(name, name)

    def batch_of(self, event: Event) -> str:
        batch = str(event.payload.get("batch", "")) if event.kind in _ABOUT_DRAFTS else ""
        if event.kind == "insertion":
            batch = next((key for key, drafts in self.batches.items() if any(draft.id == event.subject for draft in drafts)), "")
        return batch if batch in self.batches else ""

    def event_line(self, event: Event) -> dict[str, Any]:
        """The event as it is exported; ties its id to its name, so its references must have been named before it."""
        subject = self.name(f"event {event.subject}" if event.kind == "undo" else event.subject)
        line = {"kind": event.kind, "at": event.at, "subject": subject, "payload": _renamed(event.payload, self.name)}
        name = self.event_name(line)
        self.tie(f"event {event.id}", name)
        return {"event": name, **line}

    def event_name(self, line: dict[str, Any]) -> str:
        """Two events may be equal to the microsecond: the second one is told apart by its number."""
        name = "event:" + _digest(line)
        self._events[name] = count = self._events.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"


class _Noticed:
    """Edits that this library saw in the vault and the imported lines do not have: another machine may have seen the same ones there, at
    another moment. Each stands for one of the other's, as the person may make a change, take it back and make it again. An undo names
    what it takes back, so where that is such an edit it has another name too."""

    def __init__(self, library: Library, names: _Names, told: Container[str]) -> None:
        self._free: dict[tuple[object, ...], list[str]] = {}
        for event in library.events.all("edit", "undo"):
            local = f"event {event.id}"
            if names.name(local) not in told:
                self._free.setdefault(_sight(event.kind, event.at, event.subject, event.payload), []).append(local)

    def take(self, kind: str, at: str, subject: str, payload: Mapping[str, object]) -> str:
        """The local id of the same change; empty where there is none."""
        sight = _sight(kind, at, subject, payload)
        return self._free[sight].pop(0) if sight and self._free.get(sight) else ""


def _sight(kind: str, at: str, subject: str, payload: Mapping[str, object]) -> tuple[object, ...]:
    """What two machines see alike; empty for what happens on one."""
    if kind == "undo":
        return kind, subject, at, to_json(payload)
    if kind == "edit" and payload.get("via") in NOTICED:
        return kind, subject, payload.get("insertion"), payload.get("before_hash"), payload.get("final_hash")
    return ()


def _renamed(payload: dict[str, object], rename: Rename) -> dict[str, Any]:
    """The payload with every id in it renamed; only places that hold ids are touched, never the person's words."""
    made: dict[str, Any] = {}
    for key, value in payload.items():
        if key == "batch":
            value = rename(str(value))
        elif key in ("order", "rejected"):
            value = _deep(value, rename)
        elif key == "aspects" and isinstance(value, dict):
            value = {rename(draft_id): ticks for draft_id, ticks in value.items()}
        elif key == "shown" and isinstance(value, list):
            value = [{**item, "draft": rename(item["draft"])} if isinstance(item, dict) and "draft" in item else item for item in value]
        elif key in ("events", "with") and isinstance(value, list):
            value = [_event_reference(item, rename) for item in value]
        elif key == "insertion" and isinstance(value, int | str):
            value = _event_reference(value, rename)
        made[key] = value
    return made


def _event_reference(value: object, rename: Rename) -> object:
    """Numbers inside a library, names outside."""
    if isinstance(value, int):
        found = rename(f"event {value}")
        return value if found.startswith("event ") else found
    found = rename(str(value))
    return int(found.removeprefix("event ")) if found.startswith("event ") else value


def _deep(value: object, rename: Rename) -> object:
    return [_deep(item, rename) for item in value] if isinstance(value, list) else rename(str(value))


def _content(draft: Draft) -> dict[str, Any]:
    """What was written and how; fields at their defaults are left away, so that names stay when a later version adds a field."""
    whole, bare = dataclasses.asdict(draft), Draft("", "", "", "", "", "", 0, 0, "")
    return {name: whole[name] for name in sorted(_DRAFT_FIELDS) if name in _NEEDED or whole[name] != getattr(bare, name)}


def _draft_line(names: _Names, draft: Draft) -> dict[str, Any]:
    return {"draft": names.name(draft.id), "batch": names.name(draft.batch_id), **_content(draft)}


def _digest(value: object) -> str:
    return hashlib.blake2b(to_json(value).encode(), digest_size=12).hexdigest()


def _parse(lines: Iterable[str]) -> list[dict[str, Any]]:
    parsed, problems = [], []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        problem = "is not JSON" if line is None else _problem(line)
        if problem:
            problems.append(f"line {number} {problem}")
        parsed.append(line)
    if problems:
        raise Invalid(
            f"This is no exported feedback: {'; '.join(problems[:3])}.", "Give a file that notewright feedback export wrote.", problems
        )
    return parsed


def _problem(line: object) -> str:
    if not isinstance(line, dict):
        return "is no JSON object"
    if "draft" in line:
        missing = {"batch", *_NEEDED} - line.keys()
        if missing or line.keys() - {"draft", "batch", *_DRAFT_FIELDS}:
            return f"lacks {', '.join(sorted(missing))}" if missing else "has fields that no draft has"
        return "" if _mended(line) else "is a draft that was changed since it was exported"
    if line.keys() != {"event", "kind", "at", "subject", "payload"}:
        return "is neither a draft nor an event"
    if not isinstance(line["payload"], dict) or not all(isinstance(line[key], str) for key in ("event", "kind", "at", "subject")):
        return "has a field of the wrong kind"
    whole = {key: line[key] for key in ("kind", "at", "subject", "payload")}
    return "" if str(line["event"]).split("#")[0] == "event:" + _digest(whole) else "is an event that was changed since it was exported"


def _mended(line: dict[str, Any]) -> bool:
    return str(line["draft"]) == "draft:" + _digest({name: line[name] for name in sorted(_DRAFT_FIELDS) if name in line})


def _take_draft(library: Library, names: _Names, line: dict[str, Any]) -> bool:
    if line["draft"] in names.ids:
        return False
    if line["batch"] not in names.ids:
        names.tie(library.drafts.new_batch(), line["batch"])
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in line.items() if name in _DRAFT_FIELDS
    }
    fields["findings"] = tuple(Finding(**finding) for finding in fields.get("findings", ()))
    [stored] = library.drafts.add([Draft(id="", batch_id=names.local(line["batch"]), **fields)])
    names.tie(stored.id, line["draft"])
    return True


def _take_event(library: Library, names: _Names, noticed: _Noticed, line: dict[str, Any]) -> bool:
    if line["event"] in names.ids:
        return False
    subject = names.local(line["subject"])
    subject, payload = subject.removeprefix("event "), _renamed(line["payload"], names.local)
    if own := noticed.take(line["kind"], line["at"], subject, payload):
        names.ids[line["event"]] = own
        return False
    event = library.events.append(line["kind"], subject, payload, at=line["at"])
    names.tie(f"event {event.id}", line["event"])
    return True
