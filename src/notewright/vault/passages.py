"""The parts of a note: its sections, and in them its blocks (paragraphs, lists, tables, callouts, quotes, code, math), with byte spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .identity import part_id
from .index import BLOCK_ID
from .outline import Heading, Line, read_outline
from .tokens import Token, tokenize

KINDS = ("section", "paragraph", "list", "table", "callout", "quote", "code", "math")
_OPENERS = {"callout": "callout", "list_marker": "list", "table_pipe": "table", "table_delimiter": "table"}


@dataclass(frozen=True, slots=True)
class Part:
    """`start` and `end` are byte offsets, without the last newline. A section is its heading with all below it that is not its
    subsections'; `headings` is the trail down to its heading. `block_id` is the person's own `^id`, else empty.

    `id` is a hash of the words and the trail's last heading: it stays while the part itself does, wherever in the note it goes.
    """

    id: str
    kind: str
    start: int
    end: int
    headings: tuple[str, ...]
    block_id: str = ""


def read_parts(data: bytes) -> tuple[Part, ...]:
    """Sections and blocks of a note in file order, a section before its blocks. Any bytes are accepted."""
    tokens = tokenize(data)
    outline = read_outline(data, tokens)
    kinds = _kinds(outline.lines, tokens)
    count: Counter[str] = Counter()
    parts = []
    for kind, start, end, headings, block_id in _found(data, outline.lines, outline.headings, kinds):
        words = data[start:end]
        key = part_id(kind, headings[-1:], b"^" + block_id.encode() if block_id else words)
        count[key] += 1
        identity = key if count[key] == 1 else f"{key}-{count[key]}"
        parts.append(Part(identity, kind, start, end, headings, block_id))
    return tuple(parts)


Found = tuple[str, int, int, tuple[str, ...], str]
Kinds = dict[int, str]


def _found(data: bytes, lines: Sequence[Line], headings: Sequence[Heading], kinds: Kinds) -> Iterator[Found]:
    trail: list[Heading] = []
    borders = [*(heading.start for heading in headings), len(data)]
    first = headings[0].start if headings else len(data)
    yield from _blocks(data, [line for line in lines if line.start < first and line.kind != "properties"], (), kinds)
    at = 0
    for number, heading in enumerate(headings):
        trail = [item for item in trail if item.level < heading.level] + [heading]
        titles = tuple(item.title for item in trail)
        end = borders[number + 1]
        yield "section", heading.start, heading.start + len(data[heading.start : end].rstrip(b" \t\r\n")), titles, ""
        while at < len(lines) and lines[at].start < heading.body:
            at += 1
        stop = at
        while stop < len(lines) and lines[stop].start < end:
            stop += 1
        yield from _blocks(data, lines[at:stop], titles, kinds)
        at = stop


def _blocks(data: bytes, lines: Sequence[Line], headings: tuple[str, ...], kinds: Kinds) -> Iterator[Found]:
    runs: list[tuple[str, list[Line]]] = []
    fresh = True
    for line in lines:
        if line.kind in ("blank", "comment"):
            fresh = True
            continue
        kind = kinds[line.start]
        text = data[line.start : line.end]
        last = runs[-1] if runs else None
        goes_on = last is not None and (
            (not fresh and (last[0] == kind or kind == "paragraph" and last[0] in ("list", "table", "callout", "quote")))
            or (not fresh and last[0] == "callout" and kind == "quote")
            or (last[0] == "list" and (kind == "list" or text[:1] in b" \t"))
        )
        if last is not None and goes_on:
            last[1].append(line)
        else:
            runs.append((kind, [line]))
        fresh = False
    waiting: Found | None = None
    for kind, inside in runs:
        start, end = inside[0].start, inside[0].start + len(data[inside[0].start : inside[-1].end].rstrip(b" \t\r\n"))
        names = [found[1].decode() for found in BLOCK_ID.finditer(data, start, end) if found.end() == end]
        name = names[0] if names else ""
        if name and waiting and data[start:end].strip() == b"^" + name.encode():
            # A list's, quote's or table's id stands on a line of its own below it.
            yield (*waiting[:4], name)
            waiting = None
            continue
        if waiting:
            yield waiting
        waiting = (kind, start, end, headings, name)
    if waiting:
        yield waiting


def _kinds(lines: Sequence[Line], tokens: Sequence[Token]) -> Kinds:
    """What each line is part of, by where it starts: the outermost construct that it opens or goes on."""
    kinds: Kinds = {}
    at = 0
    for line in lines:
        kind = line.kind if line.kind in ("code", "math") else "paragraph"
        while at < len(tokens) and tokens[at].start < line.end:
            token = tokens[at]
            at += 1
            if token.kind == "callout" and kind in ("paragraph", "quote"):
                kind = "callout"
            elif kind == "paragraph" and (token.kind == "quote" or token.kind in _OPENERS):
                kind = _OPENERS.get(token.kind, "quote")
        kinds[line.start] = kind
    return kinds
