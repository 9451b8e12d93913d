"""A text's shape, read once for all measures from the vault's lossless tokens: headings, list items, paragraphs, quotes, marks.

Code, comments, properties, formulas, tags and the targets of links are no prose. Marks of emphasis stay in it: the measures of list items
look at them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..text import MARKS, UNSPACED, normalise, sentences
from ..vault.tokens import Token, tokenize, tokenize_inline
from ..vault.views import read_markdown_link, read_wikilink, text_of

_QUOTATION = re.compile(r"“([^“”\n]+)”|(?<![\w\"])\"([^\"\n]+)\"(?!\w)|„([^“”\n]+)[“”]|«([^«»\n]+)»")
_DASH = re.compile(r"\s[–—-]\s|—|:\s")
_PLAIN_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LETTERS = rf"(?:(?![{UNSPACED}_])[\w{MARKS}])+"
_WORD = re.compile(rf"[{UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})*")
_TWO_SIGNS = re.compile(rf"(?=([{UNSPACED}]{{2}}))")
_APART = frozenset({"properties", "fence", "indented_code", "thematic_break", "link_definition"})  # blocks without prose
_SILENT = frozenset(
    {"block_id", "bom", "callout", "comment", "embed", "embed_tail", "footnote_definition", "footnote_reference", "heading", "heading_end",
     "heading_underline", "highlight", "html", "html_comment", "image", "list_marker", "strike", "table_delimiter", "tag", "task"}
) | _APART  # fmt: skip
_COUNTED = {
    "wikilink": "links", "link": "links", "reference": "links", "autolink": "links", "url": "links", "tag": "tags",
    "embed": "embeds", "image": "embeds", "math": "math", "math_block": "math",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One list item with the lines that continue it; `depth` is 1 at the outermost level."""

    depth: int
    numbered: bool
    text: str


@dataclass(slots=True)
class Shape:
    """`blocks` are all parts in reading order, a table's by row; `prose` is their text."""

    heading_levels: list[int] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)
    quotations: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    callouts: int = 0
    tables: int = 0
    links: int = 0
    tags: int = 0
    embeds: int = 0
    math: int = 0
    dashes: int = 0
    bold: list[str] = field(default_factory=list)
    italics: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    prose: str = ""


def words_of(text: str) -> list[str]:
    """The words of a text; in scripts that put no spaces between them each sign is one."""
    return (_PLAIN_WORD if text.isascii() else _WORD).findall(text)


def content_words(text: str) -> list[str]:
    """The words of four letters and more, in normal form; in scripts that put no spaces between words, every two signs side by side."""
    text = normalise(text)
    return [word for word in words_of(text) if len(word) >= 4] + ([] if text.isascii() else _TWO_SIGNS.findall(text))


def read_shape(text: str) -> Shape:
    """Any text is accepted; what is not well formed counts as prose."""
    data = text.encode("utf-8", errors="replace")
    reader = _Reader(data)
    for token in tokenize(data):
        reader.take(token)
    reader.close()
    shape = reader.shape
    shape.prose = "\n".join(shape.blocks)
    shape.words = words_of(shape.prose)
    shape.sentences = [sentence for block in shape.blocks for sentence in sentences(block)]
    shape.dashes = sum(len(_DASH.findall(sentence)) for sentence in shape.sentences)
    spoken = "\n".join([*shape.paragraphs, *(item.text for item in shape.items)])
    shape.quotations = [next(filter(None, found.groups())) for found in _QUOTATION.finditer(spoken)]
    return shape


class _Reader:
    """Tokens in, blocks out. `kind` is the open block's: paragraph, item, heading, quote, callout, table, or empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.shape = Shape()
        self._kind = ""
        self._said: list[str] = []  # the open block's text so far
        self._line = 0  # where in it the line began
        self._empty = True  # nothing but layout on this line yet
        self._indented = False
        self._columns: list[int] = []  # where the texts of the open list items begin
        self._item = (1, False)  # the open item's depth, and whether it is numbered
        self._marks: list[list[int]] = []  # open emphasis: its character, how many of it, where in the text what it marks begins

    def take(self, token: Token) -> None:
        kind = token.kind
        if kind == "newline":
            self._end_line()
        elif kind == "quote":
            self._empty = False
        elif kind == "indent":
            self._indented = True
        else:
            self._begin(token)
            self._empty = False
            self._say(kind, text_of(self._data, token), token)

    def close(self) -> None:
        """The open block is complete."""
        text = "".join(self._said).strip()
        if self._kind == "item":
            self.shape.items.append(Item(*self._item, text))
        elif self._kind == "paragraph" and text:
            self.shape.paragraphs.append(text)
        elif self._kind == "quote":
            self.shape.quotes.append(text)
        if text:
            self.shape.blocks.append(text)
        self._kind, self._said, self._line, self._marks = "", [], 0, []

    def _open(self, kind: str) -> None:
        self.close()
        self._kind = kind
        if not self._indented and kind != "item":
            self._columns = []

    def _end_line(self) -> None:
        if self._kind == "table" and not self._empty:
            self.close()
            self._kind = "table"
        elif self._empty or self._kind == "heading":
            self.close()
        self._said.append(" ")
        self._line, self._empty, self._indented = len(self._said), True, False

    def _enter(self, depth: int) -> None:
        """Into a quote, or out of all."""
        if depth and self._kind not in ("quote", "callout"):
            self._open("quote")
        elif not depth and self._kind in ("quote", "callout"):
            self.close()

    def _begin(self, token: Token) -> None:
        """What the token means for the block that is open."""
        kind = token.kind
        if kind == "callout":
            self._open("callout")
            self.shape.callouts += 1
            return
        self._enter(token.depth)
        if token.depth:
            return
        if kind in _APART:
            self.close()
        elif kind == "list_marker":
            self._begin_item(token)
        elif (kind == "heading" and self._empty) or kind == "heading_underline":
            self.shape.heading_levels.append(token.level)
            if kind == "heading":
                self._open("heading")
            self._kind = "heading"
        elif kind in ("table_pipe", "table_delimiter"):
            self._begin_table()
        elif self._kind == "table" and self._empty and kind != "text":
            return
        elif not self._kind and kind not in _SILENT:
            self._open("paragraph")

    def _begin_item(self, token: Token) -> None:
        self._open("item")
        start = token.level - (token.end - token.start)
        while self._columns and self._columns[-1] > start:
            self._columns.pop()
        self._columns.append(token.level)
        self._item = len(self._columns), self._data[token.start : token.start + 1].isdigit()

    def _begin_table(self) -> None:
        if self._kind != "table":
            row, self._said = self._said[self._line :], self._said[: self._line]
            self._open("table")
            self._said = row
            self.shape.tables += 1

    def _say(self, kind: str, text: str, token: Token) -> None:
        if kind in _COUNTED:
            name = _COUNTED[kind]
            setattr(self.shape, name, getattr(self.shape, name) + 1)
        if kind == "html_block":
            for inner in tokenize_inline(text.encode()):
                if inner.kind == "text":
                    self._said.append(text_of(text.encode(), inner))
        elif kind == "emphasis":
            self._mark(text, token.level)
        elif kind not in _SILENT:
            self._said.append(_shown(kind, text))

    def _mark(self, text: str, level: int) -> None:
        """A run of * or _; what it closes goes into `bold` or `italics`."""
        character, left = ord(text[0]), len(text)
        while level & 2 and left and (opener := next((mark for mark in reversed(self._marks) if mark[0] == character), None)):
            size = 2 if left >= 2 and opener[1] >= 2 else 1
            (self.shape.bold if size == 2 else self.shape.italics).append("".join(self._said[opener[2] :]))
            left -= size
            opener[1] -= size
            del self._marks[self._marks.index(opener) + (opener[1] > 0) :]
        self._said.append(text)
        if level & 1 and left:
            self._marks.append([character, left, len(self._said)])


def _shown(kind: str, text: str) -> str:
    """The words that an inline token shows."""
    if kind == "wikilink":
        return read_wikilink(text).shown
    if kind == "link":
        return read_markdown_link(text).text
    if kind == "reference":
        return text.partition("][")[0].strip("[]")
    if kind == "escape":
        return text[1:]
    if kind == "code":
        return "code"  # one word of its sentence
    return " " if kind in _COUNTED or kind == "table_pipe" else text
