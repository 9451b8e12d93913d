"""What pairing weighed before, note by note, and the proposals that follow from it under the person's correction."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from ..library import Library
from ..library.pairs import HAND
from ..records import Pair, PairLink, Passage
from .matching import COMPANY, SUBJECT
from .meaning import model_version
from .odds import ALONE, BOTH, LINKED, MEANING, WORDS, Correction, fit_correction
from .places import METHODS as BESIDE
from .weighing import NEVER, weigh_all
from .work import Work

METHODS = ("id", "reader-id", "quote", "fuzzy", "words", "meaning", *BESIDE)
RULES = 9  # raise it when the same library is to be paired differently by new code; the coefficients count by themselves
PROPOSED = 0.5  # a link or pair less likely than this is not proposed
MANY = 600  # notes; fewer are weighed sooner than other processes would be ready
_CEILING = 0.999  # certain is only what the person says


@dataclass(frozen=True, slots=True)
class Weight:
    """One highlight against one passage, as weighed: log-odds before any correction, or `sure`, a key's probability."""

    passage_id: str
    highlight_id: str
    odds: float
    sure: float
    method: str
    evidence: str
    position: int

    def score(self, correction: Correction) -> float:
        return max(self.sure, min(_CEILING, 1 / (1 + math.exp(-max(-30.0, min(30.0, correction(self.odds)))))))


@dataclass(frozen=True, slots=True)
class Weighed:
    """All that was found for one note, by source, and as it is remembered; `fresh` when it was not remembered.

    `reasons`: why the note points at a source.
    """

    note_id: str
    signature: str
    payload: str
    by_source: dict[str, list[Weight]]
    reasons: dict[str, str]
    fresh: bool


def rules(*, embeddings: bool) -> str:
    """Changes when the code, the coefficients or the embeddings do: what was weighed by others is forgotten."""
    held = (RULES, LINKED, WORDS, ALONE, PROPOSED, NEVER, SUBJECT, COMPANY) + ((BOTH, MEANING, model_version()) if embeddings else ())
    return hashlib.blake2b(repr(held).encode(), digest_size=8).hexdigest()


def looks_at(library: Library, *, embeddings: bool) -> str:
    """Changes when the rules do, or what pairing looks at beside the words and no trigger counts: discards, and where drafts went."""
    uncounted = (library.sources.discarded(), library.follows.fingerprint())
    return f"{rules(embeddings=embeddings)}-{hashlib.blake2b(repr(uncounted).encode(), digest_size=8).hexdigest()}"


def is_current(library: Library, *, embeddings: bool) -> bool:
    """Has nothing changed since the last pairing: no source, highlight, note, passage, decision or followed draft, and no rule?"""
    return library.pairs.paired_at() == (library.pairs.changes(), looks_at(library, embeddings=embeddings))


def weighed(work: Work, remembered: Mapping[str, tuple[str, str]], *, ruled: str, workers: int) -> Generator[Weighed]:
    """Each note in order: from memory where all that its result hangs on, the rules `ruled` too, is as it was, else anew."""
    signatures = {note.id: f"{ruled}-{work.signature(note)}" for note in work.notes}
    fresh = [note for note in work.notes if remembered.get(note.id, ("", ""))[0] != signatures[note.id]]
    anew = {note.id for note in fresh}
    with closing(weigh_all(work.weigher, map(work.case, fresh), workers=workers if len(fresh) >= MANY else 1)) as payloads:
        for note in work.notes:
            payload = next(payloads) if note.id in anew else remembered[note.id][1]
            found = {source_id: [Weight(*row) for row in rows] for source_id, rows in json.loads(payload).items()}
            reasons = {source_id: work.reason(note, source_id) for source_id in found}
            yield Weighed(note.id, signatures[note.id], payload, found, reasons, note.id in anew)


def proposals(note: Weighed, passages: Sequence[Passage], correction: Correction) -> Iterator[Pair]:
    """One pair for each source and passage that belong together with at least `PROPOSED`."""
    place = {passage.id: number for number, passage in enumerate(passages)}
    for source_id, weights in sorted(note.by_source.items()):
        by_passage: dict[int, list[tuple[float, Weight]]] = defaultdict(list)
        for item in weights:
            score = item.score(correction)
            if score >= PROPOSED:
                by_passage[place[item.passage_id]].append((score, item))
        for number, group in sorted(by_passage.items()):
            passage = passages[number]
            group.sort(key=lambda found: (found[1].position, found[1].highlight_id))
            best = max(group, key=lambda found: (found[0], -METHODS.index(found[1].method)))
            reason = note.reasons.get(source_id, "")
            links = tuple(
                PairLink(
                    item.highlight_id,
                    round(score, 3),
                    item.method,
                    f"{item.evidence}; {reason}" if reason and item is best[1] else item.evidence,
                )
                for score, item in group
            )
            yield Pair(
                id="", source_id=source_id, note_id=passage.note_id, note_path=passage.note_path, passage_id=passage.id,
                passage_start=passage.start, passage_end=passage.end, passage_text=passage.text, score=round(best[0], 3),
                method=best[1].method, status="proposed", links=links, headings=passage.headings,
            )  # fmt: skip


def correction_from(library: Library, notes: Sequence[Weighed]) -> Correction:
    """What the person's accepted and rejected pairs say about the scores; those that a key made sure say nothing about them, nor do those
    that were found beside the words, or named by the person."""
    decided = library.pairs.decisions()
    if not decided:
        return Correction()
    beside = {(item.source_id, item.passage_id) for item in library.pairs.all() if item.method in (*BESIDE, HAND)}
    decided = {key: right for key, right in decided.items() if key not in beside}
    best: dict[tuple[str, str], float] = {}
    named: set[tuple[str, str]] = set()
    for note in notes:
        for source_id, weights in note.by_source.items():
            for item in weights:
                key = (source_id, item.passage_id)
                if key in decided:
                    best[key] = max(best.get(key, -30.0), item.odds)
                    if item.sure:
                        named.add(key)
    cases = sorted((odds, decided[key]) for key, odds in best.items() if key not in named)
    return fit_correction([odds for odds, _ in cases], [right for _, right in cases])
