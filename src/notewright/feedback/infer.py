"""A template proposed from the person's finished notes: what most of them have in common, with slots where they copy their source.

Finished notes are those that highlights were paired with. A property is kept that most of them have; its value is the constant or the
slot that explains most of them, or stays empty; of a list, the entries that most have. A line of the body is kept that most of them have
once the source's own words are replaced by slots. The draft goes where the first paired passage stands.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import mean
from typing import TYPE_CHECKING, Any

from .. import vault
from ..errors import NotFound
from ..records import Note, Source
from ..settings import Settings
from ..text import count, plain_newlines

if TYPE_CHECKING:
    from ..library import Library

MOST = 0.6  # share of the notes that must have a property or line
_DAY = re.compile(r"(\[\[)?(\d{4}-\d\d-\d\d)(?(1)\]\])")
_FIELDS = ("title", "author", "kind", "url", "readwise_url", "cover_url", "summary")
_CODE = ("{{", "{%", "{#", "<%")  # would be read as template code
_DELIMITER = re.compile(r"\|(?:[ \t]*:?-+:?[ \t]*\|)+")
_WHOLE = ("code", "comment", "math")  # runs of such lines mean something together only: without its end a fence holds all that follows


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """One line of the proposal and the share of the notes (0-1) that have it; for a property, of those whose value it gives."""

    text: str
    support: float


@dataclass(frozen=True, slots=True)
class Inferred:
    """`explained` is the share of the `notes` that have every property and every line, in this order; `coverage` the mean share of the
    template's lines that a note has."""

    text: str
    lines: tuple[TemplateLine, ...]
    notes: int
    explained: float
    coverage: float


@dataclass(frozen=True, slots=True)
class _Finished:
    note: Note
    source: Source
    lines: Sequence[str]  # of the body, blank ones left out; code, comments and formulas over several lines are one
    draft_at: int  # how many of these lines stand above the first paired passage
    since: str  # the day of the source's first highlight, where that is known


@dataclass(frozen=True, slots=True)
class _Property:
    """`written` is the value in the template; `entries` are those of a list, each as it is written there."""

    key: str
    share: float  # of the notes that `written` gives the value of
    written: str
    entries: tuple[str, ...] | None = None

    @property
    def line(self) -> str:
        return f"{_key(self.key)}: {self.written}".rstrip()

    def held_by(self, item: _Finished) -> bool:
        if self.key not in item.note.properties:
            return False
        value = item.note.properties[self.key]
        if self.entries is not None and isinstance(value, list):
            return len(_explained(self.entries, value, item)) == len(self.entries)
        return not self.written or self.written in _values(value, item)


def infer_template(library: Library, *, settings: Settings, folder: str = "", kind: str = "") -> Inferred:
    """Propose a template from the notes in `folder` (default: all) that were written from sources of `kind` (default: any).

    Raises NotFound where fewer than two finished notes are there, and as `Settings.need_vault` does.
    """
    finished = _slotted(list(_finished(library, settings, folder.strip("/"), kind)))
    if len(finished) < 2:
        raise NotFound(
            f"{count(len(finished), 'finished note')} to learn a template from; two are the least.",
            "Finished notes are those with pairs: notewright import vault, notewright pair. Leave --folder and --kind out for all of them.",
        )
    properties = list(_properties(finished))
    body = _body(finished)
    place = round(mean(sum(line in item.lines[: item.draft_at] for line in body) for item in finished)) if body else 0
    lines = [TemplateLine(item.line, item.share) for item in properties]
    shares = [TemplateLine(line, sum(line in item.lines for item in finished) / len(finished)) for line in body]
    shares.insert(place, TemplateLine("{{ draft }}", 1.0))
    head = ["---", *(line.text for line in lines), "---"] if lines else []
    text = "\n".join([*head, *_spaced([line.text for line in shares])]) + "\n"
    coverage = [_covered(item, properties, body) for item in finished]
    return Inferred(
        text=text, lines=(*lines, *shares), notes=len(finished), explained=sum(share == 1 for share in coverage) / len(finished),
        coverage=mean(coverage),
    )  # fmt: skip


def _finished(library: Library, settings: Settings, folder: str, kind: str) -> Iterator[_Finished]:
    root = settings.need_vault().resolve()
    pairs: dict[str, list[Any]] = defaultdict(list)
    for pair in library.pairs.all():
        if pair.status != "rejected":
            pairs[pair.note_path].append(pair)
    for note in library.notes.all():
        if note.path not in pairs or (folder and not note.path.startswith(folder + "/")):
            continue
        source = library.sources.get(Counter(pair.source_id for pair in pairs[note.path]).most_common(1)[0][0])
        read = None if kind and source.kind != kind else vault.read_note(root, note.path)
        if read is None:
            continue
        spans = [(pair.passage_start, pair.passage_end) for pair in pairs[note.path]]
        lines, at = _lines(read[0], spans)
        days = [item.highlighted_at[:10] for item in library.sources.highlights(source.id) if item.highlighted_at]
        yield _Finished(note, source, lines, at, min(days, default=""))


def _lines(data: bytes, passages: Sequence[tuple[int, int]]) -> tuple[list[str], int]:
    """Lines outside the passages, which the drafts stand for, and how many of them stand above the first."""
    outside = (
        line
        for line in vault.read_outline(data).lines
        if line.kind != "properties" and not any(start <= line.start < end for start, end in passages)
    )
    found: list[str] = []
    at = 0
    for kind, run in groupby(outside, key=lambda line: line.kind):
        together = list(run)
        for part in [together] if kind in _WHOLE else [[line] for line in together]:
            text = plain_newlines(data[part[0].start : part[-1].end].decode("utf-8", errors="replace")).strip()
            if not text or any(mark in text for mark in _CODE) or (kind not in _WHOLE and text.startswith(("```", "~~~"))):
                continue
            if found and _DELIMITER.fullmatch(text) and found[-1].startswith("|"):
                found[-1] += f"\n{text}"  # without it the header is no table's
                continue
            at += part[0].start < min(passages)[0]
            found.append(text)
    return found, at


def _slotted(finished: Sequence[_Finished]) -> list[_Finished]:
    """With slots for the source's own words. Where a note's name is its source's title, the slot is the one that makes more lines alike:
    of a title with a colon no note can be named, so that in a folder these two are the same in some notes only."""

    def alike(items: Sequence[_Finished]) -> int:
        kept = set(_body(items))
        return sum(line in kept for item in items for line in set(item.lines))

    return max(([_filled(item, last) for item in finished] for last in ("title", "source.title")), key=alike)


def _filled(item: _Finished, last: str) -> _Finished:
    slots = sorted(_slots(item.note, item.source).items(), key=lambda slot: (-len(slot[1]), slot[0] == last))
    lines = []
    for text in item.lines:
        for slot, value in slots:
            if len(value) >= 4:
                text = text.replace(value, f"{{{{ {slot} }}}}")
        lines.append(text)
    return replace(item, lines=lines)


def _slots(note: Note, source: Source) -> dict[str, str]:
    slots = {f"source.{name}": str(getattr(source, name)) for name in _FIELDS}
    slots["title"] = note.title
    return {slot: value for slot, value in slots.items() if value}


def _properties(finished: Sequence[_Finished]) -> Iterator[_Property]:
    """In the order in which the notes have them."""
    places: dict[str, list[int]] = defaultdict(list)
    for item in finished:
        for place, key in enumerate(item.note.properties):
            places[key].append(place)
    kept = [key for key, found in places.items() if len(found) >= MOST * len(finished)]
    for key in sorted(kept, key=lambda key: (mean(places[key]), key)):
        votes: Counter[str] = Counter()
        for item in finished:
            votes.update(set(_values(item.note.properties.get(key), item)))
        written, count = max(votes.items(), key=lambda vote: (vote[1], "{{" in vote[0]), default=("", 0))
        entries, sharing = _shared(key, finished)
        if entries and (count < MOST * len(finished) or (sharing >= count and "{{" not in written)):
            yield _Property(key, sharing / len(finished), f"[{', '.join(entries)}]", entries)
        elif count < MOST * len(finished):
            yield _Property(key, len(places[key]) / len(finished), "")
        else:
            yield _Property(key, count / len(finished), written)


def _shared(key: str, finished: Sequence[_Finished]) -> tuple[tuple[str, ...], int]:
    """Of a list property, the entries that most notes have, as written in the template, and how many notes have all of these."""
    lists = [(value, item) for item in finished if isinstance(value := item.note.properties.get(key), list)]
    votes = Counter(form for value, item in lists for form in {form for entry in value for form in _values(entry, item)})
    likely = [form for form in votes if form and votes[form] >= MOST * len(finished)]
    likely.sort(key=lambda form: (-votes[form], "{{" not in form))  # of two that explain the same, the slot
    chosen: list[str] = []
    for form in likely:
        wanted = [*chosen, form]
        if sum(len(_explained(wanted, value, item)) == len(wanted) for value, item in lists) >= MOST * len(finished):
            chosen = wanted
    places = {form: mean(found[form] for value, item in lists if form in (found := _explained(chosen, value, item))) for form in chosen}
    chosen.sort(key=lambda form: places[form])
    return tuple(chosen), sum(len(_explained(chosen, value, item)) == len(chosen) for value, item in lists)


def _explained(forms: Sequence[str], entries: Sequence[object], item: _Finished) -> dict[str, int]:
    """Which of the forms stand for which entry, each entry for one at most."""
    found: dict[str, int] = {}
    for form in forms:
        place = next((at for at, entry in enumerate(entries) if at not in found.values() and form in _values(entry, item)), None)
        if place is not None:
            found[form] = place
    return found


def _values(value: object, item: _Finished) -> Iterator[str]:
    """Every way to write this value in the template."""
    if value is None or value == "" or value == []:
        yield ""
        return
    if isinstance(value, list):
        if value and [str(entry) for entry in value] == list(item.source.tags):
            yield "{{ source.tags | yaml }}"
        if not _is_code(value):
            yield json.dumps(value, ensure_ascii=False)
        return
    if not _is_code(value):
        yield json.dumps(value, ensure_ascii=False)
    for slot, text in _slots(item.note, item.source).items():
        if str(value) == text:
            yield f"{{{{ {slot} | yaml }}}}"
        elif str(value) == f"[[{text}]]":
            yield f'{{{{ ("[[" ~ {slot} ~ "]]") | yaml }}}}'
    if (day := _DAY.fullmatch(str(value))) and day[2] >= item.since:  # a day before the source was read is not the note's
        yield '"[[{{date:YYYY-MM-DD}}]]"' if day[1] else "{{date:YYYY-MM-DD}}"


def _is_code(value: object) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return any(mark in text for mark in _CODE)


def _key(name: str) -> str:
    return name if all(letter.isalnum() or letter in "_- " for letter in name) and name.strip() == name else json.dumps(name)


def _body(finished: Sequence[_Finished]) -> list[str]:
    """Lines that most notes have, in the order in which most have them."""
    counts = Counter(line for item in finished for line in set(item.lines))
    kept = [line for line, count in counts.items() if count >= max(2, MOST * len(finished)) and any(letter.isalnum() for letter in line)]
    places = {line: mean(item.lines.index(line) / len(item.lines) for item in finished if line in item.lines) for line in kept}
    return sorted(kept, key=lambda line: (places[line], line))


def _covered(item: _Finished, properties: Sequence[_Property], body: Sequence[str]) -> float:
    """Share of the template's lines that the note has: properties by name and value, lines of the body in order."""
    total = len(properties) + len(body)
    has = sum(known.held_by(item) for known in properties)
    at = 0
    for line in body:
        if line in item.lines[at:]:
            at = item.lines.index(line, at) + 1
            has += 1
    return has / total if total else 0.0


def _spaced(lines: Sequence[str]) -> Iterator[str]:
    """With a blank line before and after headings, the draft, quotes and tables."""
    for number, line in enumerate(lines):
        above = lines[number - 1] if number else ""
        one = line[:1] == above[:1] and line[:1] in (">", "|")
        if number and any(text.startswith(("#", ">", "|", "{{ draft")) for text in (line, above)) and not one:
            yield ""
        yield line


def template_slots(text: str) -> Mapping[str, int]:
    """The names a template uses, for lists: `draft`, `source.title`, `date`, with how often."""
    return Counter(re.findall(r"\{\{[-\s]*([a-z_.]+)", text, re.IGNORECASE))
