"""Feedback as JSON lines: out of one library, into another or the same one, and out again with the same bytes.

Ids such as draft-3 are a library's own, so here everything is named by what it is: a draft or event by the hash of its content, a batch by
its first draft. A line is a draft (the whole candidate, held back ones too) or an event; drafts come before the events about them, but are
taken in any order. What a library already has under its name is skipped, so importing twice changes nothing; so is a change in a synced
vault that both noticed. A part of an export is taken where all that its lines refer to is in it or in the library, else nothing of it; only
decisions about pairs may come before the pairs.

Versions are a library's own too: the model-2 of one is not the model-2 of another. A line tells the ids as they were where the drafts were
written, which its name hangs on, and under `models` which versions these are; a library that has not got them adds that to the id.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Invalid
from ..library.database import to_json
from ..records import Draft, Event, Finding, Model
from .forms import wrong_in_draft, wrong_in_event
from .undo import NOTICED

if TYPE_CHECKING:
    from ..library import Library

Rename = Callable[[str], str]
_DRAFT_FIELDS = {item.name: item for item in dataclasses.fields(Draft) if item.name not in ("id", "batch_id")}
_NEEDED = {name for name, item in _DRAFT_FIELDS.items() if item.default is item.default_factory is dataclasses.MISSING}
_UNKNOWN = "elsewhere"  # marks versions of another library in lines that do not tell which
_NAME = re.compile(r"(draft|batch|event):[0-9a-f]{24}(#\d+)?")
_MOST_PROBLEMS = 20
_ABOUT_DRAFTS = ("ranking", "decision", "comment", "edit", "insertion")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What an import added, and how many lines were there already."""

    drafts: int
    events: int
    known: int


def export_feedback(library: Library) -> Iterator[str]:
    """The lines, without newlines: every event in the order in which this library got it, each batch's drafts before the first event about
    it. Events that refer to what is not here (earlier versions imported parts of files) are left out."""
    names = _Names(library)
    told: set[str] = set()
    for event, line in names.lines():
        batch = names.batch_of(event)
        if batch and batch not in told:
            told.add(batch)
            yield from (to_json(_draft_line(names, draft)) for draft in names.batches[batch])
        yield to_json(line)


def import_feedback(library: Library, lines: Iterable[str]) -> Exchanged:
    """Add what the lines tell and the library does not know, in one transaction. Raises Invalid naming the lines that are wrong, or that
    refer to what is neither in the lines nor in the library; then nothing is added.

    Decisions about pairs hold as if made here: of all about a pair the last one in time. Those about pairs that are not here yet wait.
    """
    parsed = _parse(lines)
    drafts = [(number, line) for number, line in parsed if "draft" in line]
    events = [(number, line) for number, line in parsed if "event" in line]
    with library.db.write():
        before = library.events.last()
        names = _Names(library)
        for _ in names.lines():
            pass  # each is named
        events = _in_order(names, drafts, events)
        noticed = _Noticed(library, names, {str(line["event"]) for _, line in events})
        for _, line in drafts:
            names.know(line)
        added = [sum(_take_draft(library, names, line) for _, line in drafts), 0]
        added[1] = sum(_take_event(library, names, noticed, line) for _, line in events)
        library.pairs.settle(after=before)
        library.hidden.settle()
    return Exchanged(added[0], added[1], len(parsed) - sum(added))


_Lines = list[tuple[int, dict[str, Any]]]


def _in_order(names: _Names, drafts: _Lines, events: _Lines) -> _Lines:
    """The events, each after what it refers to, else as they stand in the file."""
    have = names.ids.keys() | {line[key] for _, line in drafts for key in ("draft", "batch")}
    told = have | {line["event"] for _, line in events}
    problems = [_lacking(number, [first]) for number, line in drafts if (first := _first_of(line["batch"])) not in have]
    needed = {number: [] if line["event"] in names.ids else _needed(line) for number, line in events}
    problems += [_lacking(number, gone) for number, refs in needed.items() if (gone := [ref for ref in refs if ref not in told])]
    if problems:
        raise Invalid(
            f"That is a part of exported feedback: {'; '.join(problems[:3])}. Nothing was imported.",
            "Give the whole file that notewright feedback export wrote.",
            problems,
        )
    ordered: _Lines = []
    while events:
        later = []
        for number, line in events:
            if have.issuperset(needed[number]):
                ordered.append((number, line))
                have.add(line["event"])
            else:
                later.append((number, line))
        events = later  # fewer each time: a name is a digest of what it refers to, so that they make no circle
    return ordered


def _lacking(number: int, gone: list[str]) -> str:
    distinct = list(dict.fromkeys(gone))
    more = f" and {len(distinct) - 1} more, which are" if len(distinct) > 1 else ", which is"
    return f"line {number} refers to {distinct[0]}{more} neither in the file nor in this library"


def _first_of(batch: str) -> str:
    """The draft that a batch is named by; the batch itself where it is no such name."""
    return batch.replace("batch:", "draft:", 1) if _NAME.fullmatch(batch) else batch


def _needed(line: Mapping[str, Any]) -> list[str]:
    """Names of what has to be there before this event; of events that are equal to the microsecond the second one follows the first."""
    own, _, place = str(line["event"]).partition("#")
    before = [] if not place else [own if place == "2" else f"{own}#{int(place) - 1}"]
    return [*before, *(ref for ref in _references(line["subject"], line["payload"]) if _NAME.fullmatch(ref) or ref.startswith("event "))]


def _references(subject: str, payload: Mapping[str, object]) -> list[str]:
    """All ids, or names, in an event."""
    found = [subject]

    def seen(one: str) -> str:
        found.append(one)
        return one

    _renamed(payload, seen, str)
    return found


class _Names:
    """Local ids <-> names that hold in every library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.lost: dict[str, Event] = {}
        self.names: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.batches: dict[str, list[Draft]] = {}
        self._events: dict[str, int] = {}
        self._marks = {model.id: _mark(model) for model in library.models.all()}
        self._versions = {mark: model_id for model_id, mark in self._marks.items()}
        self.writers: dict[str, str] = {}
        for draft in library.drafts.all(unshown=True, include_removed=True):
            self.batches.setdefault(draft.batch_id, []).append(draft)
        for batch_id, drafts in self.batches.items():
            for draft in drafts:
                self.tie(draft.id, "draft:" + _digest(_content(draft, lambda version: self.origin(version)[0])))
                self.writers[draft.id] = draft.model_id
            first = min(drafts, key=lambda draft: (draft.created_at, draft.position))
            self.tie(batch_id, "batch:" + self.names[first.id].removeprefix("draft:"))
        for pair in library.pairs.all(include_removed=True):
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

    def know(self, line: Mapping[str, Any]) -> None:
        """A batch has another name here as long as its first draft is not."""
        if line["batch"] not in self.ids and line["draft"] in self.ids:
            self.ids[line["batch"]] = self._library.drafts.get(self.ids[line["draft"]]).batch_id

    def lines(self) -> Iterator[tuple[Event, dict[str, Any]]]:
        """The events with their lines; ties their ids to their names. Those that refer to what is not here have none, and are `lost`."""
        for event in self._library.events.all(after=0, as_told=True):
            subject = f"event {event.subject}" if event.kind == "undo" and event.subject.isdecimal() else event.subject
            if any(self._is_lost(reference) for reference in _references(subject, event.payload)):
                self.lost["event:" + _digest(self._line(event, subject, _Versions(self)))] = event
                continue
            versions = _Versions(self)
            line = self._line(event, subject, versions)
            name = self.event_name(line)
            self.tie(f"event {event.id}", name)
            yield event, {"event": name, **line, **versions.told()}

    def _is_lost(self, reference: str) -> bool:
        return bool(_NAME.fullmatch(reference)) or (reference.startswith("event ") and reference not in self.names)

    def _line(self, event: Event, subject: str, versions: Rename) -> dict[str, Any]:
        subject = _subject(event.kind, self.name(subject), event.payload)
        return {"kind": event.kind, "at": event.at, "subject": subject, "payload": _renamed(event.payload, self.name, versions)}

    def origin(self, version: str) -> tuple[str, str]:
        """The id that a version has in the library it is of, and its mark, empty where it is not known."""
        own, _, mark = version.partition("@")
        return own, self._marks.get(version, mark if mark != _UNKNOWN else "")

    def version(self, own: str, marks: Mapping[str, str]) -> str:
        """The version's id here, given its id in its library and what the line tells of it."""
        mark = marks.get(own, _UNKNOWN)
        return self._versions.get(mark, f"{own}@{mark}") if own else ""

    def event_name(self, line: dict[str, Any]) -> str:
        """Two events may be equal to the microsecond: the second one is told apart by its number."""
        name = "event:" + _digest(line)
        self._events[name] = count = self._events.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"


def _subject(kind: str, name: str, payload: Mapping[str, object]) -> str:
    """A pair that is no more has only its id left, which another library gives to another pair."""
    return name if kind != "pair" or name.startswith("pair:") else f"pair:|{payload.get('passage_id', name)}"


class _Noticed:
    """Edits that this library saw in the vault and the imported lines do not have: another machine may have seen the same ones there, at
    another moment. Each stands for one of the other's, as the person may make a change, take it back and make it again. An undo names
    what it takes back, so where that is such an edit it has another name too."""

    def __init__(self, library: Library, names: _Names, told: Container[str]) -> None:
        self._free: dict[tuple[object, ...], list[str]] = {}
        for event in library.events.all("edit", "undo", "pair", as_told=True):
            local = f"event {event.id}"
            if names.name(local) not in told:
                self._free.setdefault(_sight(event.kind, event.at, event.subject, event.payload), []).append(local)

    def take(self, kind: str, at: str, subject: str, payload: Mapping[str, object]) -> str:
        """The local id of the same change; empty where there is none."""
        sight = _sight(kind, at, subject, payload)
        return self._free[sight].pop(0) if sight and self._free.get(sight) else ""


def _sight(kind: str, at: str, subject: str, payload: Mapping[str, object]) -> tuple[object, ...]:
    """What two machines see alike; empty for what happens on one. A pair's name changes when its passage gets another id."""
    if kind == "pair":
        return kind, at, to_json(payload)
    if kind == "undo":
        return kind, subject, at, to_json(payload)
    if kind == "edit" and payload.get("via") in NOTICED:
        return kind, subject, payload.get("insertion"), payload.get("before_hash"), payload.get("final_hash")
    return ()


class _Versions:
    """Turns the versions in one line into ids of their library, and remembers which they are."""

    def __init__(self, names: _Names) -> None:
        self._names = names
        self._marks: dict[str, str] = {}

    def __call__(self, version: str) -> str:
        own, mark = self._names.origin(version)
        if mark:
            self._marks[own] = mark
        return own

    def told(self) -> dict[str, dict[str, str]]:
        return {"models": self._marks} if self._marks else {}


def _renamed(payload: Mapping[str, object], rename: Rename, version: Rename) -> dict[str, Any]:
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
            value = [_shown(item, rename, version) if isinstance(item, dict) else item for item in value]
        elif key in ("events", "with") and isinstance(value, list):
            value = [_event_reference(item, rename) for item in value]
        elif key == "insertion" and isinstance(value, int | str):
            value = _event_reference(value, rename)
        made[key] = value
    return made


def _shown(item: dict[str, Any], rename: Rename, version: Rename) -> dict[str, Any]:
    renames = {"draft": rename, "model": version, "sampling": lambda sampling: _turned(sampling, version)}
    return {key: renames[key](value) if key in renames else value for key, value in item.items()}


def _turned(sampling: Any, version: Rename) -> Any:
    """A draft's `sampling` with the versions renamed whose turn it could have been."""
    if not isinstance(sampling, dict) or not isinstance(sampling.get("turn"), dict):
        return sampling
    turn: dict[str, Any] = dict(sampling["turn"])
    for key in ("versions", "failed"):
        if isinstance(turn.get(key), list):
            turn[key] = [version(one) for one in turn[key]]
    if isinstance(turn.get("chances"), dict):
        turn["chances"] = {version(one): chance for one, chance in turn["chances"].items()}
    return {**sampling, "turn": turn}


def _event_reference(value: object, rename: Rename) -> object:
    """Numbers inside a library, names outside."""
    if isinstance(value, int):
        found = rename(f"event {value}")
        return value if found.startswith("event ") else found
    found = rename(str(value))
    return int(found.removeprefix("event ")) if found.startswith("event ") else value


def _deep(value: object, rename: Rename) -> object:
    return [_deep(item, rename) for item in value] if isinstance(value, list) else rename(str(value))


def _content(draft: Draft, version: Rename) -> dict[str, Any]:
    """What was written and how; fields at their defaults are left away, so that names stay when a later version adds a field."""
    whole, bare = dataclasses.asdict(draft), Draft("", "", "", "", "", "", 0, 0, "")
    whole |= {"model_id": version(draft.model_id), "sampling": _turned(draft.sampling, version)}
    return {name: whole[name] for name in sorted(_DRAFT_FIELDS) if name in _NEEDED or whole[name] != getattr(bare, name)}


def _draft_line(names: _Names, draft: Draft) -> dict[str, Any]:
    versions = _Versions(names)
    return {"draft": names.name(draft.id), "batch": names.name(draft.batch_id), **_content(draft, versions), **versions.told()}


def _mark(model: Model) -> str:
    """Which version it is: a trained one is of its library alone, a plain base the same in all."""
    return _digest([model.base, model.revision, "" if model.role == "base" else model.created_at, model.dataset_id])[:8]


def _digest(value: object) -> str:
    return hashlib.blake2b(to_json(value).encode(), digest_size=12).hexdigest()


def _parse(lines: Iterable[str]) -> _Lines:
    """Each with its number in the file."""
    parsed, problems = [], []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        problem = "is not JSON" if line is None else _problem(line)
        if problem:
            problems.append(f"line {number} {problem}")
        parsed.append((number, line))
    if problems:
        told = f"This is no exported feedback: {'; '.join(problems[:3])}."
        more = [f"and {len(problems) - _MOST_PROBLEMS:,} more lines"] if len(problems) > _MOST_PROBLEMS else []
        raise Invalid(told, "Give a file that notewright feedback export wrote.", [*problems[:_MOST_PROBLEMS], *more])
    return parsed


def _problem(line: object) -> str:
    if not isinstance(line, dict):
        return "is no JSON object"
    models = line.get("models", {})
    if not isinstance(models, dict) or not all(isinstance(mark, str) for mark in models.values()):
        return "has a field of the wrong kind"
    if "draft" in line:
        missing = {"batch", *_NEEDED} - line.keys()
        if missing or line.keys() - {"draft", "batch", "models", *_DRAFT_FIELDS}:
            return f"lacks {', '.join(sorted(missing))}" if missing else "has fields that no draft has"
        if not isinstance(line["batch"], str):
            return "has a field of the wrong kind"
        return wrong_in_draft(line) if _mended(line) else "is a draft that was changed since it was exported"
    if line.keys() - {"models"} != {"event", "kind", "at", "subject", "payload"}:
        return "is neither a draft nor an event"
    if not isinstance(line["payload"], dict) or not all(isinstance(line[key], str) for key in ("event", "kind", "at", "subject")):
        return "has a field of the wrong kind"
    whole = {key: line[key] for key in ("kind", "at", "subject", "payload")}
    if str(line["event"]).split("#")[0] != "event:" + _digest(whole):
        return "is an event that was changed since it was exported"
    return wrong_in_event(line["kind"], line["payload"])


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
    marks = line.get("models", {})
    fields["model_id"] = names.version(fields["model_id"], marks)
    fields["sampling"] = _turned(fields.get("sampling", {}), lambda own: names.version(own, marks))
    fields["findings"] = tuple(Finding(**finding) for finding in fields.get("findings", ()))
    [stored] = library.drafts.add([Draft(id="", batch_id=names.local(line["batch"]), **fields)])
    names.tie(stored.id, line["draft"])
    names.writers[stored.id] = stored.model_id
    return True


def _take_event(library: Library, names: _Names, noticed: _Noticed, line: dict[str, Any]) -> bool:
    if line["event"] in names.ids:
        return False
    subject = names.local(_subject(line["kind"], line["subject"], line["payload"]))
    payload = _renamed(line["payload"], names.local, _version_of(names, line))
    subject = subject.removeprefix("event ")
    if own := noticed.take(line["kind"], line["at"], subject, payload):
        names.ids[line["event"]] = own
        return False
    event = library.events.append(line["kind"], subject, payload, at=line["at"])
    names.tie(f"event {event.id}", line["event"])
    if lost := names.lost.pop(line["event"], None):  # what an earlier version imported without its drafts no longer counts beside it
        library.events.append("undo", str(lost.id), {"events": [lost.id], "kind": lost.kind})
    return True


def _version_of(names: _Names, line: dict[str, Any]) -> Rename:
    """What the line tells of its versions; of those that it tells nothing of, who wrote the drafts it is about."""
    shown: Any = line["payload"].get("shown")
    drafts = [names.local(str(item.get("draft"))) for item in shown if isinstance(item, dict)] if isinstance(shown, list) else []
    writers = {names.origin(names.writers[draft])[0]: names.writers[draft] for draft in drafts if draft in names.writers}
    marks = line.get("models", {})
    return lambda own: writers[own] if own in writers and own not in marks else names.version(own, marks)
