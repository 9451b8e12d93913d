"""The lines of a note -> block tokens: properties, quotes, lists, headings, fences, tables; the text between goes to the inline scanner.

Lines are taken in order. Lines of one paragraph are held back until it ends, then scanned together, since code, math and emphasis may run
over a line's end; a comment or a Templater command found there may run over blank lines too, and then reading goes on where it ends.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from .inline import InlineScanner
from .kinds import Token

BOM = b"\xef\xbb\xbf"
NEWLINE = re.compile(rb"\r\n|\n|\r")
_INDENT = re.compile(rb"[ \t]*")
_SPECIAL_START = frozenset(b" \t>#`~-+*_=|<$:[0123456789")
_CONTAINER_START = frozenset(b" \t>-+*0123456789")
_PREFIX = re.compile(rb"((?:[ \t]*+>)*+)[ \t]*+")
_QUOTE = re.compile(rb"(?:[ \t]*+>)++[ \t]?")
_LIST = re.compile(rb"([-+*]|\d{1,9}[.)])([ \t]+|\Z)")
_TASK = re.compile(rb"\[(?:[^\]\r\n\x80-\xff]|[\xc2-\xf4][\x80-\xbf]{1,3})\](?=[ \t]|\Z)")
_HEADING = re.compile(rb"(#{1,6})(?:[ \t]+|\Z)")
_THEMATIC = re.compile(rb"(?:(?:\*[ \t]*+){3,}+|(?:-[ \t]*+){3,}+|(?:_[ \t]*+){3,}+)\Z")
_SETEXT = re.compile(rb"(=++|-++)[ \t]*+\Z")
_FENCE = re.compile(rb"(`{3,}+)[^`\r\n]*\Z|(~{3,}+)")
_CALLOUT = re.compile(rb"\[![^\]\r\n]++\][+-]?")
_FOOTNOTE = re.compile(rb"\[\^[^\[\]\s]++\]:")
_DELIMITER = re.compile(rb"\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+\Z")
_PIPE = re.compile(rb"\\[\s\S]|[ \t]*+\|[ \t]*+|[ \t]++")
HTML_RAW = re.compile(rb"<(script|pre|style|textarea)(?:[\s>]|\Z)", re.IGNORECASE)
_HTML_BLOCK = re.compile(
    rb"</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset"
    rb"|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes"
    rb"|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)(?:[ \t]|/?>|\Z)",
    re.IGNORECASE,
)
_HTML_ALONE = re.compile(rb"(?:<[A-Za-z][A-Za-z0-9\-]*(?:[\s/](?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)?>|</[A-Za-z][A-Za-z0-9\-]*\s*>)[ \t]*\Z")
_CLOSING_PROPERTIES = re.compile(rb"(?<=[\r\n])---[ \t]*(?=[\r\n]|\Z)")
_OPENING_PROPERTIES = re.compile(rb"---[ \t]*(?:\r\n|\n|\r)")


def properties_span(data: bytes) -> tuple[int, int, int, int]:
    """Offsets (block start, YAML start, YAML end, block end) of the properties at the top; all equal where there are none.

    The block end is behind the newline of the closing line.
    """
    start = len(BOM) if data.startswith(BOM) else 0
    opening = _OPENING_PROPERTIES.match(data, start)
    closing = opening and _CLOSING_PROPERTIES.search(data, opening.end())
    if not opening or not closing:
        return start, start, start, start
    newline = NEWLINE.match(data, closing.end())
    return start, opening.end(), closing.start(), newline.end() if newline else closing.end()


class BlockReader:
    """Reads one note."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.out: list[Token] = []
        self.inline = InlineScanner(data)
        self.ends: list[int] = []  # of each line's content
        self.nexts: list[int] = []  # where the line after it begins
        for found in NEWLINE.finditer(data):
            self.ends.append(found.start())
            self.nexts.append(found.end())
        if not self.nexts or self.nexts[-1] < len(data):
            self.ends.append(len(data))
            self.nexts.append(len(data))
        self.lists: list[list[int]] = [[]]  # per quote depth, the columns where the open items' texts begin
        self.paragraph = -1  # offset where the held-back text begins, or -1
        self.first = 0  # its first line
        self.depth = 0  # its quotes, else those of the line before
        self.table = False

    def read(self) -> list[Token]:
        start, _, _, body = properties_span(self.data)
        self._add("bom", 0, start)
        line, position = 0, body
        if body > start:
            line = bisect_left(self.nexts, body)
            self._add("properties", start, self.ends[line])
            line, position = self._newline(line)
        ends, nexts, data, special = self.ends, self.nexts, self.data, _SPECIAL_START
        count = len(ends)
        while True:
            if line >= count:
                if self.paragraph < 0:
                    return self.out
                line, position = self._flush(count)
            elif position < ends[line] and data[position] not in special and not self.table:
                # By far the most lines: text that begins at the left edge.
                if self.paragraph < 0:
                    self._open(position, line, 0)
                    self.lists[0].clear()
                position = nexts[line]
                line += 1
            elif position == ends[line]:
                line, position = self._empty(line, position)
            else:
                line, position = self._line(line, position)

    def _add(self, kind: str, start: int, end: int, depth: int = 0, level: int = 0) -> None:
        if end > start:
            self.out.append(Token(kind, start, end, depth, level))

    def _newline(self, line: int) -> tuple[int, int]:
        """Ends the line; returns the next one and where it begins."""
        self._add("newline", self.ends[line], self.nexts[line], self.depth)
        return line + 1, self.nexts[line]

    def _open(self, position: int, line: int, depth: int) -> None:
        self.paragraph, self.first, self.depth = position, line, depth

    def _flush(self, line: int) -> tuple[int, int]:
        """End the paragraph before `line`. Returns where to go on: there, unless a comment in it ran on beyond its end."""
        last = line - 1
        stop = self.inline.scan(self.out, self.paragraph, self.ends[last], self.depth)
        self.paragraph = -1
        if stop > self.ends[last]:
            last = bisect_left(self.ends, stop)
            if stop < self.ends[last]:
                self._open(stop, last, self.depth)
                return last + 1, self.nexts[last]
        return self._newline(last)

    def _empty(self, line: int, position: int) -> tuple[int, int]:
        if self.paragraph >= 0:
            flushed = self._flush(line)
            if flushed != (line, position):
                return flushed
        self.table, self.depth = False, 0
        return self._newline(line)

    def _line(self, line: int, position: int) -> tuple[int, int]:
        data, end = self.data, self.ends[line]
        prefix = _PREFIX.match(data, position, end)
        assert prefix
        at, depth = prefix.end(), prefix[1].count(b">")
        if self.paragraph >= 0:
            if at < end and depth <= self.depth:
                column = self._column(position, at)
                if column - self._base(depth, column) >= 4:
                    return line + 1, self.nexts[line]  # so far in, it goes on with the paragraph, whatever it is
                if column >= self._base(depth) and self._is_delimiter(line, at, end, depth):
                    return self._opens_table(line, position)
                underline = _SETEXT.match(data, at, end) if depth == self.depth else None
                if underline and column >= self._base(depth):
                    flushed = self._flush(line)
                    if flushed != (line, position):
                        return flushed
                    self._prefix(position, end, depth)
                    self._add("heading_underline", at, end, depth, 1 if underline[1].startswith(b"=") else 2)
                    return self._newline(line)
                if not self._interrupts(at, end, depth, inside=depth == self.depth and column >= self._base(depth)):
                    return line + 1, self.nexts[line]
            flushed = self._flush(line)
            if flushed != (line, position):
                return flushed
        if at == end:
            self.table = False
            self._prefix(position, end, depth)
            self.depth = depth
            return self._newline(line)
        if self.table:
            if depth == self.depth and not self._interrupts(at, end, depth):
                self._row(self._prefix(position, end, depth), end, depth)
                return self._newline(line)
            self.table = False
        return self._block(line, position, end)

    def _prefix(self, position: int, end: int, depth: int) -> int:
        """The quote marks and the indentation that a line begins with; returns where its content begins."""
        quote = _QUOTE.match(self.data, position, end) if depth else None
        if quote:
            self._add("quote", position, quote.end(), depth, depth)
            position = quote.end()
        indent = _INDENT.match(self.data, position, end)
        assert indent
        self._add("indent", position, indent.end(), depth)
        return indent.end()

    def _column(self, position: int, at: int) -> int:
        """How far in the content at `at` stands, counted from the line's start or its last quote mark and the space after."""
        lead = self.data[position:at]
        inner = lead.rpartition(b">")[2]
        if len(inner) < len(lead):
            inner = inner[1:]
        return len(inner.expandtabs(4))

    def _base(self, depth: int, column: int | None = None) -> int:
        """Where the text of the innermost open list item begins, or of the innermost one that a line at `column` can belong to."""
        stack = self.lists[depth] if depth < len(self.lists) else []
        count = len(stack) if column is None else bisect_right(stack, column)
        return stack[count - 1] if count else 0

    def _interrupts(self, at: int, end: int, depth: int, *, inside: bool = True) -> bool:
        """Does the content at `at` begin a block of its own, although a paragraph or table is open?

        `inside` the paragraph's own list item (or in none), an item must not be empty and must be numbered 1, if at all.
        """
        data = self.data
        first = data[at : at + 1]
        if first == b"#":
            return _HEADING.match(data, at, end) is not None
        if first in b"`~":
            return _FENCE.match(data, at, end) is not None
        if first in b"-+*_":
            item = _LIST.match(data, at, end)
            return (item is not None and (item.end() < end or not inside)) or _THEMATIC.match(data, at, end) is not None
        if first.isdigit():
            item = _LIST.match(data, at, end)
            return item is not None and ((item[1][:-1] == b"1" and item.end() < end) or not inside)
        if first == b"<":
            return (HTML_RAW.match(data, at, end) or _HTML_BLOCK.match(data, at, end)) is not None
        if first == b"$":
            # It may also be the end of a $$ that the paragraph opened.
            return self._math_end(at, end, depth) > 0 and not (self.paragraph >= 0 and data.count(b"$$", self.paragraph, at) % 2)
        return first == b"[" and _FOOTNOTE.match(data, at, end) is not None

    def _block(self, line: int, position: int, end: int) -> tuple[int, int]:
        """The containers that a line opens or stands in, then the block in it."""
        data, depth, offset, fresh, no_break = self.data, 0, 0, False, -1
        if data[position] not in _CONTAINER_START:
            self.lists = [[]]
            return self._leaf(line, position, end, 0, False)
        while True:
            indent = _INDENT.match(data, position, end)
            assert indent
            at = indent.end()
            column = offset + len(data[position:at].expandtabs(4))
            stack = self.lists[depth]
            while stack and column < stack[-1]:
                stack.pop()
            base = stack[-1] if stack else 0
            quote = _QUOTE.match(data, at, end)
            item = None if quote else _LIST.match(data, at, end)
            # What is no thematic break from its first mark on is none from its second on, so "- - - - x" is looked through once.
            if item and data[at] != no_break:
                if _THEMATIC.match(data, at, end):
                    item = None
                else:
                    no_break = data[at]
            if column - base >= 4 and not (item and stack):
                return self._indented(line, position, depth, base)
            if quote:
                count = quote[0].count(b">")
                fresh = fresh or depth + count > self.depth
                while len(self.lists) <= depth + count:
                    self.lists.append([])
                if fresh:
                    self.lists[depth + count].clear()
                depth += count
                self._add("quote", position, quote.end(), depth, count)
                position, offset = quote.end(), 0
            elif item:
                self._add("indent", position, at, depth)
                column += len(item[1]) + max(1, len(item[2]))
                stack.append(column)
                self._add("list_marker", at, item.end(), depth, column)
                position, offset, fresh = item.end(), column, True
                del self.lists[depth + 1 :]
                task = _TASK.match(data, position, end)
                if task:
                    self._add("task", position, task.end(), depth)
                    position = task.end()
            else:
                self._add("indent", position, at, depth)
                break
        if not depth:
            del self.lists[1:]
        return self._leaf(line, at, end, depth, fresh)

    def _leaf(self, line: int, at: int, end: int, depth: int, fresh: bool) -> tuple[int, int]:
        data = self.data
        self.depth = depth
        first = data[at : at + 1]
        if not first or at == end:
            return self._newline(line)
        if first == b"#" and (heading := _HEADING.match(data, at, end)):
            self._heading(heading, end, depth)
            return self._newline(line)
        if first in b"`~" and (fence := _FENCE.match(data, at, end)):
            return self._fence(line, at, fence[1] or fence[2], depth)
        if first in b"-*_" and _THEMATIC.match(data, at, end):
            self._add("thematic_break", at, end, depth)
            return self._newline(line)
        if first == b"$" and (stop := self._math_end(at, end, depth)):
            self._add("math_block", at, stop, depth)
            last = bisect_left(self.ends, stop)
            if stop == self.ends[last]:
                return self._newline(last)
            self._open(stop, last, depth)
            return last + 1, self.nexts[last]
        if first == b"<" and (found := HTML_RAW.match(data, at, end)):
            return self._html(line, at, depth, b"</" + found[1].lower())
        if first == b"<" and (_HTML_BLOCK.match(data, at, end) or _HTML_ALONE.match(data, at, end)):
            return self._html(line, at, depth, b"")
        if first == b"[" and depth and fresh and (callout := _CALLOUT.match(data, at, end)):
            self._add("callout", at, callout.end(), depth)
            self.inline.scan(self.out, callout.end(), end, depth, far=False)
            return self._lazy(line, depth)
        if first == b"[" and _FOOTNOTE.match(data, at, end):
            self.lists[depth] = [2]  # what follows it by two spaces or more is its own, not code
        self._open(at, line, depth)
        return line + 1, self.nexts[line]

    def _lazy(self, line: int, depth: int) -> tuple[int, int]:
        """Ends the line of a callout's title. Text right below it is the callout's body even without `>`, as it would go on with a
        paragraph; a table is none."""
        line, position = self._newline(line)
        if line < len(self.ends):
            end = self.ends[line]
            prefix = _PREFIX.match(self.data, position, end)
            assert prefix
            at = prefix.end()
            if b">" not in prefix[0] and self.data[at:end][:1] not in (b"", b"|") and not self._interrupts(at, end, depth, inside=False):
                self._add("indent", position, at, depth)
                self._open(at, line, depth)
                return line + 1, self.nexts[line]
        return line, position

    def _heading(self, heading: re.Match[bytes], end: int, depth: int) -> None:
        start = heading.end()
        self._add("heading", heading.start(), start, depth, len(heading[1]))
        title = self.data[start:end].rstrip(b" \t")
        bare = title.rstrip(b"#")
        closed = len(bare) < len(title) and (not bare or bare[-1:] in b" \t")
        stop = start + len(bare.rstrip(b" \t")) if closed else end
        self.inline.scan(self.out, start, stop, depth, far=False)
        self._add("heading_end", stop, end, depth)

    def _fence(self, line: int, at: int, marks: bytes, depth: int) -> tuple[int, int]:
        base, closed, last = self._base(depth), 0, len(self.ends) - 1
        for number in range(line + 1, len(self.ends)):
            position, end = self.nexts[number - 1], self.ends[number]
            content, quotes = self._content(position, end, depth)
            if quotes < depth or (base and content < end and self._column(position, content) < base):
                last = number - 1
                break
            if content < end and self.data[content] == marks[0]:
                rest = self.data[content:end].rstrip(b" \t")
                if len(rest) >= len(marks) and not rest.strip(marks[:1]):
                    last, closed = number, 1
                    break
        self._add("fence", at, self.ends[last], depth, closed)
        return self._newline(last)

    def _content(self, position: int, end: int, depth: int) -> tuple[int, int]:
        """Where a line's content begins behind its quote marks, and how many there are; a note's own `>` counts only inside a quote."""
        found = (_PREFIX if depth else _INDENT).match(self.data, position, end)
        assert found
        return found.end(), found[0].count(b">")

    def _indented(self, line: int, start: int, depth: int, base: int) -> tuple[int, int]:
        last = line
        for number in range(line + 1, len(self.ends)):
            position, end = self.nexts[number - 1], self.ends[number]
            content, quotes = self._content(position, end, depth)
            if quotes != depth or (content < end and self._column(position, content) < base + 4):
                break
            if content < end:
                last = number
        self.depth = depth
        self._add("indented_code", start, self.ends[last], depth)
        return self._newline(last)

    def _math_end(self, at: int, end: int, depth: int) -> int:
        """Where the `$$` block at `at` ends, on a later line; 0 when it is none, or closed on its own line."""
        data = self.data
        if not data.startswith(b"$$", at) or data.find(b"$$", at + 2, end) >= 0:
            return 0
        stop = self.inline.closer(b"$$", at + 2)
        if stop and depth:
            for number in range(bisect_left(self.ends, end), bisect_left(self.ends, stop)):
                if self._content(self.nexts[number], self.ends[number + 1], depth)[1] < depth:
                    return 0
        return stop

    def _html(self, line: int, at: int, depth: int, closing: bytes) -> tuple[int, int]:
        """Up to the line with the closing tag, or to the line before a blank one, in the list item that it began in."""
        base, last = self._base(depth), len(self.ends) - 1
        for number in range(line, len(self.ends)):
            start = at if number == line else self.nexts[number - 1]
            if number > line:
                content, quotes = self._content(start, self.ends[number], depth)
                outside = base and content < self.ends[number] and self._column(start, content) < base
                if quotes < depth or outside or (not closing and content == self.ends[number]):
                    last = number - 1
                    break
            if closing and closing in self.data[start : self.ends[number]].lower():
                last = number
                break
        self._add("html_block", at, self.ends[last], depth)
        return self._newline(last)

    def _is_delimiter(self, line: int, at: int, end: int, depth: int) -> bool:
        """Does this line make the one before it a table's header?"""
        if depth != self.depth or self.data[at] not in b"|:-" or not _DELIMITER.match(self.data, at, end):
            return False
        start = self._header_start(line)
        if start > self.paragraph:
            start, _ = self._content(start, self.ends[line - 1], depth)
        header = self.data[start : self.ends[line - 1]]
        return b"|" in header and _cells(header) == _cells(self.data[at:end])

    def _header_start(self, line: int) -> int:
        return max(self.paragraph, self.nexts[line - 2] if line > 1 else 0)

    def _opens_table(self, line: int, position: int) -> tuple[int, int]:
        start, depth = self._header_start(line), self.depth
        if start > self.paragraph:
            flushed = self._flush(line - 1)
            if flushed != (line - 1, start):
                return flushed
            start = self._prefix(start, self.ends[line - 1], depth)
        self.paragraph = -1
        self._row(start, self.ends[line - 1], depth)
        self._newline(line - 1)
        at = self._prefix(position, self.ends[line], depth)
        self._add("table_delimiter", at, self.ends[line], depth)
        self.table = True
        return self._newline(line)

    def _row(self, start: int, end: int, depth: int) -> None:
        cell = start
        for found in _PIPE.finditer(self.data, start, end):
            if b"|" in found[0] and found[0][:1] != b"\\":
                self._cell(cell, found.start(), depth)
                self._add("table_pipe", found.start(), found.end(), depth)
                cell = found.end()
        self._cell(cell, end, depth)

    def _cell(self, start: int, end: int, depth: int) -> None:
        if end > start:
            self.inline.scan(self.out, start, end, depth, far=False)


def _cells(row: bytes) -> int:
    bare = row.strip()
    pipes = sum(1 for found in _PIPE.finditer(bare) if b"|" in found[0] and found[0][:1] != b"\\")
    return pipes + 1 - bare.startswith(b"|") - (bare.endswith(b"|") and not bare.endswith(b"\\|") and len(bare) > 1)
