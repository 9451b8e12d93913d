"""Highlights <-> passages within one note: shared word runs, near copies, telling words and order, as features of a fitted score.

Each candidate carries what `odds` turns into a probability. Nothing here weighs one kind of evidence against another.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from ..provenance import in_order
from ..records import Highlight, Passage
from .keys import title_key
from .meaning import Embed, Sentences, likenesses, vectors
from .odds import ALONE, BOTH, LINKED, MEANING, WORDS, Odds
from .runs import UNLINKED_RUN, Run, shared_runs
from .words import Corpus, title_places

if TYPE_CHECKING:
    import numpy

_FULL_RUN = 7  # words; a shorter run may be a turn of phrase of the subject and counts for less
_MOST = 0.8  # of a highlight
# The words of a short highlight may stand in a note by chance, the more so the longer it is and the commoner they are in the vault. A note
# about a source has its terms e ** SUBJECT times as often as other texts; one that quotes much of it has more of it that is short, too.
SUBJECT, COMPANY = 3.5, 0.5
_MUCH = 25.0  # nats of a quotation that is no term of the subject
_TELLING_WORD = 3.5  # nats
_WEAK = ("words", "meaning")  # methods that rest on no quotation
_WINDOW = 40  # words: about a sentence or two; telling words that lie further apart say less together
_IMAGES = re.compile(
    r"!\[\[([^\[\]|#\n]++)[^\[\]\n]*+\]\]|!\[(?:[^\]\n!]|!(?!\[))*+\]\(<?([^)\s>]{1,1000}+)[^)\n]{0,1000}+\)"
)  # what is longer than that is a picture itself, and no name
_PLAIN_IMAGE = re.compile(r"(?:image|img|cover|photo|picture)[\W\d]*\.")


def image_names(text: str) -> set[str]:
    """File names of the images in `text`, case folded; names too plain to tell anything are left out."""
    targets = [found[1] or found[2] for found in _IMAGES.finditer(text)]
    names = {target.rpartition("/")[2].partition("?")[0].strip().casefold() for target in targets}
    return {name for name in names if len(name.rpartition(".")[0]) >= 6 and not _PLAIN_IMAGE.match(name)}


@dataclass(slots=True)
class Overlap:
    """What one highlight shares with one passage. `length` is the highlight's, where a few letters of a script without spaces are a word;
    `information` is of the shared runs, in nats."""

    words: int = 0
    length: float = 0.0
    shared: int = 0
    longest: float = 0.0
    information: float = 0.0
    places: frozenset[int] = frozenset()  # positions in the passage
    leads: frozenset[int] = frozenset()  # by how many words the first, the longest and the last run stand further on in the passage


class NoteMatcher:
    """The texts of one note, indexed by runs and telling words. `texts` are its passages in the corpus."""

    def __init__(self, corpus: Corpus, passages: Sequence[Passage], texts: range) -> None:
        self.corpus = corpus
        self.passages = passages
        self.texts = texts
        self.words = [corpus.words(text) for text in texts]
        self.size = sum(map(len, self.words))
        self._telling: dict[int, dict[int, list[int]]] = defaultdict(dict)
        for index, words in enumerate(self.words):
            for place in corpus.places(texts[index], _TELLING_WORD):
                self._telling[words[place]].setdefault(index, []).append(place)
        self._tells = frozenset(self._telling)
        self._runs: dict[int, dict[int, list[Run]]] = {}
        self._beside: dict[tuple[int, int], dict[int, int]] = {}
        self._titles: dict[int, frozenset[int]] = {}
        self._sentences: Sentences | None = None
        self.images = [image_names(passage.text) if "![" in passage.text else set() for passage in passages]
        self.headings = [{title_key(heading) for heading in passage.headings} - {""} for passage in passages]

    def sentences(self, embed: Embed) -> Sentences:
        """The note's sentences, embedded once."""
        if self._sentences is None:
            self._sentences = Sentences([passage.text for passage in self.passages], embed)
        return self._sentences

    def look_at(self, texts: Sequence[range]) -> None:
        """Find the word runs that these texts of the corpus share with the note: `overlaps` knows of no others."""
        self._runs.update(shared_runs(self.corpus, texts, self.texts) if texts else {})

    def only_titles(self, index: int, overlap: Overlap) -> bool:
        """Does the passage share these words only as the titles of notes it links to?"""
        if index not in self._titles:
            self._titles[index] = title_places(self.passages[index].text)
        return overlap.places <= self._titles[index]

    def mostly_numbers(self, index: int, overlap: Overlap) -> bool:
        """Do they share numbers rather than words? Any two texts may count alike."""
        spoken = self.corpus.spoken(self.words[index][place] for place in overlap.places)
        return sum(map(str.isnumeric, spoken)) * 2 > len(spoken)

    def shares(self, text: int) -> bool:
        """Has `overlaps` anything to look at?"""
        return text in self._runs or self.corpus.size(text) == 2

    def overlaps(self, text: int, allowed: set[int]) -> dict[int, Overlap]:
        """By passage index, those of `allowed` only, the word runs shared with a text."""
        runs = self._runs.get(text) or {}
        if self.corpus.size(text) == 2:  # too short for a run: the two words side by side
            runs = self._side_by_side(text)
        words = self.corpus.words(text) if runs else ()
        return {index: self._overlap(words, found) for index, found in runs.items() if index in allowed}

    def _side_by_side(self, text: int) -> dict[int, list[Run]]:
        if not self._beside:
            for index, words in enumerate(self.words):
                for place in range(len(words) - 1):
                    self._beside.setdefault((words[place], words[place + 1]), {}).setdefault(index, place)
        one, other = self.corpus.words(text)
        return {index: [(0, place, 2)] for index, place in self._beside.get((one, other), {}).items()}

    def _overlap(self, words: Sequence[int], runs: Sequence[Run]) -> Overlap:
        weights = self.corpus.weights
        places: set[int] = set()
        worth: dict[int, float] = {}  # by place in the text, how much its run counts
        longest, lead = 0.0, 0
        for start, place, size in runs:
            length = self.corpus.length(words[start : start + size])
            value = min(1.0, (length - 1) / (_FULL_RUN - 1))
            for at in range(start, start + size):
                if worth.get(at, 0.0) < value:
                    worth[at] = value
            places.update(range(place, place + size))
            if length > longest:
                longest, lead = length, place - start
        whole = len(worth) >= 0.8 * len(words)
        told = sum(weights[words[at]] * (1.0 if whole else value) for at, value in sorted(worth.items()))
        ends = [place - start for start, place, _ in (min(runs), max(runs))]
        return Overlap(len(words), self.corpus.length(words), len(worth), longest, told, frozenset(places), frozenset((lead, *ends)))

    def telling(self, words: frozenset[int], discount: Mapping[int, float], taken: Mapping[int, set[int]]) -> Iterator[Telling]:
        """By passage, the telling words shared with a text, each with its discounted weight, without those already taken."""
        shared: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for word in words & self._tells:
            weight = self.corpus.weights[word] * discount[word]
            for index in self._telling[word]:
                if word not in taken.get(index, ()):
                    shared[index].append((weight, word))
        for index, found in shared.items():
            if len(found) > 1:
                found.sort(key=lambda item: (-item[0], self.corpus.vocabulary[item[1]]))
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
    beyond: float = math.inf  # log-odds against chance that these words would stand somewhere in the note

    def weigh(self) -> None:
        """Set the odds from the features, and no higher than chance lets them be."""
        self.odds = min(self.model.odds(self.features), self.beyond)

    @property
    def model(self) -> Odds:
        if not self.linked:
            return ALONE
        if self.method == "words":
            return BOTH if "clear" in self.features else WORDS
        return MEANING if self.method == "meaning" else LINKED

    @property
    def score(self) -> float:
        return max(self.sure, 1 / (1 + math.exp(-max(-30.0, min(30.0, self.odds)))))


class Told:
    """The highlights of one source, in its order. `texts` gives each one's text and annotation in the corpus."""

    def __init__(
        self, corpus: Corpus, highlights: Sequence[Highlight], texts: Mapping[str, tuple[int, int]], embed: Embed | None = None
    ) -> None:
        self.corpus, self.highlights, self.texts, self.embed = corpus, highlights, texts, embed

    @cached_property
    def vectors(self) -> numpy.ndarray:
        """One row for each highlight; only with `embed`."""
        said = [" ".join(self.corpus.spoken(self.corpus.words(self.texts[item.id][0]))) for item in self.highlights]
        assert self.embed
        return vectors(said, self.embed)

    @cached_property
    def telling(self) -> dict[str, tuple[frozenset[int], int]]:
        """Each one's telling words, and how many different words it has."""
        found = {}
        for item in self.highlights:
            bag = {*self.corpus.words(self.texts[item.id][0]), *self.corpus.words(self.texts[item.id][1])}
            found[item.id] = (frozenset(word for word in bag if self.corpus.weights[word] >= _TELLING_WORD), len(bag))
        return found


def match_source(matcher: NoteMatcher, source: Told, *, linked: float, among: int, text_passages: set[int]) -> list[Candidate]:
    """Candidates between the highlights of a source that the note points at and the passages of the note, likely or not.

    `linked` (0-1) says how surely the note points at the source, `among` how many highlights the library has (one of many agrees by
    chance more easily).
    """
    chosen: dict[tuple[str, int], Candidate] = {}
    taken: dict[int, set[int]] = defaultdict(set)
    quoted: set[str] = set()
    for highlight in source.highlights:
        for candidate in _quoted(matcher, highlight, source.texts[highlight.id], text_passages, linked):
            chosen[(highlight.id, candidate.passage)] = candidate
            if candidate.features["quoted"] >= 0.5 or candidate.gain >= 25:
                quoted.add(highlight.id)
                taken[candidate.passage].update(matcher.words[candidate.passage][at] for at in candidate.places)
    for candidate in _weak(matcher, [item for item in source.highlights if item.id not in quoted], source.telling, taken, text_passages):
        known = chosen.get((candidate.highlight.id, candidate.passage))
        if known is None:
            chosen[(candidate.highlight.id, candidate.passage)] = candidate
        else:
            known.features.update({name: candidate.features[name] for name in ("close", "share", "around", "lead")})
    if source.embed:
        _meant(matcher, source, source.embed, chosen, quoted, text_passages)
    found = list(chosen.values())
    settle(found, source.highlights, linked=linked, among=among)
    return found


def match_quotes(
    matcher: NoteMatcher,
    highlights: Sequence[Highlight],
    texts: Mapping[str, tuple[int, int]],
    only: Mapping[str, set[int]],
    *,
    among: int,
    text_passages: set[int],
) -> list[Candidate]:
    """Candidates for highlights of a source that the note does not point at, which need a quotation: in the passages `only` names."""
    found = [
        candidate
        for highlight in highlights
        for candidate in _quoted(matcher, highlight, texts[highlight.id], only[highlight.id] & text_passages, 0.0)
    ]
    settle(found, highlights, linked=0.0, among=among)
    return found


def settle(candidates: Sequence[Candidate], highlights: Sequence[Highlight], *, linked: float, among: int) -> None:
    """What only all candidates of one source and note tell together, and then the odds of each."""
    total = sum(item.gain for item in candidates if item.method not in _WEAK)
    quoted: dict[str, float] = defaultdict(float)  # by highlight, what is no term of the subject
    for item in candidates:
        if item.method not in _WEAK and item.gain >= _MUCH:
            quoted[item.highlight.id] = max(quoted[item.highlight.id], item.gain)
    much = math.fsum(quoted.values())
    fits = [0.0] * len(candidates)
    if linked:
        position = {item.id: place for place, item in enumerate(highlights)}
        fits = in_order([(item.passage, position[item.highlight.id], item.gain) for item in candidates])
    company = 1 - math.exp(-(len({item.passage for item in candidates}) - 1) / 3)  # alone, everything is in order
    for item, fit in zip(candidates, fits, strict=True):
        item.linked = bool(linked)
        others = total - (item.gain if item.method not in _WEAK else 0.0)
        item.features.update(linked=linked, among=math.log(among), order=fit * company, support=math.log1p(max(0.0, others)))
        item.beyond += COMPANY * math.log1p(max(0.0, much - quoted.get(item.highlight.id, 0.0)))
        item.weigh()
        if item.odds < item.model.odds(item.features) - 1:
            item.evidence.append("so few words may stand there by chance")
        if item.method in _WEAK and fit * company > 0.6:
            item.evidence.append("in the source's order")


def explain_away(candidates: Iterable[Candidate]) -> None:
    """Words that another highlight tells more fully are no evidence for this one, unless it is quoted as a whole.

    `rival` is the share of a candidate's words in the passage that are also those of a candidate with more in common with the passage,
    times the part of its highlight that is not quoted.
    """
    by_passage: dict[int, list[Candidate]] = defaultdict(list)
    for item in candidates:
        if item.places:
            by_passage[item.passage].append(item)
    for items in by_passage.values():
        items.sort(key=lambda item: -item.gain)
        for number, item in enumerate(items):
            others = (other for other in items[:number] if other.gain > item.gain and other.highlight.id != item.highlight.id)
            covered = max((len(item.places & other.places) for other in others), default=0)
            if covered and item.features["quoted"] < 1:
                item.features["rival"] = covered / len(item.places) * (1 - item.features["quoted"])
                item.weigh()


def _quoted(matcher: NoteMatcher, highlight: Highlight, texts: tuple[int, int], allowed: set[int], linked: float) -> Iterator[Candidate]:
    pictures = image_names(highlight.text) if "![" in highlight.text else set()
    if not pictures and not matcher.shares(texts[0]) and not matcher.shares(texts[1]):
        return
    quotes, remarks = matcher.overlaps(texts[0], allowed), matcher.overlaps(texts[1], allowed)
    for index in sorted(allowed if pictures else quotes.keys() | remarks.keys()):
        quote, comment = quotes.get(index), remarks.get(index)
        picture = pictures & matcher.images[index]
        evidence: list[str] = []
        size = matcher.corpus.size(texts[0])
        features = {"length": _length(matcher, index, size)}
        method, gain = "words", 0.0
        places: frozenset[int] = frozenset()
        if quote and (linked or _stands_alone(matcher, index, quote)):
            method, text = _said(quote)
            evidence.append(text)
            gain, places = quote.information, quote.places
            features.update(quoted=quote.shared / quote.words, run=min(quote.longest, 12), nats=math.log1p(quote.information))
            if linked and 0.3 <= features["quoted"] < 0.8 and size >= 5:
                features["alike"] = _near(matcher, matcher.corpus.words(texts[0]), index, quote.leads, evidence)
        if comment and (linked or comment.longest >= UNLINKED_RUN):
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
        features["most"] = float(features["quoted"] >= _MOST)
        found = Candidate(highlight, index, method, evidence, features, gain, places=places)
        if linked and features["most"] and not picture:
            found.beyond = gain - math.log(max(1, matcher.size)) - SUBJECT
        yield found


def _length(matcher: NoteMatcher, index: int, words: int) -> float:
    """Long texts share words by chance."""
    return math.log(max(1.0, len(matcher.words[index]) / 100) * max(1.0, words / 40))


def _stands_alone(matcher: NoteMatcher, index: int, quote: Overlap) -> bool:
    """Is this quotation enough where nothing else points at its source?"""
    if quote.longest < UNLINKED_RUN and not (quote.shared == quote.words and quote.length >= 5):
        return False
    return not matcher.only_titles(index, quote) and not matcher.mostly_numbers(index, quote)


def _said(overlap: Overlap) -> tuple[str, str]:
    if overlap.shared == overlap.words:
        method = "quote" if overlap.longest == overlap.words else "fuzzy"
        return method, f"quotes all {overlap.words} words"
    method = "quote" if overlap.longest >= 8 or overlap.shared >= 0.8 * overlap.words else "fuzzy"
    return method, f"quotes {overlap.shared} of {overlap.words} words"


def _near(matcher: NoteMatcher, words: Sequence[int], index: int, leads: Collection[int], evidence: list[str]) -> float:
    """How much of the highlight is there with small changes, letter by letter: from 0 (55 % or less) to 1.

    Looked at is where the highlight would stand by each of the `leads` of its runs.
    """
    from rapidfuzz import fuzz

    corpus = matcher.corpus
    space = " " if corpus.length(words) == len(words) else ""  # between single letters each space would be one that is alike
    alike = 0.0
    for lead in leads:
        window = matcher.words[index][max(0, lead) : max(0, lead + len(words))]
        wanted = words[max(0, -lead) : max(0, -lead) + len(window)]  # a passage that ends sooner may quote a part
        if len(window) >= len(words) / 2:
            alike = max(
                alike, fuzz.ratio(space.join(corpus.spoken(wanted)), space.join(corpus.spoken(window)), score_cutoff=max(75.0, alike))
            )
    if alike:
        evidence.append(f"{alike:.0f} % alike, letter by letter")
    return max(0.0, (alike - 55) / 45)


def _weak(
    matcher: NoteMatcher,
    highlights: Sequence[Highlight],
    telling: Mapping[str, tuple[frozenset[int], int]],
    taken: Mapping[int, set[int]],
    allowed: set[int],
) -> Iterator[Candidate]:
    """For each highlight that is not quoted, the one passage that shares most telling words with it."""
    corpus = matcher.corpus
    within = Counter(chain.from_iterable(telling[item.id][0] for item in highlights))
    # A word that many highlights of this source share does not tell which of them was used.
    count = len(highlights)
    discount = {word: 1 - (times - 1) / count if times * 5 < count else 1 / times for word, times in within.items()}
    for highlight in highlights:
        words, size = telling[highlight.id]
        shared = sorted(
            (item for item in matcher.telling(words, discount, taken) if item.index in allowed),
            key=lambda item: (-item.close, item.index),
        )
        if not shared:
            continue
        best = shared[0]
        whole = math.fsum(corpus.weights[word] * discount[word] for word in words)
        names = ", ".join(corpus.vocabulary[word] for _, word in best.words[:3])
        evidence = [f"shares {len(best.words)} telling words ({names}{', …' if len(best.words) > 3 else ''})"]
        features = {
            "quoted": 0.0, "length": _length(matcher, best.index, size), "close": math.log1p(best.close),
            "share": best.close / max(1.0, whole), "around": best.close / max(1.0, best.close, matcher.around(best.index, best.end)),
            "lead": 1 - shared[1].close / best.close if len(shared) > 1 and best.close else 1.0,
        }  # fmt: skip
        if title_key(highlight.chapter) in matcher.headings[best.index]:
            features["chapter"] = 1.0
            evidence.append("under its chapter's heading")
        yield Candidate(highlight, best.index, "words", evidence, features, 0.3 * best.close)


def _meant(
    matcher: NoteMatcher,
    source: Told,
    embed: Embed,
    chosen: dict[tuple[str, int], Candidate],
    quoted: set[str],
    allowed: set[int],
) -> None:
    """What sentence embeddings say about each weak candidate of `chosen`, and new candidates where telling words say nothing.

    A highlight becomes a new one at the passage with the sentence likest to it, when no other highlight of the source is likelier there.
    """
    found = likenesses(source.vectors, matcher.sentences(embed), allowed)
    best: dict[int, int] = {}
    for (row, passage), like in found.items():
        if row not in best or like.near > found[row, best[row]].near:
            best[row] = passage
    for row, highlight in enumerate(source.highlights):
        for passage in allowed:
            if highlight.id in quoted or (row, passage) not in found:
                continue
            like, known = found[row, passage], chosen.get((highlight.id, passage))
            if known is None and best[row] == passage and like.clear > 0:
                known = Candidate(highlight, passage, "meaning", [], {"quoted": 0.0})
                if title_key(highlight.chapter) in matcher.headings[passage]:
                    known.features["chapter"] = 1.0
                chosen[highlight.id, passage] = known
            if known and known.method in _WEAK:
                known.features.update(above=like.above, clear=like.clear)
                if like.clear > 0:
                    known.gain += 5 * like.near * like.clear
                    known.evidence.append(f"a sentence means nearly the same ({like.near:.2f})")
