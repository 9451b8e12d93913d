"""Interpretable measures of a draft against its highlights: what the taste head sees of a text, and can tell in words.

Every measure is a pure function of (text, highlights); `FEATURES` is their table. A row holds them in its order and, last, the kind of
source that the text was written from, as `SIDES` has it. A measure that does not apply (words per bullet in a text
without bullets) is NaN and counts as "like my notes" once standardised. Bump `VERSION` when a measure changes its meaning: stored rows of
other versions are measured again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..prompts import location_label
from ..records import Highlight
from ..text import normalise
from .shape import Shape, content_words, read_shape, words_of

VERSION = 4
ASPECTS = ("structure", "content", "voice")
NAN = math.nan


@dataclass(frozen=True, slots=True)
class Feature:
    """One measure. `usual` and `spread` (in the feature's own unit; counts: of log(1 + value)) stand in until there are finished notes;
    half of `spread` is the least spread that the person's notes may give it."""

    name: str
    aspect: str
    unit: str
    meaning: str
    usual: float
    spread: float
    log: bool = False

    def told(self, figure: str) -> str:
        """A figure with its unit: `1 callout`, `2 to 3 callouts`, `level 2`. Shares are told bare, as a percentage."""
        if self.unit in ("share", "level"):
            return figure if self.unit == "share" else f"level {figure}"
        one = figure == "1" and self.unit.isalpha() and self.unit != "times"
        return f"{figure} {self.unit.removesuffix('s') if one else self.unit}"


def _count(name: str, aspect: str, unit: str, meaning: str, usual: float, spread: float = 0.7) -> Feature:
    return Feature(name, aspect, unit, meaning, usual, spread, log=True)


FEATURES: tuple[Feature, ...] = (
    _count("headings", "structure", "headings", "headings of any level", 1),
    Feature("heading_depth", "structure", "levels", "levels from the highest to the deepest heading", 1, 0.8),
    Feature("heading_level", "structure", "level", "level of the first heading", 2, 0.8),
    _count("bullets", "structure", "bullets", "list items, numbered ones included", 5),
    Feature("nesting", "structure", "levels", "depth of the deepest list item", 1, 0.6),
    Feature("numbered", "structure", "share", "share of list items that are numbered", 0, 0.3),
    _count("bullet_words", "structure", "words", "words per list item, on average", 14, 0.45),
    _count("paragraphs", "structure", "paragraphs", "paragraphs outside lists, quotes and tables", 1),
    Feature("prose", "structure", "share", "share of the words that stand in such paragraphs", 0.3, 0.3),
    _count("callouts", "structure", "callouts", "callouts (> [!note])", 0),
    _count("quotes", "structure", "quotes", "block quotes that are no callouts", 0),
    _count("tables", "structure", "tables", "tables", 0, 0.5),
    Feature("labels", "structure", "share", "share of list items that open with words in bold", 0, 0.35),
    _count("words", "content", "words", "length in words", 100, 0.5),
    _count("compression", "content", "times", "length as a multiple of the highlights' length", 0.6, 0.2),
    Feature("verbatim", "content", "share", "share of the text's four-word runs that stand in the highlights", 0.4, 0.25),
    Feature("own_words", "content", "share", "share of the longer words that occur in no highlight", 0.3, 0.18),
    Feature("coverage", "content", "share", "share of the highlights that the text takes up", 0.8, 0.2),
    Feature("order_kept", "content", "share", "share of neighbouring highlights that keep their order", 0.9, 0.2),
    Feature("annotations", "content", "share", "share of the annotations that the text takes up", 0.5, 0.3),
    Feature("locations", "content", "per highlight", "pages, locations and times cited", 0, 0.3),
    Feature("quoted", "content", "share", "share of the words inside quotation marks or block quotes", 0.1, 0.15),
    Feature("numbers_kept", "content", "share", "share of the highlights' numbers that the text keeps", 0.6, 0.3),
    _count("links", "content", "links", "links and wikilinks", 0),
    _count("tags", "content", "tags", "tags", 0),
    _count("embeds", "content", "embeds", "embedded images and notes", 0, 0.5),
    _count("math", "content", "formulas", "formulas", 0, 0.5),
    Feature("bold", "voice", "per 100 words", "words in bold", 3, 4.0),
    Feature("italics", "voice", "per 100 words", "words in italics", 0.5, 2.0),
    _count("sentence_words", "voice", "words", "words per sentence, on average", 14, 0.35),
    Feature("long_words", "voice", "share", "share of words of nine letters and more", 0.15, 0.06),
    Feature("first_person", "voice", "per 100 words", "I, my, we, our", 0.5, 1.2),
    Feature("second_person", "voice", "per 100 words", "you, your", 0.3, 1.0),
    Feature("questions", "voice", "share", "share of sentences that ask", 0.03, 0.08),
    Feature("dashes", "voice", "per 100 words", "dashes and colons within sentences", 1.5, 1.5),
    Feature("full_stops", "voice", "share", "share of list items that end like a sentence", 0.6, 0.4),
)
NAMES = tuple(feature.name for feature in FEATURES)
INDEX = {name: number for number, name in enumerate(NAMES)}
SIDES, OTHER = {"book": 0.5}, -0.5  # kinds of sources: books against the rest; 0 where it is not known

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_FIRST_PERSON = """i i'm i'd i've i'll me my mine myself we our ours us ich mich mir mein meine wir uns unser
je j'ai moi mon ma mes nous yo mi"""
_SECOND_PERSON = """you your yours you're yourself du dich dir dein deine ihr euch tu te toi ton ta vous votre usted tus"""
_FIRST, _SECOND = frozenset(_FIRST_PERSON.split()), frozenset(_SECOND_PERSON.split())
_CITED = r"(?i:\b(?:pp?|pages?|p[aá]gs?|p[aá]ginas?|s|seiten?|blz|стр|loc|locations?|pos|positions?)\b\.?\s*(?:\d+\s*[-–,;&]\s*)*)"
_ENDS, _ASKS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "۔"), ("?", "？", "؟")
_TAKEN_UP = 0.35  # of a highlight's longer words


def measure(text: str, highlights: Sequence[Highlight], *, kind: str = "") -> tuple[float, ...]:
    """The row of `text`: raw values in the order of `FEATURES` (counts not as logarithms), then the side of its source's `kind`."""
    shape = read_shape(text)
    values = {**_structure(shape), **_content(shape, highlights), **_voice(shape)}
    return (*(float(values[name]) for name in NAMES), SIDES.get(kind, OTHER) if kind else 0.0)


def _structure(shape: Shape) -> dict[str, float]:
    levels = shape.heading_levels
    items = shape.items
    return {
        "headings": len(levels),
        "heading_depth": max(levels) - min(levels) + 1 if levels else 0,
        "heading_level": levels[0] if levels else NAN,
        "bullets": len(items),
        "nesting": max((item.depth for item in items), default=0),
        "numbered": _mean([item.numbered for item in items]),
        "bullet_words": _mean([len(words_of(item.text)) for item in items]),
        "paragraphs": len(shape.paragraphs),
        "prose": sum(len(words_of(part)) for part in shape.paragraphs) / max(len(shape.words), 1),
        "callouts": shape.callouts,
        "quotes": len(shape.quotes),
        "tables": shape.tables,
        "labels": _mean([item.text.startswith(("**", "__")) for item in items]),
    }


def _content(shape: Shape, highlights: Sequence[Highlight]) -> dict[str, float]:
    given = [f"{item.text} {item.annotation}" for item in highlights]
    words = [word.casefold() for word in shape.words]
    longer = content_words(shape.prose)
    have = {word for text in given for word in content_words(text)}
    places, taken = _places(shape, highlights)
    steps = [after >= before for before, after in zip(places, places[1:], strict=False)]
    annotations = [content_words(item.annotation) for item in highlights if item.annotation.strip()]
    own = set(longer)
    numbers = {number for text in given for number in _NUMBER.findall(text)}
    kept = set(_NUMBER.findall(shape.prose))
    size = sum(len(words_of(text)) for text in given)
    runs = _runs(words)
    source_runs = {run for text in given for run in _runs([word.casefold() for word in words_of(normalise(text))])}
    quoted = sum(len(words_of(part)) for part in (*shape.quotes, *shape.quotations))
    labels = [label for item in highlights if (label := location_label(item))]
    return {
        "words": len(words),
        "compression": len(words) / size if size else NAN,
        "verbatim": _mean([run in source_runs for run in runs]) if given else NAN,
        "own_words": _mean([word not in have for word in longer]) if given else NAN,
        "coverage": taken / len(highlights) if highlights else NAN,
        "order_kept": _mean(steps),
        "annotations": _mean([_share(item, own) >= 0.5 for item in annotations if item]),
        "locations": sum(_cites(shape.prose, label) for label in labels) / len(highlights) if labels else NAN,
        "quoted": min(quoted / max(len(words), 1), 1.0),
        "numbers_kept": _mean([number in kept for number in numbers]),
        "links": shape.links,
        "tags": shape.tags,
        "embeds": shape.embeds,
        "math": shape.math,
    }


def _voice(shape: Shape) -> dict[str, float]:
    words = [word.casefold().replace("’", "'") for word in shape.words]
    hundred = max(len(words), 1) / 100
    ends = [item.text.rstrip("*_ ").endswith(_ENDS) for item in shape.items]
    lengths = [size for sentence in shape.sentences if (size := len(words_of(sentence)))]
    return {
        "bold": sum(len(words_of(part)) for part in shape.bold) / hundred,
        "italics": sum(len(words_of(part)) for part in shape.italics) / hundred,
        "sentence_words": _mean(lengths),
        "long_words": _mean([len(word) >= 9 for word in words]),
        "first_person": sum(word in _FIRST for word in words) / hundred,
        "second_person": sum(word in _SECOND for word in words) / hundred,
        "questions": _mean([sentence.rstrip("\"'”’)）」』*_ ").endswith(_ASKS) for sentence in shape.sentences]),
        "dashes": shape.dashes / hundred,
        "full_stops": _mean(ends),
    }


def _places(shape: Shape, highlights: Sequence[Highlight]) -> tuple[list[int], int]:
    """(for each highlight that is taken up: the block of the text that says most of it, their number)."""
    blocks = [frozenset(content_words(block)) for block in shape.blocks]
    everything = frozenset().union(*blocks) if blocks else frozenset()
    places = []
    for item in highlights:
        need = content_words(item.text)
        if need and _share(need, everything) >= _TAKEN_UP:
            shares = [_share(need, block) for block in blocks]
            places.append(max(range(len(shares)), key=shares.__getitem__))
    return places, len(places)


def _share(need: Sequence[str], have: frozenset[str] | set[str]) -> float:
    return sum(word in have for word in need) / len(need)


def _cites(text: str, label: str) -> bool:
    """Does it stand there as a place: behind a word for one, alone in brackets, or as a time? Any other number may count something."""
    number = re.escape(label.split()[-1])
    if ":" in number:
        return re.search(rf"(?<![\w:.]){number}(?![\w:])", text) is not None
    return re.search(rf"{_CITED}{number}(?![\w:])|[(\[]\s*{number}\s*[)\]]|(?<!\d){number}\s*[页頁]", text) is not None


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(words, words[1:], words[2:], words[3:], strict=False))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else NAN
