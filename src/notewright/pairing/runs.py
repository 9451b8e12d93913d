"""Which texts share word runs, and which runs: joins of hashed runs, near-linear in all words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .words import RUN, STEP, Corpus

if TYPE_CHECKING:
    import numpy

GRAM = 5  # words in a row that make two texts candidates when nothing else links them
TELLING_RUN = 7.0  # nats a shared run must carry to be more than a turn of phrase
UNLINKED_RUN = 6  # words in a row that an unlinked source must share
_REPEATED = 100  # a run that one note has more often tells nothing
_SIEVE = 24  # bits

Run = tuple[int, int, int]  # where it starts in the one text and in the other, and its length in words


def shared_grams(corpus: Corpus, left: range, right: range, *, most: int = 60) -> Iterator[tuple[int, int]]:
    """Pairs (text of `left`, text of `right`) that share two or more runs of GRAM words (one, where `left` has no more).

    A run found in more than `most` texts of either side is a set phrase and does not count.
    """
    import numpy

    grams = corpus.grams(GRAM)
    left_grams, left_texts = _those(corpus, grams, left)
    right_grams, right_texts = _those(corpus, grams, right)
    # Most runs are on one side only. A bit for each hash that occurs on the other side drops nearly all of them without sorting.
    keep, other = _sieve(left_grams, right_grams), _sieve(right_grams, left_grams)
    left_keys, left_texts = _grouped(left_grams[keep], left_texts[keep], most)
    right_keys, right_texts = _grouped(right_grams[other], right_texts[other], most)
    first = numpy.searchsorted(right_keys, left_keys, side="left")
    count = numpy.searchsorted(right_keys, left_keys, side="right") - first
    if not count.sum():
        return
    pairs = numpy.repeat(left_texts, count).astype(numpy.int64) * len(corpus) + right_texts[_spread(first, count)]
    found, times = _unique(pairs)
    short = numpy.diff(corpus.offsets)[found // len(corpus)] <= GRAM
    for pair in found[(times >= 2) | short].tolist():
        yield divmod(pair, len(corpus))


def shared_runs(corpus: Corpus, texts: Sequence[range], passages: range) -> dict[int, dict[int, list[Run]]]:
    """By text and by place among the neighbouring texts `passages`, the longest runs of RUN words or more that both have.

    Left out are runs that tell too little: fewer than TELLING_RUN nats, and neither UNLINKED_RUN words nor the whole text.
    """
    import numpy

    start = corpus.offsets[passages.start]
    there = corpus.runs[start : corpus.offsets[passages.stop]]
    order = numpy.argsort(there, kind="stable")
    order = order[there[order] != 0]
    keys, places = there[order], order + start
    here = numpy.concatenate([numpy.arange(corpus.offsets[part.start], corpus.offsets[part.stop]) for part in texts])
    if not len(keys) or not len(here):
        return {}
    wanted = corpus.runs[here]
    first = numpy.minimum(numpy.searchsorted(keys, wanted), len(keys) - 1)
    hit = keys[first] == wanted
    here, first, wanted = here[hit], first[hit], wanted[hit]
    count = numpy.searchsorted(keys, wanted, side="right") - first
    count[count > _REPEATED] = 0
    left, right = numpy.repeat(here, count), places[_spread(first, count)]
    order = numpy.lexsort((left, left - right))
    left, right = left[order], right[order]
    begin = numpy.ones(len(left), dtype=bool)  # of a run: the word before is not shared
    begin[1:] = (left[1:] != left[:-1] + 1) | (right[1:] != right[:-1] + 1)
    at = numpy.flatnonzero(begin)
    length = numpy.diff(numpy.append(at, len(left))) + RUN - 1
    left, right = left[at], right[at]
    text, passage = corpus.owners[left], corpus.owners[right]
    sizes = corpus.offsets[text + 1] - corpus.offsets[text]
    telling = corpus.nats[left + length] - corpus.nats[left] >= TELLING_RUN / STEP
    keep = telling | (length >= numpy.minimum(sizes, UNLINKED_RUN))
    found: dict[int, dict[int, list[Run]]] = defaultdict(lambda: defaultdict(list))
    columns = (text, passage - passages.start, left - corpus.offsets[text], right - corpus.offsets[passage], length)
    for one, index, begins, stands, size in zip(*(column[keep].tolist() for column in columns), strict=True):
        found[one][index].append((begins, stands, size))
    return found


def _those(corpus: Corpus, grams: numpy.ndarray, texts: range) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The runs inside these neighbouring texts, and the text of each."""
    part = slice(corpus.offsets[texts.start], corpus.offsets[texts.stop])
    inside = grams[part] != 0
    return grams[part][inside], corpus.owners[part][inside]


def _sieve(grams: numpy.ndarray, others: numpy.ndarray) -> numpy.ndarray:
    """Which of `grams` may be among `others`: all that are, and a few more."""
    import numpy

    bits = numpy.zeros(1 << _SIEVE, dtype=bool)
    bits[(others >> numpy.uint64(64 - _SIEVE)).astype(numpy.int64)] = True
    return bits[(grams >> numpy.uint64(64 - _SIEVE)).astype(numpy.int64)]


def _grouped(grams: numpy.ndarray, texts: numpy.ndarray, most: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Sorted by gram, each (gram, text) once, without set phrases."""
    import numpy

    order = numpy.lexsort((texts, grams))
    grams, texts = grams[order], texts[order]
    fresh = numpy.ones(len(grams), dtype=bool)
    fresh[1:] = (grams[1:] != grams[:-1]) | (texts[1:] != texts[:-1])
    grams, texts = grams[fresh], texts[fresh]
    begin = numpy.ones(len(grams), dtype=bool)
    begin[1:] = grams[1:] != grams[:-1]
    counts = numpy.diff(numpy.append(numpy.flatnonzero(begin), len(grams)))
    rare = numpy.repeat(counts <= most, counts)
    return grams[rare], texts[rare]


def _spread(first: numpy.ndarray, count: numpy.ndarray) -> numpy.ndarray:
    """`first[i], first[i] + 1, …` (`count[i]` of them) for each i, one after the other."""
    import numpy

    before = numpy.cumsum(count) - count
    return numpy.repeat(first - before, count) + numpy.arange(count.sum())


def _unique(values: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Each value once, in order, and how often it was there."""
    import numpy

    values = numpy.sort(values)
    begin = numpy.ones(len(values), dtype=bool)
    begin[1:] = values[1:] != values[:-1]
    at = numpy.flatnonzero(begin)
    return values[at], numpy.diff(numpy.append(at, len(values)))
