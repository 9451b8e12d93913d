"""What is written in annotations, tags and links: dot-commands, chapter marks, ids, times, kinds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urldefrag

KIND_OF = {
    "books": "book", "book": "book", "articles": "article", "article": "article", "podcasts": "podcast", "podcast": "podcast",
    "tweets": "tweet", "tweet": "tweet", "supplementals": "supplemental", "supplemental": "supplemental",
    "videos": "article", "video": "article", "emails": "article", "email": "article", "pdf": "article", "pdfs": "article",
}  # fmt: skip
_FLAGS = {"favorite": "favorite", "favourite": "favorite", "discard": "discard"}
_HEADING_TAG = re.compile(r"\.?h([1-6])", re.IGNORECASE)
_LEADING_COMMAND = re.compile(r"\.(h[1-6]|favou?rite|discard)(?![\w-])[ \t]*\n?", re.IGNORECASE)
_DOT_WORDS = re.compile(r"(?:\.[\w&-]+\s*)+")
_DOT_WORD = re.compile(r"\.([\w&-]+)")
_CSV_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00")
_OPEN = re.compile(r"https?://(?:www\.)?readwise\.io/open/(\d+)")
_READER = re.compile(r"https?://(?:read\.)?readwise\.io/(?:(?:new|later|shortlist|archive|feed|reader)/)?read/([0-9A-Za-z]+)")
_REVIEW = re.compile(r"https?://(?:www\.)?readwise\.io/bookreview/(\d+)")
_EMPHASISED = re.compile(r"(?:\*[^*\s](?:[^*]*[^*\s])?\*\s*)+")
_PLACE = re.compile(r"[0-9]{1,12}")
_MOMENT = re.compile(
    r"(?:[?&]|#(?:[^#]*&)?)t=(?:(\d{1,8})(?:\.\d+)?s?|(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,4})s)?|([\d:]{3,12}))(?=[&#]|\Z)"
)
_ULID = re.compile(r"01[0-9a-hjkmnp-tv-z]{24}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Marked:
    """An annotation and tags after their commands were taken out."""

    annotation: str
    tags: tuple[str, ...]
    heading_level: int = 0
    is_favorite: bool = False
    is_discard: bool = False


_PLAIN = Marked("", ())


def read_marks(annotation: str, tags: Iterable[str] = (), color: str = "") -> Marked:
    """Interpret `.h1`-`.h6`, `.favorite`, `.discard` and `.word` notes and tags; drop tags that only repeat the colour."""
    annotation = annotation.strip()
    tags = list(tags)
    if not annotation and not tags:
        return _PLAIN
    level, flags, kept = 0, set(), []

    def command(word: str) -> bool:
        nonlocal level
        word = word.casefold()
        if found := _HEADING_TAG.fullmatch(word):
            level = level or int(found[1])
        elif word.lstrip(".") in _FLAGS and word.startswith("."):
            flags.add(_FLAGS[word[1:]])
        else:
            return False
        return True

    if annotation.startswith("."):
        while found := _LEADING_COMMAND.match(annotation):
            command("." + found[1])
            annotation = annotation[found.end() :].lstrip()
        if _DOT_WORDS.fullmatch(annotation):
            tags += _DOT_WORD.findall(annotation)
            annotation = ""
    for tag in tags:
        tag = tag.strip().removeprefix("#").strip()
        if not tag or command(tag) or (color and tag.casefold() == color.casefold()):
            continue
        if tag.casefold() in _FLAGS:
            flags.add(_FLAGS[tag.casefold()])
        if tag not in kept:
            kept.append(tag)
    return Marked(annotation, tuple(kept), level, "favorite" in flags, "discard" in flags)


def split_tags(text: str) -> list[str]:
    """Tags of one field: `[[a]] [[b c]]`, `a, b c`, or `#a #b`."""
    text = text.strip()
    if not text:
        return []
    if "[[" in text:
        found = re.findall(r"\[\[([^\]|]+)(?:\|[^\]]*)?\]\]", text)
        rest = re.sub(r"\[\[[^\]]*\]\]", " ", text)
        return [tag.strip() for tag in [*found, *re.findall(r"#([^\s#,]+)", rest)]]
    if "," in text:
        return [tag.strip().lstrip("#") for tag in text.split(",") if tag.strip()]
    if text.startswith("#"):
        return [tag.strip() for tag in re.split(r"(?:^|\s)#", text) if tag.strip()]
    if _EMPHASISED.fullmatch(text):  # what a converter of the vault's links leaves of `[[a]] [[b c]]`
        return [tag.strip() for tag in text.split("*") if tag.strip()]
    return [text]


def utc_time(text: str) -> str:
    """Any ISO-like time as `YYYY-MM-DDTHH:MM:SS+00:00`, to the second as all exporters have it. Raises ValueError."""
    if _CSV_TIME.fullmatch(text):
        datetime.fromisoformat(text)
        return f"{text[:10]}T{text[11:]}"
    return _utc(text).replace(microsecond=0).isoformat()


def exact_time(text: str) -> str:
    """The same with microseconds, for `updated_at` and cursors."""
    return _utc(text).isoformat(timespec="microseconds")


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def highlight_ids(*, readwise: object = None, reader: str = "", url: str = "") -> tuple[str, ...]:
    """Outside ids of a highlight from what an exporter gave: its number, its Reader id, its link."""
    found = [f"readwise:{readwise}"] if readwise else []
    if match := _OPEN.match(url):
        found.append(f"readwise:{match[1]}")
    if linked := reader_id(url):
        found.append(f"reader:{linked}")
    if reader:
        found.append(f"reader:{reader.lower()}")
    return tuple(dict.fromkeys(found))


def source_ids(*, readwise: object = None, reader: str = "", asin: str = "", url: str = "") -> tuple[str, ...]:
    """Outside ids of a source, strongest first."""
    found = [f"readwise:{readwise}"] if readwise else []
    if reader:
        found.append(f"reader:{reader.lower()}")
    if linked := reader_id(url):
        found.append(f"reader:{linked}")
    if asin:
        found.append(f"asin:{asin}")
    if url:
        found.append(f"url:{_without_fragment(url)}")
    return tuple(dict.fromkeys(found))


def review_id(text: str) -> str:
    """The Readwise number of a source, from a `bookreview` link anywhere in the text."""
    found = _REVIEW.search(text)
    return found[1] if found else ""


def reader_id(url: str) -> str:
    """Reader's id of the document that a link opens; empty for other links."""
    found = _READER.match(url)
    return found[1].lower() if found else ""


def is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def is_ulid(text: str) -> bool:
    return bool(_ULID.fullmatch(text))


def kindle_place(url: str) -> tuple[str, int | None]:
    """ASIN and location of a `to_kindle` or `kindle://` link; empty where it is neither."""
    if "kindle" not in url:
        return "", None
    query = parse_qs(url.partition("#")[0].partition("?")[2])
    asin, location = query.get("asin", [""])[0], query.get("location", [""])[0]
    return asin, int(location) if _PLACE.fullmatch(location) else None


def time_offset(url: str) -> int | None:
    """The seconds that a link to a moment of an episode or a video starts at: `?t=754`, `&t=12m34s`, `#t=12:34`."""
    found = _MOMENT.search(url)
    if not found or not any(found.groups()):
        return None
    plain, hours, minutes, seconds, clock = found.groups()
    return clock_seconds(clock) if clock else int(plain or 0) + 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0)


def clock_seconds(text: str) -> int:
    """`1:02:03` as seconds."""
    seconds = 0
    for part in text.strip(":").split(":"):
        seconds = seconds * 60 + int(part or 0)
    return seconds


def _without_fragment(url: str) -> str:
    try:
        return urldefrag(url).url
    except ValueError:  # not a proper address
        return url.partition("#")[0]


def kindle_link(asin: str, location: int) -> str:
    return f"https://readwise.io/to_kindle?action=open&asin={asin}&location={location}"
