"""The small marks of Markdown exports: links, places and ids that hang at the end of a highlight, headings, keys, front matter."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from .marks import clock_seconds, highlight_ids, kindle_place, time_offset

_LINK = r"\[(?P<label>[^\[\]]*)\]\((?P<url>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"
_LINK_TAIL = re.compile(
    r"(?<!!)(?:\(\s*" + _LINK + r"\s*\)|" + _LINK.replace("label", "label2").replace("url", "url2") + r")[\s.]*(?:\[\^[^\]\s]+\])*\s*$"
)
# As Readwise, Kindle in English and in German, and people's templates name a place. Kindle's notebook has both: `Page 12 · Location 145`.
_PAGED = r"(?:(?:pages?|seiten?|pp?\.|s\.)\s*(?:\d+|[ivxlc]+)(?:\s*[-–—]\s*\d+)?\s*[·•|,]\s*)?"
_WORD = r"(?:kindle[- ])?(?:locations?|positionen|position)|loc\.?|pos\.?|pages?|seiten?|pp?\.|s\.|time(?:stamp)?(?=\s*\d+:\d)"
_PLACE = rf"{_PAGED}(?P<word>{_WORD})\s*(?P<number>\d[\d:]*)(?:\s*[-–—]\s*[\d:]+)?"
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
_BARE_TAIL = re.compile(r"\((?:View|Open) (?:Highlight|Tweet|in Reader|in Readwise)\)\s*$")  # of a link that somebody took off
_PROGRAMS_TAIL = re.compile(r"\((?:(?:Page|Location)[ \u00a0]\d+|(?i:kindle)[- ]\w+ ?\d+(?:[-–]\d+)?|Page \d+ · .+)\)\s*$")  # nobody else's
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
    r"|(?:highlight|markierung)\s*(?:\(\w+\))?\s*[-–—](?:.*[>·-])?\s*(?P<place>location|position|page|seite)\s*(?P<at>\d+)"
    r"(?:\s*[-–]\s*\d+)?)\W*$",
    re.IGNORECASE,
)
_NOTEBOOK = re.compile(r"(?:highlight|markierung)\s*\(\w+\)\s*[-–—]", re.IGNORECASE)  # so does each one of a Kindle notebook begin
_REMARK = re.compile(
    r"(?:note|notiz)\s*[-–—](?:.*[>·-])?\s*(?:location|position|page|seite)\s*[\divxlc]+(?:\s*[-–]\s*\d+)?\W*$", re.IGNORECASE
)
_SNIP = re.compile(r"\[(\d{1,3}(?::\d\d){1,2})\]\s*(.*)$")
_OF_A_SNIP = re.compile(r"\W*(?P<what>(?:key )?takeaways?|summary|transcript|quotes?|notes?)\W*$", re.IGNORECASE)
_KEY = re.compile(
    r"(?:[-*+]\s+)?(?:\*\*|__|[*_])?(?P<key>tags?|notes?|annotation|comment|my note|colou?r|highlighted(?: at| on)?|date"
    r"|location|loc\.?|position|pos\.?|page|seite|time|timestamp|updated|id|link|url"
    r"|initial thought or note on)(?:\*\*|__|[*_])?\s*::?(?:\*\*|__|[*_])?(?:\s+|$)(?P<value>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_FIELD = re.compile(r"(?:[-*+]\s+)?(?:\*\*|__)?(?P<key>[A-Za-z][A-Za-z _/-]{0,30}?)(?:\*\*|__)?\s*::?(?:\*\*|__)?(?:\s+(?P<value>.*))?$")
_ID, _SHORT, _LONG = 40, 100, 4000  # characters that an id, a place and a link at the end have at the most
AUTHOR_KEYS = ("author", "authors", "creator", "by")
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
    form: str = ""  # how a place without a link is written, where an author may write so too: `p`, `s`

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
        self.ids += highlight_ids(url=url)
        if not self.url or "readwise.io/open/" in self.url:
            self.url = url


def cut_tail(text: str, *, forms: Collection[str] | None = None) -> Tail:
    """Take links, places, block ids and comments off the end of a highlight, as far as they are an exporter's and not the author's.

    `(p. 12)` is either's: it is taken where `forms` has its form (the `form` of what is returned), and without `forms` always.
    """
    text = text.strip()
    tail, end, before = Tail(text), len(text), -1
    while end != before:
        before = end
        end = _without_comments(text, end)
        if match := _BLOCK_ID.search(text, max(0, end - _ID), end):
            tail.ids.append(f"readwise:{match[1]}")
            end, tail.found = _bare(text, match.start()), True
        if match := _linked(_HYPOTHESIS, text, "[Updated on", end):
            tail.link(match["url"])
            end, tail.found = _bare(text, match.start()), True
        if match := _linked(_LINK_TAIL, text, "[", end):
            label, url = (match["label"], match["url"]) if match["url"] is not None else (match["label2"], match["url2"])
            label = label.replace("\u00a0", " ")
            if _OUR_URL.match(url) or (_LABEL.fullmatch(label) and (label.strip() or "readwise" in url)) or _to_a_moment(label, url):
                tail.link(url, label)
                end, tail.found = _bare(text, match.start()), True
        if match := _BARE_TAIL.search(text, max(0, end - _SHORT), end):
            end, tail.found = _bare(text, match.start()), True
        opened = text.rfind("(", max(0, end - _SHORT), end)
        # Beside an exporter's place, `(p. 12)` is a reference.
        if opened >= 0 and tail.location is None and (match := _PLAIN_TAIL.match(text, opened, end)):
            form = "" if _PROGRAMS_TAIL.match(text, opened, end) else _form(match["word"])
            if not form or forms is None or form in forms:
                tail.place(match["word"], match["number"] or "")
                end, tail.found, tail.form = _bare(text, match.start()), True, form
        if tail.found and (match := _DASH.search(text, max(0, end - _SHORT), end)):
            end = _bare(text, match.start())
    tail.text = text[:end]
    tail.ids = list(dict.fromkeys(tail.ids))
    return tail


def _bare(text: str, end: int) -> int:
    """Where a text that goes to `end` ends without the spaces there."""
    while end and text[end - 1].isspace():
        end -= 1
    return end


def _linked(pattern: re.Pattern[str], text: str, opening: str, end: int) -> re.Match[str] | None:
    """The link of this kind at the end, looked for from where the last one begins: from everywhere it would take long."""
    middle = text.rfind("](", max(0, end - _LONG), end)
    start = text.rfind(opening, max(0, middle - _LONG), middle) if middle > 0 else -1
    if start < 0:
        return None
    bracket = _bare(text, start)
    if bracket and text[bracket - 1] == "(":
        start = bracket - 1
    return pattern.search(text, max(0, start - len(" — ")), end)


def _form(word: str) -> str:
    """How a place is written, whatever the case and for one or more: `p` of `pp.`, `seite` of `Seiten`."""
    word = word.casefold().rstrip(".")
    return {"pp": "p", "pages": "page", "seiten": "seite", "locations": "location", "positionen": "position"}.get(word, word)


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


def _without_comments(text: str, end: int) -> int:
    """Where a text that goes to `end` ends without the `%%comments%%` there."""
    end = _bare(text, end)
    while text.endswith("%%", 0, end) and (mark := text.rfind("%", 0, end - 2)) > 0 and text[mark - 1] == "%":
        end = _bare(text, mark - 1)
    return end


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


def of_a_notebook(line: str) -> bool:
    """Does one highlight of a Kindle notebook begin here, as in `Highlight (yellow) - Roots > Page 12 · Location 145`?"""
    return bool(_NOTEBOOK.match(line) and _OF_ONE.match(line))


def of_a_remark(words: str) -> bool:
    """A Kindle notebook's heading of the remark on what stands above, as in `Note - Page 12 · Location 145`."""
    return bool(_REMARK.match(words))


def of_a_snip(words: str) -> tuple[str, str] | None:
    """The time and the title of Snipd's heading for one highlight, `[12:34] Title`."""
    found = _SNIP.match(words)
    return (found[1], "" if found[2].casefold() == "untitled" else found[2].strip()) if found else None


def part_of_a_snip(words: str) -> str:
    """What Snipd's heading below such a one announces, in lower case (`transcript`, `note`); empty for other headings."""
    found = _OF_A_SNIP.match(words)
    return found["what"].casefold() if found else ""


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
    """Values by key, the text below, and how many lines were taken. Tolerant: exporters' templates break YAML easily.

    A value that goes on in the next line is one value, with a comma where the line ended in a key of `AUTHOR_KEYS`: so do exporters put
    down more names than one.
    """
    if not re.match(r"---[ \t]*\n", text):
        return {}, text, 0
    end = re.search(r"^(?:---|\.\.\.)[ \t]*$", text[4:], re.MULTILINE)
    if not end:
        return {}, text, 0
    lines: dict[str, list[str]] = {}
    key = ""
    for line in text[4 : 4 + end.start()].split("\n"):
        found = re.match(r"([A-Za-z][\w /-]*):(?:\s+(.*))?$", line)
        if found:
            key = found[1].strip().casefold().replace("_", " ").replace("-", " ")
            lines[key] = [(found[2] or "").strip()]
        elif key and line.strip():
            lines[key].append(line.strip())
    body = text[4 + end.end() :]
    return {key: _values(key, value) for key, value in lines.items()}, body, text[: 4 + end.end()].count("\n")


def _values(key: str, lines: list[str]) -> list[str]:
    """The values that a key's lines give: a list's items, else one."""
    first, *more = lines
    if first.startswith("[") and not first.startswith("[[") and lines[-1].endswith("]"):
        return [unquoted(part) for part in " ".join(lines)[1:-1].split(",") if part.strip()]
    values = [first] if first and not re.fullmatch(r"[|>][-+\d]*", first) else []
    for line in more:
        if item := re.match(r"-(?:\s+|$)", line):
            values.append(line[item.end() :])
        elif values:
            values[-1] = following(values[-1], line) if key in AUTHOR_KEYS else f"{values[-1]} {line}"
        else:
            values.append(line)
    return [unquoted(value) for value in values if value]


def following(names: str, more: str) -> str:
    """Names that go on in the next line."""
    return f"{names} {more}" if re.search(r"(?:[,;&]|\b(?:and|und))$", names) else f"{names}, {more}"


def unquoted(value: str) -> str:
    """Without the quotes around a value of YAML's or Logseq's."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1].replace('\\"', '"') if value[0] == '"' else value[1:-1].replace("''", "'")
    return value
