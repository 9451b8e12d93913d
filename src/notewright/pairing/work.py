"""All that pairing weighs, gathered once: sources, highlights, notes, passages, words, and what each note's result hangs on."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby

from ..library import Library
from ..records import Highlight, Note, Passage, Source
from ..vault.config import looks_like_export
from .keys import asins, highlight_numbers, reader_ids, title_key, undecorated
from .linking import SourceIndex, SourceLink
from .matching import Candidate, NoteMatcher, is_link_section, match_source
from .words import STEP, Corpus, match_words, shared_grams

_RULES = 1  # raise it when the same library is to be paired differently by new code; the coefficients count by themselves
_TITLE_WORDS = 5
LINK = 0.4  # a note that points at a source less surely does not point at it


class Work:
    """Everything loaded once: sources, highlights, notes, passages, and their words."""

    def __init__(self, library: Library, *, compare: bool = True) -> None:
        self.sources: dict[str, Source] = {source.id: source for source in library.sources.all()}
        self.highlights: dict[str, list[Highlight]] = {key: library.sources.highlights(key) for key in self.sources}
        self.index = SourceIndex(self.sources.values(), self.highlights, library.sources.outside_ids())
        self.notes: list[Note] = library.notes.all()
        self.names = {title_key(note.title): note.path for note in self.notes}
        passages = library.notes.passages()
        self.passages: dict[str, list[Passage]] = {key: list(group) for key, group in groupby(passages, key=lambda item: item.note_id)}
        self.files: dict[str, set[str]] = defaultdict(set)
        for source in self.sources.values():
            for outside in source.outside_ids:
                if outside.startswith("file:"):
                    self.files[outside.removeprefix("file:").rpartition("/")[2]].add(outside.removeprefix("file:"))
        self._links: dict[str, dict[str, SourceLink]] = {}
        self._source_signatures: dict[str, str] = {}
        if compare:
            self._compare()

    def _compare(self) -> None:
        highlights = [item for group in self.highlights.values() for item in group]
        passages = [item for note in self.notes for item in self.passages.get(note.id, ())]
        count = len(highlights)
        texts = [item.text for item in highlights] + [item.annotation for item in highlights] + [item.text for item in passages]
        self.corpus = Corpus(texts)
        self.texts = {item.id: (number, count + number) for number, item in enumerate(highlights)}
        self.passage_texts = {(item.note_id, item.id): 2 * count + number for number, item in enumerate(passages)}
        self.by_id = {item.id: item for item in highlights}
        # In steps, so that a few highlights more or less leave all scores exactly as they were.
        self.among = 2 ** round(math.log2(max(1, len(highlights))))
        self.near: dict[tuple[str, str], set[str]] = defaultdict(set)
        for left, right in shared_grams(self.corpus, range(0, 2 * count), range(2 * count, len(texts))):
            passage = passages[right - 2 * count]
            self.near[(passage.note_id, passage.id)].add(highlights[left % count].id)

    def links(self, note: Note) -> dict[str, SourceLink]:
        if note.id not in self._links:
            self._links[note.id] = self.index.links(note, self.passages.get(note.id, ()), names=self.names)
        return self._links[note.id]

    def reason(self, note: Note, source_id: str) -> str:
        link = self.links(note).get(source_id)
        return link.evidence if link and link.score >= LINK else ""

    def candidates(self, note: Note) -> dict[str, list[Candidate]]:
        """By source, everything that might belong to one note, likely or not."""
        passages = self.passages.get(note.id, [])
        if not passages or self._is_export(note, passages):
            return {}
        matcher = NoteMatcher(self.corpus, passages, [self.passage_texts[(note.id, item.id)] for item in passages])
        text_passages = {number for number, item in enumerate(passages) if not is_link_section(item)}
        linked = {key: link for key, link in self.links(note).items() if link.score >= LINK}
        found: dict[str, list[Candidate]] = {}
        only: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for number, item in enumerate(passages):
            for highlight_id in self.near.get((note.id, item.id), ()):
                only[self.by_id[highlight_id].source_id][highlight_id].add(number)
        strengths = {key: link.score for key, link in linked.items()}
        for source_id, wanted in sorted(only.items()):
            if source_id in linked:
                continue
            chosen = [self.by_id[key] for key in sorted(wanted)]
            candidates = match_source(matcher, chosen, self.texts, linked=0.0, among=self.among, only=wanted, text_passages=text_passages)
            sure = [item for item in candidates if item.score >= 0.9]
            found[source_id] = candidates
            if len({item.highlight.id for item in sure}) >= 2:
                strengths[source_id] = 0.7  # quoted more than once: as good as a link
        for source_id, strength in sorted(strengths.items()):
            candidates = match_source(
                matcher, self.highlights[source_id], self.texts, linked=strength, among=self.among, text_passages=text_passages
            )
            candidates += self._titled(note, source_id, strength, text_passages)
            found[source_id] = _better(candidates, found.get(source_id, ()))
        for highlight_id, at, probability, method, words in self._keys(passages):
            self._name(self.by_id[highlight_id], at, probability, method, words, found)
        return found

    def _titled(self, note: Note, source_id: str, strength: float, text_passages: set[int]) -> Iterator[Candidate]:
        """A note whose title is a sentence of a highlight was made from it: the title belongs to its first passage."""
        words = match_words(undecorated(note.title))
        about = title_key(self.sources[source_id].title)
        if len(words) < _TITLE_WORDS or not text_passages or title_key(note.title) in about or about in title_key(note.title):
            return
        wanted = f" {' '.join(words)} "
        for highlight in self.highlights[source_id]:
            told = self.corpus.words(self.texts[highlight.id][0])
            spoken = [self.corpus.vocabulary[word] for word in told]
            if wanted in f" {' '.join(spoken)} ":
                evidence = f"the note's title quotes {len(words)} of {len(spoken)} words"
                yield Candidate(highlight, min(text_passages), "quote", [evidence], odds=4 * strength)

    def _is_export(self, note: Note, passages: Sequence[Passage]) -> bool:
        """Is this note the very file a source was imported from?"""
        for path in self.files.get(note.path.rpartition("/")[2], ()):
            if note.path == path or (note.path.endswith("/" + path) and looks_like_export("\n".join(item.text for item in passages))):
                return True
        return False

    def _keys(self, passages: Sequence[Passage]) -> list[tuple[str, int, float, str, str]]:
        """(highlight id, passage, probability, method, evidence) for every highlight that a passage names by id."""
        found = []
        for number, passage in enumerate(passages):
            if is_link_section(passage):
                continue
            named: dict[str, tuple[float, str, str]] = {}
            for asin, location in asins(passage.text):
                for highlight in self.index.places.get((asin, location), ()) if location is not None else ():
                    named[highlight.id] = (0.9, "id", f"links to its location {location}")
            for identity in reader_ids(passage.text):
                if identity in self.index.reader:
                    named[self.index.reader[identity].id] = (0.98, "reader-id", "links to it in Reader")
            for digits in highlight_numbers(passage.text):
                if digits in self.index.numbers:
                    named[self.index.numbers[digits].id] = (0.99, "id", f"names its id {digits}")
            found += [(highlight_id, number, *named[highlight_id]) for highlight_id in named]
        return found

    def signature(self, note: Note) -> str:
        """A hash of all that `candidates(note)` depends on: equal signatures, equal candidates."""
        passages = self.passages.get(note.id, [])
        links = self.links(note)
        near = [sorted(self.near.get((note.id, item.id), ())) for item in passages]
        involved = {self.by_id[key].source_id for keys in near for key in keys}
        involved |= {key for key, link in links.items() if link.score >= LINK}
        named = self._keys(passages)
        involved |= {self.by_id[key].source_id for key, *_ in named}
        facts = [
            _RULES, self.among, note.path, note.title, note.content_hash, sorted(self.files.get(note.path.rpartition("/")[2], ())),
            [(item.id, item.start, item.end, item.headings) for item in passages], near, named,
            [(key, link.score) for key, link in sorted(links.items()) if key in involved],
            [(key, self._source_signature(key)) for key in sorted(involved)],
        ]  # fmt: skip
        digest = hashlib.blake2b(json.dumps(facts).encode(), digest_size=16)
        for item in passages:
            digest.update(self._levels(self.passage_texts[(note.id, item.id)]))
        return digest.hexdigest()

    def _source_signature(self, source_id: str) -> str:
        if source_id not in self._source_signatures:
            source = self.sources[source_id]
            digest = hashlib.blake2b(source.title.encode(), digest_size=16)
            for item in self.highlights[source_id]:
                digest.update(json.dumps((item.id, item.text, item.annotation, item.chapter)).encode())
                for text in self.texts[item.id]:
                    digest.update(self._levels(text))
            self._source_signatures[source_id] = digest.hexdigest()
        return self._source_signatures[source_id]

    def _levels(self, text: int) -> bytes:
        """How telling each word of a text is."""
        start, end = self.corpus.offsets[text], self.corpus.offsets[text + 1]
        return bytes(self._word_levels[start:end])

    @cached_property
    def _word_levels(self) -> memoryview:
        import numpy

        weights = (numpy.asarray(self.corpus.weights) / STEP).round().astype(numpy.uint8)
        ids = numpy.frombuffer(self.corpus.ids, dtype=numpy.uint32) if len(self.corpus.ids) else numpy.zeros(0, numpy.uint32)
        return memoryview(weights[ids].tobytes())

    def _name(self, highlight: Highlight, passage: int, sure: float, method: str, words: str, found: dict[str, list[Candidate]]) -> None:
        candidates = found.setdefault(highlight.source_id, [])
        known = next((item for item in candidates if item.highlight.id == highlight.id and item.passage == passage), None)
        if known is None:
            candidates.append(Candidate(highlight, passage, method, [words], sure=sure))
        else:
            known.sure, known.method = max(known.sure, sure), method
            known.evidence.insert(0, words)


def _better(candidates: Sequence[Candidate], others: Sequence[Candidate]) -> list[Candidate]:
    best = {(item.highlight.id, item.passage): item for item in candidates}
    for item in others:
        key = (item.highlight.id, item.passage)
        if key not in best or best[key].score < item.score:
            best[key] = item
    return list(best.values())
