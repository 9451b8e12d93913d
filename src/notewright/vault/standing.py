"""Where a text that was put into a note stands now; of several places with the same words, the one that its surroundings tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .follow import Spans, follow

LONG = 20  # bytes of a text that are known again without the newlines around it
_TOP, _END = b"\ntop", b"\nend"  # as lines, which none is

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Known:
    """A note as it was when it was known where in it the text stands: bytes, and the byte spans of what is followed of the text."""

    note: bytes
    spans: Spans


def only_place(now: bytes, span: bytes) -> Place | None:
    """Where the span stands exactly once: as written, else with the newlines an editor may have made of it."""
    core = span.strip(b"\r\n")
    forms = [*_forms(span)]
    forms += [form.strip(b"\r\n") for form in forms] if len(core) > LONG else []
    for form in dict.fromkeys(forms):
        if now.count(form) == 1 and now.find(form) == now.rfind(form):
            at = now.find(form)
            return at, at + len(form)
    return None


def place_of(now: bytes, span: bytes, known: Known | None) -> Place | None:
    """Where the span stands in `now`; where its words stand there more than once, the place that `known` tells, or any where it makes no
    difference which of them is taken out. None where there is no telling.

    It is told by the lines above and below that are not blank: the nearest ones are both still beside it, another place has at most one of
    them, and fewer in a row on either side; and the alignment of the whole notes has found it there too.
    """
    places = list(_places(now, span))
    if len(places) < 2:
        place = only_place(now, span)
        there = follow(known.note, known.spans, now) if place and known else None
        return None if place and there and not _overlaps(place, there.spans) else place  # a copy is the person's
    if len({now[:start] + now[end:] for start, end in places}) == 1:
        return places[0]
    ours = [place for place in _places(known.note, span) if _overlaps(place, known.spans)] if known else []
    if known is None or len(ours) != 1:
        return None
    above, below = _around(known.note, ours[0])
    alike = [(_common(above, up), _common(below, down)) for up, down in (_around(now, place) for place in places)]
    (up, down), *others = sorted(alike, reverse=True)
    if not (up and down) or any(a >= up or b >= down or (a and b) for a, b in others):
        return None
    place = places[alike.index((up, down))]
    there = follow(known.note, known.spans, now)
    return place if there and _overlaps(place, there.spans) and _is_whole(now, place) else None


def is_doubled(now: bytes, span: bytes) -> bool:
    """Do the span's words stand in `now` more than once?"""
    return len(list(_places(now, span))) > 1


def _places(now: bytes, span: bytes) -> Iterator[Place]:
    """Every place of the span's lines, whatever their newlines, with those around them as far as they are as written."""
    core = span.strip(b"\r\n")
    if not core:
        return
    lead, trail = span[: span.index(core)], span[span.index(core) + len(core) :]
    words = rb"(?:\r\n|\n|\r)".join(map(re.escape, re.split(rb"\r\n|\n|\r", core)))
    for found in re.finditer(rb"(?=(" + words + rb"))", now):
        start, end = found.span(1)
        around = ((a, b) for a, b in zip(_forms(lead), _forms(trail), strict=True) if now[:start].endswith(a) and now[end:].startswith(b))
        if there := next(around, None):
            yield start - len(there[0]), end + len(there[1])
        elif len(core) > LONG:
            yield start, end


def _forms(data: bytes) -> Sequence[bytes]:
    plain = data.replace(b"\r\n", b"\n")
    return data, plain, plain.replace(b"\n", b"\r\n")


def _around(data: bytes, place: Place) -> tuple[list[bytes], list[bytes]]:
    """The lines above it, the nearest one first, and those below it, without blank ones."""
    above, below = ([line.strip() for line in re.split(rb"[\r\n]", part) if line.strip()] for part in (data[: place[0]], data[place[1] :]))
    return [*reversed(above), _TOP], [*below, _END]


def _common(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    """How many lines in a row are the same."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _is_whole(data: bytes, place: Place) -> bool:
    """No line of it goes on outside."""
    start, end = place
    core = data[start:end].strip(b"\r\n")
    first = start + data[start:end].index(core)
    last = first + len(core)
    return data[:first].rstrip(b" \t")[-1:] in (b"", b"\n", b"\r") and data[last:].lstrip(b" \t")[:1] in (b"", b"\n", b"\r")


def _overlaps(place: Place, spans: Spans) -> bool:
    return any(place[0] < end and start < place[1] for start, end in spans)
