"""Proposals where words can tell nothing: in another language than the highlights, or in words of the person's own.

    Beside.written(note, ...)   pairs of what came from a draft: the person took it for these highlights
    Beside.placed(note, ...)    pairs of a note that points at a source, by what stands beside the words

What a passage shares then is its place (the chapter's heading, a page) or its figures and names. That is worth a look and no more, so
these pairs score below what teaches, and teach once the person accepted them. Passages in the highlights' own language are left alone
unless nothing else in their note was paired, so that thoughts of one's own between quotations are not taken for paraphrases.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from functools import cached_property

from ..language import common_language, differ, own_language
from ..library import Library
from ..library.examples import BESIDE_WORDS
from ..library.follows import Follow
from ..records import Highlight, Note, Pair, PairLink, Passage
from ..text import content_hash
from ..vault.given import BEHIND, NUMBER, Given, plain_number, ways
from .keys import title_key
from .unsaid import says_nothing
from .work import Work

DRAFT = "draft"  # the method of pairs that are known from a draft
METHODS = (DRAFT, *BESIDE_WORDS)
POINTS = 0.7  # a link to a source below this is not sure enough
SCORE = 0.55  # proposed, and below what teaches (`library.examples.THRESHOLD`)
_ENOUGH = 2.0  # points: one for a number of two digits or a name, two for a longer number; shared among the highlights that have it
_PAGE = re.compile(
    r"(?<!\w)(?:pp?\.|pages?|S\.|Seiten?|loc\.|location|Pos(?:\.|ition))\s?(\d{1,5})(?:\s?[-–]\s?(\d{1,5}))?(?!\d)", re.IGNORECASE
)
_KINDS = ("page", "location")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'’-]{3,}")


class Beside:
    """What is looked for beside the words, in one pairing."""

    def __init__(self, library: Library, work: Work) -> None:
        self._library, self._work = library, work
        self._figures: dict[str, _Figures] = {}

    def written(self, note: Note, inserted: Sequence[Follow]) -> Iterator[Pair]:
        """The passages that drafts became which were `inserted` into this note; one that two drafts became comes twice."""
        for follow in inserted:
            draft = self._library.drafts.get(follow.draft_id)
            known = {item.id: item for item in self._work.highlights.get(draft.source_id, ())}
            links = [PairLink(key, 1.0, DRAFT, f"written for it as {draft.id}") for key in draft.highlight_ids if key in known]
            for passage in self._work.passages.get(note.id, ()):
                if links and _came_from(follow, note, passage):
                    yield _pair(note, passage, draft.source_id, links, score=1.0)

    def placed(self, note: Note, taken: Set[str]) -> Iterator[Pair]:
        """Of the passages that are not `taken`, those that stand where a source is told of, or have its figures."""
        passages = [item for item in self._work.passages.get(note.id, ()) if item.id not in taken]
        sources = points_at(self._work, note) if passages else []
        for passage in passages:
            found = {key: links for key in sources if (links := self._links(key, passage, only=len(sources) == 1))}
            if len(found) != 1 or says_nothing(passage):
                continue
            (source_id, links), *_ = found.items()
            spoken = common_language(item.text for item in self._work.highlights[source_id])
            if taken and not differ(own_language(passage.text), spoken):
                continue
            links[0] = replace(links[0], evidence=f"{links[0].evidence}; {self._work.links(note)[source_id].evidence}")
            yield _pair(note, passage, source_id, links, score=SCORE)

    def _links(self, source_id: str, passage: Passage, *, only: bool) -> list[PairLink]:
        """In reading order, the highlights of a source that the passage may be about, and why."""
        highlights = [item for item in self._work.highlights[source_id] if not item.is_discard]
        headings = {title_key(heading) for heading in passage.headings} - {""}
        under = [item for item in highlights if item.chapter and title_key(item.chapter) in headings]
        if under:
            return [_link(item, "place", "under its chapter's heading") for item in under]
        pages = _pages(passage.text) if only else set()
        there = [item for item in highlights if item.location in pages and item.location_type in _KINDS]
        if there:
            return [_link(item, "place", f"names its {item.location_type} {item.location}") for item in there]
        if source_id not in self._figures:
            self._figures[source_id] = _Figures(highlights)
        return [_link(item, "figures", f"has its {', '.join(said)}") for item, said in self._figures[source_id].alike(passage.text)]


class _Figures:
    """The figures and names in each highlight of a source, read when a passage first asks: few do."""

    def __init__(self, highlights: Sequence[Highlight]) -> None:
        self._highlights = highlights
        self._bare = [replace(item, location=None, highlighted_at="", chapter="", tags=()) for item in highlights]

    @cached_property
    def _any(self) -> Given:
        return Given(self._bare, "")

    @cached_property
    def _each(self) -> list[tuple[Highlight, Given, set[str]]]:
        both = zip(self._highlights, self._bare, strict=True)
        return [(item, Given([bare], ""), set(_NAME.findall(item.text))) for item, bare in both]

    @cached_property
    def _having(self) -> dict[str, list[int]]:
        """Which of them have a number, by each way to read it."""
        found: dict[str, list[int]] = defaultdict(list)
        for at, (_, given, _) in enumerate(self._each):
            for way in given.numbers:
                found[way].append(at)
        return found

    @cached_property
    def _named(self) -> Counter[str]:
        """In how many of them a name stands."""
        return Counter(name for *_, names in self._each for name in names)

    def _holders(self, number: str, behind: str) -> list[int]:
        likely = {at for way in ways(number, behind) for at in self._having.get(way, ())}
        return [at for at in sorted(likely) if self._each[at][1].counts(number, behind)]

    def alike(self, text: str) -> list[tuple[Highlight, list[str]]]:
        """Highlights of which the text has figures, and names beside them."""
        bare = _PAGE.sub(" ", text)
        here = {found[0]: bare[found.end() : found.end() + BEHIND] for found in NUMBER.finditer(bare)}
        numbers = {number: behind for number, behind in here.items() if self._any.counts(number, behind)}
        if not numbers:
            return []
        words = {word for found in re.findall(r"[^\W\d_][\w'’-]{3,}", text) for word in (found, found.removesuffix("s"))}
        points: dict[str, float] = {name: 1.0 / self._named[name] for name in words if name in self._named}
        said: dict[int, list[str]] = defaultdict(list)
        for number, behind in numbers.items():
            digits = len(re.sub(r"\D", "", plain_number(number)))
            worth = 2.0 if digits > 2 else 1.0 if digits == 2 or "%" in number else 0.0
            holders = self._holders(number, behind) if worth else []
            points[number] = worth / max(1, len(holders))
            for at in holders:
                said[at].append(number)
        alike = []
        for at, told in sorted(said.items()):
            item, _, names = self._each[at]
            told += sorted(names & words)
            if sum(points[word] for word in told) >= _ENOUGH:
                alike.append((item, told[:4]))
        return alike


def points_at(work: Work, note: Note) -> list[str]:
    """The sources with highlights that a note surely points at; none for an export."""
    if work.is_export(note):
        return []
    return [key for key, link in work.links(note).items() if link.score >= POINTS and work.highlights.get(key)]


def _came_from(follow: Follow, note: Note, passage: Passage) -> bool:
    """Is half of the passage what is followed? While a later edit of the note was not looked at yet, by the text alone."""
    if content_hash(follow.note) == note.content_hash:
        inside = sum(max(0, min(end, passage.end) - max(start, passage.start)) for start, end in follow.spans)
        return 2 * inside >= passage.end - passage.start
    one, other = follow.text.strip(), passage.text.strip()
    return bool(one and other) and (one in other or other in one) and 2 * len(one) >= len(other)


def _pair(note: Note, passage: Passage, source_id: str, links: Sequence[PairLink], *, score: float) -> Pair:
    return Pair(
        id="", source_id=source_id, note_id=note.id, note_path=note.path, passage_id=passage.id, passage_start=passage.start,
        passage_end=passage.end, passage_text=passage.text, score=score, method=links[0].method, status="proposed", links=tuple(links),
        headings=passage.headings,
    )  # fmt: skip


def _link(highlight: Highlight, method: str, evidence: str) -> PairLink:
    return PairLink(highlight.id, SCORE, method, evidence)


def _pages(text: str) -> set[int]:
    found: set[int] = set()
    for first, last in _PAGE.findall(text):
        found |= {int(first), *(range(int(first), int(last) + 1) if last and 0 < int(last) - int(first) < 20 else ())}
    return found
