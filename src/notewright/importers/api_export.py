"""What `/api/v2/export/` answers: books with their highlights, from the network or from a saved file (envelope, list or JSONL)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import Invalid
from ..library.sources import HIGHLIGHT_FIELDS
from ..records import Highlight, Source
from .marks import KIND_OF, exact_time, highlight_ids, is_ulid, is_web, kindle_link, read_marks, reader_id, source_ids, utc_time
from .reading import EXPECTED, Document, decode, refuse

CARRIES = tuple(name for name in HIGHLIGHT_FIELDS if name != "chapter")
_MOST_PROBLEMS = 20
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
Path = tuple[str | int, ...]


class BadShape(Exception):
    """A value of an unexpected kind, at a path inside the JSON."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.path, self.problem = path, problem


def read_json(document: Document) -> tuple[list[Source], list[str]]:
    """Sources of a saved export, and warnings. Raises Invalid with line and column of what is wrong."""
    name, text = document.name, decode(document)
    try:
        parts: list[tuple[int, str, Any]] = [(0, text, json.loads(text))]
    except RecursionError:
        raise refuse(name, ["line 1: brackets are nested too deeply for an export."], EXPECTED) from None
    except json.JSONDecodeError as error:
        if error.msg != "Extra data" or text.lstrip()[:1] not in "{[":
            raise _cut(name, 0, error) from None
        parts = _json_lines(name, text)
    except ValueError:
        raise _too_long(name) from None
    sources: list[Source] = []
    warnings = _missing_pages(name, [value for _, _, value in parts])
    problems: list[str] = []
    seen: dict[str, str] = {}
    homes: dict[str, tuple[int, int]] = {}  # by a book's id: the line it was last on, and its place among the sources
    for first_line, part, value in parts:
        try:
            books, prefix = _books(value)
        except BadShape as bad:
            raise refuse(name, [f"line {first_line + _line(part, bad.path)}: {bad.problem}"], EXPECTED) from None
        for index, book in enumerate(books):
            here: Path = prefix if isinstance(books, _OneBook) else (*prefix, index)
            try:
                source = read_book(book, warnings, name)
            except BadShape as bad:
                problems.append(f"line {first_line + _line(part, (*here, *bad.path))}: {bad.problem}")
                if len(problems) >= _MOST_PROBLEMS:
                    raise refuse(name, problems) from None
                continue
            book_id = source.outside_ids[0] if source.outside_ids and source.outside_ids[0].startswith("readwise:") else ""
            line, place = homes.get(book_id, (first_line, len(sources)))
            goes_on = line != first_line  # as a book may that is on several pages
            known = {key for key, _ in _numbers(sources[place])} if goes_on else set()
            for key, path in _numbers(source):
                if key in known:
                    continue
                where = f"line {first_line + _line(part, (*here, *path))}" if key in seen else ""
                if key in seen:
                    problems.append(f"{where}: {key} is there twice. Expected every id once.")
                seen[key] = where
            if goes_on:
                sources[place] = joined(sources[place], source)
            else:
                sources.append(source)
            if book_id:
                homes[book_id] = (first_line, place)
    if problems:
        raise refuse(name, problems)
    return sources, warnings


def _missing_pages(name: str, values: Iterable[object]) -> list[str]:
    cursors = [value.get("nextPageCursor") for value in values if isinstance(value, dict) and isinstance(value.get("results"), list)]
    if not cursors or not all(cursors):
        return []
    what = "is one page" if len(cursors) == 1 else f"holds {len(cursors)} pages"
    return [f"{name} {what} of several (nextPageCursor is set): import the other pages too"]


def joined(known: Source, more: Source) -> Source:
    """Two parts of one book, as when it is on two pages."""
    there = {item.outside_ids for item in known.highlights if item.outside_ids}
    return replace(more, highlights=known.highlights + tuple(item for item in more.highlights if item.outside_ids not in there))


def _numbers(source: Source) -> list[tuple[str, Path]]:
    """The ids that must be given once, as words, with their paths in the book."""
    found: list[tuple[str, Path]] = []
    if source.outside_ids and source.outside_ids[0].startswith("readwise:"):
        found.append((f"user_book_id {source.outside_ids[0][9:]}", ()))
    for index, highlight in enumerate(source.highlights):
        if highlight.outside_ids and highlight.outside_ids[0].startswith("readwise:"):
            found.append((f"highlight id {highlight.outside_ids[0][9:]}", ("highlights", index)))
    return found


def _json_lines(name: str, text: str) -> list[tuple[int, str, Any]]:
    parts = []
    for number, line in enumerate(text.split("\n")):
        if line.strip():
            try:
                parts.append((number, line, json.loads(line)))
            except json.JSONDecodeError as error:
                raise _cut(name, number, error) from None
            except ValueError:
                raise _too_long(name, number) from None
    return parts


def _too_long(name: str, first_line: int = 0) -> Invalid:
    """Python reads no whole number of more than some thousand digits, and does not say where it stands."""
    return refuse(name, [f"line {first_line + 1}: a number of thousands of digits, here or below."], EXPECTED)


def _cut(name: str, first_line: int, error: json.JSONDecodeError) -> Invalid:
    end = " The file ends there: it may be cut off." if not error.doc[error.pos + 1 :].strip() or "Unterminated" in error.msg else ""
    return refuse(name, [f"line {first_line + error.lineno}, column {error.colno}: broken JSON: {error.msg}.{end}"],
                  "Nothing was imported. Fetch the export again.")  # fmt: skip


def _books(value: object) -> tuple[list[Any], Path]:
    """The list of books in an envelope, a bare list or one bare book, and its path."""
    if isinstance(value, list):
        return value, ()
    if isinstance(value, dict):
        if isinstance(value.get("results"), list):
            return value["results"], ("results",)
        if "highlights" in value:
            return _OneBook([value]), ()
        if "detail" in value:
            raise BadShape((), f"this is an error answer of Readwise ({str(value['detail'])[:80]!r}), not an export.")
    raise BadShape((), "no list of books. Expected {count, nextPageCursor, results: [...]}, a list of books, or one book a line.")


class _OneBook(list[Any]):
    """A book on its own line: its path has no index."""


def _line(text: str, path: Path) -> int:
    """The line (from 1) of the value at `path`; of the nearest value above it where the path ends early."""
    position = _SPACE.match(text, 0).end()  # type: ignore[union-attr]
    for step in path:
        found = _step(text, position, step)
        if found < 0:
            break
        position = found
    return text.count("\n", 0, position) + 1


def _step(text: str, position: int, step: str | int) -> int:
    if text[position] not in "{[" or (text[position] == "{") != isinstance(step, str):
        return -1
    inside, index = text[position] == "{", 0
    position = _skip(text, position + 1)
    while position < len(text) and text[position] not in "]}":
        key: str | int = index
        if inside:
            key, position = _DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        if key == step:
            return position
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        index += 1
    return -1


def _skip(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]


def read_book(book: object, warnings: list[str], name: str = "Readwise") -> Source:
    """One book of the export as a Source. Raises BadShape where it is none."""
    if not isinstance(book, dict):
        raise BadShape((), f"a book must be an object, not {_kind(book)}.")
    if not isinstance(book.get("highlights"), list):
        raise BadShape((), _no_highlights(book))
    title = _text(book, "title") or _text(book, "readable_title")
    app, asin = _text(book, "source"), _text(book, "asin")
    said, unique = _text(book, "source_url"), _text(book, "unique_url")
    url = said if is_web(said) else unique  # of an upload or a forwarded mail the first is an address that nothing opens
    external = _text(book, "external_id")
    reader = external if external and (app == "reader" or is_ulid(external)) else reader_id(unique)
    highlights = []
    for index, item in enumerate(book["highlights"]):
        try:
            highlight = _highlight(item, app, asin, warnings, f"{name}: {title or 'Untitled'}")
        except BadShape as bad:
            raise BadShape(("highlights", index, *bad.path), bad.problem) from None
        if highlight:
            highlights.append(highlight)
    if len(highlights) > 1 and _runs_backwards(highlights):
        highlights.reverse()
    return Source(
        title=" ".join(title.split()), author=_text(book, "author"), kind=KIND_OF.get(_text(book, "category").lower(), "book"), app=app,
        url=url, readwise_url=_text(book, "readwise_url"), asin=asin, cover_url=_text(book, "cover_image_url"),
        summary=_text(book, "summary"), document_note=_text(book, "document_note"), tags=read_marks("", _tags(book, "book_tags")).tags,
        is_deleted=bool(book.get("is_deleted")),
        outside_ids=source_ids(readwise=_number(book, "user_book_id"), reader=reader, asin=asin, url=said or unique),
        highlights=tuple(highlights),
    )  # fmt: skip


def _no_highlights(book: Mapping[str, Any]) -> str:
    if "text" in book and "book_id" in book:
        return "this is a highlight of /api/v2/highlights/, not a book with its highlights. Expected the answer of /api/v2/export/."
    if "num_highlights" in book or "parent_id" in book:
        return "this is a list entry without highlights. Expected the answer of /api/v2/export/."
    return 'a book without its "highlights" list. Expected the answer of /api/v2/export/.'


def _highlight(item: object, app: str, asin: str, warnings: list[str], where: str) -> Highlight | None:
    if not isinstance(item, dict):
        raise BadShape((), f"a highlight must be an object, not {_kind(item)}.")
    if "text" not in item:
        raise BadShape((), 'a highlight without "text".')
    text, number = _text(item, "text"), _number(item, "id")
    color = _text(item, "color").lower()
    marked = read_marks(_text(item, "note"), _tags(item, "tags"), color)
    location, kind = _location(item, warnings, where), _text(item, "location_type").lower()
    url, external = _text(item, "url"), _text(item, "external_id")
    if not url and asin and kind == "location" and location is not None:
        url = kindle_link(asin, location)
    if not text and not item.get("is_deleted"):
        warnings.append(f"{where}: highlight {number} has no text, left out")
        return None
    return Highlight(
        text=text, annotation=marked.annotation, tags=marked.tags, heading_level=marked.heading_level, location=location,
        location_type="" if kind == "none" else kind, color=color, url=url, highlighted_at=_time(item, "highlighted_at", warnings, where),
        updated_at=_time(item, "updated_at", warnings, where, exact=True),
        is_favorite=bool(item.get("is_favorite")) or marked.is_favorite, is_discard=bool(item.get("is_discard")) or marked.is_discard,
        is_deleted=bool(item.get("is_deleted")),
        outside_ids=highlight_ids(readwise=number, reader=external if app == "reader" or is_ulid(external) else "", url=url),
    )  # fmt: skip


def _runs_backwards(highlights: Iterable[Highlight]) -> bool:
    """Newest first? Then the first of two at one place was read last."""
    places = [item.location for item in highlights if item.location is not None]
    steps = Counter((left > right) - (left < right) for left, right in zip(places, places[1:], strict=False))
    return steps[1] > 0 and steps[-1] == 0


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadShape((key,), f'"{key}" must be text, not {_kind(value)}.')
    return _whole(value).strip()


def _whole(value: str) -> str:
    """Half a surrogate pair would not go into the library."""
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _number(table: Mapping[str, Any], key: str) -> int | None:
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadShape((key,), f'"{key}" must be a whole number, not {_kind(value)}.')
    return value


def _location(item: Mapping[str, Any], warnings: list[str], where: str) -> int | None:
    value = item.get("location")
    if value is None:
        return None
    try:
        number = int(float(value))
        if abs(number) < 10**12:
            return number
        raise ValueError
    except (TypeError, ValueError, OverflowError):
        warnings.append(f"{where}: the location {value!r} is no number, left out")
        return None


def _time(item: Mapping[str, Any], key: str, warnings: list[str], where: str, *, exact: bool = False) -> str:
    value = _text(item, key)
    if not value:
        return ""
    try:
        return exact_time(value) if exact else utc_time(value)
    except ValueError:
        warnings.append(f"{where}: the time {value!r} in {key} cannot be read, left out")
        return ""


def _tags(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key) or []
    if not isinstance(value, list):
        raise BadShape((key,), f'"{key}" must be a list of tags, not {_kind(value)}.')
    names = [tag.get("name") if isinstance(tag, dict) else tag for tag in value]
    if not all(isinstance(name, str) for name in names):
        raise BadShape((key,), f'"{key}" must be a list of {{id, name}}.')
    return [_whole(str(name)) for name in names]


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), type(value).__name__)
