"""Words for matching: what a text says once links, images and marks are gone, and how telling each word is."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..provenance import NOT_WORDS, commonness
from ..text import MARKS, UNSPACED, normalise
from .spoken import Spoken

if TYPE_CHECKING:
    import numpy

RUN = 3  # words in a row that count as shared
BACKGROUND = 1000  # imagined other texts, so that a small library knows common words too
LONGEST = 20_000  # characters of one text that are looked at
TELLING = 7.0  # nats; no single word counts for more
STEP = 0.5  # nats
_ARRAYS = ("codes", "offsets", "owners", "runs", "nats")
_SMALL = 0.03  # share of texts: words that common by their shape are not counted
_NOT_WORDS = re.compile(rf"{NOT_WORDS}|\s\^[\w-]+[ \t]*$", re.MULTILINE)
_MARKED = re.compile(r"[\[\]<>%{^]|://|---")  # without any of these, neither of the two patterns finds anything
_BARE_LINK = re.compile(r"\[\[([^\[\]|\n]*+)\]\]|(?<!!)\[([^\[\]\n]*+)\]\((?!\w+:)[^()\s]*+\)(?<=\.md\))")
_TITLE = 4  # words of a link; fewer may be anybody's
_NEAR = 50  # words
_QUOTE_MARKS = re.compile(r"^(?:[ \t]*>)+[ \t]?(?:\[![^\]\n]*\][+-]?)?", re.MULTILINE)
_WORD = re.compile(rf"\w[\w{MARKS}]*(?:'\w[\w{MARKS}]*)*")
_WIDE = re.compile(f"[{UNSPACED}]")
_WIDE_WORD = re.compile(rf"[{UNSPACED}]|(?![{UNSPACED}])\w(?:(?![{UNSPACED}])[\w{MARKS}])*")


# A file of words read by other rules is not believed. Raise the number when `match_words` changes in what the patterns do not show.
RULES = f"3 {LONGEST} {_NOT_WORDS.pattern} {_QUOTE_MARKS.pattern} {_WORD.pattern} {_WIDE_WORD.pattern}"


def match_words(text: str) -> list[str]:
    """The words of `text` in normal form, without images, link targets, comments, block ids and HTML."""
    text = text[:LONGEST]
    if _MARKED.search(text):
        if text.count("[") > 1000:  # no prose; looking for links in it would take long
            text = text.replace("[", " ")
        text = _QUOTE_MARKS.sub("", _NOT_WORDS.sub(" ", text))
    words = normalise(text)
    if not words.isascii() and _WIDE.search(words):
        return _WIDE_WORD.findall(words)
    return _WORD.findall(words)


def _share(letter: str) -> float:
    """How much of a word a letter of a script without spaces is: two Chinese ones are about a word, three of Japanese grammar, and five
    of a script that writes vowels and tones apart."""
    return 1 / 2 if letter >= "\u3400" else 1 / 3 if letter >= "\u3040" else 1 / 5


def is_wide(word: str) -> bool:
    """Is it a letter of a script without spaces, which stands for a word here?"""
    return bool(_WIDE.match(word))


def title_places(text: str) -> frozenset[int]:
    """Which of `match_words(text)` stand in bare links of four words or more: the titles of other notes, not words written here."""
    words, places, position = match_words(text), set[int](), 0
    for part, is_title in _parts(text) if "[[" in text or ".md)" in text else ():
        said = match_words(part)
        if is_title:  # its first and last words may be parts of longer ones here, so that what was counted before is but near to it
            inner = said[1:-1]
            there = (at for at in range(max(0, position - _NEAR), position + _NEAR) if words[at + 1 : at + 1 + len(inner)] == inner)
            position = min(there, key=lambda at: abs(at - position), default=position)
            places.update(range(position, position + len(said)))
        position += len(said)
    return frozenset(places)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in parts, and whether each is such a link."""
    start = 0
    for found in _BARE_LINK.finditer(text):
        if len(re.findall(r"\w+", found[1] or found[2] or "")) >= _TITLE:
            yield text[start : found.start()], False
            yield found[0], True
            start = found.end()
    yield text[start:], False


class Corpus:
    """Texts as word ids, with how telling each word is: `weights[word]` in nats, from all texts plus an imagined background.

    Text `i` is `ids[offsets[i]:offsets[i + 1]]` and has the hash `keys[i]`; `owners` has the text of each place. `spoken` knows the words
    of texts read before.
    """

    def __init__(self, texts: Sequence[str], spoken: Spoken | None = None) -> None:
        import numpy

        spoken = spoken or Spoken()
        self.codes, self.offsets, self.keys = spoken.words(texts, match_words)
        self.owners = numpy.repeat(numpy.arange(len(self), dtype=numpy.int32), numpy.diff(self.offsets))
        self.vocabulary = list(spoken.vocabulary)
        counts = self._counts(len(self.vocabulary))
        # In steps, and without counting small words, so that a few texts more or less leave nearly all weights, and with them nearly all
        # scores, exactly as they were.
        total = math.log(BACKGROUND) + round(math.log((len(self) + BACKGROUND) / BACKGROUND) / STEP) * STEP
        self.weights = [self._weight(word, count, total) for word, count in zip(self.vocabulary, counts, strict=True)]
        self.levels = (numpy.array(self.weights) / STEP).round().astype(numpy.uint8)

    def _counts(self, size: int) -> list[int]:
        """In how many texts each word stands."""
        import numpy

        # Each text's words in order, each once: sorting the pairs is far quicker than a set for each text.
        pairs = numpy.sort(self.owners.astype(numpy.int64) * size + self.codes)
        fresh = numpy.ones(len(pairs), dtype=bool)
        fresh[1:] = pairs[1:] != pairs[:-1]
        return [int(count) for count in numpy.bincount(pairs[fresh] % max(1, size), minlength=size)]

    @staticmethod
    def _weight(word: str, count: int, total: float) -> float:
        share = commonness(word)
        nats = -math.log(share) if share >= _SMALL else total - math.log(count + BACKGROUND * share)
        if is_wide(word):  # no less a part of a word than of what a word tells
            nats *= 2 * _share(word)
        return min(TELLING, max(0.0, STEP * round(nats / STEP)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def words(self, text: int) -> array[int]:
        return array("I", self.codes[self.offsets[text] : self.offsets[text + 1]].tobytes())

    def spoken(self, words: Iterable[int]) -> list[str]:
        return [self.vocabulary[word] for word in words]

    def numbers(self, words: Sequence[str]) -> array[int]:
        """The ids of these words; none where no text has one of them."""
        found = [self._ids.get(word, -1) for word in words]
        return array("I", () if -1 in found else found)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.vocabulary)}

    @cached_property
    def wide(self) -> dict[int, float]:
        """Of letters that stand for words here, by their ids, what they lack of a word."""
        return {number: 1 - _share(word) for number, word in enumerate(self.vocabulary) if is_wide(word)}

    def length(self, words: Sequence[int]) -> float:
        """In words: of a script without spaces a few letters are one."""
        return len(words) - sum(self.wide.get(word, 0.0) for word in words) if self.wide else len(words)

    def size(self, text: int) -> int:
        """Words."""
        return int(self.offsets[text + 1] - self.offsets[text])

    def places(self, text: int, nats: float) -> list[int]:
        """Where in a text the words stand that are at least so telling."""
        levels = self.levels[self.codes[self.offsets[text] : self.offsets[text + 1]]]
        return (levels >= nats / STEP).nonzero()[0].tolist()  # type: ignore[no-any-return]  # of whole numbers

    def levels_of(self, texts: range) -> bytes:
        """How telling each word of neighbouring texts is, in steps."""
        return self.levels[self.codes[self.offsets[texts.start] : self.offsets[texts.stop]]].tobytes()

    def write(self, folder: Path) -> None:
        """Into files that `read`, in other processes, makes the same texts of, without their hashes; all share one copy in memory."""
        import numpy

        for name in _ARRAYS:
            numpy.save(folder / f"{name}.npy", getattr(self, name))
        numpy.save(folder / "levels.npy", self.levels)

    @classmethod
    def read(cls, folder: Path, vocabulary: list[str]) -> Corpus:
        import numpy

        corpus = cls.__new__(cls)
        for name in _ARRAYS:
            setattr(corpus, name, numpy.load(folder / f"{name}.npy", mmap_mode="r"))
        corpus.levels = numpy.load(folder / "levels.npy")
        corpus.weights = (corpus.levels * STEP).tolist()
        corpus.vocabulary, corpus.keys = vocabulary, []
        return corpus

    @cached_property
    def nats(self) -> numpy.ndarray:
        """`nats[place]`: how telling all words before a place are together, in steps."""
        import numpy

        return numpy.concatenate(([0], numpy.cumsum(self.levels[self.codes], dtype=numpy.int32)))

    @cached_property
    def runs(self) -> numpy.ndarray:
        """A hash of the RUN words from each place on; 0 where the text ends before."""
        return self.grams(RUN)

    def grams(self, size: int) -> numpy.ndarray:
        """A hash of the `size` words from each place on; 0 where the text ends before."""
        import numpy

        count = max(0, len(self.codes) - size + 1)
        value = numpy.zeros(len(self.codes), dtype=numpy.uint64)
        found = value[:count]
        for offset in range(size):
            found ^= self.codes[offset : offset + count] + numpy.uint64(1)
            found *= numpy.uint64(0x9E3779B97F4A7C15)
            found ^= found >> numpy.uint64(29)
        found[self.owners[:count] != self.owners[len(self.codes) - count :]] = 0
        return value
