"""Pairs as examples: the prompt that a finished passage answers, with the highlights that drafting would show for it.

Both sides use this: a dataset learns from these prompts, and drafting shows the nearest ones as earlier exchanges. Because the highlights
of a prompt are those that drafting would show, a model also learns what to leave out.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..records import Highlight, Pair, Prompt, Source
from ..text import normalise

if TYPE_CHECKING:
    from . import Library

THRESHOLD = 0.6
MIN_COVERAGE = 0.15
_SURE = 0.9


@dataclass(frozen=True, slots=True)
class Example:
    """A passage of the person and the prompt it answers."""

    prompt: Prompt
    passage: str
    pair_id: str
    note_path: str
    weight: float

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
    """Examples from accepted pairs and from proposals that score at least `threshold`, by note and place in it.

    `left_out` collects why the other pairs were not used. Equal passages (in normal form) count once: the surest pair keeps them.
    """
    reasons = left_out if left_out is not None else Counter()
    pairs = [pair for pair in library.pairs.all() if pair.status != "rejected"]
    owners: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        for link in pair.links:
            if link.score >= threshold:
                owners[link.highlight_id].add(pair.passage_id)
    seen: set[str] = set()
    sources: dict[str, Source] = {}
    shown: dict[str, list[Highlight]] = {}
    found: dict[str, Example] = {}
    for pair in sorted(pairs, key=lambda item: (item.status != "accepted", -item.score)):
        if pair.source_id not in sources:
            sources[pair.source_id] = library.sources.get(pair.source_id)
            shown[pair.source_id] = visible_highlights(library, pair.source_id)
        reason, prompt = _prompt(pair, sources[pair.source_id], shown[pair.source_id], owners, threshold)
        if prompt and pair.status != "accepted" and pair.score < _SURE and coverage(pair.passage_text, prompt.highlights) < min_coverage:
            reason = "weak coverage: the passage shares too few words with its highlights"
        key = normalise(pair.passage_text)
        if not reason and key in seen:
            reason = "duplicate of another passage"
        if reason or prompt is None:
            reasons[reason] += 1
            continue
        seen.add(key)
        weight = 1.0 if pair.status == "accepted" else round(pair.score, 3)
        found[pair.id] = Example(prompt, pair.passage_text, pair.id, pair.note_path, weight)
    return [found[pair.id] for pair in pairs if pair.id in found]


def _prompt(
    pair: Pair, source: Source, shown: Sequence[Highlight], owners: Mapping[str, set[str]], threshold: float
) -> tuple[str, Prompt | None]:
    """The reason why there is none, or the prompt."""
    accepted = pair.status == "accepted"
    if not accepted and pair.score < threshold:
        return f"score below {threshold:g}", None
    if not pair.passage_text.strip():
        return "empty passage", None
    sure = {link.highlight_id for link in pair.links if link.score >= threshold} or {link.highlight_id for link in pair.links if accepted}
    linked = [index for index, highlight in enumerate(shown) if highlight.id in sure]
    if not linked:
        return "no visible highlight is linked", None
    names = {shown[index].chapter for index in linked}
    chapter = names.pop() if len(names) == 1 else ""
    window = [item for item in shown if item.chapter == chapter] if chapter else shown[linked[0] : linked[-1] + 1]
    kept = tuple(item for item in window if item.id in sure or not owners.get(item.id, set()) - {pair.passage_id})
    return "", Prompt(source=source, highlights=kept, chapter=chapter)


def coverage(passage: str, highlights: Iterable[Highlight]) -> float:
    """Share of the passage's longer words (four letters and up) that occur in the highlights or annotations; 1 when it has none."""
    have = {word for item in highlights for word in _content_words(f"{item.text} {item.annotation} {item.chapter}")}
    need = _content_words(passage)
    return sum(word in have for word in need) / len(need) if need else 1.0


def _content_words(text: str) -> list[str]:
    return [word for word in "".join(char if char.isalnum() else " " for char in normalise(text)).split() if len(word) >= 4]


def nearest(prompt: Prompt, candidates: Iterable[Example]) -> list[Example]:
    """Examples of other sources, the most alike first, at most one per source.

    Alike in shape rather than in topic: the kind of source, whether it is one chapter, how many highlights and how long they are.
    """
    ranked = sorted(
        (item for item in candidates if item.source_id != prompt.source.id),
        key=lambda item: (_unlikeness(prompt, item.prompt), -item.weight, item.pair_id),
    )
    best: dict[str, Example] = {}
    for example in ranked:
        best.setdefault(example.source_id, example)
    return list(best.values())


def _unlikeness(left: Prompt, right: Prompt) -> float:
    def size(prompt: Prompt) -> int:
        return sum(len(item.text) + len(item.annotation) for item in prompt.highlights) + 1

    kind = 0.0 if left.source.kind == right.source.kind else 1.0
    shape = 0.0 if bool(left.chapter) == bool(right.chapter) else 0.5
    number = abs(math.log((len(left.highlights) + 1) / (len(right.highlights) + 1)))
    return kind + shape + number + 0.5 * abs(math.log(size(left) / size(right)))
