"""What should not teach, found before anything is frozen: near-duplicates, leaks, boilerplate, passages of the person's own knowledge.

`clean` looks at examples alone, `leaks` at training examples beside those that measure. Both give reasons by pair id, for the manifest and
the report; an accepted pair is left out only as a copy or a leak, since the person vouched for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..library import splits
from ..library.copies import LONG, long_texts, measuring, mostly_among, texts_of
from ..library.examples import THRESHOLD, Example
from ..library.rows import Row
from ..prompts import Message, Teaching
from ..provenance import Span, provenances, word_spans
from ..records import Draft
from ..text import normalise

if TYPE_CHECKING:
    from ..library import Library

PARTLY_LATER = "some of its chapters only measure"
REMOVED = "you removed its source"
COPY = "leak: another copy of its source measures"
TEACH_ONLY = ("demonstration", "labelled")  # kinds of preference rows by which nothing is measured: no judgements of the person
_TEXTS = ("completion", "chosen", "rejected", "shown", "edited")  # a row's columns beside its prompt
_SHINGLE = 4  # words
_ALIKE = 0.7  # shared shingles, of the smaller text's, that make two passages near-duplicates
_COMMON = 60  # a shingle in more passages than this is a template's
_OWN = 0.1  # a passage of whose words less than this rests on its highlights is the person's own knowledge
_TEMPLATE = 0.7  # share of a passage's lines that recur elsewhere
_RECURS = 5  # passages of different notes a line must stand in to be boilerplate


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows by split, the side of each source, of how many exchanges the rows' prompts were rid (`prompts.Teaching`), and why rows were left
    out, by their place in what was found."""

    rows: dict[str, list[Row]]
    sides: dict[str, str]
    cut: int
    out: dict[int, str]


def by_side(
    library: Library,
    found: Sequence[tuple[Row, Draft]],
    *,
    shares: tuple[float, float, float],
    later: splits.Later,
    left_out: Counter[str],
    max_chars: int,
    threshold: float = THRESHOLD,
) -> Placed:
    """Rows with the prompt of a draft, each in its split, their prompts without the earlier exchanges that may not teach. Left out, and
    counted: what is about a source that the person removed, a draft over chapters that teach and chapters that measure, and what is longer
    than `max_chars` with its longest text."""
    removed = library.hidden.sources()
    among = [draft.source_id for _, draft in found if draft.source_id not in removed]
    sides = splits.assign(library, among, shares=shares, fill=False)
    teaching = Teaching(library, later, threshold=threshold)
    placed = Placed({name: [] for name in splits.PARTS}, sides, 0, {})
    measured = long_texts(measuring(library, sides, later))
    cut = 0
    for place, (row, draft) in enumerate(found):
        if draft.source_id in removed:
            placed.out[place] = REMOVED
            continue
        side = later.side_of(library, sides[draft.source_id], draft)
        prompt, gone = teaching.cut(row["prompt"])
        if not side:
            placed.out[place] = PARTLY_LATER
        elif side == "train" and measured and mostly_among(texts_of(library, draft), measured):
            placed.out[place] = COPY
        elif side != "train" and row.get("kind") in TEACH_ONLY:
            placed.out[place] = f"{row['kind']} row of a source or chapter that only measures"
        elif _size(prompt) + max(_size(row[name]) for name in _TEXTS if name in row) > max_chars:
            placed.out[place] = f"longer than {max_chars} characters"
        else:
            placed.rows[side].append({**row, "prompt": prompt})
            cut += gone
    left_out.update(placed.out.values())
    return replace(placed, cut=cut)


def _size(messages: Sequence[Message]) -> int:
    return sum(len(message["content"]) for message in messages)


def resting(examples: Sequence[Example]) -> dict[str, tuple[Span, ...]]:
    """The provenance of each passage, by pair id."""
    found = provenances([(example.passage, example.prompt.highlights) for example in examples])
    return {example.pair_id: spans for example, spans in zip(examples, found, strict=True)}


def clean(examples: Sequence[Example], spans: Mapping[str, Sequence[Span]]) -> dict[str, str]:
    """Reasons to leave examples out, by pair id; of near-duplicates the accepted or surest one stays."""
    reasons: dict[str, str] = {}
    template = boilerplate(examples)
    for example in (item for item in examples if item.weight < 1.0):
        lines = _lines(example.passage)
        if lines and sum(line in template for line in lines) >= _TEMPLATE * len(lines):
            reasons[example.pair_id] = "template boilerplate: most of its lines recur in other notes"
        elif rested(example.passage, spans[example.pair_id]) < _OWN:
            reasons[example.pair_id] = "mostly the person's own knowledge: hardly a sentence rests on its highlights"
    order = sorted((item for item in examples if item.pair_id not in reasons), key=lambda item: (-item.weight, item.pair_id))
    for number, other in near([item.passage for item in order]).items():
        shortest = LONG if _texts(order[number]) else 0
        mine, theirs = _texts(order[number], shortest), _texts(order[other], shortest)
        if len(mine & theirs) >= 0.5 * len(mine):  # alike by other highlights is a habit, not a copy
            reasons[order[number].pair_id] = "near-duplicate of another pair"
    return reasons


def leaks(teaching: Sequence[Example], measured: Sequence[Example], texts: Set[str]) -> dict[str, str]:
    """Training examples whose passage, or whose highlights, nearly stand on the measuring side too. `texts` are all highlights there, also
    those that nothing `measured` is about yet."""
    reasons: dict[str, str] = {}
    held = [item.passage for item in measured]
    for number, other in near([*held, *(item.passage for item in teaching)], among=len(held)).items():
        if number >= len(held) and other < len(held):
            reasons[teaching[number - len(held)].pair_id] = "leak: nearly the same passage measures"
    for item in teaching:
        if mostly_among(_texts(item), texts):
            reasons.setdefault(item.pair_id, COPY)
    return reasons


def near(texts: Sequence[str], *, among: int | None = None) -> dict[int, int]:
    """For each text that nearly repeats an earlier one (with `among`, one of the first so many): the earlier one's number."""
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    sizes: list[int] = []
    for number, text in enumerate(texts):
        shingles = _shingles(text)
        sizes.append(len(shingles))
        shared = Counter(other for item in shingles for other in holders.get(item, ())[:_COMMON])
        for other, count in shared.most_common():
            smaller = min(len(shingles), sizes[other])
            if count >= _ALIKE * max(1, smaller) and smaller * 2 >= len(shingles):
                found[number] = other
                break
        if number not in found and (among is None or number < among):
            for item in shingles:
                holders[item].append(number)
    return found


def boilerplate(examples: Sequence[Example]) -> set[str]:
    """Lines, in normal form, that stand in passages of several notes."""
    notes: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for line in _lines(example.passage):
            notes[line].add(example.note_path)
    return {line for line, paths in notes.items() if len(paths) >= _RECURS}


def rested(passage: str, spans: Sequence[Span]) -> float:
    """Share of the passage's words in sentences and bullets that rest on highlights; 1 where there are no words."""
    written = [span for span in spans if span.kind != "heading"]
    sizes = [len(word_spans(passage[span.start : span.end])) for span in written]
    return sum(size for span, size in zip(written, sizes, strict=True) if span.rests) / sum(sizes) if sum(sizes) else 1.0


def counted(reasons: Mapping[str, str]) -> Counter[str]:
    return Counter(reasons.values())


def _lines(text: str) -> list[str]:
    return [line for line in map(normalise, text.splitlines()) if line]


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = [word for word, _, _ in word_spans(text)]
    return {tuple(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1))} if words else set()


def _texts(example: Example, shortest: int = LONG) -> set[str]:
    return long_texts(example.prompt.highlights, shortest)
