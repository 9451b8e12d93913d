"""Highlights <-> passages within one note: shared word runs, near copies, telling words, each turned into a probability.

A naive reckoning in log-odds: a start that depends on whether the note points at the source, plus half a unit for every nat that the
shared runs carry, a quarter for telling words that are merely both there, and fixed amounts for an equal chapter heading, an embedded
image and an order that fits.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..records import Highlight, PairLink, Passage
from ..text import normalise
from .keys import title_key
from .words import Corpus, title_places

PROPOSED = 0.5  # a link or pair less likely than this is not proposed
_RUN = 3  # words
_TELLING_RUN = 7.0  # nats a shared run must carry to be more than a turn of phrase
_UNLINKED, _LINKED = -4.0, -3.0  # log-odds before any text is compared; the first less the logarithm of how many highlights there are
_UNLINKED_RUN = 6  # words in a row that an unlinked source must share
_PER_RUN_NAT, _PER_WORD_NAT = 0.5, 0.25
_FULL_RUN = 7  # words; a shorter run may be a turn of phrase of the subject and counts for less
_CHAPTER, _ORDER, _IMAGE, _LENGTH = 1.0, 0.4, 6.0, 0.7
_TELLING_WORD = 3.5  # nats
_CEILING = 0.98
_IMAGES = re.compile(r"!\[\[([^\]|#\n]+)[^\]\n]*\]\]|!\[[^\]\n]*\]\(<?([^)\s>]+)[^)\n]*\)")
_PLAIN_IMAGE = re.compile(r"(?:image|img|cover|photo|picture)[\W\d]*\.")
_LINK_SECTION = re.compile(
    r"(?:my |the )?(?:sources?|references?|(?:external |related )?links?|bibliography|further reading|see also|related(?: notes)?"
    r"|citations?|works cited|metadata|read more|backlinks)"
)


def is_link_section(passage: Passage) -> bool:
    """Is this passage a list of sources? Then it points, but says nothing in the person's words."""
    return any(_LINK_SECTION.fullmatch(title_key(heading)) for heading in passage.headings[-1:])


def image_names(text: str) -> set[str]:
    """File names of the images in `text`, case folded; names too plain to tell anything are left out."""
    targets = [found[1] or found[2] for found in _IMAGES.finditer(text)]
    names = {target.rpartition("/")[2].partition("?")[0].strip().casefold() for target in targets}
    return {name for name in names if len(name.rpartition(".")[0]) >= 6 and not _PLAIN_IMAGE.match(name)}


@dataclass(slots=True)
class Overlap:
    """What one highlight shares with one passage. `information` is of the shared runs, in nats."""

    words: int = 0
    shared: int = 0
    longest: int = 0
    information: float = 0.0
    places: frozenset[int] = frozenset()  # positions in the passage


class NoteMatcher:
    """The texts of one note, indexed by runs and telling words."""

    def __init__(self, corpus: Corpus, passages: Sequence[Passage], texts: Sequence[int]) -> None:
        self.corpus = corpus
        self.passages = passages
        self.words = [corpus.words(text) for text in texts]
        self._runs: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
        self._telling: dict[int, set[int]] = defaultdict(set)
        for index, words in enumerate(self.words):
            for place in range(len(words) - _RUN + 1):
                self._runs[tuple(words[place : place + _RUN])].append((index, place))
            for word in set(words):
                if corpus.weights[word] >= _TELLING_WORD:
                    self._telling[word].add(index)
        self.images = [image_names(passage.text) for passage in passages]
        self.headings = [{title_key(heading) for heading in passage.headings} - {""} for passage in passages]
        self._normal: dict[int, str] = {}

    def only_titles(self, index: int, overlap: Overlap) -> bool:
        """Does the passage share these words only as the titles of notes it links to?"""
        return overlap.places <= title_places(self.passages[index].text)

    def normal(self, index: int) -> str:
        if index not in self._normal:
            self._normal[index] = normalise(self.passages[index].text)
        return self._normal[index]

    def overlaps(self, words: Sequence[int]) -> dict[int, Overlap]:
        """By passage index, the word runs shared with a text."""
        ends: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
        for start in range(len(words) - _RUN + 1):
            for index, place in self._runs.get(tuple(words[start : start + _RUN]), ()):
                chain = ends[index]
                chain[(start, place)] = chain.pop((start - 1, place - 1), _RUN - 1) + 1
        if len(words) == 2:  # too short for a run: the two words side by side
            for index, theirs in enumerate(self.words):
                place = next((at for at in range(len(theirs) - 1) if list(theirs[at : at + 2]) == list(words)), -1)
                if place >= 0:
                    ends[index][(1 - _RUN + 1, place - _RUN + 2)] = 2
        return {index: overlap for index, chain in ends.items() if (overlap := self._overlap(words, chain)).shared}

    def _overlap(self, words: Sequence[int], chain: Mapping[tuple[int, int], int]) -> Overlap:
        shared: set[int] = set()
        places: set[int] = set()
        longest = 0
        worth: dict[int, float] = defaultdict(float)  # by place in the text, how much its run counts
        for (start, place), length in chain.items():
            last, last_place = start + _RUN, place + _RUN
            run = words[max(0, last - length) : last]
            if self.corpus.information(run) < _TELLING_RUN and length < min(len(words), _UNLINKED_RUN):
                continue
            shared.update(range(last - length, last))
            for at in range(last - length, last):
                worth[at] = max(worth[at], min(1.0, (length - 1) / (_FULL_RUN - 1)))
            places.update(range(last_place - length, last_place))
            longest = max(longest, length)
        whole = len(shared) >= 0.8 * len(words)
        told = sum(self.corpus.weights[words[at]] * (1.0 if whole else worth[at]) for at in shared)
        return Overlap(len(words), len(shared), longest, told, frozenset(places))

    def telling(
        self, words: Iterable[int], discount: Mapping[int, float], taken: Mapping[int, set[int]]
    ) -> dict[int, list[tuple[float, int]]]:
        """By passage index, the telling words shared with a text, each with its discounted weight, without those already taken."""
        shared: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for word in set(words):
            for index in self._telling.get(word, ()):
                if word not in taken.get(index, ()):
                    shared[index].append((self.corpus.weights[word] * discount.get(word, 1.0), word))
        return shared


@dataclass(slots=True)
class Candidate:
    """One highlight against one passage while the evidence is being gathered."""

    highlight: Highlight
    passage: int
    odds: float
    method: str
    evidence: list[str]
    sure: float = 0.0  # a probability set by a key, when there is one

    @property
    def score(self) -> float:
        return max(self.sure, min(_CEILING, 1 / (1 + math.exp(-max(-30.0, min(30.0, self.odds))))))

    def link(self) -> PairLink:
        return PairLink(self.highlight.id, round(self.score, 3), self.method, "; ".join(self.evidence))


def match_source(
    matcher: NoteMatcher,
    highlights: Sequence[Highlight],
    texts: Mapping[str, tuple[int, int]],
    *,
    linked: float,
    among: int,
    only: Mapping[str, set[int]] | None = None,
    text_passages: set[int],
) -> list[Candidate]:
    """Candidates between `highlights` of one source and the passages of one note, likely or not.

    `texts` gives each highlight's text and annotation in the corpus. `linked` (0-1) says how surely the note points at the source,
    `among` how many highlights the library has (one of many agrees by chance more easily). With `only`, just those passages are tried
    for each highlight id: the source is not linked, so a quotation is needed.
    """
    unlinked = _UNLINKED - math.log(among)
    start = unlinked + (_LINKED - unlinked) * linked
    chosen: dict[tuple[str, int], Candidate] = {}
    taken: dict[int, set[int]] = defaultdict(set)
    strong: set[str] = set()
    for highlight in highlights:
        allowed = text_passages if only is None else only.get(highlight.id, set()) & text_passages
        for candidate, overlap in _quoted(matcher, highlight, texts[highlight.id], allowed, start, linked):
            chosen[(highlight.id, candidate.passage)] = candidate
            if candidate.score >= PROPOSED:
                strong.add(highlight.id)
                taken[candidate.passage].update(matcher.words[candidate.passage][at] for at in overlap.places)
    if linked:
        for candidate in _weak(matcher, [item for item in highlights if item.id not in strong], texts, start, taken, text_passages):
            known = chosen.get((candidate.highlight.id, candidate.passage))
            if known is None or known.score < candidate.score:
                chosen[(candidate.highlight.id, candidate.passage)] = candidate
        _order(list(chosen.values()))
    return list(chosen.values())


def _quoted(
    matcher: NoteMatcher, highlight: Highlight, texts: tuple[int, int], allowed: set[int], start: float, linked: float
) -> Iterable[tuple[Candidate, Overlap]]:
    corpus = matcher.corpus
    words, remark = corpus.words(texts[0]), corpus.words(texts[1])
    remarks = matcher.overlaps(remark) if len(remark) > 1 else {}
    quotes = matcher.overlaps(words)
    pictures = image_names(highlight.text)
    for index in sorted(allowed):
        quote, comment = quotes.get(index), remarks.get(index)
        picture = pictures & matcher.images[index]
        if not (quote or comment or picture):
            continue
        odds, evidence, method = start, [], "words"
        overlap = quote or Overlap(words=len(words))
        if quote and (linked or _stands_alone(matcher, index, quote)):
            odds += _PER_RUN_NAT * quote.information
            method, text = _said(quote)
            evidence.append(text)
        if comment and (linked or comment.longest >= _UNLINKED_RUN):
            odds += _PER_RUN_NAT * comment.information
            whole = comment.shared == comment.words
            evidence.append("uses its annotation" if whole else f"uses {comment.shared} of {comment.words} words of its annotation")
            method = "fuzzy" if method == "words" else method
        if picture:
            odds += _IMAGE if linked else _IMAGE + 3
            method = "quote" if method == "words" else method
            evidence.append(f"embeds its image {min(picture)}")
        if not evidence:
            continue
        if linked and quote and 0.3 <= quote.shared / quote.words < 0.8 and len(words) >= 5 and odds < 4:
            odds = _near(matcher, highlight, index, odds, start + _PER_RUN_NAT * corpus.information(words), evidence)
        if linked and title_key(highlight.chapter) in matcher.headings[index]:
            odds += _CHAPTER
            evidence.append("under its chapter's heading")
        places = overlap.places | (comment.places if comment else frozenset())
        yield Candidate(highlight, index, odds, method, evidence), Overlap(places=places)


def _stands_alone(matcher: NoteMatcher, index: int, quote: Overlap) -> bool:
    """Is this quotation enough where nothing else points at its source?"""
    return (quote.longest >= _UNLINKED_RUN or quote.shared == quote.words >= 5) and not matcher.only_titles(index, quote)


def _said(overlap: Overlap) -> tuple[str, str]:
    if overlap.shared == overlap.words:
        method = "quote" if overlap.longest == overlap.words else "fuzzy"
        return method, f"quotes all {overlap.words} words"
    method = "quote" if overlap.longest >= 8 or overlap.shared >= 0.8 * overlap.words else "fuzzy"
    return method, f"quotes {overlap.shared} of {overlap.words} words"


def _near(matcher: NoteMatcher, highlight: Highlight, index: int, odds: float, whole: float, evidence: list[str]) -> float:
    """Better odds where the highlight is there with small changes; `whole` are the odds if all of it were there."""
    from rapidfuzz import fuzz

    text = normalise(highlight.text)
    if len(matcher.normal(index)) < len(text) / 2:
        return odds
    alike = fuzz.partial_ratio(text, matcher.normal(index), score_cutoff=75)
    better = whole * (alike - 55) / 45
    if alike and better > odds:
        evidence.append(f"{alike:.0f} % alike, letter by letter")
    return max(odds, better)


def _weak(
    matcher: NoteMatcher,
    highlights: Sequence[Highlight],
    texts: Mapping[str, tuple[int, int]],
    start: float,
    taken: Mapping[int, set[int]],
    allowed: set[int],
) -> Iterable[Candidate]:
    """For each highlight that is not quoted, the one passage that shares most telling words with it."""
    corpus = matcher.corpus
    bags = {item.id: {*corpus.words(texts[item.id][0]), *corpus.words(texts[item.id][1])} for item in highlights}
    within: dict[int, int] = defaultdict(int)
    for bag in bags.values():
        for word in bag:
            within[word] += 1
    # A word that many highlights of this source share does not tell which of them was used.
    discount = {word: 1 - (count - 1) / len(bags) if count * 5 < len(bags) else 1 / count for word, count in within.items()}
    for highlight in highlights:
        best: Candidate | None = None
        for index, shared in matcher.telling(bags[highlight.id], discount, taken).items():
            if index not in allowed or len(shared) < 2:
                continue
            shared.sort(key=lambda item: (-item[0], corpus.vocabulary[item[1]]))
            odds = start + _PER_WORD_NAT * sum(weight for weight, _ in shared[:8])
            # Long texts share words by chance.
            odds -= _LENGTH * math.log(max(1.0, len(matcher.words[index]) / 100) * max(1.0, len(bags[highlight.id]) / 40))
            names = ", ".join(corpus.vocabulary[word] for _, word in shared[:3])
            evidence = [f"shares {len(shared)} telling words ({names}{', …' if len(shared) > 3 else ''})"]
            if title_key(highlight.chapter) in matcher.headings[index]:
                odds += _CHAPTER
                evidence.append("under its chapter's heading")
            if best is None or odds > best.odds:
                best = Candidate(highlight, index, odds, "words", evidence)
        if best:
            yield best


def _order(candidates: Sequence[Candidate]) -> None:
    """A weak candidate whose place in the source fits between the sure ones around its passage gains a little."""
    anchors: dict[int, list[int]] = defaultdict(list)
    for item in candidates:
        if item.method != "words" and item.score >= 0.8:
            anchors[item.passage].append(item.highlight.position)
    if len(anchors) < 2:
        return
    ordered = sorted(anchors)
    if any(max(anchors[left]) > min(anchors[right]) for left, right in zip(ordered, ordered[1:], strict=False)):
        return  # the note does not follow the source
    for item in candidates:
        if item.method == "words":
            before = max((max(anchors[at]) for at in ordered if at < item.passage), default=-1)
            after = min((min(anchors[at]) for at in ordered if at > item.passage), default=1 << 30)
            if before <= item.highlight.position <= after:
                item.odds += _ORDER
                item.evidence.append("in the source's order")
