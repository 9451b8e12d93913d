"""What of a passage its highlights can tell: the part that can be learnt.

A passage often says more than the highlights beside it: sentences from before and after them, thoughts, dates. A policy that is taught
these learns to invent, as nothing in its prompt tells them (what is new in fine-tuning makes for made-up answers: Gekhman et al.,
arXiv:2405.05904). So they are cut from what SFT teaches, as facts added from outside are in edits; the passage itself stays as it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

from ..library.examples import Example
from ..prompts import render_highlights
from ..provenance import commonness, provenance, units, word_spans
from ..text import normalise

LEAST = 0.3  # of its words: where the highlights tell less of a passage, what they tell is no note any more
_KNOWN = 0.5  # share of a unit's content words that stand in the prompt where it counts as told
_CONTENT = 0.02  # a word that more texts than this hold says nothing about a unit
_SOURCES = 2  # in passages of so many, a unit is the person's way to write, not a thought
_MARKS = ("**", "==", "~~", "__", "`")
_GONE = "\0"
_LEAD = re.compile(r"[ \t]*(?:>[ \t]*)*(?:(?:[-+*]|\d{1,9}[.)])(?:[ \t]+(?:\[.\])?|$))?")
_REST = re.compile(r"[*=~_`\s.]")
_BLANK = re.compile(r"[ \t]*")
_HEADING = re.compile(r"(#{1,6})[ \t]")
_LINK = re.compile(r"\[\[[^\[\]\n]*\]\]|\[[^\[\]]*\](?:\([^()\s]*(?:\([^()\s]*\))?[^()\s]*\))?")
_WHOLE = re.compile(  # properties, math, code, comments, table rows: nothing is cut out of them
    r"\A---\n.*?\n---$|\$\$.*?\$\$|^[ \t]*(`{3,}|~{3,}).*?^[ \t]*\1|%%.*?%%|^[ \t>]*\|[^\n]*", re.DOTALL | re.MULTILINE
)


def ways(examples: Iterable[Example]) -> frozenset[str]:
    """Units, in normal form, that passages of several sources have: labels, closing lines, what a template puts there."""
    sources: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for start, end, _ in units(example.passage):
            sources[normalise(example.passage[start:end])].add(example.source_id)
    return frozenset(unit for unit, held in sources.items() if len(held) >= _SOURCES)


def told(example: Example, known: Set[str]) -> str | None:
    """The passage without the sentences and bullets that neither rest on its highlights nor stand in `known` (`ways`), nor have most of
    their content words from the prompt; byte for byte the passage where nothing is cut. None where too little would be left (`LEAST`):
    that is a text of one's own, or a paraphrase in such other words (or another language) that word by word nothing can be said of it."""
    passage = example.passage
    said = {word for word, _, _ in word_spans(render_highlights(example.prompt))}
    whole = [found.span() for found in _WHOLE.finditer(passage)]
    own = [
        (span.start, span.end)
        for span in provenance(passage, example.prompt.highlights)
        if span.kind != "heading"
        and not span.rests
        and not any(start < span.end and span.start < end for start, end in whole)
        and normalise(passage[span.start : span.end]) not in known
        and not _mostly(passage[span.start : span.end], said)
    ]
    left = _without(passage, own) if own else passage
    return left if len(word_spans(left)) >= LEAST * len(word_spans(passage)) else None


def _mostly(unit: str, said: Set[str]) -> bool:
    content = {word for word, _, _ in word_spans(unit) if commonness(word) <= _CONTENT}
    return len(content & said) >= _KNOWN * len(content)  # also where it has none


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text without the spans. Lines of which only marks are left go too, and headings over nothing else than these."""
    links = [found.span() for found in _LINK.finditer(text)]
    pieces, place = [], 0
    for start, end in spans:
        for first, last in links:
            if first < end < last:
                end = last
        if end <= place:
            continue
        start = max(start, place)
        gone = text[start:end]
        pieces += [text[place:start], *(mark for mark in _MARKS if gone.count(mark) % 2)]  # the other one is not left alone
        place = end + len(_BLANK.match(text, end)[0])  # type: ignore[index]
        pieces.append(_GONE)
    lines = list(_kept("".join([*pieces, text[place:]]).split("\n")))
    for number in reversed(range(len(lines))):
        if (heading := _HEADING.match(lines[number] or "")) and _empty(lines[number + 1 :], len(heading[1])):
            lines[number] = None
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line for line in lines if line is not None)).strip("\n")


def _kept(lines: Iterable[str]) -> Iterator[str | None]:
    """Each line without its gaps, None for a lost one. Items below a lost item move to its place."""
    lost: list[tuple[int, int]] = []  # indents of lost items, and how far what is below each moves to the left
    after = False
    for line in lines:
        cut = line.replace(_GONE, "").rstrip() if _GONE in line else line
        indent = len(_BLANK.match(line)[0])  # type: ignore[index]
        if line.strip():
            while lost and lost[-1][0] >= indent:
                lost.pop()
            if lost and not lost[-1][1]:
                lost[-1] = (lost[-1][0], indent - lost[-1][0])
        bare = _GONE in line and not _REST.sub("", _LEAD.sub("", cut, count=1))
        if bare:
            lost.append((indent, 0))
        after = bare or (after and bool(line.strip()) and not line.strip("> \t"))  # also the empty quoted lines that follow
        if after:
            yield None
        else:
            yield cut[min(indent, sum(by for _, by in lost)) :]


def _empty(below: Iterable[str | None], level: int) -> bool:
    """Whether a section lost lines, and has none left."""
    lost = False
    for line in below:
        if line is None:
            lost = True
        elif line.strip():
            heading = _HEADING.match(line)
            return lost and heading is not None and len(heading[1]) <= level
    return lost
