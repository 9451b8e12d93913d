"""Which sentence or bullet of a passage rests on which highlight, word for word.

    provenance(passage_text, highlights) -> spans

Pure and quick (well under a millisecond for a few highlights), so that pairing, previews and checks of drafts can all ask it. Evidence for
one unit and one highlight: word runs they share, telling words they share (stemmed), and whether the match keeps the source's order, by
dynamic programming over all units and highlights (`in_order`).
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

from .pool import cores, spread
from .records import Highlight
from .small_words import COMMON
from .text import MARKS, UNSPACED, sentence_spans, unpointed

RUN = 3  # words in a row that count as the same words; `_Told.runs` is keyed by three
_BACKGROUND = 1000  # imagined other texts, which know common words
_TELLING = 3.0  # nats: a word above this says what a sentence is about
_MOST = 7.0  # nats; no word counts for more
# --- printed by benchmarks/fit_pairing.py ---
ODDS_BIAS = -5.755
ODDS = {"quoted": 2.503, "longest": 0.182, "telling": 0.075, "share": 0.871, "cover": 5.671, "lead": 3.688, "order": 1.525}
# --- end ---
MANY = 2000  # passages; fewer are done sooner than other processes would be ready
_TOGETHER = 50  # passages that travel together
RESTS = 0.5  # a unit rests on a highlight when that is at least this likely
# Images, comments, HTML and what templates put in, addresses and the targets of links: no words of the text. Pairing reads by these too.
NOT_WORDS = (
    r"!\[\[[^\[\]\n]*\]\]|!\[(?:[^\]\n!]|!(?!\[))*+\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|%%(?:[^%]|%(?!%))*+%%|<!--(?:[^-<]|-(?!->)|<(?!!--))*+-->"
    r"|<%(?:[^%<]|%(?!>)|<(?!%))*+%>|</?[a-zA-Z](?:[^<>\"'\n]|\"[^\"\n]*\"|'[^'\n]*')*+>|\{\{[^{}\n]*\}\}"
    r"|(?<=\])\((?:<[^<>\n]*>|[^()\s]*(?:\([^()\s]*\))?[^()\s]*)(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'))?\)|\b[a-z]+://\S+|^---[ \t]*$"
)
_HIDDEN = re.compile(rf"{NOT_WORDS}|[ \t]\^[\w-]+[ \t]*$|\[\[[^\[\]|\n]*\||\[\^[^\]\n]+\]", re.MULTILINE)
_WORD = re.compile(rf"[{UNSPACED}]|(?![{UNSPACED}_])\w(?:(?![{UNSPACED}_])[\w{MARKS}])*(?:['’\u00ad\u200b](?!_)\w(?:(?!_)[\w{MARKS}])*)*")
_ASCII_WORD = re.compile(r"[a-zA-Z0-9]+(?:'[a-zA-Z0-9]+)*")  # the same, far quicker, where all is ASCII
_LINE = re.compile(r"[^\n]*\n?")
_LEAD = re.compile(r"(?:[ \t]*>)*[ \t]*(?:\[![^\]\n]*\][+-]?[ \t]*)?")
_BULLET = re.compile(r"(?:[-+*•]|\d{1,9}[.)])(?:[ \t]+(?:\[.\][ \t]+)?|(?=\r?\n|$))")
_PLACE = re.compile(r"\b(?:loc|pp?|vol|nos?|chs?|figs?|S|Bd|Nr)\.\Z")  # a number that follows is no other sentence
_LONGEST_PLACE = 8  # characters that `_PLACE` can take
_HEADING = re.compile(r"#{1,6}[ \t]")
_FENCE = re.compile(r"`{3,}(?!.*`)|~{3,}")


class _Travels:
    """Goes from process to process by its fields alone: quicker than what dataclasses do, and there are very many of these."""

    __slots__: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return self.__class__, tuple(map(self.__getattribute__, self.__slots__))


@dataclass(frozen=True, slots=True)
class Alignment(_Travels):
    """Words of the passage that are words of a highlight: character offsets in both. `remark` says that they are its annotation's."""

    start: int
    end: int
    highlight_start: int
    highlight_end: int
    remark: bool = False


@dataclass(frozen=True, slots=True)
class Rest(_Travels):
    """One highlight that a unit rests on. `highlight` is its place among those given; `score` a probability.

    `method` is `quote` (nearly all of the unit's words), `fuzzy` (some word runs) or `words` (telling words only); `share` is the part of
    the unit's telling content that is also the highlight's.
    """

    highlight: int
    highlight_id: str
    score: float
    method: str
    share: float
    alignments: tuple[Alignment, ...] = ()


@dataclass(frozen=True, slots=True)
class Span(_Travels):
    """A unit of the passage, `passage_text[start:end]`: a `sentence`, a `bullet` or a `heading`. Without rests it is the person's own."""

    start: int
    end: int
    kind: str
    rests: tuple[Rest, ...] = ()


def provenance(passage_text: str, highlights: Sequence[Highlight], *, least: float = RESTS) -> tuple[Span, ...]:
    """Every unit of the passage that has words, in order, with the highlights it rests on with at least `least`, surest first."""
    found, candidates = evidence(passage_text, highlights)
    rests: dict[int, list[Rest]] = defaultdict(list)
    for item in candidates:
        score = 1 / (1 + math.exp(-ODDS_BIAS - sum(weight * item.features[name] for name, weight in ODDS.items())))
        if score >= least:
            rests[item.unit].append(item.rest(score))
    return tuple(
        Span(start, end, kind, tuple(sorted(rests[number], key=lambda rest: (-rest.score, rest.highlight))))
        for number, (start, end, kind) in enumerate(found)
    )


def provenances(cases: Sequence[tuple[str, Sequence[Highlight]]], *, workers: int = 0) -> Iterator[tuple[Span, ...]]:
    """`provenance` of each (passage's text, highlights), in order; of very many by `workers` processes (0: one for each core)."""
    workers = workers or cores()
    if workers < 2 or len(cases) < MANY:
        yield from (provenance(*case) for case in cases)
        return
    with closing(spread(_provenance, cases, workers=workers, begin=_nothing, given=(), size=_TOGETHER)) as found:
        yield from found


def _nothing() -> None:
    """To do before the first case."""


def _provenance(case: tuple[str, Sequence[Highlight]]) -> tuple[Span, ...]:
    return provenance(*case)


def evidence(passage_text: str, highlights: Sequence[Highlight]) -> tuple[list[tuple[int, int, str]], list[Candidate]]:
    """The units of a passage, and each unit and highlight that share anything, with the features that the score weighs."""
    plain = hide_marks(passage_text)
    found = list(units(plain))
    told = _told(tuple(highlights))
    words = _word_spans(plain)
    starts = [word[1] for word in words]
    candidates: list[Candidate] = []
    for number, (start, end, _) in enumerate(found):
        candidates += told.candidates(number, words[bisect_right(starts, start - 1) : bisect_right(starts, end - 1)])
    company = 1 - math.exp(-(len({item.unit for item in candidates}) - 1) / 3)  # alone, everything is in order
    for item, fit in zip(candidates, in_order([(item.unit, item.highlight, item.gain) for item in candidates]), strict=True):
        item.features["order"] = fit * company
    return found, candidates


def units(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of each heading, bullet and sentence with words in it; an item of several sentences gives each of them.

    Fenced code has none; quotation marks of blocks, callout headers and list marks are outside of the spans.
    """
    block: list[int] = []  # start and end of the paragraph or bullet being gathered
    kind, fenced = "sentence", ""
    for line in _LINE.finditer(text):
        start, end = line.span()
        if start == end:
            continue
        lead = _LEAD.match(text, start, end)[0]  # type: ignore[index]  # it matches the empty text too
        start += len(lead)
        body = text[start:end].rstrip()
        fence = _FENCE.match(body)
        if fence or fenced:
            yield from _cut(text, block, kind)
            block = []
            closes = bool(fenced) and body.startswith(fenced) and not body.strip(fenced[0])
            fenced = "" if closes else fenced or (fence[0] if fence else "")
            continue
        bullet, heading, title = _BULLET.match(body), _HEADING.match(body), "[!" in lead
        if not body or bullet or heading or title or body.startswith("|"):
            yield from _cut(text, block, kind)
            block, kind = [], "bullet" if bullet else "sentence"
        mark = bullet or heading
        start += mark.end() if mark else 0
        if heading or title or body.startswith("|"):
            yield from _cut(text, [start, start + len(text[start:end].rstrip())], "heading" if heading or title else "sentence", whole=True)
        elif body:
            block = [block[0] if block else start, start + len(text[start:end].rstrip())]
    yield from _cut(text, block, kind)


def _cut(text: str, block: Sequence[int], kind: str, *, whole: bool = False) -> Iterator[tuple[int, int, str]]:
    if not block or block[0] >= block[1]:
        return
    spans = [(0, block[1] - block[0])] if whole else sentence_spans(text[block[0] : block[1]])
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        ended = block[0] + joined[-1][1] if joined else 0
        if joined and text[block[0] + start].isdigit() and _PLACE.search(text, max(block[0], ended - _LONGEST_PLACE), ended):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    for start, end in joined:
        if _WORD.search(text, block[0] + start, block[0] + end):
            yield block[0] + start, block[0] + end, kind


def hide_marks(text: str) -> str:
    """The text with spaces in place of images, link targets, comments, block ids and HTML: every other character keeps its place."""
    if "[" in text or "<" in text or "%%" in text or "://" in text or "{{" in text or "^" in text:
        if text.count("[") > 1000:  # no prose; looking for links in it would take long
            text = text.replace("[", " ")
        text = _HIDDEN.sub(lambda found: " " * len(found[0]), text)
    return text


def word_spans(text: str) -> list[tuple[str, int, int]]:
    """(stem, start, end) of each word outside of the hidden marks."""
    return _word_spans(hide_marks(text))


def _word_spans(text: str) -> list[tuple[str, int, int]]:
    words = _ASCII_WORD if text.isascii() else _WORD
    return [(stem(found[0]), found.start(), found.end()) for found in words.finditer(text)]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A rough common form of English inflections; other words only lose their case and typography."""
    word = unpointed(unicodedata.normalize("NFKC", word)).casefold().replace("’", "'").replace("\u00ad", "").replace("\u200b", "")
    word = word.removesuffix("'s").removesuffix("'")
    if len(word) < 5 or not word.isascii():
        return word[:-1] if len(word) == 4 and word.endswith("s") and word[-2] not in "su" else word
    for ending, other in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("edly", ""),
        ("ied", "y"),
        ("ed", ""),
        ("ly", ""),
        ("es", ""),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) + len(other) >= 3 and not (ending == "s" and word[-2] in "su"):
            word = word.removesuffix(ending) + other
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


_COMMON_STEMS = frozenset(stem(word) for word in COMMON)


@lru_cache(maxsize=100_000)
def commonness(word: str) -> float:
    """A guess at the share of texts that hold `word` (or a word of this stem), from its shape alone."""
    if word in COMMON or word in _COMMON_STEMS:
        return 0.3
    if word.isdigit():
        return 0.05 if len(word) < 3 else 0.004
    return (0.1, 0.1, 0.1, 0.03, 0.012, 0.005, 0.004)[len(word)] if len(word) < 7 else 0.002


def in_order(points: Sequence[tuple[int, int, float]]) -> list[float]:
    """How well each (row, column, weight) fits an order-keeping match of rows to columns, from 0 to 1.

    The weight of the heaviest chain through the point that never goes back, as a share of the heaviest chain there is, times the share
    of all weight (each row counting once, by its best) that this chain explains: close to 1 only where the whole keeps the order.
    Dynamic programming over the points, O(n log n).
    """
    if not points:
        return []
    before, after = _chains(points), _chains([(-row, -column, weight) for row, column, weight in points])
    best = max(left for left in before)
    if best <= 0:
        return [0.0] * len(points)
    heaviest: dict[int, float] = defaultdict(float)
    for row, _, weight in points:
        heaviest[row] = max(heaviest[row], weight)
    orderly = min(1.0, best / sum(heaviest.values()))
    return [orderly * (left + right - weight) / best for left, right, (_, _, weight) in zip(before, after, points, strict=True)]


def _chains(points: Sequence[tuple[int, int, float]]) -> list[float]:
    """The heaviest chain that ends in each point; one row may go to several columns, and several rows to one."""
    columns = sorted({column for _, column, _ in points})
    rank = {column: number + 1 for number, column in enumerate(columns)}
    tree = [0.0] * (len(columns) + 1)
    result = [0.0] * len(points)
    for number in sorted(range(len(points)), key=lambda at: points[at][:2]):
        _, column, weight = points[number]
        best, at = 0.0, rank[column]
        while at:
            best = max(best, tree[at])
            at &= at - 1
        result[number] = best + weight
        at = rank[column]
        while at < len(tree):
            tree[at] = max(tree[at], result[number])
            at += at & -at
    return result


@dataclass(slots=True)
class Candidate:
    """One unit against one highlight. `pairs`: (word of the unit, word of the highlight, in its annotation?) for the shared runs.

    `features`: `quoted`, the share of the unit's information that lies in shared runs; `longest` run, up to 8; `telling`, nats of shared
    telling words, up to 20; `share` of the unit's information that the highlight has at all; `cover`, the share of the highlight's that
    the unit has; `lead` of the share over the next highlight's; `order`.
    """

    unit: int
    highlight: int
    pairs: list[tuple[int, int, bool]]
    features: dict[str, float]
    told: _Told
    words: Sequence[tuple[str, int, int]]

    @property
    def gain(self) -> float:
        return self.features["telling"] * self.features["share"]

    def rest(self, score: float) -> Rest:
        return self.told.rest(self, score)

    @property
    def method(self) -> str:
        return "quote" if self.features["quoted"] >= 0.75 else "fuzzy" if self.features["longest"] > RUN else "words"


class _Weights(dict[str, float]):
    """Nats of each word; less for what many of these highlights say, as it does not tell which of them was used."""

    def __init__(self, holders: Mapping[str, set[int]], size: int) -> None:
        self._holders, self._size = holders, size

    def __missing__(self, word: str) -> float:
        nats = self[word] = _nats(len(self._holders.get(word, ())), commonness(word), self._size)
        return nats


@lru_cache(maxsize=10_000)
def _nats(count: int, common: float, size: int) -> float:
    """How telling a word is that `count` of `size` highlights say."""
    plain = min(_MOST, math.log((_BACKGROUND + size) / (count + _BACKGROUND * common)))
    return plain * (1 - 0.7 * max(0, count - 1) / max(1, size - 1))


@lru_cache(maxsize=8)
def _told(highlights: tuple[Highlight, ...]) -> _Told:
    """Several drafts are asked about the same highlights."""
    return _Told(highlights)


class _Told:
    """What the highlights say: their words, indexed by runs and by stems."""

    def __init__(self, highlights: Sequence[Highlight]) -> None:
        self.highlights = highlights
        # An annotation's words follow the text's; no run crosses the border.
        texts = [(word_spans(item.text), word_spans(item.annotation) if item.annotation else []) for item in highlights]
        self.words = [text + remark for text, remark in texts]
        self.border = [len(text) for text, _ in texts]
        self._nats = [0.0] * len(texts)
        self.holders: dict[str, set[int]] = defaultdict(set)
        self.weights = _Weights(self.holders, len(texts))
        self.runs: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
        for number, words in enumerate(self.words):
            stems = [word[0] for word in words]
            for word in set(stems):
                self.holders[word].add(number)
            for at in range(len(stems) - RUN + 1):
                if not at < self.border[number] < at + RUN:
                    self.runs[stems[at], stems[at + 1], stems[at + 2]].append((number, at))

    def nats(self, number: int) -> float:
        if self._nats[number] <= 0:
            self._nats[number] = sum(map(self.weights.__getitem__, {word[0] for word in self.words[number]})) or 1.0
        return self._nats[number]

    def candidates(self, unit: int, words: Sequence[tuple[str, int, int]]) -> list[Candidate]:
        """Every highlight that shares a run or two telling words with the unit."""
        stems = [word[0] for word in words]
        weights = self.weights
        different = set(stems)
        shared: dict[int, set[str]] = defaultdict(set)
        for word in different & self.holders.keys():
            for number in self.holders[word]:
                shared[number].add(word)
        chains: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
        for at in range(len(stems) - RUN + 1):
            for number, place in self.runs.get((stems[at], stems[at + 1], stems[at + 2]), ()):
                chain = chains[number]
                chain[at, place] = chain.pop((at - 1, place - 1), RUN - 1) + 1
        total = sum(map(weights.__getitem__, different)) or 1.0
        shares = {number: sum(weights[word] for word in both) / total for number, both in shared.items()}
        result = []
        for number, both in shared.items():
            telling = [weights[word] for word in both if weights[word] >= _TELLING]
            pairs, longest = self._aligned(number, chains.get(number, {}))
            if pairs or len(telling) > 1:
                quoted = sum(weights[word] for word in {stems[at] for at, _, _ in pairs}) / total
                rival = max((share for other, share in shares.items() if other != number), default=0.0)
                features = {
                    "quoted": quoted, "longest": min(longest, 8), "telling": min(20.0, sum(telling)), "share": shares[number],
                    "cover": sum(weights[word] for word in both) / self.nats(number), "lead": shares[number] - rival, "order": 0.0,
                }  # fmt: skip
                result.append(Candidate(unit, number, pairs, features, self, words))
        return result

    def _aligned(self, number: int, chain: dict[tuple[int, int], int]) -> tuple[list[tuple[int, int, bool]], int]:
        """The words in shared runs, each once, the longest runs first; and the longest run."""
        mine: set[int] = set()
        theirs: set[int] = set()
        pairs = []
        for (at, place), length in sorted(chain.items(), key=lambda item: -item[1]):
            last, last_place = at + RUN, place + RUN
            for back in range(length, 0, -1):
                left, right = last - back, last_place - back
                if left not in mine and right not in theirs:
                    mine.add(left)
                    theirs.add(right)
                    pairs.append((left, right, right >= self.border[number]))
        return sorted(pairs), max(chain.values(), default=0)

    def rest(self, item: Candidate, score: float) -> Rest:
        theirs, words = self.words[item.highlight], item.words
        pairs = list(item.pairs)
        used, taken = {left for left, _, _ in pairs}, {right for _, right, _ in pairs}
        sought = {word[0] for left, word in enumerate(words) if left not in used}
        places: dict[str, list[int]] = defaultdict(list)
        for at, word in enumerate(theirs):
            if word[0] in sought and at not in taken:
                places[word[0]].append(at)
        for left, word in enumerate(words):  # telling words outside of the runs
            if left not in used and places.get(word[0]) and self.weights[word[0]] >= _TELLING:
                right = places[word[0]].pop(0)
                pairs.append((left, right, right >= self.border[item.highlight]))
        merged: list[Alignment] = []
        previous = (-2, -2, False)
        for left, right, remark in sorted(pairs):
            if previous == (left - 1, right - 1, remark):
                last = merged.pop()
                merged.append(Alignment(last.start, words[left][2], last.highlight_start, theirs[right][2], remark))
            else:
                merged.append(Alignment(words[left][1], words[left][2], theirs[right][1], theirs[right][2], remark))
            previous = (left, right, remark)
        known = self.highlights[item.highlight].id
        return Rest(item.highlight, known, round(score, 3), item.method, round(item.features["share"], 3), tuple(merged))


__all__ = ["Alignment", "Rest", "Span", "commonness", "hide_marks", "in_order", "provenance", "provenances", "stem", "units", "word_spans"]
