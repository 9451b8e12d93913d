"""Which highlights became which passage: `pair(library)` proposes, the person decides.

keys       outside ids, normal forms of URLs and titles
linking    source <-> note, from ids, links and titles
words      the words of a text, and how telling they are
spoken     the words of texts read before, in a file of the home folder
runs       which texts share word runs
meaning    sentence embeddings, where the person wants them (an extra)
unsaid     passages in which the person says nothing
matching   highlight <-> passage within a note: the evidence, in numbers and in words
naming     a pair that the person names
places     what stands beside the words, where words can tell nothing
odds       evidence -> probability, and the person's own correction of it
weighing   one note against its sources, here or in another process
work       all of it gathered; what each note's result hangs on
memo       what was weighed before: only what changed is weighed again
review     which undecided pairs are most worth a look; split, merge, reopen
export     pairs as JSONL; a pair explained in words
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from ..library import Library
from ..library.examples import BESIDE_WORDS
from ..library.follows import Follow
from ..pool import cores, no_search_for_cycles
from ..records import Pair, Passage
from ..settings import Settings
from .export import explain, export_pairs
from .linking import SourceLink
from .matching import Candidate
from .memo import METHODS, Weighed, correction_from, is_current, looks_at, proposals, rules, weighed
from .naming import add, passages_under
from .places import Beside, points_at
from .review import merge, recorded, reopen, restore, split
from .review import queue as review_queue
from .spoken import Spoken
from .words import RULES
from .work import Work

WORDS = "cache/pairing-words.npz"  # in the home folder; may be deleted at any time


@dataclass(frozen=True, slots=True)
class PairReport:
    """What pairing changed. `decided` are left as the person decided; `by_method` counts what is proposed now by its best evidence.

    `notes_weighed` are the notes that had to be looked at anew; the others' results were remembered. `notes_silent` point at a source and
    have no pair all the same, `silent` are their paths; nothing is told of them where nothing had changed.
    """

    added: int = 0
    kept: int = 0
    removed: int = 0
    decided: int = 0
    notes_paired: int = 0
    notes_unpaired: int = 0
    notes_weighed: int = 0
    notes_silent: int = 0
    silent: tuple[str, ...] = ()
    by_method: dict[str, int] = field(default_factory=dict, hash=False)


def pair(
    library: Library,
    *,
    settings: Settings | None = None,
    workers: int = 0,
    embeddings: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PairReport:
    """Propose pairs from all highlights and passages; accepted and rejected pairs stay as they are.

    Only notes whose own text, sources, highlights or words changed since the last time are weighed again; the result is the same as
    from scratch. Decisions correct the scores. Needs an import of highlights and of the vault first; without them nothing is proposed.
    Where very many notes are to be weighed, `workers` processes do it (0: one for each core, at most eight), with the same result.
    With `embeddings` (default: as the settings say; else without) sentences that mean the same count as evidence where little is quoted;
    a run with and one without do not remember each other's results. `progress` gets notes done and notes in all.
    Raises Unavailable when a process dies, and MissingExtra without a model for embeddings; nothing is changed then.
    """
    if embeddings is None:
        embeddings = bool(settings and settings.embeddings)
    if is_current(library, embeddings=embeddings):
        report = _report(library)
        return replace(report, kept=sum(report.by_method.values()))
    with no_search_for_cycles():
        return _pair(library, workers or cores(), embeddings, progress)


def _pair(library: Library, workers: int, embeddings: bool, progress: Callable[[int, int], None] | None) -> PairReport:
    library.pairs.follow()  # decisions count where their passages stand now
    read_at, looked_at = library.pairs.changes(), looks_at(library, embeddings=embeddings)
    words = library.home / WORDS
    spoken = Spoken.load(words, RULES)
    work = Work(library, spoken=spoken, embeddings=embeddings)
    ruled, notes = rules(embeddings=embeddings), list[Weighed]()
    with closing(weighed(work, library.pairs.memo(), ruled=ruled, workers=workers)) as found:
        for note in found:
            notes.append(note)
            if progress:
                progress(len(notes), len(work.notes))
    correction = correction_from(library, notes)
    pairs = [item for note in notes for item in proposals(note, work.passages.get(note.note_id, []), correction)]
    pairs += list(_beside(library, work, pairs))
    having = {item.note_id for item in pairs} | {item.note_id for item in library.pairs.all(status="accepted")}
    memo = {note.note_id: (note.signature, note.payload) for note in notes}
    counts = library.pairs.propose(pairs, memo=memo, rules=looked_at, read_at=read_at)
    spoken.save(words, RULES)
    silent = tuple(note.path for note in work.notes if note.id not in having and points_at(work, note))
    return replace(
        _report(library), added=counts["added"], kept=counts["kept"], removed=counts["removed"],
        notes_weighed=sum(1 for note in notes if note.fresh), notes_silent=len(silent), silent=silent,
    )  # fmt: skip


def _beside(library: Library, work: Work, pairs: Sequence[Pair]) -> Iterator[Pair]:
    """What is proposed for passages that neither these pairs nor a decision have: known from drafts, or found beside the words."""
    taken: dict[str, set[str]] = defaultdict(set)
    for item in (*pairs, *(pair for pair in library.pairs.all(status="accepted") if pair.method not in BESIDE_WORDS)):
        taken[item.note_id].add(item.passage_id)
    inserted: dict[str, list[Follow]] = defaultdict(list)
    for follow in library.follows.all():
        if follow.state == "followed":
            inserted[follow.note_path].append(follow)
    beside = Beside(library, work)
    for note in work.notes:
        for item in beside.written(note, inserted[note.path]):
            if item.passage_id not in taken[note.id]:
                taken[note.id].add(item.passage_id)
                yield item
        yield from beside.placed(note, taken[note.id])


def _report(library: Library) -> PairReport:
    """What there is to say of the library as it is, whatever has changed."""
    tally, notes, paired = library.pairs.tally(), library.counts()["notes"], len(library.pairs.paired_notes())
    return PairReport(
        decided=sum(number for (status, _), number in tally.items() if status != "proposed"), notes_paired=paired,
        notes_unpaired=notes - paired, by_method={name: tally["proposed", name] for name in METHODS if ("proposed", name) in tally},
    )  # fmt: skip


def source_links(library: Library) -> list[SourceLink]:
    """Which notes point at which sources by id, link or title, most likely first within a note. No text is compared."""
    work = Work(library, compare=False)
    found = [link for note in work.notes for link in work.links(note).values()]
    return sorted(found, key=lambda link: (link.note_id, -link.score, link.source_id))


def all_candidates(library: Library, *, embeddings: bool = False) -> Iterator[tuple[list[Passage], Candidate]]:
    """Everything that pairing weighs, likely or not, each with the passages of its note: what scores are fitted and measured on."""
    work = Work(library, embeddings=embeddings)
    for note in work.notes:
        for candidates in work.candidates(note).values():
            yield from ((work.passages[note.id], item) for item in candidates)


__all__ = [
    "Candidate", "PairReport", "SourceLink", "add", "all_candidates", "explain", "export_pairs", "merge", "pair", "passages_under",
    "recorded", "reopen", "restore", "review_queue", "source_links", "split",
]  # fmt: skip
