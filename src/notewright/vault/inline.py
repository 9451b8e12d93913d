"""The text of one paragraph, heading, cell or list item -> inline tokens: links, code, math, comments, tags, marks.

One regular expression finds the next construct; a character that begins none is skipped inside the regular expression. Every
alternative either excludes the character it starts with, or is possessive, or looks for its end with `find` and remembers that there is
none: so the time is linear in the length, whatever the bytes.
"""

from __future__ import annotations

import re

from .kinds import Token

# Text of a link: brackets may be nested twice, as in [![a [b]](image)](page).
_TEXT = rb"(?:[^\[\]\\]|\\[\s\S]|\[(?:[^\[\]\\]|\\[\s\S]|\[[^\[\]]*+\])*+\])*+"
_PLACE = (
    rb"\([ \t]*(?:<[^<>\r\n]*+>|(?:[^\s()<>\\]|\\[!-/:-@\[-`{-~]|\\|\((?:[^\s()])*+\))*+)"
    rb"(?:\s++(?:\"[^\"]*+\"|'[^']*+'|\([^()]*+\)))?[ \t]*\)"
)
# As Obsidian's own: any letter, digit, emoji; not general or supplemental punctuation (U+2000-206F, U+2E00-2E7F), not a wide space.
_TAG = rb"(?:[A-Za-z0-9_/\-]++|(?!\xc2\xa0|\xe2[\x80\x81\xb8\xb9]|\xe3\x80\x80|\xef\xbb\xbf)[\xc2-\xf4][\x80-\xbf]++)++"
_BEGIN = rb"[\n\r\\`$*_=~%<{#^(\[!:]"
# (kind, what follows the first character); the first that fits wins. The lookbehind names that first character.
_RULES: tuple[tuple[str, bytes], ...] = (
    ("newline", rb"(?<=\n)"),
    ("newline", rb"(?<=\r)\n?"),
    ("emphasis", rb"(?<=\*)\**+"),
    ("wikilink", rb"(?<=\[)\[[^\[\]\r\n]++\]\]"),
    ("footnote", rb"(?<=\[)\^[^\[\]\s]++\]"),
    ("field", rb"(?<=\[)[^\[\]():\r\n]{1,60}+::(?:[^\[\]\r\n]|\[\[[^\[\]\r\n]*+\]\]|\[[^\[\]\r\n]*+\])*+\]"),
    ("link", rb"(?<=\[)" + _TEXT + rb"\]" + _PLACE),
    ("embed", rb"(?<=!)\[\[[^\[\]\r\n]++\]\]"),
    ("image", rb"(?<=!)\[" + _TEXT + rb"\]" + _PLACE),
    ("emphasis", rb"(?<=_)_*+"),
    ("tag", rb"(?<=#)" + _TAG),
    ("url", rb"(?<=:)//[^\s<>\"|\[\]`]++"),
    ("code", rb"(?<=`)`*+"),
    ("escape", rb"(?<=\\)[!-/:-@\[-`{-~]"),
    ("math_block", rb"(?<=\$)\$"),
    ("math", rb"(?<=\$)(?=[^\s$])(?:[^$\\]|\\[\s\S])*+(?<![ \t\r\n])\$(?!\d)"),
    ("highlight", rb"(?<==)=++"),
    ("strike", rb"(?<=~)~++"),
    ("comment", rb"(?<=%)%"),
    ("html_comment", rb"(?<=<)!--"),
    ("templater", rb"(?<=<)%"),
    ("autolink", rb"(?<=<)[A-Za-z][A-Za-z0-9+.\-]{1,31}+:[^\s<>]*+>"),
    ("autolink", rb"(?<=<)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]++@[A-Za-z0-9.\-]++>"),
    ("html", rb"(?<=<)/?[A-Za-z][A-Za-z0-9\-]*+(?:[\s/](?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)?>"),
    ("template", rb"(?<=\{)\{[^{}\r\n]*+\}\}"),
    ("footnote_inline", rb"(?<=\^)\[" + _TEXT + rb"\]"),
    ("block_id", rb"(?<=\^)[A-Za-z0-9\-]++(?=[ \t]*(?:[\r\n]|\Z))"),
    ("field", rb"(?<=\()[^\[\]():\r\n]{1,60}+::(?:[^()\r\n]|\([^()\r\n]*+\))*+\)"),
)
_REFERENCE = ("reference", rb"(?<=\[)" + _TEXT + rb"\](?:\[[^\[\]]*+\])?")


def _compiled(rules: tuple[tuple[str, bytes], ...]) -> tuple[re.Pattern[bytes], tuple[str, ...]]:
    """The pattern, and the kind by the number of the empty group that ended the match."""
    return re.compile(_BEGIN + rb"(?:" + b"|".join(rule + rb"()" for _, rule in rules) + rb")"), ("", *(kind for kind, _ in rules))


_PLAIN = _compiled(_RULES)
_WITH_REFERENCES = _compiled((*_RULES, _REFERENCE))
_PREFIX = re.compile(rb"((?:[ \t]*>)+[ \t]?)?([ \t]*)")
_FIELD_KEY = re.compile(rb"[^\s:\[\](){}|`#>][^:\r\n\[\](){}|`]{0,60}+::(?=\s|\Z)")
_TICKS = re.compile(rb"`++")
_TAIL = re.compile(
    rb"(?:[ \t]*+\|[ \t]*+(?:\d{1,5}(?:x\d{1,5})?|left|right|cent(?:er|re)|inline|\+[CLR])[ \t]*+(?=[|\r\n]|\Z))++", re.IGNORECASE
)
_SPACES = b" \t\r\n"
_BEFORE_TAG = b" \t\r\n>"
_SCHEME = re.compile(
    rb"(?:https?|ftp|file|obsidian|zotero|kindle|ibooks|calibre|readwise(?:reader)?|message|things|x-[a-z-]+)\Z", re.IGNORECASE
)
_DEFINITION = re.compile(rb"(?:\A|(?<=[\r\n]))(?:[ \t]*>)*[ \t]*\[(?!\^)((?:[^\[\]\\\r\n]|\\[^\r\n])++)\]:")
_CLOSERS = {"comment": b"%%", "html_comment": b"-->", "templater": b"%>"}


class InlineScanner:
    """Scans runs of one note."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.labels = {_label(found[1]) for found in _DEFINITION.finditer(data)} if b"]:" in data else set()
        self.pattern, self.kinds = _WITH_REFERENCES if self.labels else _PLAIN
        self.has_fields = b"::" in data
        self.none_after: dict[bytes, int] = {}  # a closer that was looked for in vain from this offset on

    def scan(self, out: list[Token], start: int, end: int, depth: int, *, far: bool = True) -> int:
        """Append the tokens of data[start:end] to `out`; returns where they end, which lies behind `end` when a comment or a Templater
        command goes on beyond the paragraph (they may not where `far` is false)."""
        data, kinds, search = self.data, self.kinds, self.pattern.search
        first = len(out)
        marks: list[int] = []  # places in `out` of emphasis, highlight and strike marks
        ticks: dict[int, list[int]] | None = None
        position = text = self._line_start(out, start, end, depth) if self.has_fields else start
        line = start
        while found := search(data, position, end):
            begin, stop = found.span()
            kind = kinds[found.lastindex or 0]
            position = stop
            level = 0
            if kind == "newline":
                if begin > text:
                    out.append(Token("text", text, begin, depth))
                out.append(Token("newline", begin, stop, depth))
                position = text = line = self._prefix(out, stop, end, depth)
                continue
            if kind == "emphasis" or kind == "highlight" or kind == "strike":
                level = self._flanking(begin, stop, start, end)
                if not level or (kind != "emphasis" and stop - begin != 2):
                    continue
                marks.append(len(out) + (begin > text))
            elif kind == "tag":
                if (begin > line and data[begin - 1] not in _BEFORE_TAG) or data[begin + 1 : stop].isdigit():
                    continue
            elif kind == "url":
                begin, stop = self._url(begin, stop, text)
                if begin < 0:
                    continue
                position = stop
            elif kind == "code":
                if ticks is None:
                    ticks = _tick_runs(data, begin, end)
                stop = _closing_ticks(ticks, begin, stop)
                if not stop:
                    continue
                position = stop
            elif kind == "math_block":
                stop = data.find(b"$$", position, end) + 2
                if stop < 2 or stop - 4 < begin + 1:
                    continue
                position = stop
            elif kind in _CLOSERS:
                stop = self.closer(_CLOSERS[kind], position, len(data) if far else end)
                if not stop:
                    continue
                position = stop
            elif kind == "footnote":
                if begin == line and data[stop : stop + 1] == b":" and stop < end:
                    kind, stop = "footnote_definition", stop + 1
                    position = stop
                else:
                    kind = "footnote_reference"
            elif kind == "block_id":
                if begin > line and data[begin - 1] not in _SPACES:
                    continue
            elif kind == "reference":
                label = found[0]
                inner = label.rpartition(b"][")[2] if label.endswith(b"]") and b"][" in label else label[1:]
                if _label(inner[:-1] or label[1:].partition(b"]")[0]) not in self.labels:
                    position = begin + 1
                    continue
                if begin == line and data[stop : stop + 1] == b":" and stop < end:
                    kind = "link_definition"
                    stop = self._line_end(stop, end)
                    position = stop
            if begin > text:
                out.append(Token("text", text, begin, depth))
            out.append(Token(kind, begin, stop, depth, level))
            text = position
            if kind == "embed" and (tail := _TAIL.match(data, stop, end)):
                out.append(Token("embed_tail", stop, tail.end(), depth))
                position = text = tail.end()
            if stop > end:
                break
        if text < end:
            out.append(Token("text", text, end, depth))
        if marks:
            _pair(self, out, first, marks)
        return max(end, text)

    def _prefix(self, out: list[Token], position: int, end: int, depth: int) -> int:
        """The quote marks and indentation of a paragraph's next line."""
        found = _PREFIX.match(self.data, position, end)
        assert found
        if found.end() > position:
            middle = found.end(1)
            if middle > position:
                out.append(Token("quote", position, middle, depth, found[1].count(b">")))
                position = middle
            if found.end() > position:
                out.append(Token("indent", position, found.end(), depth))
                position = found.end()
        return self._line_start(out, position, end, depth) if self.has_fields else position

    def _line_start(self, out: list[Token], position: int, end: int, depth: int) -> int:
        found = _FIELD_KEY.match(self.data, position, end)
        if not found:
            return position
        out.append(Token("field_key", position, found.end(), depth))
        return found.end()

    def _line_end(self, position: int, end: int) -> int:
        found = re.compile(rb"[^\r\n]*").match(self.data, position, end)
        return found.end() if found else end

    def closer(self, mark: bytes, position: int, limit: int | None = None) -> int:
        """Where what is open at `position` ends; 0 when it is not closed before `limit` (the note's end)."""
        whole = limit is None or limit == len(self.data)
        if self.none_after.get(mark, len(self.data) + 1) <= position:
            return 0
        at = self.data.find(mark, position, limit)
        if at < 0:
            if whole:
                self.none_after[mark] = position
            return 0
        return at + len(mark)

    def _url(self, begin: int, stop: int, text: int) -> tuple[int, int]:
        """The whole URL around `://`, sentence punctuation at its end left out; (-1, 0) when there is no scheme before it."""
        scheme = _SCHEME.search(self.data, max(text, begin - 16), begin)
        if not scheme or (scheme.start() > text and chr(self.data[scheme.start() - 1]).isalnum() and self.data[scheme.start() - 1] < 128):
            return -1, 0
        raw = self.data[begin:stop]
        opened, closed = raw.count(b"("), raw.count(b")")
        while True:
            bare = raw.rstrip(b".,;:!?*_~'\"")
            if bare.endswith(b")") and closed > opened:
                shorter = bare.rstrip(b")")
                surplus = min(closed - opened, len(bare) - len(shorter))
                bare = bare[: len(bare) - surplus]
                closed -= surplus
            if len(bare) == len(raw):
                break
            raw = bare
        return (scheme.start(), begin + len(raw)) if len(raw) > 3 else (-1, 0)

    def _flanking(self, begin: int, stop: int, start: int, end: int) -> int:
        """1 when the mark can open, 2 when it can close, 3 when both, 0 when neither (CommonMark, section 6.2)."""
        data = self.data
        before = data[begin - 1] if begin > start else 32
        after = data[stop] if stop < end else 32
        space_before, space_after = before in _SPACES, after in _SPACES
        odd_before, odd_after = _is_punctuation(data, before, begin - 3), _is_punctuation(data, after, stop)
        left = not space_after and (not odd_after or space_before or odd_before)
        right = not space_before and (not odd_before or space_after or odd_after)
        if data[begin] == 0x5F:
            return (left and (not right or odd_before)) + 2 * (right and (not left or odd_after))
        return left + 2 * right


def _is_punctuation(data: bytes, byte: int, at: int) -> bool:
    """ASCII punctuation, or one of U+2000-206F (quotation marks, dashes, dots) whose three bytes start at `at`."""
    if byte < 128:
        return not (chr(byte).isalnum() or byte in _SPACES)
    return at >= 0 and data[at] == 0xE2 and data[at + 1 : at + 2] in (b"\x80", b"\x81")


def _label(raw: bytes) -> bytes:
    return b" ".join(raw.split()).lower()


def _tick_runs(data: bytes, start: int, end: int) -> dict[int, list[int]]:
    """Offsets of backtick runs by their length, last first."""
    runs: dict[int, list[int]] = {}
    for found in _TICKS.finditer(data, start, end):
        runs.setdefault(found.end() - found.start(), []).append(found.start())
    for offsets in runs.values():
        offsets.reverse()
    return runs


def _closing_ticks(runs: dict[int, list[int]], begin: int, stop: int) -> int:
    size = stop - begin
    offsets = runs.get(size, [])
    while offsets and offsets[-1] <= begin:
        offsets.pop()
    return offsets[-1] + size if offsets else 0


def _pair(scanner: InlineScanner, out: list[Token], first: int, marks: list[int]) -> None:
    """Keep the marks that belong together (CommonMark's delimiter algorithm, marks of all kinds on one stack); the others are text."""
    data = scanner.data
    left = {place: out[place].end - out[place].start for place in marks}
    used: set[int] = set()
    stack: list[int] = []
    bottoms: dict[tuple[int, int, bool], int] = {}
    for place in marks:
        mark = out[place]
        byte, can_open, can_close = data[mark.start], mark.level & 1, mark.level & 2
        key = (byte, (mark.end - mark.start) % 3, bool(can_open))
        while can_close and left[place]:
            floor = bottoms.get(key, 0)
            depth = len(stack) - 1
            while depth >= floor:
                opener = out[stack[depth]]
                if data[opener.start] == byte and not _odd_match(mark, opener):
                    break
                depth -= 1
            if depth < floor:
                bottoms[key] = len(stack)
                break
            other = stack[depth]
            size = 2 if left[place] >= 2 and left[other] >= 2 else 1
            used |= {place, other}
            left[place] -= size
            left[other] -= size
            del stack[depth + (1 if left[other] else 0) :]
            for name, bottom in bottoms.items():
                if bottom > len(stack):
                    bottoms[name] = len(stack)
        if can_open and left[place]:
            stack.append(place)
    if len(used) < len(marks):
        _as_text(scanner, out, first, set(marks) - used)


def _odd_match(closer: Token, opener: Token) -> bool:
    """CommonMark's rule of three: a run that can both open and close does not match where the lengths add up to a multiple of 3."""
    if closer.level != 3 and opener.level != 3:
        return False
    sizes = closer.end - closer.start, opener.end - opener.start
    return sum(sizes) % 3 == 0 and any(size % 3 for size in sizes)


def _as_text(scanner: InlineScanner, out: list[Token], first: int, places: set[int]) -> None:
    kept: list[Token] = []
    start = None
    for place in range(first, len(out)):
        item = out[place]
        if item.kind == "text" or place in places:
            if start is None:
                start = item.start
            end, depth = item.end, item.depth
            continue
        if start is not None:
            kept.append(Token("text", start, end, depth))
            start = None
        kept.append(item)
    if start is not None:
        kept.append(Token("text", start, end, depth))
    out[first:] = kept
