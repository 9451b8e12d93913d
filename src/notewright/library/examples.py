"""Pairs as examples: the prompt that a finished passage answers, with the highlights that drafting would show for it.

Both sides use this: a dataset learns from these prompts, and drafting shows the nearest ones as earlier exchanges. Because the highlights
of a prompt are those that drafting would show, a model also learns what to leave out.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..records import Highlight, Pair, Passage, Prompt, Source
from ..text import normalise, plain_newlines
from . import splits
from .database import TEACHES
from .memory import Memory
from .pairs import HAND
from .selection import AGAINST, BESIDE, LEAST, SELDOM, Selection, said, widened
from .units import longer_words, units

if TYPE_CHECKING:
    from . import Library

THRESHOLD = TEACHES
BESIDE_WORDS = ("place", "figures")  # methods by which pairs are proposed below the threshold; accepted, they teach
MIN_COVERAGE = 0.15
_SURE = 0.9
_CLOSE = 0.1  # a highlight belongs to the passage it fits best, and to those that fit nearly as well

CHANGED = "person changed at"  # key of the library's state: the time from which on the person judges otherwise than before
_STATE = "selection"  # key of the library's state
NOTICED = "change noticed at"  # key of the library's state: when that was found
_JUDGED = ("ranking", "decision", "edit")

_examples: Memory[tuple[list[Example], Counter[str]]] = Memory()
_judged: Memory[frozenset[str]] = Memory()

Shape = tuple[str, bool, float, float]  # kind of source, one chapter?, log of the number and of the length of highlights


@dataclass(frozen=True, slots=True)
class Example:
    """A passage of the person and the prompt it answers; `shape` is the prompt's, as `nearest` compares it. `former`: from before the
    person changed, as far as is known. `used` are the ids of the highlights that it surely rests on."""

    prompt: Prompt
    passage: str
    pair_id: str
    note_path: str
    weight: float
    shape: Shape
    former: bool = False
    used: frozenset[str] = frozenset()

    @property
    def source_id(self) -> str:
        return self.prompt.source.id


def visible_highlights(library: Library, source_id: str, *, chapter: str = "") -> list[Highlight]:
    """What a prompt may show of a source, in reading order: no chapter marks, no discards."""
    return [item for item in library.sources.highlights(source_id, chapter=chapter) if not item.is_discard]


def chapters(library: Library, source_id: str) -> dict[str, int]:
    """Chapter titles in reading order with their numbers of visible highlights; "" for those before the first chapter."""
    counts: dict[str, int] = {}
    for highlight in visible_highlights(library, source_id):
        counts[highlight.chapter] = counts.get(highlight.chapter, 0) + 1
    return counts


def from_pairs(
    library: Library, *, threshold: float = THRESHOLD, min_coverage: float = MIN_COVERAGE, left_out: Counter[str] | None = None
) -> list[Example]:
    """Examples from accepted pairs and from proposals that score at least `threshold`, by note and place in it; what a note says of one
    chapter is one example (`units`), called by the first of its pairs.

    `left_out` collects why the other pairs were not used. Equal passages (in normal form) count once: the surest pair keeps them. Prompts
    show what the person's rule about highlights leaves (`selection_of`).
    """
    found, selection = _every(library, threshold, min_coverage, left_out), selection_of(library)
    if not selection.marks:
        return found
    ours = {item.pair_id for item in teaching(library, found)}  # what measures is shown as a draft would be: nobody knows what will be used
    return [_with(item, selection.of(item.prompt.highlights, used=item.used if item.pair_id in ours else frozenset())) for item in found]


def teaching(library: Library, examples: Iterable[Example]) -> list[Example]:
    """Those that do not measure, as far as sources and chapters have a side yet."""
    sides, later = splits.known(library), splits.later(library)
    return [
        item for item in examples
        if later.side(sides.get(item.source_id, "train"), item.source_id, item.prompt.highlights) == "train"
    ]  # fmt: skip


def selection_of(library: Library) -> Selection:
    """What the person's standing rule about highlights comes to beside their passages that teach; kept until these change."""
    marks, at = said(library)
    if not marks:
        return Selection()
    stamp = f"{marks} {at} {AGAINST} {BESIDE} {LEAST} {SELDOM} {habits_stamp(library)}"
    kept = json.loads(library.db.get_state(_STATE) or "{}")
    if kept.get("stamp") != stamp:
        lately, ours = judged_since(library, at), [item for item in teaching(library, _every(library)) if not item.former]
        seen = [(item.prompt.highlights, item.used, any(one.id in lately for one in item.prompt.highlights)) for item in ours]
        found = widened(marks, ((shown, used) for shown, used, _ in seen), ((shown, used) for shown, used, new in seen if new))
        kept = {"stamp": stamp, "marks": found.marks, "also": found.also}
        library.db.set_state(_STATE, json.dumps(kept))
    return Selection(tuple(kept["marks"]), tuple(kept["also"]))


def habits_stamp(library: Library) -> str:
    """Differs when something has changed that habits of choosing highlights are learnt from."""
    lately = judged_lately(library)
    return f"{library.db.material()} {splits.stamp(library)} {library.db.get_state(CHANGED)} {len(lately or ())}"


def _with(example: Example, highlights: tuple[Highlight, ...]) -> Example:
    prompt = replace(example.prompt, highlights=highlights)
    return replace(example, prompt=prompt, shape=shape(prompt))


def _every(
    library: Library, threshold: float = THRESHOLD, min_coverage: float = MIN_COVERAGE, left_out: Counter[str] | None = None
) -> list[Example]:
    """`from_pairs` with all highlights shown, made anew only where something that examples are made of has changed."""
    about = (threshold, min_coverage)
    found, reasons = _examples.get(library, about, library.db.material(), lambda: _make(library, threshold, min_coverage))
    if left_out is not None:
        left_out.update(reasons)
    lately = judged_lately(library)
    if lately is None:
        return list(found)
    return [replace(item, former=True) if lately.isdisjoint(one.id for one in item.prompt.highlights) else item for item in found]


def _make(library: Library, threshold: float, min_coverage: float) -> tuple[list[Example], Counter[str]]:
    """The examples, none of them former, and why the other pairs were not used."""
    reasons = Counter[str]()
    # A pair that the person named and took back is proposed until the next pairing, which would never have proposed it.
    pairs = [pair for pair in library.pairs.all() if pair.status == "accepted" or (pair.status == "proposed" and pair.method != HAND)]
    sources = {source_id: library.sources.get(source_id) for source_id in dict.fromkeys(pair.source_id for pair in pairs)}
    shown = {source_id: visible_highlights(library, source_id) for source_id in sources}
    best: dict[str, float] = defaultdict(float)
    for pair in pairs:
        for link in pair.links:
            best[link.highlight_id] = max(best[link.highlight_id], link.score)
    linked = {
        pair.id: {
            link.highlight_id
            for link in pair.links
            if link.score >= max(threshold, best[link.highlight_id] - _CLOSE) or (pair.status == "accepted" and link.method in BESIDE_WORDS)
        }
        for pair in pairs
    }
    told: dict[str, dict[str, int]] = defaultdict(dict)  # how many highlights of each source a passage rests on
    for pair in pairs:
        told[pair.passage_id][pair.source_id] = len(linked[pair.id])
    aside = {pair.id for pair in pairs if pair.status != "accepted" and 0 < 2 * len(linked[pair.id]) <= max(told[pair.passage_id].values())}
    reasons.update("the passage rests more on another source" for _ in aside)
    pairs = [pair for pair in pairs if pair.id not in aside]
    by_note: dict[str, list[Passage]] = defaultdict(list)
    for passage in library.notes.passages(*{pair.note_id for pair in pairs}) if pairs else ():
        by_note[passage.note_id].append(passage)
    pairs, linked = units(pairs, linked, {item.id: item for items in shown.values() for item in items}, by_note)
    owners: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        for highlight_id in linked[pair.id]:
            owners[highlight_id].add(pair.passage_id)
    seen: set[str] = set()
    found: dict[str, Example] = {}
    for pair in sorted(pairs, key=lambda item: (item.status != "accepted", -item.score)):
        reason, prompt = _prompt(pair, sources[pair.source_id], shown[pair.source_id], linked[pair.id], owners, threshold)
        if prompt and pair.status != "accepted" and pair.score < _SURE and coverage(pair.passage_text, prompt.highlights) < min_coverage:
            reason = "weak coverage: the passage shares too few words with its highlights"
        key = normalise(pair.passage_text)
        if not reason and key in seen:
            reason = "duplicate of another passage"
        if reason or prompt is None:
            reasons[reason] += 1
            continue
        seen.add(key)
        used = frozenset(linked[pair.id])
        weight = 1.0 if pair.status == "accepted" else round(pair.score, 3)
        found[pair.id] = Example(prompt, plain_newlines(pair.passage_text), pair.id, pair.note_path, weight, shape(prompt), used=used)
    return [found[pair.id] for pair in pairs if pair.id in found], reasons


def judged_lately(library: Library) -> frozenset[str] | None:
    """The highlights of all drafts that were judged since the person changed; None where no change is known (`models.drift`)."""
    changed = library.db.get_state(CHANGED)
    return judged_since(library, changed) if changed else None


def judged_since(library: Library, at: str) -> frozenset[str]:
    """The highlights of all drafts that were judged from then on."""

    def read() -> frozenset[str]:
        batches = {str(event.payload.get("batch", "")) for event in library.events.standing(*_JUDGED) if event.at >= at}
        return library.drafts.highlights(batches)

    return _judged.get(library, at, library.events.last(), read)


def _prompt(
    pair: Pair, source: Source, shown: Sequence[Highlight], linked: set[str], owners: Mapping[str, set[str]], threshold: float
) -> tuple[str, Prompt | None]:
    """The reason why there is none, or the prompt."""
    accepted = pair.status == "accepted"
    if not accepted and pair.score < threshold:
        return f"score below {threshold:g}", None
    if not pair.passage_text.strip():
        return "empty passage", None
    sure = linked or {link.highlight_id for link in pair.links if accepted}
    places = [index for index, highlight in enumerate(shown) if highlight.id in sure]
    if not places:
        elsewhere = not sure and any(link.score >= threshold for link in pair.links)
        return "its highlights fit another passage better" if elsewhere else "no visible highlight is linked", None
    names = {shown[index].chapter for index in places}
    chapter = names.pop() if len(names) == 1 else ""
    window = [item for item in shown if item.chapter == chapter] if chapter else shown[places[0] : places[-1] + 1]
    kept = tuple(item for item in window if item.id in sure or not owners.get(item.id, set()) - {pair.passage_id})
    return "", Prompt(source=source, highlights=kept, chapter=chapter)


def coverage(passage: str, highlights: Iterable[Highlight]) -> float:
    """Share of the passage's longer words (four letters and up) that occur in the highlights or annotations; 1 when it has none."""
    have = {word for item in highlights for word in longer_words(f"{item.text} {item.annotation} {item.chapter}")}
    need = longer_words(passage)
    return sum(word in have for word in need) / len(need) if need else 1.0


def nearest(prompt: Prompt, candidates: Iterable[Example], *, former: bool = False) -> list[Example]:
    """Examples of other sources, the most alike first, at most one per source; before all others those of the same side of the person's
    last change, if there was one (`former`: on which side the prompt is).

    Alike in shape rather than in topic: the kind of source, whether it is one chapter, how many highlights and how long they are.
    """
    wanted = shape(prompt)
    ranked = sorted(
        (item for item in candidates if item.source_id != prompt.source.id),
        key=lambda item: (item.former != former, _unlikeness(wanted, item.shape), -item.weight, item.pair_id),
    )
    best: dict[str, Example] = {}
    for example in ranked:
        best.setdefault(example.source_id, example)
    return list(best.values())


def shape(prompt: Prompt) -> Shape:
    """What of a prompt tells which kind of passage may answer it."""
    size = sum(len(item.text) + len(item.annotation) for item in prompt.highlights) + 1
    return prompt.source.kind, bool(prompt.chapter), math.log(len(prompt.highlights) + 1), math.log(size)


def _unlikeness(left: Shape, right: Shape) -> float:
    kind = 0.0 if left[0] == right[0] else 1.0
    chapter = 0.0 if left[1] == right[1] else 0.5
    return kind + chapter + abs(left[2] - right[2]) + 0.5 * abs(left[3] - right[3])
