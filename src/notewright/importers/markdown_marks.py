"""The small marks of Markdown exports: links, places and ids that hang at the end of a highlight, headings, keys, front matter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .marks import clock_seconds, highlight_ids, kindle_place, time_offset

_LINK = r"\[(?P<label>[^\[\]]*)\]\((?P<url>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"
_LINK_TAIL = re.compile(
    r"(?<!!)(?:\(\s*" + _LINK + r"\s*\)|" + _LINK.replace("label", "label2").replace("url", "url2") + r")[\s.]*(?:\[\^[^\]\s]+\])*\s*$"
)
# As Readwise, Kindle in English and in German, and people's templates name a place.
_WORD = r"(?:kindle[- ])?(?:locations?|positionen|position)|loc\.?|pos\.?|pages?|seiten?|pp?\.|s\.|time|timestamp"
_PLACE = rf"(?P<word>{_WORD})\s*(?P<number>\d[\d:]*)(?:\s*[-–—]\s*[\d:]+)?"
_LABEL = re.compile(
    rf"[\s(]*+(?:{_PLACE}|(?:location|loc\.?|page|p\.|time|timestamp)"
    r"|view (?:highlight|tweet|original|in reader|in readwise)|open in (?:readwise|reader|kindle)|)[\s)]*+",
    re.IGNORECASE,
)
# `[12:34](…?t=754)`, `[🎧 Play snip - 1min (12:34 - 13:45)](…)`, `[Watch on YouTube](…)`, and not `[watch the talk](…)`
_MOMENT = re.compile(
    r"\W*+(?:(?:play|listen|watch|open|view)\b(?:[^\d\n]{0,30}(?=\d)|(?: (?:snip|clip|episode|video|here))?(?: (?:on|in) \w+)?)"
    r"(?:\d+\s?(?:min|sec|s|m)\b\W*+)*+)?(?:(?P<clock>\d{1,3}(?::\d\d){1,2})(?:\s*[-–—]\s*[\d:]+)?)?\W*+",
    re.IGNORECASE,
)
_PLAIN_TAIL = re.compile(rf"\(\s*{_PLACE}\s*\)\s*$", re.IGNORECASE)
_PLAIN_PLACE = re.compile(
    rf"[\s(~]*(?:{_PLACE}|(?P<bare>\d[\d:]*)(?:\s*[-–—]\s*[\d:]+)?|[ivxl]+|none|null|n/?a|unknown)[\s)]*", re.IGNORECASE
)
_BLOCK_ID = re.compile(r"(?:^|(?<=\s))\^(?:rw(?:hi)?|id)?-?(\d{4,})(?:-note)?\s*$")
_HYPOTHESIS = re.compile(
    r"\s—\s\[Updated on [^\]]*\]\((?P<url>https?://hyp\.is/[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)\)(?:\s+—\s+Group: #\S+)?\s*$"
)
_DASH = re.compile(r"(?:\s\\[-–—]|\n\s*[-–—]|^\\?[-–—])\s*$")
_OUR_URL = re.compile(r"https?://(?:(?:www\.|read\.)?readwise\.io/(?:open|to_kindle|(?:[a-z]+/)?read)\b)|kindle://", re.IGNORECASE)
_HEADING = re.compile(r"(#{1,6})[ \t\u00a0]+(.*?)(?:[ \t]+#+)?\s*$")
_HIGHLIGHTS = re.compile(r"[^\w\[]*(?:my |kindle |book |article |readwise )?highlights?(?: &| and)?(?: notes)?\W*$", re.IGNORECASE)
_ADDED = re.compile(r"\W*(?:new highlights added|highlights? first synced)\b", re.IGNORECASE)
_OF_ONE = re.compile(
    r"(?:\[\[?)?\W*(?:(?:id|rw|rwhi)-?(?P<id>\d{4,})|(?P<bare>\d{6,})|" + _PLACE + r"|highlight\s*#?\d+"
    r"|highlight\s*\(\w+\)\s*[-–—](?:.*[>·-])?\s*(?P<place>location|page)\s*(?P<at>\d+)(?:\s*[-–]\s*\d+)?)\W*$",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"(?:[-*+]\s+)?(?:\*\*|__|[*_])?(?P<key>tags?|notes?|annotation|comment|my note|colou?r|highlighted(?: at| on)?|date"
    r"|location|loc\.?|position|pos\.?|page|seite|time|timestamp|updated|id|link|url"
    r"|initial thought or note on)(?:\*\*|__|[*_])?\s*::?(?:\*\*|__|[*_])?(?:\s+|$)(?P<value>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_FIELD = re.compile(r"(?:[-*+]\s+)?(?:\*\*|__)?(?P<key>[A-Za-z][A-Za-z _/-]{0,30}?)(?:\*\*|__)?\s*::?(?:\*\*|__)?(?:\s+(?P<value>.*))?$")
_CLOCK = {"time", "timestamp"}
_PAGE = {"page", "pages", "p", "pp", "seite", "seiten", "s"}
PLACES = frozenset({"location", "loc", "position", "pos", "page", "seite", *_CLOCK})  # keys whose value says where a highlight stands


@dataclass(slots=True)
class Tail:
    """What hung at the end of a highlight. `found` says that something of an exporter's did."""

    text: str
    ids: list[str] = field(default_factory=list)
    url: str = ""
    asin: str = ""
    location: int | None = None
    location_type: str = ""
    found: bool = False

    def place(self, word: str, number: str) -> None:
        word = word.casefold().rstrip(".")
        if self.location is not None or not 0 < len(number) <= 12:
            return
        if word in _CLOCK or ":" in number:
            self.location, self.location_type = clock_seconds(number), "time_offset"
        elif number.isdigit():
            self.location, self.location_type = int(number), "page" if word in _PAGE else "location"

    def link(self, url: str, label: str = "") -> None:
        if known := _LABEL.fullmatch(label):
            self.place(known["word"] or "", known["number"] or "")
        asin, location = kindle_place(url)
        self.asin = self.asin or asin
        if location is not None:
            self.place("location", str(location))
        seconds = time_offset(url)
        clock = _MOMENT.fullmatch(label)
        if seconds is not None or (clock and clock["clock"]):
            self.place("time", clock["clock"] if seconds is None and clock else str(seconds))
        self.ids += [item for item in highlight_ids(url=url) if item not in self.ids]
        if not self.url or "readwise.io/open/" in self.url:
            self.url = url


def cut_tail(text: str) -> Tail:
    """Take links, places, block ids and comments off the end of a highlight, as far as they are an exporter's and not the author's."""
    tail = Tail(text.strip())
    while True:
        before = tail.text
        tail.text = _without_comments(tail.text)
        if match := _BLOCK_ID.search(tail.text):
            tail.ids.append(f"readwise:{match[1]}")
            tail.text, tail.found = tail.text[: match.start()].rstrip(), True
        if match := _HYPOTHESIS.search(tail.text):
            tail.link(match["url"])
            tail.text, tail.found = tail.text[: match.start()].rstrip(), True
        if match := _LINK_TAIL.search(tail.text):
            label, url = (match["label"], match["url"]) if match["url"] is not None else (match["label2"], match["url2"])
            label = label.replace("\u00a0", " ")
            if _OUR_URL.match(url) or (_LABEL.fullmatch(label) and (label.strip() or "readwise" in url)) or _to_a_moment(label, url):
                tail.link(url, label)
                tail.text, tail.found = tail.text[: match.start()].rstrip(), True
        if tail.location is None and (match := _PLAIN_TAIL.search(tail.text)):  # beside an exporter's, `(p. 12)` is a reference
            tail.place(match["word"], match["number"] or "")
            tail.text, tail.found = tail.text[: match.start()].rstrip(), True
        if tail.found and (match := _DASH.search(tail.text)):
            tail.text = tail.text[: match.start()].rstrip()
        if tail.text == before:
            return tail


def _to_a_moment(label: str, url: str) -> bool:
    """Is this an exporter's link to where a highlight was said, and no address that its words name?"""
    return bool(label.strip() and _MOMENT.fullmatch(label)) and (time_offset(url) is not None or "snipd.com/" in url)


def read_place(key: str, value: str) -> Tail | None:
    """A key's value that says where a highlight stands (`12`, `Pos. 12–14`, `S. 12`, a link to there); None for other words."""
    cut = cut_tail(value)
    if not cut.text:
        return cut
    found = _PLAIN_PLACE.fullmatch(value.replace("\u00a0", " "))
    if found and (number := found["number"] or found["bare"]):  # a Roman number is a page that has no other one
        cut.place(found["word"] or key, number)
    return cut if found else None


def _without_comments(text: str) -> str:
    """Without the `%%comments%%` at its end, all of them at once: there may be very many."""
    text = text.rstrip()
    end = len(text)
    while text.endswith("%%", 0, end) and (mark := text.rfind("%", 0, end - 2)) > 0 and text[mark - 1] == "%":
        end = len(text[: mark - 1].rstrip()) if text[mark - 2 : mark - 1].isspace() else mark - 1
    return text[:end]


def heading(line: str) -> tuple[int, str]:
    """Depth and words of an ATX heading; (0, "") for any other line."""
    found = _HEADING.match(line)
    return (len(found[1]), found[2].strip()) if found else (0, "")


def opens_highlights(words: str) -> bool:
    return bool(_HIGHLIGHTS.match(words) or _ADDED.match(words))


def says_added(words: str) -> bool:
    return bool(_ADDED.match(words))


def of_one_highlight(words: str) -> Tail | None:
    """A heading that names one highlight (`id123`, `Location 42`) and not a chapter."""
    cut = cut_tail(words)
    found = _OF_ONE.match(cut.text)
    if not found:
        if cut.text or not cut.found:
            return None
        return cut
    number = found["id"] or found["bare"]
    if number:
        cut.ids.append(f"readwise:{number}")
    if word := found["word"] or found["place"]:
        cut.place(word, found["number"] or found["at"])
    cut.text, cut.found = "", True
    return cut


def key_line(line: str) -> tuple[str, str]:
    """`- Note: words` as ("note", "words"): the keys exporters put below a highlight. ("", "") for any other line."""
    found = _KEY.match(line)
    if not found:
        return "", ""
    key = found["key"].casefold().rstrip(".")
    if key in PLACES and not (read_place(key, found["value"]) and (key not in _CLOCK or ":" in found["value"])):
        return "", ""
    if key in ("notes", "annotation", "comment", "my note", "initial thought or note on"):
        key = "note"
    return ("tags" if key == "tag" else key), found["value"].strip()


def field_line(line: str) -> tuple[str, str]:
    """`- Full Title: words`, `**Link:** …` or `Author:: …` of the part above the highlights."""
    found = _FIELD.match(line)
    return (found["key"].strip().casefold().replace("_", " ").replace("-", " "), (found["value"] or "").strip()) if found else ("", "")


def front_matter(text: str) -> tuple[dict[str, list[str]], str, int]:
    """Values by key, the text below, and how many lines were taken. Tolerant: exporters' templates break YAML easily."""
    if not re.match(r"---[ \t]*\n", text):
        return {}, text, 0
    end = re.search(r"^(?:---|\.\.\.)[ \t]*$", text[4:], re.MULTILINE)
    if not end:
        return {}, text, 0
    values: dict[str, list[str]] = {}
    key = ""
    for line in text[4 : 4 + end.start()].split("\n"):
        found = re.match(r"([A-Za-z][\w /-]*):(?:\s+(.*))?$", line)
        if found:
            key = found[1].strip().casefold().replace("_", " ").replace("-", " ")
            value = (found[2] or "").strip()
            if value.startswith("[") and value.endswith("]") and not value.startswith("[["):
                values[key] = [_unquoted(part) for part in value[1:-1].split(",") if part.strip()]
            else:
                values[key] = [_unquoted(value)] if value and value not in ("|", ">", "|-", ">-") else []
        elif key and line.strip():
            values[key].append(_unquoted(re.sub(r"^\s*-\s+", "", line)))
    body = text[4 + end.end() :]
    return values, body, text[: 4 + end.end()].count("\n")


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1].replace('\\"', '"') if value[0] == '"' else value[1:-1].replace("''", "'")
    return value
