"""Render `content/` into `data/`: run `python -m notewright.sample.build`.

The same content gives the same bytes everywhere: times and ids are derived from file numbers, figures are drawn and
compressed by the code below. `render_all` returns the whole tree as a mapping, `write_tree` makes a folder equal to it.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import hashlib
import io
import json
import re
import shutil
import struct
import sys
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notewright.errors import Invalid

HERE = Path(__file__).parent
CONTENT = HERE / "content"
DATA = HERE / "data"

FOLDERS = {"books": "Books", "articles": "Articles", "podcasts": "Podcasts"}
WORDS = {"books": "book", "articles": "article", "podcasts": "podcast"}
LOCATION_TYPES = ("page", "location", "offset", "order", "time_offset")
NOTE_STATES = ("finished", "started", "none")
LAST_PAGE = 700  # a book whose locations all stay below this is cited by page, any other by Kindle location

SOURCE_KEYS = {"title", "author", "category", "source", "id", "asin", "url", "tags", "summary", "note", "chapter"}
SOURCE_KEYS |= {"location_type"}  # optional: by default taken from the category and, for a book, the locations
CHAPTER_KEYS = {"title", "closing", "override", "highlight"}
HIGHLIGHT_KEYS = {"text", "annotation", "tags", "location", "favorite", "discard", "kept"}

CSV_HEADER = [
    "Highlight", "Book Title", "Book Author", "Amazon Book ID", "Note", "Color", "Tags", "Location Type", "Location",
    "Highlighted at", "Document tags",
]  # fmt: skip

IMAGE = re.compile(r"!\[\]\(https://images\.example\.org/([a-z0-9-]+)/([a-z0-9-]+\.png)\)")
TAG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)]*(?=\s+[\"'“‘«(\[$]?[A-ZÀ-ÞŁŚŠŽ0-9$])")
ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|St|No|c|ca|vs|etc|e\.g|i\.e|p|pp|Fig|approx)|\b[A-Z])\.$")


# ----------------------------------------------------------------------------------------------------------- content


@dataclass
class Highlight:
    """One highlight; a chapter heading is one too, its note being `.h1`."""

    id: int
    text: str
    location: int
    time: dt.datetime
    annotation: str = ""
    tags: list[str] = field(default_factory=list)
    favorite: bool = False
    discard: bool = False
    kept: str = ""
    heading: bool = False
    ulid: str = ""

    @property
    def note(self) -> str:
        return ".h1" if self.heading else self.annotation

    @property
    def image(self) -> str:
        """The file name of an image highlight, else an empty string."""
        match = IMAGE.fullmatch(self.text)
        return match.group(2) if match else ""


@dataclass
class Chapter:
    title: str
    heading: Highlight
    highlights: list[Highlight]
    closing: str = ""
    override: str = ""


@dataclass
class Source:
    number: int
    slug: str
    title: str
    author: str
    category: str
    source: str
    id: int
    asin: str
    url: str
    tags: list[str]
    summary: str
    note: str
    chapters: list[Chapter]
    location_type: str
    ulid: str = ""

    @property
    def all_highlights(self) -> list[Highlight]:
        """Headings and highlights in reading order."""
        return [item for chapter in self.chapters for item in (chapter.heading, *chapter.highlights)]

    @property
    def highlights(self) -> list[Highlight]:
        return [item for chapter in self.chapters for item in chapter.highlights]

    @property
    def file_name(self) -> str:
        return safe_name(self.title) + ".md"

    @property
    def rating(self) -> int:
        return 3 + (self.number * 2) % 3


class _Checker:
    """Collects every problem of one file, each with the place it was found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[str] = []

    def fail(self, where: str, what: str) -> None:
        self.problems.append(f"{self.file}: {where}: {what}")

    def keys(self, table: dict[str, Any], allowed: set[str], where: str) -> None:
        for key in sorted(set(table) - allowed):
            self.fail(where, f"unknown key {key!r}")

    def get(self, table: dict[str, Any], key: str, kind: type, where: str, *, required: bool = False) -> Any:
        if key not in table:
            if required:
                self.fail(where, f"missing key {key!r}")
            return kind()
        value = table[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(where, f"{key!r} must be {kind.__name__}, not {value!r}")
            return kind()
        return value.strip() if isinstance(value, str) else value

    def tags(self, table: dict[str, Any], where: str) -> list[str]:
        value = self.get(table, "tags", list, where)
        for tag in value:
            if not isinstance(tag, str) or not TAG.fullmatch(tag):
                self.fail(where, f"tag {tag!r} must be lower case words joined by hyphens")
        return [str(tag) for tag in value]


def load_sources(content: Path = CONTENT) -> list[Source]:
    """Read and check every source file; raises `Invalid` with all problems found."""
    problems: list[str] = []
    sources: list[Source] = []
    for path in sorted(content.glob("*.toml")):
        check = _Checker(path.name)
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}: not readable as TOML: {error}")
            continue
        source = _parse_source(path, table, check)
        problems += check.problems
        if source is not None:
            sources.append(source)
    unique: dict[str, list[Any]] = {
        "id": [source.id for source in sources],
        "title": [source.title.casefold() for source in sources],
        "asin": [source.asin for source in sources if source.asin],
        "image name": [item.image for source in sources for item in source.highlights if item.image],
    }
    for what, values in unique.items():
        for value in sorted({value for value in values if values.count(value) > 1}):
            problems.append(f"content: {what} {value!r} is used more than once")
    if not sources and not problems:
        problems.append(f"no source files in {content}")
    if problems:
        raise Invalid(
            f"The sample content has {len(problems)} problem(s).",
            hint="Mend the named files, then build again.",
            problems=problems,
        )
    return sources


def _parse_source(path: Path, table: dict[str, Any], check: _Checker) -> Source | None:
    match = re.fullmatch(r"(\d\d)-([a-z0-9-]+)", path.stem)
    if not match:
        check.fail("file name", "must look like 07-some-slug.toml")
        return None
    number, slug = int(match.group(1)), match.group(2)
    where = "source"
    check.keys(table, SOURCE_KEYS, where)
    text = {key: check.get(table, key, str, where, required=True) for key in ("title", "author", "category", "source")}
    identifier = check.get(table, "id", int, where, required=True)
    asin, url = check.get(table, "asin", str, where), check.get(table, "url", str, where)
    note = check.get(table, "note", str, where, required=True)
    if text["category"] not in FOLDERS:
        check.fail(where, f"category must be one of {', '.join(FOLDERS)}")
        return None
    if note not in NOTE_STATES:
        check.fail(where, f"note must be one of {', '.join(NOTE_STATES)}")
    if not str(identifier).startswith(f"4100{number:02d}"):
        check.fail(where, f"id must start with 4100{number:02d}")
    if text["category"] == "books" and text["source"] == "kindle" and not re.fullmatch(r"B0[0-9A-Z]{8}", asin):
        check.fail(where, "a kindle book needs an asin such as B0SAMPLE01")
    if text["category"] != "books" and not url.startswith("https://"):
        check.fail(where, "an article or a podcast needs a url")

    raw_chapters = check.get(table, "chapter", list, where, required=True)
    if note == "finished" and not 4 <= len(raw_chapters) <= 6:
        check.fail(where, f"a finished source has 4 to 6 chapters, not {len(raw_chapters)}")
    clock = dt.datetime(2024, 1, 6, 18, 20, 5, tzinfo=dt.UTC) + dt.timedelta(days=17 * number, minutes=7 * number)
    order = last = 0
    chapters: list[Chapter] = []

    def make(text: str, location: int, **more: Any) -> Highlight:
        nonlocal order, clock
        order += 1
        clock += dt.timedelta(seconds=97 + (order * 53 + number * 31) % 240)
        return Highlight(
            id=int(f"900{number:02d}{order:04d}"),
            text=text,
            location=location,
            time=clock,
            ulid=ulid(f"{slug}/{order}"),
            **more,
        )

    for chapter_number, raw in enumerate(raw_chapters, 1):
        where = f"chapter {chapter_number}"
        check.keys(raw, CHAPTER_KEYS, where)
        raw_highlights = check.get(raw, "highlight", list, where, required=True)
        if not raw_highlights:
            check.fail(where, "has no highlight")
            continue
        title = check.get(raw, "title", str, where, required=True)
        first = raw_highlights[0].get("location", 0)
        clock += dt.timedelta(hours=21 + chapter_number, minutes=11)
        heading = make(title, first if isinstance(first, int) else 0, heading=True)
        items: list[Highlight] = []
        for highlight_number, raw_item in enumerate(raw_highlights, 1):
            where = f"chapter {chapter_number} highlight {highlight_number}"
            check.keys(raw_item, HIGHLIGHT_KEYS, where)
            item = make(
                check.get(raw_item, "text", str, where, required=True),
                check.get(raw_item, "location", int, where, required=True),
                annotation=check.get(raw_item, "annotation", str, where),
                tags=check.tags(raw_item, where),
                favorite=check.get(raw_item, "favorite", bool, where),
                discard=check.get(raw_item, "discard", bool, where),
                kept=check.get(raw_item, "kept", str, where),
            )
            if not item.text:
                check.fail(where, "text is empty")
            if item.kept not in item.text:
                check.fail(where, f"kept is not a part of text: {item.kept!r}")
            if "\n" in item.annotation or item.annotation.startswith("."):
                check.fail(where, "annotation must be one line and not start with a dot")
            if "![" in item.text and not (item.image and item.annotation):
                check.fail(where, "an image highlight is ![](https://images.example.org/<slug>/<name>.png) + annotation")
            if item.location < last:
                check.fail(where, f"location {item.location} comes after {last}: keep the reading order")
            last = max(last, item.location)
            items.append(item)
        if sum(item.favorite for item in items) > 1:
            check.fail(f"chapter {chapter_number}", "at most one favorite in a chapter")
        if note == "finished" and not any(item.annotation for item in items):
            check.fail(f"chapter {chapter_number}", "no annotated highlight, so the note would have an empty section")
        closing = check.get(raw, "closing", str, f"chapter {chapter_number}")
        override = check.get(raw, "override", str, f"chapter {chapter_number}")
        chapters.append(Chapter(title, heading, items, closing, override))
    if sum(len(chapter.highlights) for chapter in chapters) < 18:
        check.fail("source", "has fewer than 18 highlights")
    if check.problems or not chapters:
        return None
    location_type = check.get(table, "location_type", str, "source") or _default_location_type(text["category"], last)
    if location_type not in LOCATION_TYPES:
        check.fail("source", f"location_type must be one of {', '.join(LOCATION_TYPES)}")
    tags = check.tags(table, "source")
    summary = check.get(table, "summary", str, "source")
    if check.problems:
        return None
    return Source(
        number=number,
        slug=slug,
        id=identifier,
        asin=asin,
        url=url,
        tags=tags,
        summary=summary,
        note=note,
        chapters=chapters,
        location_type=location_type,
        ulid=ulid(slug),
        **text,
    )


def _default_location_type(category: str, last: int) -> str:
    if category == "books":
        return "page" if last <= LAST_PAGE else "location"
    return "offset" if category == "articles" else "time_offset"


def ulid(key: str) -> str:
    """A stable id of the shape Reader gives its documents."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:15], "big")
    return "01h" + "".join(alphabet[digest >> 5 * place & 31] for place in range(23))


def safe_name(title: str) -> str:
    """A title as a portable file name that links can name."""
    name = title.replace(": ", " - ")
    name = re.sub(r'[*"\\/<>:|?#^\[\]]', "", name)
    return re.sub(r"\s+", " ", name).strip(" .")


# ------------------------------------------------------------------------------------------------------------ exports


def stamp(time: dt.datetime, micro: int = 0) -> str:
    return time.replace(microsecond=micro).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def tag_objects(names: list[str]) -> list[dict[str, Any]]:
    return [{"id": 100_000 + zlib.crc32(name.encode()) % 9_000_000, "name": name} for name in names]


def api_highlight(source: Source, item: Highlight) -> dict[str, Any]:
    reader = source.source != "kindle"
    return {
        "id": item.id,
        "is_deleted": False,
        "text": item.text,
        "location": item.location,
        "location_type": source.location_type,
        "note": item.note,
        "color": "yellow" if source.source == "kindle" else "",
        "highlighted_at": stamp(item.time),
        "created_at": stamp(item.time + dt.timedelta(minutes=12), 100_000 + item.id % 899_999),
        "updated_at": stamp(item.time + dt.timedelta(minutes=12), 100_000 + item.id % 899_999),
        "external_id": item.ulid if reader else None,
        "end_location": None,
        "url": f"https://read.readwise.io/read/{item.ulid}" if reader else None,
        "book_id": source.id,
        "tags": tag_objects(["h1"] if item.heading else item.tags),
        "is_favorite": item.favorite,
        "is_discard": item.discard,
        "readwise_url": f"https://readwise.io/open/{item.id}",
    }


def api_book(source: Source) -> dict[str, Any]:
    reader = source.source == "reader"
    return {
        "user_book_id": source.id,
        "is_deleted": False,
        "title": source.title,
        "author": source.author,
        "readable_title": source.title,
        "source": source.source,
        "cover_image_url": cover(source),
        "unique_url": f"https://read.readwise.io/read/{source.ulid}" if reader else None,
        "summary": source.summary or None,
        "book_tags": tag_objects(source.tags),
        "category": source.category,
        "document_note": None,
        "readwise_url": f"https://readwise.io/bookreview/{source.id}",
        "source_url": source.url or None,
        "external_id": source.ulid if reader else None,
        "asin": source.asin or None,
        "highlights": [api_highlight(source, item) for item in source.all_highlights],
    }


def cover(source: Source) -> str:
    return f"https://images.example.org/covers/{source.slug}.jpg"


def render_api(sources: list[Source]) -> str:
    answer = {"count": len(sources), "nextPageCursor": None, "results": [api_book(source) for source in sources]}
    return json.dumps(answer, ensure_ascii=False, indent=1) + "\n"


def render_csv(sources: list[Source]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_HEADER)
    for source in sources:
        for item in source.all_highlights:
            writer.writerow(
                [
                    item.text,
                    source.title,
                    source.author,
                    source.asin,
                    item.note,
                    "yellow" if source.source == "kindle" else "",
                    ", ".join(item.tags),
                    source.location_type,
                    item.location,
                    item.time.strftime("%Y-%m-%d %H:%M:%S+00:00"),
                    ", ".join(source.tags),
                ]
            )
    return out.getvalue()


def export_link(source: Source, item: Highlight) -> str:
    if source.source != "kindle":
        return f"([View Highlight](https://read.readwise.io/read/{item.ulid}))"
    word = "Page" if source.location_type == "page" else "Location"
    target = f"https://readwise.io/to_kindle?action=open&asin={source.asin}&location={item.location}"
    return f"([{word} {item.location}]({target}))"


def render_export(source: Source) -> str:
    """One file of the official Markdown export, default template."""
    lines = [f"# {source.title}", "", f"![rw-book-cover]({cover(source)})", "", "## Metadata"]
    lines += [f"- Author: [[{source.author}]]", f"- Full Title: {source.title}", f"- Category: #{source.category}"]
    if source.tags:
        lines.append("- Document Tags: " + " ".join(f"[[{tag}]]" for tag in source.tags) + " ")
    if source.summary:
        lines.append(f"- Summary: {source.summary}")
    if source.url:
        lines.append(f"- URL: {source.url}")
    lines += ["", "## Highlights"]
    for item in source.all_highlights:
        if item.heading:
            lines.append(f"### {item.text}")
            continue
        lines.append("- " + "\n  ".join(paragraphs(item.text)) + " " + export_link(source, item))
        if item.tags:
            lines.append("    - Tags: " + " ".join(f"[[{tag}]]" for tag in item.tags) + " ")
        if item.annotation:
            lines.append(f"    - Note: {item.annotation}")
    return "\n".join(lines) + "\n"


def paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


# -------------------------------------------------------------------------------------------------------- the person


def first_sentence(text: str) -> str:
    text = paragraphs(text)[0]
    for match in SENTENCE_END.finditer(text):
        if not ABBREVIATION.search(text[: match.end()]):
            return text[: match.end()]
    return text


def title_case(tag: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in tag.split("-"))


def cite(source: Source, item: Highlight) -> str:
    """How the person names a place; empty where a number would mean nothing, as in an article."""
    if source.location_type == "time_offset":
        hours, rest = divmod(item.location, 3600)
        minutes, seconds = divmod(rest, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return {"page": f"p. {item.location}", "location": f"loc. {item.location}"}.get(source.location_type, "")


def lead_in(annotation: str) -> str:
    return annotation if annotation.endswith((".", "!", "?", "…")) else annotation + "."


def render_bullet(source: Source, item: Highlight) -> str:
    said = item.kept or first_sentence(item.text)
    said = said[:1].upper() + said[1:]
    if not re.search(r"[.!?…:;$][\"'”’»)\]]*(?: \W+)?$", said):
        said += "."
    parts = [f"- **{lead_in(item.annotation)}**", said]
    if place := cite(source, item):
        parts.append(f"({place})")
    parts += [f"[[{title_case(tag)}]]" for tag in item.tags]
    return " ".join(parts)


def render_section(source: Source, chapter: Chapter) -> str:
    """One finished passage: what the person made of one chapter's highlights."""
    if chapter.override:
        return chapter.override if chapter.override.startswith("## ") else f"## {chapter.title}\n{chapter.override}"
    favorite = next((item for item in chapter.highlights if item.favorite and not item.discard), None)
    blocks: list[str] = []
    head = f"## {chapter.title}"
    if favorite is not None:
        quoted = "\n>\n".join("> " + line for line in paragraphs(favorite.kept or favorite.text))
        callout = f"> [!quote] {cite(source, favorite)}".rstrip()
        head += f"\n{callout}\n{quoted}"
    blocks.append(head)
    bullets: list[str] = []
    for item in chapter.highlights:
        if item is favorite or item.discard or not item.annotation:
            continue
        if not item.image:
            bullets.append(render_bullet(source, item))
            continue
        if bullets:
            blocks.append("\n".join(bullets))
            bullets = []
        blocks.append(f"![[{item.image}|center|600]]\n*{item.annotation}*")
    if bullets:
        blocks.append("\n".join(bullets))
    if chapter.closing:
        blocks.append(f"My take: {chapter.closing}")
    if source.tags:
        blocks.append(" ".join(f"#{tag}" for tag in source.tags))
    body = "\n\n".join(blocks)
    return body if favorite is not None else body.replace(f"{head}\n\n", f"{head}\n", 1)


def render_note(source: Source) -> str:
    word = WORDS[source.category]
    lines = ["---", f"type: {word}", f'author: "[[{source.author}]]"', "tags:", f"  - reading/{word}"]
    lines += [f"  - {tag}" for tag in source.tags]
    lines += [f"rating: {source.rating}" if source.note == "finished" else "rating:", "---", f"# {source.title}", ""]
    lines.append(f"> [!info] {source.author}, {word}")
    if source.summary:
        lines.append(f"> {source.summary}")
    blocks = ["\n".join(lines)]
    if source.note == "finished":
        blocks += [render_section(source, chapter) for chapter in source.chapters]
    return "\n\n".join(blocks) + "\n"


# ------------------------------------------------------------------------------------------------------------ figures

WIDTH, HEIGHT = 300, 150
PALETTE = [(255, 255, 255), (218, 222, 228), (72, 84, 104), (196, 96, 60)]  # paper, grid, ink, accent


def draw_figure(name: str) -> bytes:
    """A small chart for an image highlight: bars or a line, decided by the name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    grid = [[0] * WIDTH for _ in range(HEIGHT)]

    def box(left: int, top: int, right: int, bottom: int, colour: int) -> None:
        for y in range(max(top, 0), min(bottom, HEIGHT)):
            for x in range(max(left, 0), min(right, WIDTH)):
                grid[y][x] = colour

    for y in range(20, 130, 22):
        box(24, y, 288, y + 1, 1)
    count = 6 + seed % 4
    values = []
    for _ in range(count):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(14 + (seed >> 33) % 88)
    step = 256 // count
    if name[0] < "m":
        top = max(values)
        for place, value in enumerate(values):
            left = 30 + place * step
            box(left, 130 - value, left + step - 8, 130, 3 if value == top else 2)
    else:
        values.sort(reverse=seed % 2 == 0)
        points = [(36 + place * step, 130 - value) for place, value in enumerate(values)]
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            for x in range(x0, x1 + 1):
                y = y0 + (y1 - y0) * (x - x0) // (x1 - x0)
                box(x, y, x + 2, y + 2, 2)
        for x, y in points:
            box(x - 2, y - 2, x + 4, y + 4, 3)
    box(24, 12, 25, 131, 2)
    box(24, 130, 290, 131, 2)
    return encode_png(grid)


def encode_png(grid: list[list[int]]) -> bytes:
    """Four colours, two bits each. Rows are stored as the change from the row above, so they are mostly zeros."""
    raw = bytearray()
    above = bytes((WIDTH + 3) // 4)
    for row in grid:
        packed = bytearray()
        for start in range(0, WIDTH, 4):
            cells = row[start : start + 4]
            packed.append(sum(cell << 6 - 2 * place for place, cell in enumerate(cells)))
        raw.append(2)
        raw += bytes((new - old) % 256 for new, old in zip(packed, above, strict=True))
        above = bytes(packed)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    stream = b"\x78\x01" + deflate(bytes(raw)) + struct.pack(">I", zlib.adler32(raw))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 2, 3, 0, 0, 0))
        + chunk(b"PLTE", bytes(value for colour in PALETTE for value in colour))
        + chunk(b"IDAT", stream)
        + chunk(b"IEND", b"")
    )


def deflate(raw: bytes) -> bytes:
    """Deflate with the fixed codes and runs of one byte only.

    zlib libraries differ in the bytes they produce; this keeps a rebuilt figure equal to the committed one.
    """
    bits = position = 0

    def put(value: int, width: int) -> None:
        nonlocal bits, position
        bits |= value << position
        position += width

    def put_code(code: int, width: int) -> None:
        put(int(f"{code:0{width}b}"[::-1], 2), width)

    def put_symbol(symbol: int) -> None:
        if symbol < 144:
            put_code(0x30 + symbol, 8)
        elif symbol < 256:
            put_code(0x190 + symbol - 144, 9)
        elif symbol < 280:
            put_code(symbol - 256, 7)
        else:
            put_code(0xC0 + symbol - 280, 8)

    put(0b011, 3)  # final block, fixed codes
    for byte, length in _runs(raw):
        put_symbol(byte)
        length -= 1
        while length >= 3:
            take = 258 if length >= 258 else min(length, 10)
            put_symbol(285 if take == 258 else 254 + take)  # lengths 3 to 10 need no extra bits
            put_code(0, 5)  # distance 1
            length -= take
        for _ in range(length):
            put_symbol(byte)
    put_symbol(256)
    return bits.to_bytes((position + 7) // 8, "little")


def _runs(raw: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    for place in range(1, len(raw) + 1):
        if place == len(raw) or raw[place] != raw[start]:
            yield raw[start], place - start
            start = place


# --------------------------------------------------------------------------------------------------------------- tree


def vault_settings(sources: list[Source]) -> dict[str, Any]:
    types = {"aliases": "aliases", "cssclasses": "multitext", "tags": "tags", "type": "text", "author": "text"}
    types |= {"rating": "number", "date": "date", "due": "date", "done": "checkbox"}
    ids = {f"Readwise/{FOLDERS[source.category]}/{source.file_name}": str(source.id) for source in sources}
    return {
        "app.json": {"attachmentFolderPath": "Assets", "newLinkFormat": "shortest", "useMarkdownLinks": False},
        "types.json": {"types": types},
        "plugins/readwise-official/data.json": {"readwiseDir": "Readwise", "booksIDsMap": ids},
    }


def render_all(content: Path = CONTENT) -> dict[str, bytes]:
    """The whole `data/` tree: path with forward slashes -> bytes."""
    sources = load_sources(content)
    tree: dict[str, bytes] = {
        "readwise.csv": render_csv(sources).encode(),
        "readwise-api.json": render_api(sources).encode(),
    }
    for name, value in vault_settings(sources).items():
        tree[f"vault/.obsidian/{name}"] = (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
    for source in sources:
        folder = FOLDERS[source.category]
        export = render_export(source).encode()
        tree[f"Readwise/{folder}/{source.file_name}"] = export
        tree[f"vault/Readwise/{folder}/{source.file_name}"] = export
        if source.note != "none":
            tree[f"vault/Notes/{folder}/{source.file_name}"] = render_note(source).encode()
        if source.note == "finished":
            for item in source.highlights:
                if item.image:
                    tree[f"vault/Assets/{item.image}"] = draw_figure(item.image)
    for path in sorted((content / "unrelated").glob("*.md")):
        tree["vault/" + path.name.replace("__", "/")] = path.read_bytes()
    return dict(sorted(tree.items()))


def write_tree(tree: dict[str, bytes], target: Path) -> None:
    """Make `target` hold exactly this tree; what was there before goes."""
    if target.exists():
        shutil.rmtree(target)
    for name, body in tree.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def summarise(sources: list[Source], content: Path = CONTENT) -> str:
    finished = [source for source in sources if source.note == "finished"]
    highlights = [item for source in sources for item in source.highlights]
    annotated = sum(bool(item.annotation) for item in highlights)
    passages = [render_section(source, chapter) for source in finished for chapter in source.chapters]
    words = sorted(len(passage.split()) for passage in passages) or [0]
    return "\n".join(
        [
            f"sources          {len(sources)} ({len(finished)} finished)",
            f"highlights       {len(highlights)} (+ {sum(len(source.chapters) for source in sources)} chapter headings)",
            f"annotated        {annotated} ({annotated / len(highlights):.0%})",
            f"passages         {len(passages)} ({words[0]} to {words[-1]} words, middle {words[len(words) // 2]})",
            f"unrelated notes  {len(list((content / 'unrelated').glob('*.md')))}",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m notewright.sample.build", description="Build the bundled sample.")
    parser.add_argument("--content", type=Path, default=CONTENT, help="folder with the sources")
    parser.add_argument("--out", type=Path, default=DATA, help="folder to build, replaced as a whole")
    options = parser.parse_args(argv)
    try:
        tree = render_all(options.content)
    except Invalid as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 1
    write_tree(tree, options.out)
    print(summarise(load_sources(options.content), options.content))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
