"""Bytes of a note -> its lines with byte spans and kinds: where properties, headings, fences, comments and math are.

This is the coarse view that passages and writing need. Any bytes are accepted: lines end at LF, CRLF or CR, their spans join up to the
whole input, and bytes that are not UTF-8 are simply text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_HEADING = re.compile(rb" {0,3}(#{1,6})(?=[ \t]|\Z)")
_FENCE = re.compile(rb"((?:[ \t]*>)*)([ \t]*)((?:[-+*]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})(.*)\Z", re.DOTALL)
_SETEXT = re.compile(rb" {0,3}(=+|-+)[ \t]*\Z")
_LIST_ITEM = re.compile(rb"[ \t]*(?:[-+*]|\d{1,9}[.)])(?:[ \t]|\Z)")
_QUOTE_PREFIX = re.compile(rb"(?:[ \t]*>)*[ \t]*")
_NOT_PARAGRAPH = re.compile(rb"(?: {0,3}(?:[>|<]|(?:[-*_][ \t]*){3,}\Z)| {4}|\t)")


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
    """`start` is where its first line begins, `body` where the line after it begins (byte offsets)."""

    level: int
    title: str
    start: int
    body: int
    line: int


@dataclass(frozen=True, slots=True)
class Outline:
    """`unclosed` names a fence, comment or math block that runs to the end of the note, else it is empty."""

    lines: tuple[Line, ...]
    headings: tuple[Heading, ...]
    body: int
    unclosed: str = ""


def read_outline(data: bytes) -> Outline:
    """Lines and headings of a note. `Outline.body` is the offset after the byte order mark and the properties."""
    return _Reader(data).read()


def properties_span(data: bytes) -> tuple[int, int, int, int]:
    """Offsets (block start, YAML start, YAML end, block end) of the properties at the top; all equal where there are none."""
    start = len(BOM) if data.startswith(BOM) else 0
    found = re.compile(rb"---[ \t]*(?:\r\n|\n|\r)").match(data, start)
    if not found:
        return start, start, start, start
    closing = re.compile(rb"^---[ \t]*(?:\r\n|\n|\r|\Z)", re.MULTILINE)
    end = closing.search(data, found.end())
    if not end:
        # A file of old Mac newlines has no line starts that re.MULTILINE knows.
        end = re.compile(rb"(?<=\r)---[ \t]*(?:\r|\Z)").search(data, found.end())
    if not end:
        return start, start, start, start
    return start, found.end(), end.start(), end.end()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines: list[Line] = []
        self.block = ""  # code, comment, html or math: what the current line is inside of
        self.fence = b""
        self.fence_depth = self.fence_indent = self.opened_at = 0
        self.in_list = False
        self.paragraph: int | None = None  # index of the first line of the paragraph that a setext underline would make a heading

    def read(self) -> Outline:
        data = self.data
        start, _, _, body = properties_span(data)
        if start:
            self.lines.append(Line(0, start, "text"))
        position = start
        for found in _LINE.finditer(data, start):
            begin, position = found.span()
            if begin < body:
                self.lines.append(Line(begin, position, "properties"))
                continue
            self._line(begin, position, data[begin:position].rstrip(b"\r\n"))
        return Outline(tuple(self.lines), self._headings(), body, self._unclosed())

    def _add(self, start: int, end: int, kind: str, level: int = 0, title: str = "") -> None:
        self.lines.append(Line(start, end, kind, level, title))
        if kind != "text":
            self.paragraph = None

    def _line(self, start: int, end: int, text: bytes) -> None:
        if self.block and self._inside(start, end, text):
            return
        if not text.strip():
            self._add(start, end, "blank")
            return
        if self._opens_fence(text):
            self._add(start, end, "code")
            return
        heading = _HEADING.match(text)
        if heading:
            self._add(start, end, "heading", len(heading[1]), _heading_title(text[heading.end() :]))
            self.in_list = False
            return
        underline = _SETEXT.match(text)
        if underline and self.paragraph is not None:
            self._setext(start, end, 1 if underline[1].startswith(b"=") else 2)
            return
        kind = self._opens_block(text, end)
        if kind:
            self._add(start, end, kind)
            return
        self._text(start, end, text)

    def _text(self, start: int, end: int, text: bytes) -> None:
        item = _LIST_ITEM.match(text)
        if item:
            self.in_list = True
        elif text[:1] not in b" \t" and (not self.lines or self.lines[-1].kind == "blank"):
            self.in_list = False
        follows = self.paragraph is not None
        plain = not item and not self.in_list and (follows or not _NOT_PARAGRAPH.match(text)) and not re.match(rb" {0,3}[>|]", text)
        first = self.paragraph
        self._add(start, end, "text")
        previous_is_lazy = len(self.lines) > 1 and self.lines[-2].kind == "text" and not follows and self._is_container(self.lines[-2])
        self.paragraph = (first if follows else len(self.lines) - 1) if plain and not previous_is_lazy else None

    def _is_container(self, line: Line) -> bool:
        """A quote or table line, which an unmarked next line continues."""
        return re.match(rb" {0,3}[>|]", self.data[line.start : line.end]) is not None

    def _setext(self, start: int, end: int, level: int) -> None:
        assert self.paragraph is not None
        first = self.paragraph
        title = " ".join(_decoded(self.data[line.start : line.end]) for line in self.lines[first:])
        head = self.lines[first]
        self.lines[first] = Line(head.start, head.end, "heading", level, title)
        for index in range(first + 1, len(self.lines)):
            line = self.lines[index]
            self.lines[index] = Line(line.start, line.end, "underline")
        self._add(start, end, "underline")

    def _opens_fence(self, text: bytes) -> bool:
        found = _FENCE.match(text)
        if not found:
            return False
        quotes, indent, item, fence, info = found.groups()
        if fence.startswith(b"`") and b"`" in info:
            return False
        width = len(indent.expandtabs(4))
        if width > 3 and not (self.in_list or item or quotes):
            return False  # indented code
        self.block, self.fence, self.fence_depth = "code", fence, quotes.count(b">")
        self.fence_indent = width + len(item or b"") if (item or self.in_list) and width + len(item or b"") else 0
        self.opened_at = len(self.lines)
        self.in_list = self.in_list or bool(item)
        return True

    def _opens_block(self, text: bytes, end: int) -> str:
        """Does a comment or a math block begin here that is closed on a later line?"""
        bare = re.sub(rb"`+[^`]*`+", b"", text)
        if bare.count(b"%%") % 2 and self.data.find(b"%%", end) >= 0:
            self.block = "comment"
        elif bare.rfind(b"<!--") > bare.rfind(b"-->") and self.data.find(b"-->", end) >= 0:
            self.block = "html"
        elif bare.count(b"$$") % 2 and self.data.find(b"$$", end) >= 0 and _QUOTE_PREFIX.sub(b"", bare, count=1).startswith(b"$$"):
            self.block = "math"
        else:
            return ""
        self.opened_at = len(self.lines)
        if self.block == "math":
            return "math"
        mark = b"%%" if self.block == "comment" else b"<!--"
        return "comment" if bare.lstrip().startswith(mark) else "text"

    def _inside(self, start: int, end: int, text: bytes) -> bool:
        """Handle a line inside a block; False when the block turned out to have ended before this line."""
        if self.block == "code":
            prefix = _QUOTE_PREFIX.match(text)
            depth = prefix[0].count(b">") if prefix else 0
            content = text.lstrip(b" \t>") if self.fence_depth else text.strip()
            stripped = content.rstrip(b" \t")
            closes = stripped.startswith(self.fence) and not stripped.strip(self.fence[:1])
            if depth < self.fence_depth:
                self.block = ""
                return False
            indent = len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip(b" "))
            if not closes and text.strip() and self.fence_indent and not self.fence_depth and indent == 0:
                self.block = ""
                return False
            self._add(start, end, "code")
            if closes:
                self.block = ""
            return True
        kind = "math" if self.block == "math" else "comment"
        mark = {"comment": b"%%", "html": b"-->", "math": b"$$"}[self.block]
        at = text.find(mark)
        if at >= 0:
            self.block = ""
            kind = "text" if kind == "comment" and text[at + len(mark) :].strip() else kind
        self._add(start, end, kind)
        return True

    def _headings(self) -> tuple[Heading, ...]:
        found = []
        for index, line in enumerate(self.lines):
            if not line.level:
                continue
            body = index + 1
            while body < len(self.lines) and self.lines[body].kind == "underline":
                body += 1
            found.append(Heading(line.level, line.title, line.start, self.lines[body - 1].end, index + 1))
        return tuple(found)

    def _unclosed(self) -> str:
        if not self.block:
            return ""
        name = {"code": "code fence", "comment": "comment (%%)", "html": "comment (<!--)", "math": "math block ($$)"}[self.block]
        return f"{name} opened on line {self.opened_at + 1}"


def _heading_title(text: bytes) -> str:
    """Without the closing run of `#` that may follow after a space."""
    stripped = text.rstrip(b" \t")
    bare = stripped.rstrip(b"#")
    return _decoded(bare if not bare or bare[-1:] in b" \t" else stripped)


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", errors="replace").strip()
