"""Read `content/*.toml` into dataclasses, reporting every breach of the schema at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Invalid

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
    reading = _Reading(number, slug)
    parsed = [_parse_chapter(at, raw, check, reading, finished=note == "finished") for at, raw in enumerate(raw_chapters, 1)]
    chapters = [chapter for chapter in parsed if chapter]
    if sum(len(chapter.highlights) for chapter in chapters) < 18:
        check.fail("source", "has fewer than 18 highlights")
    if check.problems or not chapters:
        return None
    location_type = check.get(table, "location_type", str, "source") or _default_location_type(text["category"], reading.last)
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


class _Reading:
    """A person reads a source: its highlights one after the other, each with a number and a time of its own."""

    def __init__(self, number: int, slug: str) -> None:
        self.number, self.slug = number, slug
        self.last = 0  # the farthest location so far
        self._marked = 0
        self._clock = dt.datetime(2024, 1, 6, 18, 20, 5, tzinfo=dt.UTC) + dt.timedelta(days=17 * number, minutes=7 * number)

    def pause(self, chapter: int) -> None:
        self._clock += dt.timedelta(hours=21 + chapter, minutes=11)

    def mark(self, text: str, location: int, **more: Any) -> Highlight:
        self._marked += 1
        self._clock += dt.timedelta(seconds=97 + (self._marked * 53 + self.number * 31) % 240)
        return Highlight(
            id=int(f"900{self.number:02d}{self._marked:04d}"),
            text=text,
            location=location,
            time=self._clock,
            ulid=ulid(f"{self.slug}/{self._marked}"),
            **more,
        )


def _parse_chapter(number: int, table: dict[str, Any], check: _Checker, reading: _Reading, *, finished: bool) -> Chapter | None:
    where = f"chapter {number}"
    check.keys(table, CHAPTER_KEYS, where)
    raw_highlights = check.get(table, "highlight", list, where, required=True)
    if not raw_highlights:
        check.fail(where, "has no highlight")
        return None
    title = check.get(table, "title", str, where, required=True)
    first = raw_highlights[0].get("location", 0)
    reading.pause(number)
    heading = reading.mark(title, first if isinstance(first, int) else 0, heading=True)
    items = [_parse_highlight(f"{where} highlight {at}", raw, check, reading) for at, raw in enumerate(raw_highlights, 1)]
    if sum(item.favorite for item in items) > 1:
        check.fail(where, "at most one favorite in a chapter")
    if finished and not any(item.annotation for item in items):
        check.fail(where, "no annotated highlight, so the note would have an empty section")
    return Chapter(title, heading, items, check.get(table, "closing", str, where), check.get(table, "override", str, where))


def _parse_highlight(where: str, table: dict[str, Any], check: _Checker, reading: _Reading) -> Highlight:
    check.keys(table, HIGHLIGHT_KEYS, where)
    item = reading.mark(
        check.get(table, "text", str, where, required=True),
        check.get(table, "location", int, where, required=True),
        annotation=check.get(table, "annotation", str, where),
        tags=check.tags(table, where),
        favorite=check.get(table, "favorite", bool, where),
        discard=check.get(table, "discard", bool, where),
        kept=check.get(table, "kept", str, where),
    )
    if not item.text:
        check.fail(where, "text is empty")
    if item.kept not in item.text:
        check.fail(where, f"kept is not a part of text: {item.kept!r}")
    if "\n" in item.annotation or item.annotation.startswith("."):
        check.fail(where, "annotation must be one line and not start with a dot")
    if "![" in item.text and not (item.image and item.annotation):
        check.fail(where, "an image highlight is ![](https://images.example.org/<slug>/<name>.png) + annotation")
    if item.location < reading.last:
        check.fail(where, f"location {item.location} comes after {reading.last}: keep the reading order")
    reading.last = max(reading.last, item.location)
    return item


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
