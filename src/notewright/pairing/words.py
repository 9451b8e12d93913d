"""Words for matching: what a text says once links, images and marks are gone, how telling each word is, and shared word runs."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..provenance import commonness
from ..text import normalise

if TYPE_CHECKING:
    import numpy

GRAM = 5  # words in a row that make two texts candidates when nothing else links them
BACKGROUND = 1000  # imagined other texts, so that a small library knows common words too
LONGEST = 20_000  # characters of one text that are looked at
TELLING = 7.0  # nats; no single word counts for more
STEP = 0.5  # nats
_SMALL = 0.03  # share of texts: words that common by their shape are not counted
_NOT_WORDS = re.compile(
    r"!\[\[[^\[\]\n]*\]\]|!\[[^\[\]\n]*\]\([^()\n]*\)|%%[^%\n]*%%|<!--[^<]*?-->|</?[a-zA-Z][^<>\n]*>|\{\{[^{}\n]*\}\}|\s\^[\w-]+[ \t]*$"
    r"|(?<=\])\([^()\s]*(?:\([^()\s]*\))?[^()\s]*\)|\b[a-z]+://\S+|^---[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_LONG_LINK = re.compile(r"(\[\[[^\[\]|\n]*?\w+(?:[^\w\[\]|\n]+\w+){3}[^\[\]|\n]*\]\])")
_QUOTE_MARKS = re.compile(r"^(?:[ \t]*>)+[ \t]?(?:\[![^\]\n]*\][+-]?)?", re.MULTILINE)
_WORD = re.compile(r"\w+(?:'\w+)*")
_WIDE = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_WIDE_WORD = re.compile(
    r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|(?:(?![\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])\w)+"
)


def match_words(text: str) -> list[str]:
    """The words of `text` in normal form, without images, link targets, comments, block ids and HTML."""
    text = text[:LONGEST]
    if text.count("[") > 1000:  # no prose; looking for links in it would take long
        text = text.replace("[", " ")
    words = normalise(_QUOTE_MARKS.sub("", _NOT_WORDS.sub(" ", text)))
    if not words.isascii() and _WIDE.search(words):
        return _WIDE_WORD.findall(words)
    return _WORD.findall(words)


def title_places(text: str) -> frozenset[int]:
    """Which of `match_words(text)` stand in bare links of four words or more: the titles of other notes, not words written here."""
    places: set[int] = set()
    position = 0
    for number, part in enumerate(_LONG_LINK.split(text) if "[[" in text else ()):
        size = len(match_words(part))
        if number % 2:
            places.update(range(position, position + size))
        position += size
    return frozenset(places)


class Corpus:
    """Texts as word ids, with how telling each word is: `weights[word]` in nats, from all texts plus an imagined background.

    Text `i` is `ids[offsets[i]:offsets[i + 1]]`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        vocabulary: dict[str, int] = {}
        ids = array("I")
        self.offsets = [0]
        counts: list[int] = []
        for text in texts:
            numbers = [vocabulary.setdefault(word, len(vocabulary)) for word in match_words(text)]
            counts.extend(0 for _ in range(len(vocabulary) - len(counts)))
            for number in set(numbers):
                counts[number] += 1
            ids.extend(numbers)
            self.offsets.append(len(ids))
        self.ids = ids
        self.vocabulary = list(vocabulary)
        # In steps, and without counting small words, so that a few texts more or less leave nearly all weights, and with them nearly all
        # scores, exactly as they were.
        total = math.log(BACKGROUND) + round(math.log((len(self.offsets) - 1 + BACKGROUND) / BACKGROUND) / STEP) * STEP
        self.weights = [self._weight(word, count, total) for word, count in zip(self.vocabulary, counts, strict=True)]

    @staticmethod
    def _weight(word: str, count: int, total: float) -> float:
        share = commonness(word)
        nats = -math.log(share) if share >= _SMALL else total - math.log(count + BACKGROUND * share)
        return min(TELLING, max(0.0, STEP * round(nats / STEP)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def words(self, text: int) -> array[int]:
        return self.ids[self.offsets[text] : self.offsets[text + 1]]

    def information(self, words: Iterable[int]) -> float:
        """Nats."""
        return sum(self.weights[word] for word in words)


def shared_grams(corpus: Corpus, left: range, right: range, *, most: int = 60) -> Iterator[tuple[int, int]]:
    """Pairs (text of `left`, text of `right`) that share two or more runs of GRAM words (one, where `left` has no more), near-linear.

    A run found in more than `most` texts of either side is a set phrase and does not count.
    """
    import numpy

    left_grams, left_texts = _grams(corpus, left)
    right_grams, right_texts = _grams(corpus, right)
    common = numpy.intersect1d(left_grams, right_grams)
    if not len(common):
        return
    left_keys, left_texts = _grouped(left_grams, left_texts, common, most)
    right_keys, right_texts = _grouped(right_grams, right_texts, common, most)
    first = numpy.searchsorted(right_keys, left_keys, side="left")
    count = numpy.searchsorted(right_keys, left_keys, side="right") - first
    if not count.sum():
        return
    starts = numpy.repeat(first - numpy.concatenate(([0], numpy.cumsum(count)[:-1])), count)
    pairs = numpy.repeat(left_texts, count).astype(numpy.int64) * len(corpus) + right_texts[starts + numpy.arange(count.sum())]
    found, times = numpy.unique(pairs, return_counts=True)
    short = numpy.diff(numpy.asarray(corpus.offsets))[found // len(corpus)] <= GRAM
    for pair in found[(times >= 2) | short].tolist():
        yield divmod(pair, len(corpus))


def _grams(corpus: Corpus, texts: range) -> tuple[numpy.ndarray, numpy.ndarray]:
    """A hash for every run of GRAM words inside one text, and the text it is in."""
    import numpy

    begin, end = corpus.offsets[texts.start], corpus.offsets[texts.stop]
    if end - begin < GRAM:
        return numpy.zeros(0, numpy.uint64), numpy.zeros(0, numpy.int64)
    words = numpy.frombuffer(corpus.ids, dtype=numpy.uint32)[begin:end].astype(numpy.uint64)
    sizes = numpy.diff(numpy.asarray(corpus.offsets[texts.start : texts.stop + 1]))
    owner = numpy.repeat(numpy.arange(texts.start, texts.stop), sizes)
    size = len(words) - GRAM + 1
    value = numpy.zeros(size, dtype=numpy.uint64)
    for offset in range(GRAM):
        value = (value ^ (words[offset : offset + size] + numpy.uint64(1))) * numpy.uint64(0x9E3779B97F4A7C15)
        value ^= value >> numpy.uint64(29)
    inside = owner[:size] == owner[GRAM - 1 :]
    return value[inside], owner[:size][inside]


def _grouped(grams: numpy.ndarray, texts: numpy.ndarray, common: numpy.ndarray, most: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Sorted by gram, each (gram, text) once, without grams on the other side only and without set phrases."""
    import numpy

    keep = numpy.isin(grams, common)
    grams, texts = grams[keep], texts[keep]
    order = numpy.lexsort((texts, grams))
    grams, texts = grams[order], texts[order]
    fresh = numpy.ones(len(grams), dtype=bool)
    fresh[1:] = (grams[1:] != grams[:-1]) | (texts[1:] != texts[:-1])
    grams, texts = grams[fresh], texts[fresh]
    _, inverse, counts = numpy.unique(grams, return_inverse=True, return_counts=True)
    rare = counts[inverse] <= most
    return grams[rare], texts[rare]
