"""The Readwise CSV: one row a highlight, no ids. Old (10 columns), new (11), and any subset with `Highlight`."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ..errors import Invalid
from ..library.sources import HIGHLIGHT_FIELDS
from ..records import Highlight, Source
from .marks import highlight_ids, read_marks, source_ids, split_tags, utc_time
from .reading import Document, decode, encoding_of, refuse

HEADER = (
    "Highlight", "Book Title", "Book Author", "Amazon Book ID", "Note", "Color", "Tags", "Location Type", "Location", "Highlighted at",
    "Document tags",
)  # fmt: skip
# The same columns under the names of Readwise's template for importing into it, and of older exports.
_ALIASES = {"title": "book title", "author": "book author", "date": "highlighted at", "asin": "amazon book id"}
_FIELDS = {
    "highlight": ("text",), "note": ("annotation",), "color": ("color",), "location type": ("location_type",), "location": ("location",),
    "highlighted at": ("highlighted_at",), "url": ("url",),
}  # fmt: skip
_SOURCE_FIELDS = {
    "book title": "title", "book author": "author", "amazon book id": "asin", "document tags": "tags", "url": "url",
}  # fmt: skip
_LOCATION = re.compile(r"(\d{1,12})(?:\.0+)?(?:\s*[-–]\s*\d+)?")
_KIND_OF_LOCATION = {"location": "book", "time_offset": "podcast", "offset": "article", "order": "article"}
_ON_TWITTER = re.compile(r"\S on (?:twitter|x)$", re.IGNORECASE)
_MOST_PROBLEMS = 20
_SEPARATOR = re.compile(r'"?sep=([,;\t])"?[,;\t]*\r?', re.IGNORECASE)  # the first line of a CSV that tells Excel how to read it
_LONGEST = 10_000_000  # characters of a field: a highlight may be a whole article, and Python reads no more than 131,072 unasked


@dataclass(slots=True)
class _Rows:
    """The rows of one source: those of a book id, whatever they call it, else those of a title and author. `titles` counts each, and
    `named` has the line that says it first; `unplaced` counts rows that are said to have no location."""

    source: Source
    highlights: list[Highlight] = field(default_factory=list)
    titles: Counter[str] = field(default_factory=Counter)
    authors: Counter[str] = field(default_factory=Counter)
    named: dict[str, int] = field(default_factory=dict)
    unplaced: int = 0


@dataclass(slots=True)
class CsvExport:
    """What a CSV held. `sources` are given out once, freed as they are taken; one whose rows have no title has an empty one, and is to be
    called `untitled` if it is new. A highlight without text stands for a row without text."""

    carries: tuple[str, ...]
    source_carries: tuple[str, ...]
    count: int
    warnings: list[str] = field(default_factory=list)
    untitled: str = "Untitled"
    _sources: dict[tuple[str, ...], _Rows] = field(default_factory=dict)

    def sources(self) -> Iterator[Source]:
        for key in list(self._sources):
            rows = self._sources.pop(key)
            if any(item.text for item in rows.highlights):
                yield replace(rows.source, highlights=tuple(rows.highlights))


def looks_like_csv(text: str) -> bool:
    """Does the first line, or the one after Excel's `sep=,`, name a `Highlight` column?"""
    first, _, rest = text.lstrip("\ufeff").partition("\n")
    first = (rest.partition("\n")[0] if _SEPARATOR.fullmatch(first) else first).casefold()
    return any("highlight" in [cell.strip(' "\r') for cell in first.split(mark)] for mark in ",;\t")


def read_csv(document: Document, progress: Callable[[int], None] | None = None) -> CsvExport:
    """Parse a whole CSV. Raises Invalid with every problem and its line; nothing is yielded from a file with problems."""
    name = document.name
    first = decode(document).partition("\n")[0]
    told = _SEPARATOR.fullmatch(first.lstrip("\ufeff"))
    delimiter = told[1] if told else max(",;\t", key=first.count)
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
    reader = csv.reader(_lines(document), delimiter=delimiter, strict=True)
    if told:
        next(reader)
    export, columns, width = _header(name, reader, reader.line_num + 1)
    sources, problems = export._sources, []
    at = _Columns(*(columns.get(column, width) for column in (*map(str.casefold, HEADER), "url")))  # an absent one reads the "" put last
    started = reader.line_num + 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            problems.append(_quote_problem(list(_lines(document)), started, delimiter, reader.line_num))
            break
        line, started = started, reader.line_num + 1
        if len(row) != width:
            if not row or not any(row):
                continue
            problems.append(_width_problem(row, line, reader.line_num, width))
            if len(problems) >= _MOST_PROBLEMS:
                problems.append("line …: reading stopped here")
                break
            continue
        row.append("")
        asin, title = row[at.asin].strip(), row[at.title]
        if title and not title.strip():
            title = ""
        key = (asin,) if asin else (title, row[at.author])
        known = sources.get(key)
        if known is None:
            known = sources[key] = _Rows(_source(row, at))
        if not row[at.text].strip():
            export.warnings.append(f"{name}, line {line}: no text in the Highlight column, left out; what the library has stays")
            known.highlights.append(_highlight(row, at, name, line, []))
            continue
        if title not in known.titles:
            known.named[title] = line
        known.titles[title] += 1
        known.authors[row[at.author]] += 1
        known.unplaced += row[at.location_type].strip().lower() == "none"
        if not title and at.title < width:
            export.warnings.append(f"{name}, line {line}: no title in the Book Title column; its highlight goes where {_told(asin)}")
        known.highlights.append(_highlight(row, at, name, line, export.warnings))
        export.count += 1
        if progress and export.count % 2000 == 0:
            progress(export.count)
    if problems:
        raise refuse(name, problems)
    if at.title >= width:
        export.untitled = document.stem
        said = f"no Book Title column; what the library does not know already is called {document.stem!r}"
        export.warnings.append(f"{name}, line 1: {said}")
    for rows in sources.values():
        _settle(rows, name, export.warnings)
    return export


def _told(asin: str) -> str:
    return f"the book {asin} is" if asin else "its words are, else under 'Untitled'"


def _lines(document: Document) -> Iterator[str]:
    """Lines as the csv module wants them, decoded bit by bit: a big file is held once, not three times."""
    return io.TextIOWrapper(io.BytesIO(document.data), encoding=encoding_of(document.data), newline="")


def _header(name: str, reader: Iterator[list[str]], line: int) -> tuple[CsvExport, dict[str, int], int]:
    expected = f"Expected: {','.join(HEADER)} (all but Highlight may be absent)."
    try:
        header = next(reader)
    except (csv.Error, StopIteration):
        raise refuse(name, [f"line {line}: the header breaks off inside a quote. {expected}"]) from None
    cells = [cell.strip().lstrip("\ufeff").strip() for cell in header]
    folded = [_ALIASES.get(cell.casefold(), cell.casefold()) for cell in cells]
    if "highlight" not in folded:
        found = ",".join(cells)
        hint = "Export it again at readwise.io/export."
        if {"url", "reading progress"} <= {*folded}:
            hint = f"This is Reader's list of documents, which has no highlights. {hint}"
        raise Invalid(
            f"{name}, line {line}: the header is {found[:200]!r}, without a Highlight column. {expected}",
            hint, [f"{name}, line {line}: no Highlight column"],
        )  # fmt: skip
    doubled = sorted({cell for cell in folded if cell and folded.count(cell) > 1})
    if doubled:
        raise Invalid(f"{name}, line {line}: the column {doubled[0]!r} is there twice. {expected}", "Remove one of them.")
    columns = {column: index for index, column in enumerate(folded)}
    fields = [item for column in columns for item in _FIELDS.get(column, ())]
    if "note" in columns or "tags" in columns:
        fields += ["heading_level"]
    if "tags" in columns:
        fields += ["tags"]
    carries = tuple(item for item in HIGHLIGHT_FIELDS if item in fields)
    export = CsvExport(carries, tuple(item for column, item in _SOURCE_FIELDS.items() if column in columns), 0)
    unknown = [cell for cell, column in zip(cells, folded, strict=True) if column not in _FIELDS and column not in _SOURCE_FIELDS]
    unknown = [cell for cell in unknown if cell and cell.casefold() != "tags"]
    if unknown:
        export.warnings.append(f"{name}, line {line}: unknown columns left out: {', '.join(unknown)}")
    return export, columns, len(cells)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each column stands in a row, in the order of HEADER."""

    text: int
    title: int
    author: int
    asin: int
    note: int
    color: int
    tags: int
    location_type: int
    location: int
    highlighted_at: int
    document_tags: int
    url: int


def _source(row: list[str], at: _Columns) -> Source:
    asin, url = row[at.asin].strip(), row[at.url].strip()
    return Source(
        title=" ".join(row[at.title].split()), author=row[at.author].strip(), kind="book" if asin else "", asin=asin, url=url,
        tags=read_marks("", split_tags(row[at.document_tags])).tags, outside_ids=source_ids(asin=asin, url=url),
    )  # fmt: skip


def _highlight(row: list[str], at: _Columns, name: str, line: int, warnings: list[str]) -> Highlight:
    color = sys.intern(row[at.color].strip().lower())
    marked = read_marks(row[at.note], split_tags(row[at.tags]), color)
    location: int | None = None
    if place := row[at.location].strip():
        if place.isdecimal() and len(place) <= 12:
            location = int(place)
        elif found := _LOCATION.fullmatch(place):
            location = int(found[1])
        elif place.casefold() != "none":
            warnings.append(f"{name}, line {line}: the location {place!r} is no number, left out")
    moment = ""
    if said := row[at.highlighted_at].strip():
        try:
            moment = utc_time(said)
        except ValueError:
            warnings.append(f"{name}, line {line}: the time {said!r} is not like 2024-01-31 16:45:00+00:00, left out")
    kind = sys.intern(row[at.location_type].strip().lower())
    url = row[at.url].strip()
    return Highlight(
        text=row[at.text].strip(), annotation=marked.annotation, tags=marked.tags, heading_level=marked.heading_level,
        is_favorite=marked.is_favorite, is_discard=marked.is_discard, location=location, location_type="" if kind == "none" else kind,
        color=color, highlighted_at=moment, url=url, outside_ids=highlight_ids(url=url) if url else (),
    )  # fmt: skip


def _settle(rows: _Rows, name: str, warnings: list[str]) -> None:
    """The title and author that most rows of a book have. The CSV does not say what a source is; its author and locations do, for a
    start: the API knows better."""
    source = rows.source
    if source.asin:
        titles = _most(rows.titles)
        source = replace(source, title=titles[0] if titles else "", author=next(iter(_most(rows.authors)), ""))
        for said, line in rows.named.items():
            if said and " ".join(said.split()) != source.title:
                warnings.append(
                    f"{name}, line {line}: the title {said!r}; {source.title!r} is taken, as most rows of {source.asin} have it"
                )
    kind = "" if source.asin else _kind(rows)
    rows.source = replace(source, kind=kind) if kind else source


def _kind(rows: _Rows) -> str:
    """What a source without a book id may be: posts are by somebody on Twitter; pages of the web have no locations, or none of a book, and
    no chapters that somebody marked."""
    read = [item for item in rows.highlights if item.text]
    if _ON_TWITTER.search(rows.source.author):
        return "tweet"
    placeless = read and rows.unplaced == len(read) and not any(item.heading_level for item in read)
    return _KIND_OF_LOCATION.get(rows.highlights[0].location_type, "article" if placeless else "")


def _most(said: Counter[str]) -> list[str]:
    """The different words said, those said most often first; nothing said does not count."""
    counts: Counter[str] = Counter()
    for words, times in said.items():
        if words.strip():
            counts[" ".join(words.split())] += times
    return [words for words, _ in counts.most_common()]


def _width_problem(row: list[str], line: int, last: int, width: int) -> str:
    problem = f"line {line}: {len(row)} columns where the header has {width}"
    if last > line:
        problem += f" (this row runs to line {last}: look for a quote that is not closed)"
    return problem + "."


def _quote_problem(lines: list[str], started: int, delimiter: str, failed: int) -> str:
    """Which quote broke the row that starts in line `started`? Walk its fields by hand."""
    rest = "".join(lines[started - 1 :])
    position, line = 0, started
    while position < len(rest):
        if rest[position] == '"':
            opened, end = line, position + 1
            while end < len(rest):
                if rest[end] == '"':
                    if rest[end + 1 : end + 2] != '"':
                        break
                    end += 1
                end += 1
            line += rest.count("\n", position, end)
            follower = rest[end + 1 : end + 2]
            if end >= len(rest):
                return f'line {opened}: a quote (") opened here is never closed. Expected a closing quote; inner quotes are doubled ("").'
            if follower not in ("", delimiter, "\n", "\r"):
                return (
                    f'line {opened}: the quote (") opened here closes in line {line} before {rest[end + 1 : end + 12]!r}.'
                    f' Expected a comma or a line end there; inner quotes are doubled ("").'
                )
            position = end + 1
        else:
            cut = [index for index in (rest.find(delimiter, position), rest.find("\n", position)) if index >= 0]
            position = min(cut) if cut else len(rest)
        if position < len(rest):
            line += rest[position] == "\n"
            position += 1
            if rest[position - 1] == "\r" and rest[position : position + 1] == "\n":
                position, line = position + 1, line + 1
    return f"line {failed}: this row cannot be read as CSV (a field over {csv.field_size_limit():,} characters?)."
