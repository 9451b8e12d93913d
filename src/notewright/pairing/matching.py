"""Highlights <-> passages within one note: shared word runs, near copies, telling words and order, as features of a fitted score.

Each candidate carries what `odds` turns into a probability. Nothing here weighs one kind of evidence against another.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..provenance import in_order
from ..records import Highlight, Passage
from .keys import title_key
from .odds import ALONE, LINKED
from .words import Corpus, title_places

_RUN = 3  # words
_TELLING_RUN = 7.0  # nats a shared run must carry to be more than a turn of phrase
_UNLINKED_RUN = 6  # words in a row that an unlinked source must share
_FULL_RUN = 7  # words; a shorter run may be a turn of phrase of the subject and counts for less
_TELLING_WORD = 3.5  # nats
_WINDOW = 40  # words: about a sentence or two; telling words that lie further apart say less together
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
        self._telling: dict[int, dict[int, list[int]]] = defaultdict(dict)
        for index, words in enumerate(self.words):
            for place in range(len(words) - _RUN + 1):
                self._runs[tuple(words[place : place + _RUN])].append((index, place))
            for place, word in enumerate(words):
                if corpus.weights[word] >= _TELLING_WORD:
                    self._telling[word].setdefault(index, []).append(place)
        self.images = [image_names(passage.text) for passage in passages]
        self.headings = [{title_key(heading) for heading in passage.headings} - {""} for passage in passages]

    def only_titles(self, index: int, overlap: Overlap) -> bool:
        """Does the passage share these words only as the titles of notes it links to?"""
        return overlap.places <= title_places(self.passages[index].text)

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

    def telling(self, words: Iterable[int], discount: Mapping[int, float], taken: Mapping[int, set[int]]) -> Iterator[Telling]:
        """By passage, the telling words shared with a text, each with its discounted weight, without those already taken."""
        shared: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for word in set(words):
            for index in self._telling.get(word, ()):
                if word not in taken.get(index, ()):
                    shared[index].append((self.corpus.weights[word] * discount.get(word, 1.0), word))
        for index, found in shared.items():
            found.sort(key=lambda item: (-item[0], self.corpus.vocabulary[item[1]]))
            if len(found) > 1:
                yield Telling(index, found, *self._close(index, found))

    def _close(self, index: int, found: Sequence[tuple[float, int]]) -> tuple[float, int]:
        """Nats of the most telling words that stand within `_WINDOW` words of each other, each counted once, and where these end."""
        places = sorted((place, weight, word) for weight, word in found for place in self._telling[word][index])
        best = inside = 0.0
        end = 0
        held: dict[int, int] = defaultdict(int)
        first = 0
        for place, weight, word in places:
            held[word] += 1
            inside += weight if held[word] == 1 else 0.0
            while places[first][0] <= place - _WINDOW:
                _, left, gone = places[first]
                held[gone] -= 1
                inside -= left if not held[gone] else 0.0
                first += 1
            if inside > best:
                best, end = inside, place
        return best, end

    def around(self, index: int, end: int) -> float:
        """Nats of all telling words in the window that ends at `end`, reaching on where the passage is short of one."""
        window = self.words[index][max(0, end - _WINDOW // 2) : end + _WINDOW // 2]
        return sum(weight for word in set(window) if (weight := self.corpus.weights[word]) >= _TELLING_WORD)


@dataclass(frozen=True, slots=True)
class Telling:
    """Telling words that one highlight shares with the passage at `index`, most telling first.

    `close` are the nats of those near to each other, the last of which stands at `end`.
    """

    index: int
    words: list[tuple[float, int]]
    close: float
    end: int


@dataclass(slots=True)
class Candidate:
    """One highlight against one passage: the evidence, in numbers for the score and in words for the person.

    `gain` is how much they share, in nats; it ranks, and weighs the order. `odds` are set by `settle`.
    """

    highlight: Highlight
    passage: int
    method: str
    evidence: list[str]
    features: dict[str, float] = field(default_factory=dict)
    gain: float = 0.0
    linked: bool = False
    odds: float = -30.0
    sure: float = 0.0  # a probability set by a key, when there is one
    places: frozenset[int] = frozenset()  # of the shared words in the passage

    @property
    def score(self) -> float:
        return max(self.sure, 1 / (1 + math.exp(-max(-30.0, min(30.0, self.odds)))))


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
    chosen: dict[tuple[str, int], Candidate] = {}
    taken: dict[int, set[int]] = defaultdict(set)
    quoted: set[str] = set()
    for highlight in highlights:
        allowed = text_passages if only is None else only.get(highlight.id, set()) & text_passages
        for candidate in _quoted(matcher, highlight, texts[highlight.id], allowed, linked):
            chosen[(highlight.id, candidate.passage)] = candidate
            if candidate.features["quoted"] >= 0.5 or candidate.gain >= 25:
                quoted.add(highlight.id)
                taken[candidate.passage].update(matcher.words[candidate.passage][at] for at in candidate.places)
    if linked:
        for candidate in _weak(matcher, [item for item in highlights if item.id not in quoted], texts, taken, text_passages):
            known = chosen.get((candidate.highlight.id, candidate.passage))
            if known is None:
                chosen[(candidate.highlight.id, candidate.passage)] = candidate
            else:
                known.features.update({name: candidate.features[name] for name in ("close", "share", "around", "lead")})
    found = list(chosen.values())
    settle(found, highlights, linked=linked, among=among)
    return found


def settle(candidates: Sequence[Candidate], highlights: Sequence[Highlight], *, linked: float, among: int) -> None:
    """What only all candidates of one source and note tell together, and then the odds of each."""
    position = {item.id: place for place, item in enumerate(highlights)}
    fits = in_order([(item.passage, position[item.highlight.id], item.gain) for item in candidates])
    total = sum(item.gain for item in candidates if item.method != "words")
    company = 1 - math.exp(-(len({item.passage for item in candidates}) - 1) / 3)  # alone, everything is in order
    for item, fit in zip(candidates, fits, strict=True):
        item.linked = bool(linked)
        others = total - (item.gain if item.method != "words" else 0.0)
        item.features.update(linked=linked, among=math.log(among), order=fit * company, support=math.log1p(max(0.0, others)))
        item.odds = (LINKED if linked else ALONE).odds(item.features)
        if item.method == "words" and fit * company > 0.6:
            item.evidence.append("in the source's order")


def _quoted(matcher: NoteMatcher, highlight: Highlight, texts: tuple[int, int], allowed: set[int], linked: float) -> Iterable[Candidate]:
    corpus = matcher.corpus
    words, remark = corpus.words(texts[0]), corpus.words(texts[1])
    remarks = matcher.overlaps(remark) if len(remark) > 1 else {}
    quotes = matcher.overlaps(words)
    pictures = image_names(highlight.text)
    for index in sorted(allowed if pictures else allowed & (quotes.keys() | remarks.keys())):
        quote, comment = quotes.get(index), remarks.get(index)
        picture = pictures & matcher.images[index]
        evidence: list[str] = []
        features = {"length": _length(matcher, index, len(words))}
        method, gain = "words", 0.0
        places: frozenset[int] = frozenset()
        if quote and (linked or _stands_alone(matcher, index, quote)):
            method, text = _said(quote)
            evidence.append(text)
            gain, places = quote.information, quote.places
            features.update(quoted=quote.shared / quote.words, run=min(quote.longest, 12), nats=math.log1p(quote.information))
            if linked and 0.3 <= features["quoted"] < 0.8 and len(words) >= 5:
                features["alike"] = _near(matcher, words, index, quote.places, evidence)
        if comment and (linked or comment.longest >= _UNLINKED_RUN):
            whole = comment.shared == comment.words
            evidence.append("uses its annotation" if whole else f"uses {comment.shared} of {comment.words} words of its annotation")
            method = "fuzzy" if method == "words" else method
            if comment.information > gain:  # the annotation is as good a text to quote as the highlight
                share = comment.shared / comment.words
                features.update(quoted=share, run=min(comment.longest, 12), nats=math.log1p(comment.information), alike=0.0)
            gain, places = max(gain, comment.information), places | comment.places
        if picture:
            method = "quote" if method == "words" else method
            evidence.append(f"embeds its image {min(picture)}")
            features["picture"] = 1.0
            gain = max(gain, 15.0)
        if not evidence:
            continue
        if linked and title_key(highlight.chapter) in matcher.headings[index]:
            features["chapter"] = 1.0
            evidence.append("under its chapter's heading")
        features.setdefault("quoted", 0.0)
        yield Candidate(highlight, index, method, evidence, features, gain, places=places)


def _length(matcher: NoteMatcher, index: int, words: int) -> float:
    """Long texts share words by chance."""
    return math.log(max(1.0, len(matcher.words[index]) / 100) * max(1.0, words / 40))


def _stands_alone(matcher: NoteMatcher, index: int, quote: Overlap) -> bool:
    """Is this quotation enough where nothing else points at its source?"""
    return (quote.longest >= _UNLINKED_RUN or quote.shared == quote.words >= 5) and not matcher.only_titles(index, quote)


def _said(overlap: Overlap) -> tuple[str, str]:
    if overlap.shared == overlap.words:
        method = "quote" if overlap.longest == overlap.words else "fuzzy"
        return method, f"quotes all {overlap.words} words"
    method = "quote" if overlap.longest >= 8 or overlap.shared >= 0.8 * overlap.words else "fuzzy"
    return method, f"quotes {overlap.shared} of {overlap.words} words"


def _near(matcher: NoteMatcher, words: Sequence[int], index: int, places: frozenset[int], evidence: list[str]) -> float:
    """How much of the highlight is there with small changes, letter by letter: from 0 (55 % or less) to 1.

    Only the surroundings of what is quoted are looked at: as far on each side as the highlight is long, and half again.
    """
    from rapidfuzz import fuzz

    middle, reach = sorted(places)[len(places) // 2], len(words) * 3 // 2
    window = matcher.words[index][max(0, middle - reach) : middle + reach]
    if len(window) < len(words) / 2:
        return 0.0
    spoken = matcher.corpus.vocabulary
    alike = fuzz.partial_ratio(" ".join(spoken[word] for word in words), " ".join(spoken[word] for word in window), score_cutoff=75)
    if alike:
        evidence.append(f"{alike:.0f} % alike, letter by letter")
    return max(0.0, (alike - 55) / 45)


def _weak(
    matcher: NoteMatcher,
    highlights: Sequence[Highlight],
    texts: Mapping[str, tuple[int, int]],
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
        bag = bags[highlight.id]
        shared = sorted(
            (item for item in matcher.telling(bag, discount, taken) if item.index in allowed),
            key=lambda item: (-item.close, item.index),
        )
        if not shared:
            continue
        best = shared[0]
        whole = math.fsum(corpus.weights[word] * discount[word] for word in bag if corpus.weights[word] >= _TELLING_WORD)
        names = ", ".join(corpus.vocabulary[word] for _, word in best.words[:3])
        evidence = [f"shares {len(best.words)} telling words ({names}{', …' if len(best.words) > 3 else ''})"]
        features = {
            "quoted": 0.0, "length": _length(matcher, best.index, len(bag)), "close": math.log1p(best.close),
            "share": best.close / max(1.0, whole), "around": best.close / max(1.0, best.close, matcher.around(best.index, best.end)),
            "lead": 1 - shared[1].close / best.close if len(shared) > 1 and best.close else 1.0,
        }  # fmt: skip
        if title_key(highlight.chapter) in matcher.headings[best.index]:
            features["chapter"] = 1.0
            evidence.append("under its chapter's heading")
        yield Candidate(highlight, best.index, "words", evidence, features, 0.3 * best.close)
