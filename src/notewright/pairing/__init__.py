"""Which highlights became which passage: `pair(library)` proposes, the person decides.

keys       outside ids, normal forms of URLs and titles
linking    source <-> note, from ids, links and titles
words      how telling words are, and which texts share word runs
matching   highlight <-> passage within a note, as probabilities with evidence in words
export     pairs as JSONL; a pair explained in words
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ..library import Library
from ..records import Highlight, Note, Pair, Passage, Source
from ..settings import Settings
from ..vault.config import looks_like_export
from .export import explain, export_pairs
from .keys import asins, highlight_numbers, reader_ids, title_key, undecorated
from .linking import SourceIndex, SourceLink
from .matching import PROPOSED, Candidate, NoteMatcher, is_link_section, match_source
from .odds import Correction
from .words import Corpus, match_words, shared_grams

_TITLE_WORDS = 5
_LINK = 0.4  # a note that points at a source less surely does not point at it
_METHODS = ("id", "reader-id", "quote", "fuzzy", "words")


@dataclass(frozen=True, slots=True)
class PairReport:
    """What pairing changed. `decided` were left as the person decided; `by_method` counts proposals by their best evidence."""

    added: int = 0
    kept: int = 0
    removed: int = 0
    decided: int = 0
    notes_paired: int = 0
    notes_unpaired: int = 0
    by_method: dict[str, int] = field(default_factory=dict, hash=False)


def pair(library: Library, *, settings: Settings | None = None, progress: Callable[[int, int], None] | None = None) -> PairReport:
    """Propose pairs anew from all highlights and passages; accepted and rejected pairs stay as they are.

    Needs an import of highlights and of the vault first; without them nothing is proposed. `progress` gets notes done and notes in all;
    `settings` is taken for symmetry with the other verbs and not needed yet.
    """
    work = _Work(library)
    pairs: list[Pair] = []
    for number, note in enumerate(work.notes, 1):
        pairs += work.pairs(note)
        if progress:
            progress(number, len(work.notes))
    counts = library.pairs.propose(pairs)
    paired = {item.note_path for item in library.pairs.all() if item.status != "rejected"}
    methods = Counter(item.method for item in pairs)
    return PairReport(
        **counts, notes_paired=len(paired), notes_unpaired=sum(1 for note in work.notes if note.path not in paired),
        by_method={name: methods[name] for name in _METHODS if methods[name]},
    )  # fmt: skip


def source_links(library: Library) -> list[SourceLink]:
    """Which notes point at which sources by id, link or title, most likely first within a note. No text is compared."""
    work = _Work(library, compare=False)
    found = [link for note in work.notes for link in work.links(note).values()]
    return sorted(found, key=lambda link: (link.note_id, -link.score, link.source_id))


def all_candidates(library: Library) -> Iterator[tuple[list[Passage], Candidate]]:
    """Everything that pairing weighs, likely or not, each with the passages of its note: what scores are fitted and measured on."""
    work = _Work(library)
    for note in work.notes:
        for candidates in work.candidates(note).values():
            yield from ((work.passages[note.id], item) for item in candidates)


class _Work:
    """Everything loaded once: sources, highlights, notes, passages, and their words."""

    def __init__(self, library: Library, *, compare: bool = True) -> None:
        self.correction = Correction()
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
        self.near: dict[tuple[str, str], set[str]] = defaultdict(set)
        for left, right in shared_grams(self.corpus, range(0, 2 * count), range(2 * count, len(texts))):
            passage = passages[right - 2 * count]
            self.near[(passage.note_id, passage.id)].add(highlights[left % count].id)

    def links(self, note: Note) -> dict[str, SourceLink]:
        return self.index.links(note, self.passages.get(note.id, ()), names=self.names)

    def pairs(self, note: Note) -> Iterator[Pair]:
        """Proposals for one note."""
        passages = self.passages.get(note.id, [])
        for source_id, candidates in sorted(self.candidates(note).items()):
            link = self.links(note).get(source_id)
            yield from _pairs(source_id, passages, candidates, link.evidence if link and link.score >= _LINK else "")

    def candidates(self, note: Note) -> dict[str, list[Candidate]]:
        """By source, everything that might belong to one note, likely or not."""
        passages = self.passages.get(note.id, [])
        if not passages or self._is_export(note, passages):
            return {}
        matcher = NoteMatcher(self.corpus, passages, [self.passage_texts[(note.id, item.id)] for item in passages])
        text_passages = {number for number, item in enumerate(passages) if not is_link_section(item)}
        linked = {key: link for key, link in self.links(note).items() if link.score >= _LINK}
        found: dict[str, list[Candidate]] = {}
        among = max(1, len(self.by_id))
        only: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for number, item in enumerate(passages):
            for highlight_id in self.near.get((note.id, item.id), ()):
                only[self.by_id[highlight_id].source_id][highlight_id].add(number)
        strengths = {key: link.score for key, link in linked.items()}
        for source_id, wanted in sorted(only.items()):
            if source_id in linked:
                continue
            chosen = [self.by_id[key] for key in sorted(wanted)]
            candidates = match_source(
                matcher, chosen, self.texts, linked=0.0, among=among, only=wanted, text_passages=text_passages, correction=self.correction
            )
            sure = [item for item in candidates if item.score >= 0.9]
            found[source_id] = candidates
            if len({item.highlight.id for item in sure}) >= 2:
                strengths[source_id] = 0.7  # quoted more than once: as good as a link
        for source_id, strength in sorted(strengths.items()):
            candidates = match_source(
                matcher,
                self.highlights[source_id],
                self.texts,
                linked=strength,
                among=among,
                text_passages=text_passages,
                correction=self.correction,
            )
            candidates += self._titled(note, source_id, strength, text_passages)
            found[source_id] = _better(candidates, found.get(source_id, ()))
        self._keys(passages, text_passages, found)
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

    def _keys(self, passages: Sequence[Passage], text_passages: set[int], found: dict[str, list[Candidate]]) -> None:
        """Highlights that a passage names by id."""
        for number, passage in enumerate(passages):
            if number not in text_passages:
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
            for highlight_id, (sure, method, words) in named.items():
                self._name(self.by_id[highlight_id], number, sure, method, words, found)

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


def _pairs(source_id: str, passages: Sequence[Passage], candidates: Sequence[Candidate], reason: str) -> Iterator[Pair]:
    by_passage: Mapping[int, list[Candidate]] = defaultdict(list)
    for item in candidates:
        if item.score >= PROPOSED:
            by_passage[item.passage].append(item)
    for number, group in sorted(by_passage.items()):
        passage = passages[number]
        group.sort(key=lambda item: (item.highlight.position, item.highlight.id))
        best = max(group, key=lambda item: (item.score, -_METHODS.index(item.method)))
        if reason:
            best.evidence.append(reason)
        yield Pair(
            id="", source_id=source_id, note_id=passage.note_id, note_path=passage.note_path, passage_id=passage.id,
            passage_start=passage.start, passage_end=passage.end, passage_text=passage.text, score=round(best.score, 3), method=best.method,
            status="proposed", links=tuple(item.link() for item in group), headings=passage.headings,
        )  # fmt: skip


__all__ = ["Candidate", "PairReport", "SourceLink", "all_candidates", "explain", "export_pairs", "pair", "source_links"]
