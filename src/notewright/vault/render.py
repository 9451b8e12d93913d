"""A note's Markdown -> safe HTML as Obsidian's reading view shows it.

    preview = render(data, note_path="Books/A.md", resolver=VaultFiles(vault, index), attachment_url=lambda path: f"/files/{path}")

Block elements carry `data-start` and `data-end`, the byte offsets in `data` of the lines that they were made from (not those inside
embedded notes). Nothing in the HTML runs, and nothing is fetched except what `attachment_url` answered, unless remote pictures are asked
for. Math is markup for KaTeX or MathJax: class `math math-inline` or `math math-block` with the TeX as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import PurePosixPath

from . import parts
from .blocks import properties_span
from .compose import PLACEHOLDER, compose
from .notes import read_properties
from .parsing import parse, parse_inline
from .resolve import Resolver, find_section, read_block
from .sanitise import sanitise
from .tokens import Token, tokenize, tokenize_inline
from .views import ImageView, read_code, read_field, read_image, read_markdown_link, read_math, read_wikilink, text_of, unquoted

MAX_EMBEDS = 100  # embedded notes in one preview; with the depth limit it bounds what notes that embed each other can make of it
_WEB = ("http://", "https://")
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preview:
    """`html` is safe to put into a page. `problems` say in words what could not be shown."""

    html: str
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Wishes:
    resolver: Resolver | None
    attachment_url: Callable[[str], str | None] | None
    depth_limit: int
    remote_images: bool
    strict_line_breaks: bool
    properties: bool
    problems: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)  # picture URLs that we made
    embedded: int = 0


def render(
    data: bytes | str,
    *,
    note_path: str = "",
    resolver: Resolver | None = None,
    attachment_url: Callable[[str], str | None] | None = None,
    depth_limit: int = 5,
    remote_images: bool = False,
    strict_line_breaks: bool = False,
    properties: bool = True,
) -> Preview:
    """The preview of a note or a part of one.

    Without a `resolver` all links count as resolved and embeds show their names. `attachment_url` takes the vault-relative path of a
    picture; None for one that is not to be shown. Never raises for what the Markdown says.
    """
    wishes = _Wishes(resolver, attachment_url, depth_limit, remote_images, strict_line_breaks, properties)
    raw = data.encode("utf-8", errors="replace") if isinstance(data, str) else data
    html = _Note(wishes, raw, note_path, ()).html(spans=True)
    return Preview(sanitise(html, own_sources=wishes.sources, remote_images=remote_images), tuple(dict.fromkeys(wishes.problems)))


class _Note:
    """One note being shown; `trail` names the places (path and part) whose embedding led here."""

    def __init__(self, wishes: _Wishes, data: bytes, path: str, trail: tuple[str, ...]) -> None:
        self.wishes = wishes
        self.data = data
        self.path = path
        self.trail = trail
        self.parts: list[parts.Part] = []
        self.labels: dict[str, tuple[str, str]] = {}
        self.marked = False
        self.in_rows: frozenset[int] = frozenset()

    def html(self, *, spans: bool) -> str:
        tokens = tokenize(self.data)
        self._read_definitions(self.data, tokens)
        self.in_rows = _in_table_rows(tokens)
        composed = compose(self.data, tokens, self._hold)
        head = self._properties() if self.wishes.properties and not self.trail else ""
        body = parse(
            composed.text, self.parts, strict_line_breaks=self.wishes.strict_line_breaks, spans=composed if spans else None,
            number=self.wishes.embedded,
        )  # fmt: skip
        return head + self._filled(body)

    def _filled(self, html: str) -> str:
        return PLACEHOLDER.sub(lambda found: self.parts[int(found[1])].html, html)

    def _inline(self, text: str) -> str:
        """Markdown inside a link's text or a field's value, as HTML."""
        raw = text.encode("utf-8", errors="replace")
        composed = compose(raw, tokenize_inline(raw), self._hold)
        return self._filled(parse_inline(composed.text.replace("\n", " ")))

    def _properties(self) -> str:
        values, findings = _read_properties(self.data)
        self.wishes.problems += findings
        return parts.properties_table(values, self._property)

    def _property(self, value: str) -> str:
        """Property values are no Markdown, save for a link that is the whole value."""
        if value.startswith("[[") and value.endswith("]]"):
            return self._wikilink(value)
        return parts.external_link(value, escape(value)) if value.startswith(_WEB) else escape(value)

    def _read_definitions(self, data: bytes, tokens: Sequence[Token]) -> None:
        for token in tokens:
            if token.kind == "link_definition":
                label, _, rest = text_of(data, token).partition("]:")
                link = read_markdown_link(f"[x]({rest.strip()})")
                self.labels.setdefault(_label(label[1:]), (link.target, link.title))

    def _hold(self, data: bytes, token: Token, block: bool) -> int:
        text = text_of(data, token)
        if data is self.data and token.start in self.in_rows:
            text = text.replace("\\|", "|")
        self.parts.append(self._part(token.kind, text, token, block))
        return len(self.parts) - 1

    def _part(self, kind: str, text: str, token: Token, block: bool) -> parts.Part:
        if kind == "callout":
            return parts.callout_part(text)
        if kind == "fence":
            return parts.fence_part(text, token.depth)
        if kind == "indented_code":
            return parts.indented_part(text, token.depth)
        if kind == "code":
            return parts.Part(f"<code>{escape(read_code(text, token.depth))}</code>")
        if kind in ("math", "math_block"):
            tex = read_math(text, token.depth)
            return parts.math_part(tex, display=kind == "math_block", block=block)
        if kind == "wikilink":
            return parts.Part(self._wikilink(text))
        if kind == "embed":
            return self._embed(text)
        if kind == "image":
            return parts.Part(self._image(text))
        if kind == "link":
            link = read_markdown_link(unquoted(text, token.depth))
            return parts.Part(self._link(link.target, self._inline(link.text), link.title))
        if kind == "reference":
            return parts.Part(self._reference(unquoted(text, token.depth)))
        if kind in ("autolink", "url"):
            bare = text[1:-1] if kind == "autolink" else text
            return parts.Part(parts.external_link(bare if ":" in bare else f"mailto:{bare}", escape(bare)))
        if kind == "highlight":
            self.marked = not self.marked
            return parts.Part("<mark>" if self.marked else "</mark>")
        if kind in ("html", "html_block"):
            return parts.Part(unquoted(text, token.depth), block=kind == "html_block", raw=True)
        if kind in ("field", "field_key"):
            key, value = read_field(text)
            return parts.field_part(key, self._inline(value))
        if kind in ("task", "tag"):
            return parts.task_part(text) if kind == "task" else parts.tag_part(text)
        return parts.Part(f'<span class="{kind.replace("_", "-")}">{escape(text)}</span>')

    def _wikilink(self, text: str) -> str:
        link = read_wikilink(text)
        place = "#".join(filter(None, (link.target, link.part)))
        path = self._find(link.target) if link.target else self.path
        state = "" if path or self.wishes.resolver is None else " is-unresolved"
        shown = self._inline("|".join(link.segments).strip()) if link.segments else escape(link.shown)
        return f'<a class="internal-link{state}" data-href="{escape(place or "#")}" data-path="{escape(path)}">{shown}</a>'

    def _link(self, target: str, shown: str, title: str = "") -> str:
        """A Markdown link: outside, or to a note. `shown` is HTML."""
        hover = f' title="{escape(title)}"' if title else ""
        if _OUTSIDE.match(target):
            return f'<a class="external-link" href="{escape(target)}" target="_blank"{hover}>{shown}</a>'
        name = target.partition("#")[0]
        path = self._find(name) if name else self.path
        state = "" if path or self.wishes.resolver is None else " is-unresolved"
        return f'<a class="internal-link{state}" data-href="{escape(target)}" data-path="{escape(path)}"{hover}>{shown}</a>'

    def _reference(self, text: str) -> str:
        words, _, label = text[1:-1].partition("][")
        target, title = self.labels.get(_label(label or words), ("", ""))
        return self._link(target, self._inline(words), title) if target else escape(text)

    def _image(self, text: str) -> str:
        view = read_image(text)
        if view.target.lower().startswith(_WEB):
            if not self.wishes.remote_images:
                return parts.remote_picture(view.target, view.caption)
            self.wishes.sources.add(view.target)
            return parts.picture(view, view.target)
        if view.target.lower().startswith("data:"):
            return parts.picture(view, view.target)
        return self._picture(view)

    def _picture(self, view: ImageView) -> str:
        if self.wishes.resolver is None:
            return parts.file_embed(view.target, "")
        path = self._find(view.target)
        if not path:
            self.wishes.problems.append(f"{view.target} could not be found")
            return parts.missing(view.target, is_note=False)
        url = self.wishes.attachment_url(path) if self.wishes.attachment_url else None
        if not url:
            return parts.file_embed(view.target, path)
        self.wishes.sources.add(url)
        return parts.picture(view, url)

    def _embed(self, text: str) -> parts.Part:
        link = read_wikilink(text)
        suffix = PurePosixPath(link.target).suffix.lower()
        if suffix in parts.PICTURES:
            return parts.Part(self._picture(read_image(text)))
        if self.wishes.resolver is None:
            return parts.Part(parts.file_embed(link.shown if not link.segments else link.target, ""))
        path = self._find(link.target) if link.target else self.path
        if not path:
            is_note = not suffix or suffix == ".md" or " " in suffix
            self.wishes.problems.append(f"{link.target} could not be found")
            return parts.Part(parts.missing(link.target, is_note=is_note))
        if not path.lower().endswith(".md"):
            return parts.Part(parts.file_embed(link.target, path))
        return parts.Part(self._note(path, link.part), block=True)

    def _note(self, path: str, part: str) -> str:
        """The note at `path`, or a part of it, in a frame of its own."""
        place = f"{path}#{part}" if part else path
        name = PurePosixPath(path).stem + (f" > {part.replace('#', ' > ')}" if part and not part.startswith("^") else "")
        head = f'<div class="internal-embed markdown-embed" data-src="{escape(place)}" data-path="{escape(path)}">'
        head += f'<div class="markdown-embed-title">{escape(name)}</div><div class="markdown-embed-content">'
        return f"{head}{self._embedded(path, part, place)}</div></div>"

    def _embedded(self, path: str, part: str, place: str) -> str:
        wishes = self.wishes
        here = self.trail or (self.path,)
        if place in here or (not part and any(item.partition("#")[0] == path for item in here)):
            wishes.problems.append(f"{place} embeds itself")
            return f'<p class="embed-stopped">{escape(place)} is already open above: it embeds itself.</p>'
        wishes.embedded += 1
        if len(here) > wishes.depth_limit or wishes.embedded > MAX_EMBEDS:
            wishes.problems.append(f"{place} was not opened: too many notes inside each other")
            return f'<p class="embed-stopped">{escape(place)} is not shown here: too many notes inside each other.</p>'
        assert wishes.resolver is not None
        try:
            data = self.data if path == self.path and not self.trail else wishes.resolver.read(path)
        except OSError:
            wishes.problems.append(f"{path} could not be read")
            return f'<p class="embed-stopped">{escape(path)} could not be read.</p>'
        shown = _shown_part(data, part)
        if shown is None:
            wishes.problems.append(f"{place} could not be found")
            return f'<p class="embed-stopped">“{escape(place)}” could not be found.</p>'
        return _Note(wishes, shown, path, (*here, place)).html(spans=False)

    def _find(self, target: str) -> str:
        resolver = self.wishes.resolver
        return resolver.find(target, self.path) if resolver and target else ""


def _shown_part(data: bytes, part: str) -> bytes | None:
    """What an embed of this part of a note shows; None where there is no such part."""
    if part.startswith("^"):
        return read_block(data, part[1:])
    span = find_section(data, part) if part else (properties_span(data)[3], len(data))
    return data[span[0] : span[1]] if span else None


def _in_table_rows(tokens: Sequence[Token]) -> frozenset[int]:
    """Where the code and math in rows of tables begin: GFM takes the backslash from every escaped pipe there, before all else."""
    found: set[int] = set()
    row: list[int] = []
    is_row = False
    for token in tokens:
        if token.kind == "newline":
            found.update(row if is_row else ())
            row, is_row = [], False
        elif token.kind in ("code", "math"):
            row.append(token.start)
        is_row = is_row or token.kind == "table_pipe"
    return frozenset(found.union(row if is_row else ()))


def _read_properties(data: bytes) -> tuple[dict[str, object], tuple[str, ...]]:
    """As `read_properties`, for bytes that need not be UTF-8."""
    start, _, _, end = properties_span(data)
    return read_properties(data[start:end].decode("utf-8", errors="replace").encode()) if end > start else ({}, ())


def _label(text: str) -> str:
    return " ".join(text.split()).casefold()
