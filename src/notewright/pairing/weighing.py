"""One note against the sources it may come from, by this process or by another one: `Case` is all that must travel."""

from __future__ import annotations

import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..pool import spread
from ..records import Highlight, Passage
from .keys import title_key, undecorated
from .matching import Candidate, NoteMatcher, Told, explain_away, match_quotes, match_source
from .meaning import embedder
from .runs import TELLING_RUN
from .unsaid import says_nothing
from .words import Corpus, match_words

_TITLE_WORDS = 5
_AT_HAND = 300  # sources
_TOGETHER = 8  # cases that travel together
NEVER = -2.0  # log-odds: what the evidence holds less likely than this is not kept, and no correction brings it back


@dataclass(frozen=True, slots=True)
class Case:
    """A note and what it may have been made from. `texts`: where its passages are in the corpus.

    `strengths`: how surely the note points at a source, by source; `quoted`: by another source and highlight, the places of the passages
    that share words with it; `named`: (source, highlight, passage, probability, method, evidence) of highlights that it names by id.
    """

    title: str
    passages: Sequence[Passage]
    texts: range
    strengths: Mapping[str, float]
    quoted: Mapping[str, Mapping[str, set[int]]]
    named: Sequence[tuple[str, str, int, float, str, str]]


class Weigher:
    """Weighs cases. `highlights` gives those of a source; `titles` and `places` are its title and where its highlights are in the corpus.

    `count` highlights are in the corpus, first the texts of all and then the annotations; `among` is about as many, in steps.
    With `embeddings`, sentences that mean the same count as evidence; raises MissingExtra when no model for them is installed.
    """

    def __init__(
        self,
        corpus: Corpus,
        highlights: Callable[[str], Sequence[Highlight]],
        *,
        titles: Mapping[str, str],
        places: Mapping[str, range],
        count: int,
        among: int,
        embeddings: bool = False,
    ) -> None:
        self.corpus = corpus
        self._embed = embedder() if embeddings else None
        self.count, self.among = count, among
        self.titles, self.places = titles, places
        self._highlights = highlights
        self._told: dict[str, Told] = {}

    def told(self, source_id: str) -> Told:
        if source_id not in self._told:
            if len(self._told) >= _AT_HAND:
                del self._told[next(iter(self._told))]
            highlights = self._highlights(source_id)
            texts = {item.id: (at, at + self.count) for at, item in zip(self.places[source_id], highlights, strict=True)}
            self._told[source_id] = Told(self.corpus, highlights, texts, self._embed)
        return self._told[source_id]

    def texts_of(self, source_id: str) -> list[range]:
        """Where the texts and the annotations of a source are in the corpus: each in a row."""
        here = self.places[source_id]
        return [here, range(here.start + self.count, here.stop + self.count)] if here else []

    def candidates(self, case: Case) -> dict[str, list[Candidate]]:
        """By source, everything that might belong to the note, likely or not."""
        if not case.passages:
            return {}
        matcher = NoteMatcher(self.corpus, case.passages, case.texts)
        text_passages = {number for number, item in enumerate(case.passages) if not says_nothing(item)}
        found: dict[str, list[Candidate]] = {}
        quotes = [
            range(text, text + 1) for source_id, ids in case.quoted.items() for key in ids for text in self.told(source_id).texts[key]
        ]
        matcher.look_at(quotes + [part for source_id in case.strengths for part in self.texts_of(source_id)])
        strong = {}
        for source_id, ids in case.quoted.items():
            source = self.told(source_id)
            chosen = sorted((item for item in source.highlights if item.id in ids), key=lambda item: item.id)
            candidates = match_quotes(matcher, chosen, source.texts, ids, among=self.among, text_passages=text_passages)
            found[source_id] = candidates
            if len({item.highlight.id for item in candidates if item.score >= 0.9}) >= 2:
                strong[source_id] = 0.7  # quoted more than once: as good as a link
        matcher.look_at([part for source_id in strong for part in self.texts_of(source_id)])
        for source_id, strength in sorted({**case.strengths, **strong}.items()):
            candidates = match_source(matcher, self.told(source_id), linked=strength, among=self.among, text_passages=text_passages)
            titled = self._titled(case.title, source_id, strength, text_passages)
            found[source_id] = _better(candidates, [*titled, *found.get(source_id, ())])
        explain_away(item for candidates in found.values() for item in candidates)
        self._name(case.named, found)
        return found

    def _name(self, named: Sequence[tuple[str, str, int, float, str, str]], found: dict[str, list[Candidate]]) -> None:
        """Add what a note names by id to what was `found`."""
        by_source: dict[str, list[tuple[str, int, float, str, str]]] = defaultdict(list)
        for source_id, highlight_id, passage, sure, method, words in named:
            by_source[source_id].append((highlight_id, passage, sure, method, words))
        for source_id, rows in by_source.items():
            highlights = {item.id: item for item in self.told(source_id).highlights}
            candidates = found.setdefault(source_id, [])
            known = {(item.highlight.id, item.passage): item for item in candidates}
            for highlight_id, passage, sure, method, words in rows:
                item = known.get((highlight_id, passage))
                if item is None:
                    item = known[highlight_id, passage] = Candidate(highlights[highlight_id], passage, method, [words], sure=sure)
                    candidates.append(item)
                else:
                    item.sure, item.method = max(item.sure, sure), method
                    item.evidence.insert(0, words)

    def _titled(self, title: str, source_id: str, strength: float, text_passages: set[int]) -> Iterator[Candidate]:
        """A note whose title is a sentence of a highlight was made from it: the title belongs to its first passage."""
        words = match_words(undecorated(title))
        wanted = self.corpus.numbers(words)
        about = title_key(self.titles[source_id])
        if self.corpus.length(wanted) < _TITLE_WORDS or not text_passages or title_key(title) in about or about in title_key(title):
            return
        if math.fsum(self.corpus.weights[word] for word in wanted) < TELLING_RUN:
            return
        source = self.told(source_id)
        for highlight in source.highlights:
            spoken = self.corpus.words(source.texts[highlight.id][0])
            if any(spoken[at : at + len(wanted)] == wanted for at, word in enumerate(spoken) if word == wanted[0]):
                evidence = f"the note's title quotes {len(words)} of {len(spoken)} words"
                yield Candidate(highlight, min(text_passages), "quote", [evidence], odds=4 * strength)

    def packed(self, folder: Path) -> tuple[object, ...]:
        """What `unpacked` makes a weigher of in another process; the large arrays go into files of `folder`, which all processes share."""
        # Of a highlight, the words are in the corpus; its text is looked at for the names of images only.
        sources = {
            source_id: [
                (item.id, item.chapter, item.position, item.text if "![" in item.text else "") for item in self._highlights(source_id)
            ]
            for source_id in self.places
        }
        self.corpus.write(folder)
        return folder, self.corpus.vocabulary, sources, self.titles, self.places, self.count, self.among, self._embed is not None

    @classmethod
    def unpacked(
        cls,
        folder: Path,
        vocabulary: list[str],
        sources: Mapping[str, Sequence[tuple[str, str, int, str]]],
        titles: Mapping[str, str],
        places: Mapping[str, range],
        count: int,
        among: int,
        embeddings: bool,
    ) -> Weigher:
        def highlights(source_id: str) -> list[Highlight]:
            return [
                Highlight(text=text, id=key, source_id=source_id, chapter=chapter, position=position)
                for key, chapter, position, text in sources[source_id]
            ]

        return cls(
            Corpus.read(folder, vocabulary), highlights, titles=titles, places=places, count=count, among=among, embeddings=embeddings
        )


def _better(candidates: Sequence[Candidate], others: Sequence[Candidate]) -> list[Candidate]:
    best = {(item.highlight.id, item.passage): item for item in candidates}
    for item in others:
        key = (item.highlight.id, item.passage)
        if key not in best or best[key].score < item.score:
            best[key] = item
    return list(best.values())


def weigh(weigher: Weigher, case: Case) -> str:
    """What was found, as JSON: by source, for each highlight and passage that may belong together, the fields of a `memo.Weight`."""
    found = {}
    for source_id, candidates in sorted(weigher.candidates(case).items()):
        rows = [
            (
                case.passages[item.passage].id, item.highlight.id, round(item.odds, 4), item.sure, item.method, "; ".join(item.evidence),
                item.highlight.position,
            )
            for item in candidates
            if item.sure or item.odds >= NEVER
        ]  # fmt: skip
        if rows:
            found[source_id] = rows
    return json.dumps(found, ensure_ascii=False)


def weigh_all(weigher: Weigher, cases: Iterable[Case], *, workers: int) -> Generator[str]:
    """`weigh` for each case, in order, by so many processes; by this one when that is fewer than two."""
    if workers < 2:
        yield from (weigh(weigher, case) for case in cases)
        return
    with tempfile.TemporaryDirectory(prefix="notewright-") as folder:
        yield from spread(_weigh, cases, workers=workers, begin=_begin, given=weigher.packed(Path(folder)), size=_TOGETHER)


_mine: list[Weigher] = []  # of a helper process


def _begin(*given: Any) -> None:
    _mine.append(Weigher.unpacked(*given))


def _weigh(case: Case) -> str:
    return weigh(_mine[0], case)
