"""What in a note names one highlight: the address where it is read, or Readwise's number for it as a block id.

    A straight river is an argument. ([View Highlight](https://read.readwise.io/read/01gz…)) ^rw51

No prompt shows either, so a policy can only invent them, and what a name is worth is told by its line: it must name the highlight that
the line rests on. `stand_in` is what training shows in their place; `vault.repair` puts the true ones there again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from ..provenance import RESTS, Rest, Span, provenance
from ..records import Highlight
from .tokens import Token
from .views import read_markdown_link, text_of

MAYBE = 0.1  # as likely as that a line must rest on a highlight that it names
CLEAR = 0.75  # of what rests on highlights, so much on one of them
LABEL = 6  # words; a longer link is a sentence, and names nothing
_ID = re.compile(r"\^(rw|rwhi|hl|readwise|)(-?)(\d+)((?:-note)?)\Z", re.IGNORECASE)
_BARE_ID = range(6, 11)  # digits of a number without letters before it; others count something else
_NUMBER = re.compile(r"readwise:(\d+)\Z")
_OWN = ("open", "reader", "kindle")  # forms of Readwise's own addresses
_IN_TEXT = re.compile(
    r"(?P<reader>https?://read\.readwise\.io/(?:[a-z]+/)?read/)\w+|(?P<open>https?://readwise\.io/open/)\d+"
    r"|(?P<kindle>https?://readwise\.io/to_kindle\?)[^\s()\[\]<>\"']+"
    r"|(?P<id>(?<=\s)\^(?:rw|rwhi|hl|readwise)-?)\d+(?=(?:-note)?[ \t]*(?:[\r\n]|\Z))"
)
_LABELLED = re.compile(
    r"\(\[[^\[\]\n]*\]\([^()\n]*\)\)|\[[^\[\]\n]*\]\(<?(?:https?://(?:read\.)?readwise\.io/(?:(?:[a-z]+/)?read/|open/|to_kindle)|kindle:)[^()\n]*\)"
)
_NEW_ITEM = re.compile(r"(?:[-+*•]|\d{1,9}[.)])(?:[ \t]|$)|#{1,6}[ \t]|\[!|\||$")
_QUOTES = re.compile(r"(?:[ \t]*>)*[ \t]*")


def stand_in(text: str) -> str:
    """The text with one and the same in place of every address and id that names a highlight: what cannot be known is not to be learnt."""
    if "readwise.io/" not in text and "^" not in text:
        return text
    return _IN_TEXT.sub(lambda found: found[found.lastgroup or 0] + ("location=0" if found.lastgroup == "kindle" else "0"), text)


def unlabelled(text: str) -> str:
    """The text with spaces in place of links that only say where a line comes from; every other character keeps its place."""
    return _LABELLED.sub(lambda found: " " * len(found[0]), text) if "](" in text else text


def number_of(highlight: Highlight) -> str:
    """Readwise's number of the highlight, as far as it is known."""
    found = (_NUMBER.match(name) for name in (*highlight.outside_ids, highlight.id))
    return next((match[1] for match in found if match), "")


def addresses_of(highlight: Highlight) -> dict[str, str]:
    """Where the highlight is read, by the form of the address."""
    found = {form_of(highlight.url): highlight.url} if highlight.url else {}
    if number := number_of(highlight):
        found.setdefault("open", f"https://readwise.io/open/{number}")
    return found


def form_of(address: str) -> str:
    """What addresses that an app gives its highlights have in common: Readwise's own have a name, others their site and first folder."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    host, _, rest = f"{parts.netloc.lower().removeprefix('www.')}{parts.path}".partition("/")
    if host == "read.readwise.io":
        return "reader" if re.match(r"(?:[a-z]+/)?read/\w", rest) else ""
    if host == "readwise.io":
        return "kindle" if rest.startswith("to_kindle") else "open" if rest.startswith("open/") else ""
    if parts.scheme == "kindle":
        return "kindle"
    folder, _, page = rest.partition("/")
    return f"{host}/{folder}" if parts.scheme in ("http", "https") and page else ""


def same_place(one: str, other: str) -> bool:
    """Are these two addresses of one Kindle location, on the web and in the app?"""
    if form_of(one) != "kindle" or form_of(other) != "kindle":
        return False
    left, right = ({name: parse_qs(urlsplit(url).query).get(name) for name in ("asin", "location")} for url in (one, other))
    return left == right and all(left.values())


@dataclass(frozen=True, slots=True)
class Pointer:
    """A name of a highlight at the token `number`. `held` are the shown highlights so named (alike ones share an address).

    `meant` is the one highlight that its line rests on, if there is one; `wrong` says that the line does not rest on what is `held`.
    """

    number: int
    kind: str  # address or id
    name: str
    held: tuple[Highlight, ...]
    meant: Highlight | None
    wrong: bool


def pointers(data: bytes, tokens: Sequence[Token], highlights: Sequence[Highlight]) -> dict[int, Pointer]:
    """Every name of a highlight in the draft, by the number of its token."""
    found = list(_named(data, tokens, highlights))
    return {item.number: item for item in _judged(data, tokens, found, highlights)} if found else {}


def _named(data: bytes, tokens: Sequence[Token], highlights: Sequence[Highlight]) -> Iterator[tuple[int, str, str, tuple[Highlight, ...]]]:
    by_form: dict[str, dict[str, list[Highlight]]] = defaultdict(lambda: defaultdict(list))
    for item in highlights:
        for form, address in addresses_of(item).items():
            by_form[form][address].append(item)
    # An address that all share is their source's, not theirs.
    forms = {form for form, held in by_form.items() if form and (form in _OWN or len(held) > 1)} | set(_OWN)
    numbers = {number_of(item): item for item in highlights} if any(token.kind == "block_id" for token in tokens) else {}
    for number, token in enumerate(tokens):
        if token.kind in ("link", "url", "autolink"):
            text = text_of(data, token)
            link = read_markdown_link(text)
            address = link.target if token.kind == "link" else text.strip("<>")
            form = form_of(address)
            if form in forms and not (token.kind == "link" and len(link.text.split()) > LABEL):
                held = by_form[form].get(address) or [
                    item for other, items in by_form[form].items() if same_place(address, other) for item in items
                ]
                yield number, "address", address, tuple(held)
        elif token.kind == "block_id" and (match := _ID.match(text_of(data, token))):
            held = [numbers[match[3]]] if match[3] in numbers else []
            if match[1] or held or (len(match[3]) in _BARE_ID and any(numbers)):
                yield number, "id", match[0], tuple(held)


def renumbered(name: str, highlight: Highlight) -> str:
    """A block id in the same form for this highlight; empty where its number is not known."""
    match, number = _ID.match(name), number_of(highlight)
    return f"^{match[1]}{match[2]}{number}{match[4]}" if match and number else ""


def _judged(
    data: bytes, tokens: Sequence[Token], found: Sequence[tuple[int, str, str, tuple[Highlight, ...]]], highlights: Sequence[Highlight]
) -> Iterator[Pointer]:
    text = data.decode("utf-8", errors="replace")
    places = [(_chars(data, tokens[item[0]].start), _chars(data, tokens[item[0]].end)) for item in found]
    for start, end in places:  # with the brackets around, which would join the sentences beside them
        more = text[start - 1 : start] in ("(", "[") and text[end : end + 1] in (")", "]")
        text = f"{text[: start - more]}{' ' * (end - start + 2 * more)}{text[end + more :]}"
    spans, parts = provenance(text, highlights, least=MAYBE), items(text)
    for (number, kind, name, held), (start, end) in zip(found, places, strict=True):
        others = [place for other, place in zip(found, places, strict=True) if other[1] == kind and place != (start, end)]
        told = _told(spans, parts, others, start, end)
        rests = {rest.highlight for span in told for rest in span.rests}
        wrong = bool(told) and bool(held) and not any(highlights[at] in held for at in rests)
        meant = _one(told)
        yield Pointer(number, kind, name, held, None if meant is None else highlights[meant], wrong)


def _chars(data: bytes, at: int) -> int:
    return len(data[:at].decode("utf-8", errors="replace"))


def items(text: str) -> list[tuple[int, int]]:
    """Where the list items, paragraphs, headings and table rows of the text begin and end."""
    found: list[tuple[int, int]] = []
    at, open_item = 0, False
    for line in text.splitlines(keepends=True):
        body = line[_QUOTES.match(line).end() :].rstrip()  # type: ignore[union-attr]  # it matches the empty text too
        if not body:
            open_item = False
        elif open_item and not _NEW_ITEM.match(body):
            found[-1] = (found[-1][0], at + len(line))
        else:
            found.append((at, at + len(line)))
            open_item = not body.startswith(("#", "|"))
        at += len(line)
    return found


def _told(spans: Sequence[Span], parts: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]], start: int, end: int) -> list[Span]:
    """What the name at [start, end) is about: the words before it in its item, else those after it, else the item before."""

    def between(first: int, last: int) -> list[Span]:
        return [span for span in spans if span.start < last and span.end > first and span.kind != "heading"]

    first, last = next(((one, two) for one, two in parts if one <= start < two), (start, end))
    before = max((two for one, two in others if first <= one < start), default=first)
    after = min((one for one, _ in others if end <= one < last), default=last)
    if found := between(before, start) or between(end, after):
        return found
    for one, two in reversed([part for part in parts if part[1] <= first]):
        if any(one <= other < two for other, _ in others):
            break
        if found := [span for span in between(one, two) if span.rests]:
            return found
    return []


def _one(told: Sequence[Span]) -> int | None:
    """The highlight on which nearly all of it rests that rests on any."""
    sizes: dict[int, int] = defaultdict(int)
    for span in told:
        best: Rest | None = next(iter(span.rests), None)
        if best and best.score >= RESTS:
            sizes[best.highlight] += span.end - span.start
    most = max(sizes, key=lambda at: sizes[at], default=None)
    return most if most is not None and sizes[most] >= CLEAR * sum(sizes.values()) else None
