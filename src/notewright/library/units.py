"""What a draft would be: all that a note says of one chapter (docs/decisions/0022-what-a-draft-would-be.md).

A passage is one heading with its own content, while drafts are asked for by chapter. Where the person wrote of a chapter under several
headings, its passages are joined; where one passage tells of several chapters, as in a note without headings, it is cut between them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from ..records import Highlight, Pair, Passage
from ..text import normalise

LONGEST = 2500  # characters: what is joined has to be writable in one go
ALIKE = 0.5  # share of a block's longer words that a highlight must have to be what the block tells of
_TOP = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_FENCE = re.compile(r"[ \t]*(```+|~~~+)")
_TAG = re.compile(r"(?<!\S)#\S+")
_BOLD_LINE = re.compile(r"(\*\*|__)(?=\S).+(?<=\S)\1:?$")

Owner = tuple[str, str]  # source and chapter
Linked = Mapping[str, set[str]]  # highlights that surely belong to a pair, by its id


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a passage that stand together: a paragraph, a bullet with what is below it, a heading. Character offsets."""

    start: int
    end: int
    text: str

    @property
    def listed(self) -> bool:
        """Whether it is an item of a list of the first level."""
        return bool(_TOP.match(self.text))

    @property
    def opens(self) -> bool:
        """Whether a new part begins here: a heading, or a line in bold for one."""
        return bool(_HEADING.match(self.text) or _BOLD_LINE.match(self.text.split("\n", 1)[0].rstrip()))


def units(
    pairs: Sequence[Pair], linked: Linked, highlights: Mapping[str, Highlight], passages: Mapping[str, Sequence[Passage]]
) -> tuple[list[Pair], dict[str, set[str]]]:
    """`pairs` with passages joined and cut to units of a chapter, and what is linked to each. A part of a pair beyond the first is called
    `pair-7.2`. `passages` are those of the notes, in order; a note that is missing there is left as it is."""
    by_note: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_note[pair.note_id].append(pair)
    notes = [_Note(passages[note], owned, linked, highlights) for note, owned in by_note.items() if note in passages]
    depths = Counter(depth for note in notes for depth in note.depths())
    usual = depths.most_common(1)[0][0] if depths else 0
    known = {pair.id: set(linked[pair.id]) for pair in pairs}
    joined: dict[str, Pair | None] = {}
    for note in notes:
        for pair, others in note.joined(usual):
            joined[pair.id] = pair
            for other in others:
                joined[other.id] = None
                known[pair.id] |= known[other.id]
    found: list[Pair] = []
    for pair in pairs:
        if (whole := joined.get(pair.id, pair)) is not None:
            for part, names in [(whole, known[pair.id])] if pair.id in joined else _cut(pair, known[pair.id], highlights):
                known[part.id] = names
                found.append(part)
    return found, known


class _Note:
    """One note's passages, and which chapter each tells of."""

    def __init__(self, passages: Sequence[Passage], pairs: Iterable[Pair], linked: Linked, highlights: Mapping[str, Highlight]) -> None:
        self.passages = passages
        self.pairs: dict[str, list[Pair]] = defaultdict(list)  # by passage
        self.owners: dict[str, set[Owner]] = defaultdict(set)
        here = {passage.id: passage.text for passage in passages}
        for pair in pairs:
            if here.get(pair.passage_id) != pair.passage_text:
                continue  # as the passage was when the person decided; the note says something else now
            self.pairs[pair.passage_id].append(pair)
            self.owners[pair.passage_id] |= {(pair.source_id, highlights[name].chapter) for name in linked[pair.id] if name in highlights}
        chapters = {owner for owners in self.owners.values() for owner in owners if owner[1]}
        self.sections = {owner: self._section(owner) for owner in sorted(chapters)}

    def _own(self, owner: Owner) -> list[int]:
        return [place for place, passage in enumerate(self.passages) if owner in self.owners.get(passage.id, ())]

    def _alone(self, owner: Owner, trail: tuple[str, ...]) -> bool:
        """Whether nothing below this heading tells of anything else."""
        below = [passage for passage in self.passages if passage.headings[: len(trail)] == trail]
        return all(self.owners.get(passage.id, set()) <= {owner} for passage in below)

    def _section(self, owner: Owner) -> tuple[str, ...]:
        """The trail of the highest heading below which only this chapter is told of; empty where there is none."""
        first, *rest = [self.passages[place].headings for place in self._own(owner)]
        shared = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, zip(first, *rest, strict=False)))
        depths = [depth for depth in range(1, shared + 1) if self._alone(owner, first[:depth])]
        return first[: depths[0]] if depths else ()

    def depths(self) -> list[int]:
        """How deep the sections of chapters lie, where a note has several."""
        found = [len(trail) for trail in self.sections.values() if trail]
        return found if len(self.sections) > 1 else []

    def joined(self, usual: int) -> Iterator[tuple[Pair, list[Pair]]]:
        """(the pair as it stands for a whole chapter, other pairs that are part of it). `usual` is how deep chapters lie in other notes."""
        for owner in self.sections:
            own, trail = self._own(owner), self._trail(owner, usual)
            inside = [place for place, item in enumerate(self.passages) if item.headings[: len(trail)] == trail] if trail else own
            mixed = any(len(self.owners[self.passages[place].id]) > 1 for place in own)
            if mixed or inside != own or own[-1] - own[0] >= len(own):
                continue  # something of another kind is among them
            first, last = self.passages[own[0]], self.passages[own[-1]]
            lead = _from_heading(first, trail)
            text = lead + first.text + "".join(self.passages[place].lead + self.passages[place].text for place in own[1:])
            if len(text) > LONGEST or (len(own) == 1 and not lead):
                continue
            pairs = [pair for place in own for pair in self.pairs[self.passages[place].id] if pair.source_id == owner[0]]
            whole = replace(
                pairs[0], passage_text=text, passage_start=first.start - len(lead.encode()), passage_end=last.end,
                status="accepted" if all(pair.status == "accepted" for pair in pairs) else "proposed",
                score=min(pair.score for pair in pairs), links=tuple(link for pair in pairs for link in pair.links),
            )  # fmt: skip
            yield whole, pairs[1:]

    def _trail(self, owner: Owner, usual: int) -> tuple[str, ...]:
        """Of the heading that a chapter stands under; empty where it has none of its own."""
        trail = self.sections[owner]
        if len(self.sections) == 1:  # nothing in this note tells how deep a chapter lies
            trail = self.passages[self._own(owner)[0]].headings[:usual]
            if not self._alone(owner, trail) or any(self.passages[place].headings[: len(trail)] != trail for place in self._own(owner)):
                return ()
        return trail


def _from_heading(passage: Passage, trail: tuple[str, ...]) -> str:
    """What stands before a passage, from the last heading of the trail on; nothing where that is the passage's own, or there is none."""
    if not trail or passage.headings == trail:
        return ""
    lines = passage.lead.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if _HEADING.match(line) and line.strip().strip("#").strip() == trail[-1]:
            return "".join(lines[number:])
    return ""


def _cut(pair: Pair, linked: set[str], highlights: Mapping[str, Highlight]) -> list[tuple[Pair, set[str]]]:
    """The pair, or one for each chapter that its passage tells of, where these follow one another."""
    whole = [(pair, linked)]
    chapters: dict[str, set[str]] = defaultdict(set)
    for name in linked:
        if name in highlights:
            chapters[highlights[name].chapter].add(name)
    if len(chapters) < 2:
        return whole
    parts = cut_by_chapter(pair.passage_text, [highlights[name] for name in sorted(linked) if name in highlights])
    if {chapter for chapter, _, _ in parts} != set(chapters):
        return whole
    found = []
    for number, (chapter, start, end) in enumerate(parts, 1):
        begin = pair.passage_start + len(pair.passage_text[:start].encode())
        text = pair.passage_text[start:end]
        part = replace(
            pair, id=pair.id if number == 1 else f"{pair.id}.{number}", passage_id=f"{pair.passage_id}#{number}", passage_text=text,
            passage_start=begin, passage_end=begin + len(text.encode()),
            links=tuple(link for link in pair.links if link.highlight_id in chapters[chapter]),
        )  # fmt: skip
        found.append((part, chapters[chapter]))
    return found


def cut_by_chapter(text: str, highlights: Sequence[Highlight]) -> list[tuple[str, int, int]]:
    """(chapter, start, end) of the parts of a text that tell of one chapter each; none where chapters come back, where only one is met, or
    where between two of them nothing stands that opens or closes a part: a line in bold, words above a list, words below it.

    Blocks that rest on no highlight go with the chapter before or after them as they do at the ends of the text, where it is plain: what
    stands before the first highlight begins a part, what stands after the last one ends it.
    """
    blocks = read_blocks(text)
    begin = next((place for place, block in enumerate(blocks) if not _HEADING.match(block.text)), 0)  # a heading above is over all of them
    known = [(longer_words(f"{item.text} {item.annotation} {item.chapter}"), item.chapter) for item in highlights]
    told = [None if place < begin else _chapter(block, known) for place, block in enumerate(blocks)]
    places = [place for place, chapter in enumerate(told) if chapter is not None]
    order = list(dict.fromkeys(told[place] for place in places))
    runs = {chapter: [place for place in places if told[place] == chapter] for chapter in order}
    for chapter, own in runs.items():
        if any(told[place] not in (None, chapter) for place in range(own[0], own[-1] + 1)):
            return []
    if len(order) < 2:
        return []
    before, after = places[0] - begin, len(blocks) - 1 - places[-1]
    parts: list[tuple[str, int, int]] = []
    for chapter, following in zip(order, [*order[1:], None], strict=True):
        assert chapter is not None
        end = len(blocks)
        if following is not None:
            between = range(runs[chapter][-1] + 1, runs[following][0] + 1)
            opening = next((place for place in between if blocks[place].opens), None)
            if opening is None and not blocks[between[-1]].listed and len(runs[following]) > 1 and blocks[between[-1] + 1].listed:
                opening = between[-1]  # words above a list
            if opening is None and all(blocks[place].listed for place in between[:-1]):
                return []  # nothing marks where one ends and the other begins: to the person this is one text
            end = opening if opening is not None else between.start + (min(after, len(between) - 1) if before else len(between) - 1)
        parts.append((chapter, blocks[begin].start, blocks[end - 1].end))
        begin = end
    return parts


def read_blocks(text: str) -> list[Block]:
    """Blocks in order: cut at blank lines, before bullets of the first level, and around headings; a fence is one with what it holds."""
    spans: list[tuple[int, int]] = []
    at, fresh, fence = 0, True, ""
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        mark = _FENCE.match(line)
        if not line.strip() and not fence:
            fresh = True
            continue
        heading = not fence and bool(_HEADING.match(line))
        if spans and not fresh and not heading and (fence or not _TOP.match(line)):
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((start, at))
        closed = bool(mark and fence and mark[1].startswith(fence))
        if mark and (closed or not fence):
            fence = "" if closed else mark[1]
        fresh = heading or closed
    return [Block(start, start + len(text[start:end].rstrip()), text[start:end].rstrip()) for start, end in spans]


def _chapter(block: Block, known: Sequence[tuple[set[str], str]]) -> str | None:
    """The chapter of the highlight that has most of the block's words; tags, and a word by itself, tell nothing."""
    need = longer_words(_TAG.sub(" ", block.text))
    if len(need) < (1 if block.listed else 2):
        return None
    best, chapter = max(((len(need & words) / len(need), chapter) for words, chapter in known), key=lambda item: item[0])
    return chapter if best >= ALIKE else None


def longer_words(text: str) -> set[str]:
    """Words of four letters and up, in normal form."""
    return {word for word in "".join(char if char.isalnum() else " " for char in normalise(text)).split() if len(word) >= 4}
