"""The coarse view of a note that passages and writing need: its lines with byte spans and kinds, and its headings. Made from the tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .blocks import BOM, NEWLINE, properties_span
from .tokens import Token, tokenize

__all__ = ["BOM", "Heading", "Line", "Outline", "properties_span", "read_outline"]

_LAYOUT = ("newline", "indent", "bom")
_HIDDEN = ("comment", "html_comment")
_WHOLE_LINES = {"properties": "properties", "fence": "code", "indented_code": "code"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line, its newline included in the span. `kind`: properties, heading, underline (of a setext heading), code, comment, math,
    blank or text. `level` is 1-6 on the first line of a heading."""

    start: int
    end: int
    kind: str
    level: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """`start` is where its first line begins, `body` where the line after it begins (byte offsets). Headings inside quotes, callouts
    and list items divide nothing and are not among them."""

    level: int
    title: str
    start: int
    body: int
    line: int


@dataclass(frozen=True, slots=True)
class Outline:
    """`unclosed` names a code fence that runs to the end of the note, else it is empty."""

    lines: tuple[Line, ...]
    headings: tuple[Heading, ...]
    body: int
    unclosed: str = ""


def read_outline(data: bytes, tokens: tuple[Token, ...] | None = None) -> Outline:
    """Lines and headings of a note (of its `tokens`, where they are at hand). `Outline.body` is the offset after the byte order mark and
    the properties."""
    tokens = tokenize(data) if tokens is None else tokens
    start, _, _, body = properties_span(data)
    lines = [Line(0, start, "text")] if start else []
    openers: list[str] = [""] * len(lines)  # the first kind on each line, layout aside
    for begin, end, inside in _tokens_by_line(data, tokens, start):
        content = [token for token in inside if token.kind not in _LAYOUT]
        first = content[0] if content else None
        openers.append(first.kind if first else "")
        if first and first.kind == "heading" and not first.depth:
            lines.append(Line(begin, end, "heading", first.level, _title(data, first.end, end, content)))
        elif first and first.kind == "heading_underline" and not first.depth and _is_paragraph(lines, openers):
            _make_heading(data, lines, openers, first.level)
            lines.append(Line(begin, end, "underline"))
        else:
            lines.append(Line(begin, end, _kind(begin, end, content)))
    return Outline(tuple(lines), _headings(lines), body, _unclosed(tokens, lines))


def _tokens_by_line(data: bytes, tokens: tuple[Token, ...], start: int) -> Iterator[tuple[int, int, list[Token]]]:
    """(start, end, tokens that have a part in it) of each line."""
    inside: list[Token] = []
    begin = start
    for token in tokens:
        if token.end <= start:
            continue
        inside.append(token)
        if token.kind == "newline":
            yield begin, token.end, inside
            begin, inside = token.end, []
        elif token.kind != "text":
            for found in NEWLINE.finditer(data, token.start, token.end):
                yield begin, found.end(), inside
                begin, inside = found.end(), [token]
    if begin < len(data):
        yield begin, len(data), inside


def _kind(begin: int, end: int, content: list[Token]) -> str:
    if not content:
        return "blank"
    first, last = content[0], content[-1]
    if first.kind in _WHOLE_LINES:
        return _WHOLE_LINES[first.kind]
    for token in (first, last):
        if token.kind == "math_block" and (token.start < begin or token.end > end):
            return "math"
    return "comment" if all(token.kind in _HIDDEN for token in content) else "text"


def _is_paragraph(lines: list[Line], openers: list[str]) -> bool:
    """Can the line above end a paragraph of the note's own, rather than of a list item or quote?"""
    first = _paragraph_start(lines, openers)
    return first < len(lines) and openers[first] not in ("list_marker", "quote")


def _paragraph_start(lines: list[Line], openers: list[str]) -> int:
    first = len(lines)
    while first and lines[first - 1].kind == "text" and openers[first - 1] not in ("table_pipe", "html_block", "bom"):
        first -= 1
        if openers[first] in ("list_marker", "quote", "footnote_definition"):
            break
    return first


def _make_heading(data: bytes, lines: list[Line], openers: list[str], level: int) -> None:
    """The paragraph at the end of `lines` turns out to be a heading."""
    first = _paragraph_start(lines, openers)
    title = " ".join(_decoded(data[line.start : line.end]) for line in lines[first:])
    lines[first] = replace(lines[first], kind="heading", level=level, title=title)
    for index in range(first + 1, len(lines)):
        lines[index] = replace(lines[index], kind="underline")


def _headings(lines: list[Line]) -> tuple[Heading, ...]:
    found = []
    for index, line in enumerate(lines):
        if not line.level:
            continue
        body = index + 1
        while body < len(lines) and lines[body].kind == "underline":
            body += 1
        found.append(Heading(line.level, line.title, line.start, lines[body - 1].end, index + 1))
    return tuple(found)


def _unclosed(tokens: tuple[Token, ...], lines: list[Line]) -> str:
    last = next((token for token in reversed(tokens) if token.kind not in _LAYOUT), None)
    if not last or last.kind != "fence" or last.level:
        return ""
    return f"code fence opened on line {sum(1 for line in lines if line.end <= last.start) + 1}"


def _title(data: bytes, start: int, end: int, content: list[Token]) -> str:
    closing = next((token.start for token in content if token.kind == "heading_end"), end)
    return _decoded(data[start:closing])


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", errors="replace").strip()
