"""All that pairing weighs, gathered once: sources, highlights, notes, passages, words, and what each note's result hangs on."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate, groupby

from ..library import Library
from ..records import Highlight, Note, Passage, Source
from ..vault.config import looks_like_export
from .keys import asins, highlight_numbers, reader_ids, title_key
from .linking import SourceIndex, SourceLink
from .matching import Candidate
from .runs import shared_grams
from .spoken import Spoken
from .unsaid import is_copied_out, is_link_section
from .weighing import Case, Weigher
from .words import Corpus

LINK = 0.4  # a note that points at a source less surely does not point at it


class Work:
    """Everything loaded once: sources, highlights, notes, passages, and their words."""

    def __init__(self, library: Library, *, compare: bool = True, spoken: Spoken | None = None, embeddings: bool = False) -> None:
        self.sources: dict[str, Source] = {source.id: source for source in library.sources.all()}
        by_source = library.sources.all_highlights()
        self.highlights: dict[str, list[Highlight]] = {key: by_source.get(key, []) for key in self.sources}
        self.index = SourceIndex(self.sources.values(), self.highlights, library.sources.outside_ids())
        self.notes: list[Note] = library.notes.all()
        self.names = {title_key(note.title): note.path for note in self.notes}
        passages = library.notes.passages()
        self.passages: dict[str, list[Passage]] = {key: list(group) for key, group in groupby(passages, key=lambda item: item.note_id)}
        self.files: dict[str, set[str]] = defaultdict(set)
        self.doubtful: set[str] = set()  # files, one of which may be a note of the person's: an import into their source was taken back
        taken_back = library.hidden.parts()
        for source in self.sources.values():
            for path in (item.removeprefix("file:") for item in source.outside_ids if item.startswith("file:")):
                self.files[path.rpartition("/")[2]].add(path)
                if source.id in taken_back:
                    self.doubtful.add(path)
        self._links: dict[str, dict[str, SourceLink]] = {}
        self._source_signatures: dict[str, str] = {}
        if compare:
            self._compare(spoken, embeddings)

    def _compare(self, spoken: Spoken | None, embeddings: bool) -> None:
        highlights = [item for group in self.highlights.values() for item in group]
        passages = [item for note in self.notes for item in self.passages.get(note.id, ())]
        count = len(highlights)
        texts = [item.text for item in highlights] + [item.annotation for item in highlights] + [item.text for item in passages]
        self.corpus = Corpus(texts, spoken)
        self.by_id = {item.id: item for item in highlights}
        self.by_note: dict[str, range] = {}  # where the passages of a note are among the texts
        start = 2 * count
        for note in self.notes:
            self.by_note[note.id] = range(start, start + len(self.passages.get(note.id, ())))
            start = self.by_note[note.id].stop
        # In steps, so that a few highlights more or less leave all scores exactly as they were.
        self.among = 2 ** round(math.log2(max(1, count)))
        sizes = [len(group) for group in self.highlights.values()]
        places = {
            key: range(start, start + size) for key, size, start in zip(self.highlights, sizes, accumulate(sizes, initial=0), strict=False)
        }
        titles = {source.id: source.title for source in self.sources.values()}
        self.weigher = Weigher(
            self.corpus, self.highlights.__getitem__, titles=titles, places=places, count=count, among=self.among, embeddings=embeddings
        )
        self.near: dict[int, set[str]] = defaultdict(set)  # by the text of a passage
        for left, right in shared_grams(self.corpus, range(0, 2 * count), range(2 * count, len(texts))):
            self.near[right].add(highlights[left % count].id)

    def links(self, note: Note) -> dict[str, SourceLink]:
        if note.id not in self._links:
            self._links[note.id] = self.index.links(note, self.passages.get(note.id, ()), names=self.names)
        return self._links[note.id]

    def reason(self, note: Note, source_id: str) -> str:
        link = self.links(note).get(source_id)
        return link.evidence if link and link.score >= LINK else ""

    def case(self, note: Note) -> Case:
        """What is weighed for one note; nothing where it is an imported file itself."""
        passages = self.passages.get(note.id, [])
        if self.is_export(note):
            return Case(note.title, [], range(0), {}, {}, [])
        strengths = {key: link.score for key, link in self.links(note).items() if link.score >= LINK}
        quoted: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for number, text in enumerate(self.by_note[note.id]):
            for highlight_id in self.near.get(text, ()):
                if self.by_id[highlight_id].source_id not in strengths:
                    quoted[self.by_id[highlight_id].source_id][highlight_id].add(number)
        named = [(self.by_id[item[0]].source_id, *item) for item in self._keys(passages)]
        plain = {source_id: dict(ids) for source_id, ids in sorted(quoted.items())}
        return Case(note.title, passages, self.by_note[note.id], strengths, plain, named)

    def candidates(self, note: Note) -> dict[str, list[Candidate]]:
        """By source, everything that might belong to one note, likely or not."""
        return self.weigher.candidates(self.case(note))

    def is_export(self, note: Note) -> bool:
        """Is this note the very file a source was imported from?"""
        passages = self.passages.get(note.id, ())
        for path in self.files.get(note.path.rpartition("/")[2], ()):
            if note.path == path and path not in self.doubtful:
                return True
            if f"/{note.path}".endswith(f"/{path}") and looks_like_export("\n".join(item.text for item in passages)):
                return True
        return False

    def _keys(self, passages: Sequence[Passage]) -> list[tuple[str, int, float, str, str]]:
        """(highlight id, passage, probability, method, evidence) for every highlight that a passage names by id."""
        found = []
        for number, passage in enumerate(passages):
            if is_link_section(passage) or is_copied_out(passage):
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
        near = [sorted(self.near[text]) if text in self.near else [] for text in self.by_note[note.id]]
        involved = {self.by_id[key].source_id for keys in near for key in keys}
        involved |= {key for key, link in links.items() if link.score >= LINK}
        named = self._keys(passages)
        involved |= {self.by_id[key].source_id for key, *_ in named}
        facts = [
            self.among, note.path, note.title, note.content_hash,
            sorted(f"{path}{'?' * (path in self.doubtful)}" for path in self.files.get(note.path.rpartition("/")[2], ())),
            [(item.id, item.start, item.end, item.headings) for item in passages], near, named,
            [(key, link.score) for key, link in sorted(links.items()) if key in involved],
            [(key, self._source_signature(key)) for key in sorted(involved)],
        ]  # fmt: skip
        digest = hashlib.blake2b(json.dumps(facts).encode(), digest_size=16)
        digest.update(self.corpus.levels_of(self.by_note[note.id]))
        return digest.hexdigest()

    def _source_signature(self, source_id: str) -> str:
        if source_id not in self._source_signatures:
            source = self.sources[source_id]
            digest = hashlib.blake2b(source.title.encode(), digest_size=16)
            digest.update(json.dumps([(item.id, item.chapter) for item in self.highlights[source_id]]).encode())
            for part in self.weigher.texts_of(source_id):
                digest.update(b"".join(self.corpus.keys[part.start : part.stop]))
                digest.update(self.corpus.levels_of(part))
            self._source_signatures[source_id] = digest.hexdigest()
        return self._source_signatures[source_id]
