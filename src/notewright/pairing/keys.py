"""Deterministic keys: outside ids in text, normal forms of URLs, titles and file names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from ..text import MARKS, normalise

_TITLES = 200_000  # remembered: all those of a large library, which is gone through several times
_HIGHLIGHT_IDS = re.compile(
    r"readwise\.io/open/(\d+)|\^(?:rw|rwhi|hl|id)?-?(\d{4,})(?:-note)?\b|#(?:\^)?(?:rw|rwhi|id|highlight-?)(\d{4,})\b", re.IGNORECASE
)
_READER = re.compile(r"read\.readwise\.io/(?:[a-z]+/)?read/([0-9A-Za-z]+)", re.IGNORECASE)
_BOOK = re.compile(r"readwise\.io/bookreview/(\d+)", re.IGNORECASE)
_ASIN = re.compile(r"\basin=([0-9A-Z]{10})\b(?:[^\s)\]]*?\blocation=(\d+))?|/(?:dp|gp/product)/([0-9A-Z]{10})\b", re.IGNORECASE)
_TRACKING = re.compile(
    r"utm_.*|fbclid|gclid|mc_[ce]id|si|cmdid|ref|ref_src|source|feature|igshid|s|t|share|_hs.*|spm|amp|print", re.IGNORECASE
)
_KIND = (
    r"(?:(?:my|book|reading|literature|lecture|resource|source|reference|study|permanent|class|video|podcast|article|literature)\s+)*"
    r"(?:notes?|highlights?|summary|summaries|review|book|e-?book|article|essay|paper|thesis|podcast|episode|video|talk|speech|lecture|thread"
    r"|tweets?|newsletter|blog|blog post|post|course|class|literature|reference|resources?|source|report|documentary|film|interview"
    r"|publication|proposal|annotations?|quotes|takeaways|readwise)"
)
_SUFFIX = re.compile(rf"\s*(?:[-–—:|,.]\s*{_KIND}|[(\[]\s*{_KIND}\s*[)\]]|\s{_KIND}|[-–—]?\s?\(?\d{{1,2}}\)?)\s*$", re.IGNORECASE)
_DATE = r"(?:\d{4}-?\d\d-?\d\d|\d{12,14})\s*[-–—:]?\s*"
_PREFIX = re.compile(rf"^\s*(?:{_KIND}\s*[-–—:|]\s*|[(\[]\s*{_KIND}\s*[)\]]\s*|{_DATE})", re.IGNORECASE)
_WORD = re.compile(rf"\w[\w{MARKS}]*")
_LONGEST_TITLE = 500  # characters
_CUT = re.compile(r"\s+[-–—|]+\s+|[:：|]\s+|\s*[(\[]|\s*[—–]\s*")


def highlight_numbers(text: str) -> Iterator[str]:
    """Readwise highlight ids that `text` names, as digits; whether each is known is the caller's to check."""
    lower = text.lower()
    if not any(mark in lower for mark in ("^", "readwise.io/open/", "#rw", "#id", "#highlight")):  # far quicker than the search
        return
    for found in _HIGHLIGHT_IDS.finditer(text):
        yield found[1] or found[2] or found[3]


def reader_ids(text: str) -> list[str]:
    """Reader document and highlight ids in `text`, lower case."""
    if "/" not in text:
        return []
    return [found.lower() for found in _READER.findall(text)]


def book_numbers(text: str) -> list[str]:
    return _BOOK.findall(text)


def asins(text: str) -> list[tuple[str, int | None]]:
    """Amazon ids in `text`, each with the Kindle location its link names."""
    if "=" not in text and "/" not in text:
        return []
    return [((found[1] or found[3]).upper(), int(found[2]) if found[2] else None) for found in _ASIN.finditer(text)]


def url_key(url: str) -> str:
    """A form in which two links to one page are equal: no scheme, `www.`, fragment, tracking parameters or closing slash.

    Empty for what is no web address, for Readwise's own pages, and for a bare site without path or query.
    """
    try:
        parts = urlsplit(url.strip().strip("<>"))
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.").removeprefix("mobile.")
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or host.endswith("readwise.io"):
        return ""
    path = unquote(parts.path).rstrip("/").removesuffix("/index.html").removesuffix("/amp")
    query = sorted((name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(name))
    if host == "youtu.be" and path:
        host, path, query = "youtube.com", "/watch", [("v", path.strip("/"))]
    if host == "twitter.com":
        host = "x.com"
    if not path and not query:
        return ""
    return f"{host}{path}?{urlencode(query)}".rstrip("?").casefold()


@lru_cache(maxsize=_TITLES)
def title_key(title: str) -> str:
    """Words only, so that what a file name cannot hold makes no difference."""
    return " ".join(_WORD.findall(normalise(title).replace("'", "")))


def _short(title: str) -> str:
    """A title as the patterns here can read it in no time: with single spaces, and cut where no title goes on."""
    return " ".join(title.split())[:_LONGEST_TITLE]


@lru_cache(maxsize=_TITLES)
def undecorated(title: str) -> str:
    """Without what people put around a title: a kind (` - Book`, `(Literature Notes)`, `Reference - `), a date, a copy's number."""
    before, title = "", _short(title)
    while before != title and title:
        before = title
        for pattern in (_SUFFIX, _PREFIX):
            shorter = pattern.sub("", title)
            title = shorter if title_key(shorter) else title
    return title


@lru_cache(maxsize=_TITLES)
def main_title(title: str) -> str:
    """What stands before a subtitle, a site name or a bracket; the whole title when that would leave nothing."""
    title = _short(title)
    return next((part for part in _CUT.split(title) if title_key(part)), title)


def segments(title: str) -> list[str]:
    """The title from each of its separators on: `Author - Title` gives both."""
    title = _short(title)
    starts = [found.end() for found in re.finditer(r"\s+[-–—|]+\s+|[:：|]\s+", title)]
    return [title[start:] for start in starts]


def link_name(target: str) -> str:
    """The file name that a wikilink or path means: no folders, no fragment, no `.md`."""
    name = unquote(target).replace("\\", "/").partition("#")[0].strip().rstrip("/").rpartition("/")[2]
    return name[:-3] if name.lower().endswith(".md") else name
