"""Kindle's `My Clippings.txt`: five-line records in the device's language, notes apart from their highlights, every edit a new record."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ..errors import Invalid
from ..records import Highlight, Source
from ..text import normalise
from .marks import read_marks
from .reading import Document, decode, refuse

CARRIES = (
    "text", "annotation", "tags", "location", "location_type", "heading_level", "highlighted_at", "is_favorite", "is_discard",
)  # fmt: skip
EXPECTED = "Expected Kindle's “My Clippings.txt”: a title line, a line like “- Your Highlight on page 12 | Location 145-147 | Added on …”."

_END = re.compile(r"=={7,}\s*")
_BLANK = " \ufeff\t\r"
# In the order they are looked for: "marcador" and "signet" must win over the words for highlight and note.
_TYPES = (
    ("bookmark", ("bookmark", "lesezeichen", "signet", "marcador", "segnalibro", "bladwijzer", "закладка", "书签", "書籤", "ブックマーク")),
    ("highlight", ("highlight", "markierung", "surlignement", "subrayado", "resaltado", "evidenziazione", "destaque", "markering",
                   "выделен", "标注", "標註", "ハイライト", "clip this article")),
    ("note", ("note", "notiz", "nota", "notitie", "заметка", "笔记", "筆記", "註記", "メモ")),
)  # fmt: skip
_TO = r"\s*(?:[-–—]|t/m)\s*"  # Dutch writes `55 t/m 88`
_NUMBERS = rf"[\s:#.°º]*(?:no\.?\s*)?(\d{{1,12}})(?:{_TO}(\d{{1,12}}))?"
_LOCATION = re.compile(
    r"(?:\bloc(?:ation|\.)?|\bposition|\bemplacement|\bposici[oó]n|\bposizione|\bposi[cç][aã]o|\blocalização|\blocatie"
    r"|\bмест(?:о|е|оположение)|位置)" + _NUMBERS,
    re.IGNORECASE,
)
_PAGE = re.compile(r"(?:\bpage|\bseite|\bp[aá]gina|\bстраниц\w*)" + _NUMBERS, re.IGNORECASE)
_ANY_RANGE = re.compile(rf"(\d{{1,12}}){_TO}(\d{{1,12}})(?!.*\d)")  # the last one, in a language that is not known
_CJK_PAGE = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?\s*(?:页|頁|ページ)")
_CJK_DATE = re.compile(r"(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日")
_TIME = re.compile(r"(上午|下午|午前|午後|凌晨|中午|晚上)?\s*(\d{1,2})[:.時时](\d{2})(?:[:.分](\d{2}))?\s*([ap])?", re.IGNORECASE)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar janvier enero gennaio janeiro januari января",
            "february februar février fevrier febrero febbraio fevereiro februari февраля",
            "march märz maerz mars marzo março marco maart марта", "april avril abril aprile апреля", "may mai mayo maggio maio mei мая",
            "june juni juin junio giugno junho июня", "july juli juillet julio luglio julho июля",
            "august août aout agosto augustus августа",
            "september septembre septiembre settembre setembro сентября", "october oktober octobre octubre ottobre outubro октября",
            "november novembre noviembre novembro ноября", "december dezember décembre decembre diciembre dicembre dezembro декабря",
        ), 1,
    )
    for name in names.split()
}  # fmt: skip
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts without spaces: Thai, Lao, Japanese, Chinese
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_AT_HAND = 5000  # texts whose words are remembered: where no places are told, all of a book are compared
_LONGEST_META = 500  # characters; no Kindle says more, and the patterns are slow on very long lines
# A sentence in brackets, in the place of what the publisher lets nobody clip, or of the rest of it. `<limit>` in a book is no sentence.
_LIMIT = re.compile(r"<(?=[^<>]*(?:\s|限))[^<>]*(?:limit|límit|limiet|максимальн|上限|限制)[^<>]*>\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Clipping:
    kind: str
    title: str
    author: str
    text: str
    page: int | None
    start: int | None
    end: int | None
    at: str
    line: int
    note: str = ""

    @property
    def place(self) -> int | None:
        return self.start if self.start is not None else self.page


def looks_like_clippings(text: str) -> bool:
    lines = text.lstrip("\ufeff").split("\n", 3)
    begins = len(lines) > 2 and (lines[1].lstrip().startswith(("-", "–")) or _is_meta(lines[0]))
    return begins and bool(re.search(r"^={8,}\s*$", text, re.MULTILINE))


def read_clippings(document: Document, progress: Callable[[int], None] | None = None) -> tuple[list[Source], list[str]]:
    """Sources of a clippings file, and warnings. Raises Invalid with the line of the first record that is none.

    What lacks its title line is in a source without a title, the last one.
    """
    name, text = document.name, decode(document, EXPECTED)
    if not re.search(r"^\ufeff?={8,}\s*$", text, re.MULTILINE):
        raise Invalid(f"{name}, line 1: no record ends with “==========” in this file.", EXPECTED)
    warnings: list[str] = []
    problems: list[str] = []
    books: dict[tuple[str, str], list[_Clipping]] = {}
    for count, (line, lines, closed) in enumerate(_records(text)):
        found = _clipping(lines, line, problems, name, warnings)
        if found is None:
            continue
        if not closed:
            warnings.append(f"{name}, line {line}: this record is not closed by “==========”")
        books.setdefault((found.title, found.author), []).append(found)
        if progress and count % 500 == 0:
            progress(count)
    if problems:
        raise refuse(name, problems, EXPECTED)
    titled = sorted(books, key=lambda book: not book[0])
    return [_source(*book, books[book], name, warnings) for book in titled], warnings


def _records(text: str) -> Iterator[tuple[int, list[str], bool]]:
    """Line number, lines and whether it was closed, for every record. One that is not closed ends where the next says what it is."""
    start = 1
    lines: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if _END.fullmatch(line):
            if any(item.strip() for item in lines):
                yield start, lines, True
            start, lines = number + 1, []
            continue
        if lines and _is_meta(line) and (cut := _end(lines)):
            yield start, lines[:cut], False
            start, lines = start + cut, lines[cut:]
        lines.append(line)
    if any(item.strip(_BLANK) for item in lines):
        yield start, lines, False


def _end(lines: list[str]) -> int:
    """Where the record in these lines ends, when what another one is follows them; 0 where they do not say yet what was clipped.

    The last of them is the other one's title, but not where the text would be gone with it.
    """
    for number, line in enumerate(lines[:-1]):
        if _is_meta(line):
            bare = not any(item.strip() for item in lines[number + 1 : -1])
            return len(lines) - (not bare or _kind(line) == "bookmark" or not lines[-1].strip())
    return 0


def _is_meta(line: str) -> bool:
    """Does it say what was clipped where and when, in a language that is known?"""
    line = line.strip(_BLANK)[:_LONGEST_META]
    if not line.startswith(("-", "–")):
        return False
    place, _, added = line.rpartition("|")
    return bool(_kind(place) and (_page(place) or _LOCATION.search(place)) and _moment(added))


def _kind(place: str) -> str:
    folded = place.casefold()
    return next((kind for kind, words in _TYPES if any(word in folded for word in words)), "")


def _page(place: str) -> re.Match[str] | None:
    return _PAGE.search(place) or _CJK_PAGE.search(place)


def _clipping(lines: list[str], line: int, problems: list[str], name: str, warnings: list[str]) -> _Clipping | None:
    while lines and not lines[0].strip(_BLANK):
        lines, line = lines[1:], line + 1
    meta = lines[1].strip(_BLANK)[:_LONGEST_META] if len(lines) > 1 else ""
    if _is_meta(lines[0]) and not _is_meta(meta):
        meta, lines = lines[0].strip(_BLANK)[:_LONGEST_META], ["", *lines]
    head, where = lines[0].strip(_BLANK), f"{name}, line {line}"
    told = line + bool(head)
    if not meta.startswith(("-", "–")):
        problems.append(f"line {told}: {meta[:60]!r} does not say what was clipped where.")
        return None
    place, _, added = meta.lstrip("-– ").rpartition("|")
    if not place:
        place, added = added, ""
    kind = _kind(place)
    body = "\n".join(item.rstrip("\r") for item in lines[2:]).strip("\n\ufeff ")
    if kind == "bookmark" or (not body and kind != "note"):
        return None
    if not head and kind != "note":
        warnings.append(f"{where}: no title above {meta[:60]!r}; its highlight goes where its words are, else under 'Untitled'")
    if kind != "note" and (cut := body.rfind("<")) >= 0 and _LIMIT.match(body, cut):
        body = body[:cut].strip()
        what = "the highlight ends there" if body else "no text"
        warnings.append(f"{where}: the publisher's clipping limit was reached, {what}")
        if not body:
            return None
    page = _page(place)
    location = _LOCATION.search(place)
    if not kind:
        location = location or (None if page else _ANY_RANGE.search(place))
        if not page and not location:
            problems.append(f"line {told}: {meta[:60]!r} is in no known form.")
            return None
        warnings.append(f"{where}: {meta[:60]!r} is in no known language, taken for a highlight")
        kind = "highlight"
    start, end = _range(location)
    if start is None:
        _, end = _range(page)
    title, author = _title_and_author(head)
    return _Clipping(kind, title, author, body, int(page[1]) if page else None, start, end, _moment(added), line)


def _range(found: re.Match[str] | None) -> tuple[int | None, int | None]:
    if not found:
        return None, None
    start, end = found[1], found[2] or found[1]
    if len(end) < len(start):
        end = start[: len(start) - len(end)] + end  # "1406-07"
    return int(start), max(int(start), int(end))


def _title_and_author(head: str) -> tuple[str, str]:
    """The author is the last bracketed group, or what follows the last " - "."""
    if head.endswith(")"):
        depth = 0
        for index in range(len(head) - 1, -1, -1):
            depth += (head[index] == ")") - (head[index] == "(")
            if depth == 0:
                title, author = head[:index].strip(), head[index + 1 : -1].strip()
                return (title, _author(author)) if title else (head, "")
    title, dash, author = head.rpartition(" - ")
    return (title.strip(), _author(author)) if dash and title.strip() else (head, "")


def _author(text: str) -> str:
    """`Newport, Cal` as `Cal Newport`; several authors joined as Readwise does."""
    people = [person.strip() for person in text.split(";") if person.strip()]
    turned = []
    for person in people:
        last, comma, first = person.partition(",")
        turned.append(f"{first.strip()} {last.strip()}" if comma and "," not in first and first.strip() else person)
    return ", ".join(turned)


def _moment(added: str) -> str:
    """The device's local time as it stands; the file knows no zone."""
    day, month, year = 0, 0, 0
    rest = added
    if found := _CJK_DATE.search(added):
        year, month, day = int(found[1]), int(found[2]), int(found[3])
        rest = added[found.end() :]
    else:
        for word in re.findall(r"[^\W\d_]+", added.casefold()):
            month = month or _MONTHS.get(word, 0)
        if found := re.search(r"\b(\d{4})\b", added):
            year = int(found[1])
        if found := re.search(r"(?<![\d:.])(\d{1,2})(?![\d:])(?:st|nd|rd|th|er|º|\.)?(?=\W|$)", added):
            day = int(found[1])
    clock = _TIME.search(rest)
    hour, minute, second = (int(clock[2]), int(clock[3]), int(clock[4] or 0)) if clock else (0, 0, 0)
    half = ((clock[1] or "") + (clock[5] or "").casefold()) if clock else ""
    if half in ("下午", "午後", "晚上", "p") and hour < 12:
        hour += 12
    elif half in ("上午", "午前", "凌晨", "a") and hour == 12:
        hour = 0
    if not (year and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return ""
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}+00:00"


def _source(title: str, author: str, items: list[_Clipping], name: str, warnings: list[str]) -> Source:
    marks = _Marks([item for item in items if item.kind == "highlight"])
    highlights = marks.found
    for item in items:
        if item.kind == "highlight":
            earlier = marks.place_of(item)
            if earlier >= 0:
                other, kept = highlights[earlier], _later(highlights[earlier], item)
                gone = item if kept is other else other
                if not _inside(_words(gone.text), _words(kept.text)):
                    warnings.append(f"{name}, line {gone.line}: {gone.text[:60]!r} was taken for another form of what line {kept.line} has")
                marks.put(earlier, kept)
            else:
                marks.put(len(highlights), item)
    for item in items:
        if item.kind == "note":
            index = _home(highlights, item)
            if index >= 0:
                highlights[index] = replace(highlights[index], note=item.text)  # a later note at this place is an edit of the first
            elif item.text:
                warnings.append(f"{name}, line {item.line}: a note without a highlight, left out: {item.text[:60]!r}")
    order = sorted(range(len(highlights)), key=lambda index: (highlights[index].place or 0, index))
    return Source(title=title, author=author, kind="book", app="kindle", highlights=tuple(_chained([highlights[index] for index in order])))


class _Marks:
    """The highlights of a book, `found` so far. A book may have thousands at one place, or at none that it tells: only those are compared
    that share a word which is rare in the book. Of two records of one highlight the shorter one lies, whole or with one half, in the
    other, and with it the rarest word of that."""

    def __init__(self, items: Sequence[_Clipping]) -> None:
        self.found: list[_Clipping] = []
        self._often = Counter(word for item in items for word in self._words(item))
        self._having: defaultdict[str, list[int]] = defaultdict(list)
        self._rarest_in: defaultdict[str, list[int]] = defaultdict(list)

    def place_of(self, item: _Clipping) -> int:
        """Where the first highlight stands that `item` is another record of; -1 where there is none."""
        near = {index for word in self._rarest(item) for index in self._having.get(word, ())}
        near |= {index for word in self._words(item) for index in self._rarest_in.get(word, ())}
        return next((index for index in sorted(near) if _same_mark(self.found[index], item)), -1)

    def put(self, index: int, item: _Clipping) -> None:
        """At its place in `found`, or at the end."""
        self.found[index : index + 1] = [item]
        for word in self._words(item):
            self._having[word].append(index)
        for word in self._rarest(item):
            self._rarest_in[word].append(index)

    @staticmethod
    def _words(item: _Clipping) -> set[str]:
        words = _words(item.text)
        return {*words, *_between_spaces(item.text)} if words else {"", *_between_spaces(item.text)}

    def _rarest(self, item: _Clipping) -> set[str]:
        whole = _between_spaces(item.text)
        return {min(part, key=lambda word: self._often[word], default="") for part in (_words(item.text), *_halves(whole))}


def _same_mark(left: _Clipping, right: _Clipping) -> bool:
    """Two records of one highlight: their ranges overlap and one holds the other's words, or nearly so.

    Much shorter is another highlight: a page has many, and one of a few words must not replace what it is found in.
    """
    if left.start is not None and right.start is not None:
        assert left.end is not None
        assert right.end is not None
        if left.start > right.end or right.start > left.end:
            return False
    elif left.page != right.page:
        return False
    shorter, longer = sorted((_words(left.text), _words(right.text)), key=len)
    if 2 * len(shorter) < len(longer):
        return False
    if _inside(shorter, longer):
        return True
    shorter, longer = sorted((_between_spaces(left.text), _between_spaces(right.text)), key=len)
    return len(shorter) >= 4 and any(_inside(half, longer) for half in _halves(shorter))


def _halves(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The first and the last half, of four words or more."""
    half = max(4, len(words) // 2)
    return words[:half], words[-half:]


@lru_cache(maxsize=_AT_HAND)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(normalise(text)))


@lru_cache(maxsize=_AT_HAND)
def _between_spaces(text: str) -> tuple[str, ...]:
    return tuple(normalise(text).split())


def _inside(part: Sequence[str], whole: Sequence[str]) -> bool:
    return f" {' '.join(part)} " in f" {' '.join(whole)} "


def _later(left: _Clipping, right: _Clipping) -> _Clipping:
    """The last edit counts; where the times do not tell, the longer text."""
    if left.at and right.at and left.at != right.at:
        return max(left, right, key=lambda item: item.at)
    return max(left, right, key=lambda item: len(item.text))


def _home(highlights: list[_Clipping], note: _Clipping) -> int:
    """The highlight a note belongs to: the one that ends where the note stands, else one around it, else the only one on its page."""
    spot = note.start
    best, score = -1, 0
    for index, item in enumerate(highlights):
        if spot is not None and item.start is not None and item.end is not None:
            value = 4 if item.end == spot else 3 if item.start <= spot <= item.end else 0
        else:
            value = 2 if note.page is not None and note.page == item.page and spot is None else 0
        if value and value >= score and (value > score or item.line < note.line):
            best, score = index, value
    return best


def _chained(items: list[_Clipping]) -> Iterator[Highlight]:
    """Highlights of one book; `.c1`, `.c2`, … notes join their highlights as Readwise would on import."""
    chain: Highlight | None = None
    for item in items:
        link = re.fullmatch(r"\.c(\d+)", item.note.strip(), re.IGNORECASE)
        marked = read_marks("" if link else item.note)
        highlight = Highlight(
            text=item.text, annotation=marked.annotation, tags=marked.tags, heading_level=marked.heading_level,
            is_favorite=marked.is_favorite, is_discard=marked.is_discard, location=item.place,
            location_type="location" if item.start is not None else "page" if item.page is not None else "", highlighted_at=item.at,
        )  # fmt: skip
        if chain is not None:
            if link and int(link[1]) > 1:
                chain = replace(chain, text=f"{chain.text} {highlight.text}")
                continue
            yield chain
            chain = None
        if link:
            chain = highlight
        else:
            yield highlight
    if chain is not None:
        yield chain
