"""A text's shape, read once for all measures: headings, list items, paragraphs, quotes, marks. Code and properties are no part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..text import normalise, sentences
from ..vault.outline import read_outline

_ITEM = re.compile(r"^([ \t]*)([-+*]|(\d{1,9})[.)])[ \t]+(?:\[.\][ \t]+)?(.*)$")
_CALLOUT = re.compile(r"^[ \t]*>[ \t>]*\[![^\]\n]+\][+-]?[ \t]*(.*)$")
_QUOTE = re.compile(r"^[ \t]*>[ \t]?(.*)$")
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$")
_INLINE_CODE = re.compile(r"(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
_EMBED = re.compile(r"!\[\[[^\[\]\n]*\]\]|!\[[^\]\n]*\]\([^)\n]*\)")
_LINK = re.compile(r"(?<!!)\[\[([^\[\]|\n]*)(?:\|([^\[\]\n]*))?\]\]|(?<!!)\[([^\[\]\n]+)\]\([^)\n]*\)|<?https?://[^\s>)]+>?")
_TAG = re.compile(r"(?<![\w/#&])#[^\W\d][\w/-]*|(?<![\w/#&])#\d+[^\W\d][\w/-]*")
_MATH = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$(?=\S)[^$\n]*?(?<=[^\s\\])\$(?!\d)", re.DOTALL)
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*|(?<!\w)__(?=\S)(.+?)(?<=\S)__(?!\w)")
_ITALIC = re.compile(r"(?<![*\w\\])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![*\w])|(?<![_\w\\])_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?![_\w])")
_QUOTATION = re.compile(r"“([^“”\n]+)”|(?<![\w\"])\"([^\"\n]+)\"(?!\w)|„([^“”\n]+)[“”]|«([^«»\n]+)»")
_BLOCK_ID = re.compile(r"[ \t]+\^[A-Za-z0-9-]+[ \t]*$", re.MULTILINE)
_DASH = re.compile(r"\s[–—-]\s|—|:\s")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Item:
    """One list item with the lines that continue it; `depth` is 1 at the outermost level."""

    depth: int
    numbered: bool
    text: str


@dataclass(slots=True)
class Shape:
    """`blocks` are all parts in reading order; `prose` is the text without links' targets, formulas, tags and list marks."""

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


def content_words(text: str) -> list[str]:
    """The words of four letters and more, in normal form."""
    return [word for word in _WORD.findall(normalise(text)) if len(word) >= 4]


def read_shape(text: str) -> Shape:
    """Any text is accepted; what is not well formed counts as prose."""
    shape = Shape()
    data = text.encode("utf-8", errors="replace")
    lines: list[tuple[str, str]] = []
    for line in read_outline(data).lines:
        if line.kind in ("code", "comment", "properties", "underline"):
            lines.append(("blank", ""))
            continue
        if line.level:
            shape.heading_levels.append(line.level)
        lines.append((line.kind, data[line.start : line.end].decode("utf-8", errors="replace").rstrip("\r\n")))
    body = "\n".join(line for _, line in lines)
    _count_marks(shape, body)
    parts = _parts(shape, [(kind, _plain(line)) for kind, line in lines])
    shape.blocks = [part for part in parts if part.strip()]
    shape.prose = "\n".join(shape.blocks)
    shape.words = _WORD.findall(shape.prose)
    shape.sentences = [sentence for part in parts for sentence in sentences(part)]
    shape.dashes = sum(len(_DASH.findall(sentence)) for sentence in shape.sentences)
    shape.quotations = [next(filter(None, found.groups())) for found in _QUOTATION.finditer("\n".join([*shape.paragraphs, *_texts(shape)]))]
    return shape


def _texts(shape: Shape) -> list[str]:
    return [item.text for item in shape.items]


def _count_marks(shape: Shape, body: str) -> None:
    text = _INLINE_CODE.sub("code", body)
    shape.math = len(_MATH.findall(text))
    text = _MATH.sub(" ", text)
    shape.embeds = len(_EMBED.findall(text))
    text = _EMBED.sub(" ", text)
    shape.links = len(_LINK.findall(text))
    text = _LINK.sub(_label, text)
    shape.tags = len(_TAG.findall(text))
    shape.bold = [found[1] or found[2] for found in _BOLD.finditer(text)]
    shape.italics = [found[1] or found[2] for found in _ITALIC.finditer(_BOLD.sub(" ", text))]


def _plain(line: str) -> str:
    """One line without what is no prose; bold and italics stay, the measures of list items look at them."""
    line = _EMBED.sub("", _MATH.sub(" ", _INLINE_CODE.sub("code", line)))
    return _BLOCK_ID.sub("", _TAG.sub("", _LINK.sub(_label, line)))


def _label(found: re.Match[str]) -> str:
    return found[2] or found[1] or found[3] or " "


def _parts(shape: Shape, lines: list[tuple[str, str]]) -> list[str]:
    """All parts of the text in reading order; list items, paragraphs and quotes also go into `shape`."""
    parts: list[str] = []
    kind = ""  # what an unmarked line would continue: item, paragraph, quote, callout, table
    indents: list[int] = []
    for line_kind, line in lines:
        if line_kind == "blank" or not line.strip():
            kind = ""
            continue
        if line_kind == "heading":
            parts.append(line.strip().strip("#").strip())
            kind, indents = "", []
            continue
        if _CALLOUT.match(line):
            shape.callouts += 1
            found = _CALLOUT.match(line)
            parts.append(found[1] if found else "")
            kind = "callout"
            continue
        quote, item = _QUOTE.match(line), _ITEM.match(line)
        if quote:
            _continue(parts, quote[1]) if kind in ("quote", "callout") else parts.append(quote[1])
            if kind == "quote":
                _continue(shape.quotes, quote[1])
            elif kind != "callout":
                shape.quotes.append(quote[1])
                kind = "quote"
        elif item:
            width = len(item[1].expandtabs(4))
            indents = [*(known for known in indents if known < width), width]
            shape.items.append(Item(len(indents), item[3] is not None, item[4].strip()))
            parts.append(item[4].strip())
            kind = "item"
        elif line.lstrip().startswith("|") or _TABLE_RULE.match(line):
            if kind != "table":
                shape.tables += 1
            if not _TABLE_RULE.match(line):
                parts.append(line.replace("|", " ").strip())
            kind = "table"
        elif kind == "item":
            last = shape.items[-1]
            shape.items[-1] = Item(last.depth, last.numbered, f"{last.text} {line.strip()}")
            _continue(parts, line.strip())
        elif kind == "paragraph":
            _continue(shape.paragraphs, line.strip())
            _continue(parts, line.strip())
        else:
            shape.paragraphs.append(line.strip())
            parts.append(line.strip())
            kind = "paragraph"
            indents = indents if line[:1] in " \t" else []
    return parts


def _continue(parts: list[str], line: str) -> None:
    parts[-1] = f"{parts[-1]} {line}"
