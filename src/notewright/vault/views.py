"""The parts of a single token, read for showing and checking. Nothing here changes a byte: what cannot be understood stays raw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from .tokens import Token

_LINE_PREFIX = re.compile(r"(?:[ \t]*>)[ \t]?")
_SIZE = re.compile(r"(\d{1,5})(?:\s*[xX×]\s*(\d{1,5}))?\Z")
_ALIGN = {"left": "left", "right": "right", "center": "center", "centre": "center", "inline": "inline"}
_ALIGN |= {"+l": "left", "+c": "center", "+r": "right"}
# Words by which themes and snippets style an image: ITS, image-resizer, Phycat.
_FLAG = re.compile(r"banner|sban|cover|portrait|profile|invert|fit|full|wide|half|rounded|[hw]s?-\w{2,6}|2/3", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(
    r"!?\[(?P<text>.*)\]\([ \t]*(?:<(?P<angle>[^<>]*)>|(?P<bare>\S*?))"
    r"(?:\s+(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|\((?P<round>[^()]*)\)))?[ \t]*\)\Z",
    re.DOTALL | re.ASCII,  # blanks as the tokens know them, which are bytes
)
_CALLOUT = re.compile(r"\[!([^\]|]*)(?:\|([^\]]*))?\]([+-]?)\Z")
_BACKSLASH = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True, slots=True)
class WikiLink:
    """`[[target#part|segment|segment]]`. `part` is a heading trail joined by `#`, or `^id`; segments are as written, spaces included."""

    target: str
    part: str
    segments: tuple[str, ...]

    @property
    def block(self) -> str:
        """The block id that it leads to, else empty."""
        return self.part[1:] if self.part.startswith("^") else ""

    @property
    def shown(self) -> str:
        """The text that Obsidian shows for the link."""
        if self.segments:
            return "|".join(self.segments).strip()
        return " > ".join(filter(None, (self.target, *self.part.split("#"))))


@dataclass(frozen=True, slots=True)
class ImageView:
    """How an image is to be shown: sizes in CSS pixels, 0 for its own; `align` left, right, center, inline or empty."""

    target: str
    width: int = 0
    height: int = 0
    align: str = ""
    flags: tuple[str, ...] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class MarkdownLink:
    """`[text](target "title")` or the image form; `target` as written, percent signs included."""

    text: str
    target: str
    title: str = ""

    @property
    def path(self) -> str:
        """The target with percent-encoding undone, as a path in the vault."""
        return unquote(self.target)


@dataclass(frozen=True, slots=True)
class Callout:
    """`type` in lower case; `fold` is "+", "-" or empty."""

    type: str
    metadata: str = ""
    fold: str = ""


@dataclass(frozen=True, slots=True)
class Fence:
    """`info` is all that follows the opening fence, `language` its first word. `code` lacks quote marks and the fence's indentation."""

    info: str
    code: str

    @property
    def language(self) -> str:
        return self.info.strip("{} ").split()[0].lower() if self.info.strip("{} ") else ""


def text_of(data: bytes, token: Token) -> str:
    """The token's text; bytes that are not UTF-8 become U+FFFD."""
    return data[token.start : token.end].decode("utf-8", errors="replace")


def unquoted(text: str, depth: int) -> str:
    """Without the quote marks that the later lines of a token in `depth` quotes carry; newlines become LF."""
    first, *rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(rest):
        for _ in range(depth):
            found = _LINE_PREFIX.match(line)
            if not found:
                break
            line = line[found.end() :]
        rest[number] = line
    return "\n".join((first, *rest))


def read_wikilink(text: str) -> WikiLink:
    """Of a wikilink or embed token's text."""
    inner = text.removeprefix("!")[2:-2]
    place, *segments = re.split(r"\\?\|", inner)
    target, _, part = place.partition("#")
    return WikiLink(target.strip(), "#".join(piece.strip() for piece in part.split("#") if piece.strip()), tuple(segments))


def read_image(text: str, tail: str = "") -> ImageView:
    """Of an embed's or image's text, with the `embed_tail` that stands behind it.

    A pipe-separated segment is a size, an alignment, flags, or else part of the caption; the last of each wins, as in Obsidian.
    """
    outside = tuple(tail.split("|")[1:])
    if text.startswith("![["):
        link = read_wikilink(text)
        return _image(link.target, (*link.segments, *outside), "")
    image = read_markdown_link(text)
    first, *rest = re.split(r"\\?\|", image.text)
    styled = rest and first.strip() and all(word in _ALIGN for word in first.lower().split())
    if styled or (not rest and _SIZE.match(first.strip())):
        return _image(image.target, (first, *rest, *outside), "")
    return _image(image.target, (*rest, *outside), first)


def _image(target: str, segments: Sequence[str], caption: str) -> ImageView:
    width = height = 0
    align = ""
    flags: list[str] = []
    captions = [caption.strip()] if caption.strip() else []
    for segment in (item.strip() for item in segments):
        words = segment.lower().split()
        if found := _SIZE.match(segment):
            width, height = int(found[1]), int(found[2] or 0)
        elif words and all(word in _ALIGN or _FLAG.fullmatch(word) or _SIZE.match(word) for word in words):
            for word in words:
                if found := _SIZE.match(word):
                    width, height = int(found[1]), int(found[2] or 0)
                elif word in _ALIGN:
                    align = _ALIGN[word]
                else:
                    flags.append(word)
        elif segment:
            captions.append(segment)
    return ImageView(target, width, height, align, tuple(flags), " | ".join(captions))


def read_markdown_link(text: str) -> MarkdownLink:
    """Of a link or image token's text."""
    found = _MARKDOWN_LINK.match(text)
    if not found:
        return MarkdownLink(text, "")
    target = found["angle"] if found["angle"] is not None else found["bare"] or ""
    title = next((found[name] for name in ("double", "single", "round") if found[name] is not None), "")
    return MarkdownLink(found["text"], _BACKSLASH.sub(r"\1", target), _BACKSLASH.sub(r"\1", title))


def read_callout(text: str) -> Callout:
    """Of a callout token's text."""
    found = _CALLOUT.match(text)
    return Callout(found[1].strip().lower(), (found[2] or "").strip(), found[3]) if found else Callout("note")


def read_fence(text: str, depth: int = 0) -> Fence:
    """Of a fence token's text; `depth` is the token's."""
    opening, *lines = unquoted(text, depth).split("\n")
    marks = re.match(r"(`{3,}|~{3,})", opening)
    size = marks[0] if marks else "```"
    if lines and re.fullmatch(rf"[ \t]*{re.escape(size)}{re.escape(size[0])}*[ \t]*", lines[-1]):
        closing = lines.pop()
        indent = len(closing) - len(closing.lstrip(" \t"))
        lines = [re.sub(rf"^[ \t]{{0,{indent}}}", "", line) for line in lines]
    return Fence(opening[len(size) :].strip(), "\n".join(lines))


def read_math(text: str, depth: int = 0) -> str:
    """The TeX of a math or math_block token."""
    mark = "$$" if text.startswith("$$") else "$"
    return unquoted(text, depth).removeprefix(mark).removesuffix(mark).strip()


def read_code(text: str, depth: int = 0) -> str:
    """The code of an inline code token, one space at both ends taken off where there is one (CommonMark)."""
    size = len(text) - len(text.lstrip("`"))
    code = unquoted(text, depth)[size:-size].replace("\n", " ")
    return code[1:-1] if len(code) > 2 and code[0] == code[-1] == " " and code.strip() else code


def read_field(text: str) -> tuple[str, str]:
    """(key, value) of a field token, or (key, "") of a field_key token."""
    key, _, value = text.removesuffix(text[-1] if text[:1] in "[(" and text[-1:] in "])" else "").lstrip("[(").partition("::")
    return key.strip(" *_"), value.strip()
