"""Where a draft says that something stands (`p. 34`, `loc. 1203`, `12:05`), held against the highlights that it rests on there, and put
right where these leave no doubt."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..provenance import NOT_WORDS, RUN, provenance
from ..records import Highlight
from .given import flat
from .pointers import MAYBE, items

_KINDS = ("page", "location", "time_offset")  # as in `Highlight.location_type`
_LOCATION = re.compile(
    r"(?<![\w.:/=])(?:(?P<page>(?:[Pp]{1,2}\.|[Pp]ages?|S\.|[Ss]eiten?)\s?)|(?P<location>(?:[Ll]oc|[Ll]ocation|[Pp]os|[Pp]osition)\.?\s?)"
    r"|(?P<time_offset>))(?P<value>\d{1,9}(?::\d\d){0,2})(?![\w:]|[.,]\d)"
)

_MARKS = re.compile(
    r"\[\[[^\[\]\n]*\]\]|\[![\w-]+\][+-]?|(?<!\w)#[\w/-]+|\^[\w-]+[ \t]*$", re.MULTILINE
)  # links, callouts, tags, block ids
_ADDRESS = re.compile(NOT_WORDS, re.MULTILINE)  # and pictures, whose names may hold numbers


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A location that is not where its list item or paragraph, text[start:end], comes from: the highlights that this rests on."""

    match: re.Match[str]
    kind: str
    start: int
    end: int
    rests: frozenset[int]


def misplaced(text: str, highlights: Sequence[Highlight]) -> Iterator[tuple[str, str]]:
    """(location, its line) where a list item or paragraph rests on highlights, and on none of those that stand at the location it gives.

    Locations of no highlight are not looked at (`lint` calls them invented), nor those that a highlight or annotation names itself.
    """
    for wrong in _wrong(text, highlights):
        at = wrong.match.start()
        yield wrong.match[0], text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0]


def put_right(text: str, highlights: Sequence[Highlight]) -> tuple[str, list[str]]:
    """The text with the true location where an item gives another highlight's and has no word that is not of the one highlight it rests
    on (where a lead-in is another's, too, nobody can tell which is meant); and what was done, in words."""
    changes = []
    for wrong in _wrong(text, highlights):
        if len(wrong.rests) > 1:
            continue
        own = highlights[min(wrong.rests)]
        at, end = wrong.match.span("value")
        item = f"{text[wrong.start : wrong.match.start()]} {text[wrong.match.end() : wrong.end]}"
        said = set(flat(_MARKS.sub(" ", _ADDRESS.sub(" ", item))).split())
        if own.location is None or own.location_type != wrong.kind or said - set(flat(f"{own.text} {own.annotation}").split()):
            continue
        value = _written(wrong.kind, own.location)
        if (label := text[wrong.match.start() : at] + value) not in item:
            changes.append((at, end, value, f"{wrong.match[0]} became {label}, where that highlight stands"))
    for at, end, value, _ in reversed(changes):
        text = text[:at] + value + text[end:]
    return text, [done for *_, done in changes]


def _wrong(text: str, highlights: Sequence[Highlight]) -> Iterator[_Wrong]:
    held: dict[tuple[str, int], set[int]] = defaultdict(set)
    for number, item in enumerate(highlights):
        if item.location is not None:
            held[item.location_type, item.location].add(number)
    said = "\n".join(part for item in highlights for part in (item.text, item.annotation))
    prose = _ADDRESS.sub(lambda match: " " * len(match[0]), text)
    found = [(match, where) for match in _LOCATION.finditer(prose) if (where := _read(match)) in held and match[0] not in said]
    if not found:
        return
    spans, parts = [span for span in provenance(text, highlights, least=MAYBE) if span.kind != "heading"], items(text)
    for match, (kind, value) in found:
        there = held[kind, value]
        start, end = next(((one, two) for one, two in parts if one <= match.start() < two), match.span())
        rests = {rest.highlight for span in spans if span.start < end and span.end > start for rest in span.rests}
        if rests and not rests & there and _runs(text[start:end]).isdisjoint(_runs("\n".join(highlights[number].text for number in there))):
            yield _Wrong(match, kind, start, end, frozenset(rests))


def _written(kind: str, location: int) -> str:
    if kind != "time_offset":
        return str(location)
    minutes, seconds = divmod(location, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes}:{seconds:02d}"


def _runs(text: str) -> set[tuple[str, ...]]:
    """Words that stand side by side, `RUN` of them: what is quoted of a highlight may be too little for `provenance`."""
    words = flat(text).split()
    return {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}


def _read(match: re.Match[str]) -> tuple[str, int] | None:
    """The kind of location and its number; seconds for a time."""
    kind, parts = next(name for name in _KINDS if match[name] is not None), match["value"].split(":")
    if (kind == "time_offset") != (len(parts) > 1):
        return None
    value = 0
    for part in parts:
        value = 60 * value + int(part)
    return kind, value
