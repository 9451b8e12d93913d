"""What of a passage its highlights can tell: the part that can be learnt.

A passage often says more than the highlights beside it: sentences from before and after them, thoughts, dates. A policy that is taught
these learns to invent, as nothing in its prompt tells them (what is new in fine-tuning makes for made-up answers: Gekhman et al.,
arXiv:2405.05904). So they are cut from what SFT teaches, as facts added from outside are in edits; the passage itself stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from ..language import common_language, differ, language_of, own_language
from ..library.examples import Example
from ..prompts import render_highlights
from ..provenance import Span, commonness, units, word_spans
from ..text import normalise
from ..vault.tokens import Token, tokenize
from ..vault.views import text_of

LEAST = 0.3  # of its words: where the highlights tell less of a passage, what they tell is no note any more
_KNOWN = 0.5  # share of a unit's content words that stand in the prompt where it counts as told
_SOURCES = 2  # in passages of so many, a unit is the person's way to write, not a thought
_COMMON = 0.2  # a word that more texts than this hold says nothing about a unit
_STEM = 0.7  # share of a word's letters that tell it, whatever its ending

_GONE = "\0"
_QUOTE = re.compile(r"(?:[ \t]*> ?)*")
_BLANK = re.compile(r"[ \t]*")
_TURN = re.compile(r"\n[ \t>]*")
_GAP = re.compile(rf"[ \t{_GONE}]*(?:\n[ \t>{_GONE}]*)*\Z")
_ITEM = re.compile(r"(?:[-+*]|(\d{1,9})[.)])(?:[ \t]+(?:\[.\][ \t]+)?|$)")
_LISTED = re.compile(rb"[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t]+(?![\w.-]+:(?:[ \t]|$))\S", re.MULTILINE)  # and is no key of YAML
_HEADING = re.compile(r"(?:[ \t]*>[ \t]?)*(#{1,6})[ \t]")
_CALLOUT = re.compile(r"[ \t]*>[ \t>]*\[!\w+\]")
_SIGNS = re.compile(r"[*=~_\s.]|</?\w+>|\^[\w-]+[ \t]*$")
_MARK = re.compile(r"\*\*|\*|==|~~|__|(?<!\w)_|_(?!\w)")
_ENDS = re.compile(r"\A(?:\*|==|~~|_)*|(?:\*|==|~~|_)*\Z")
_TAGS = ("\1", "\2")  # what stands for an HTML tag that opens, and one that closes
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"), _TAGS)
# Tokens that nothing is cut out of; the second kind holds what stands before it too, the third its whole line.
_WHOLE = ("properties", "fence", "indented_code", "math_block", "comment", "html_comment", "html_block", "embed", "embed_tail", "image",
          "field")  # fmt: skip
_BEHIND = ("block_id", "footnote_reference", "heading_underline")
_LINES = ("heading_underline", "table_pipe", "table_delimiter", "footnote_definition", "link_definition", "field_key")
_PLAIN = ("text", "newline", "escape", "emphasis", "highlight", "strike")  # brackets and quotation marks count in these
_PAIRED = ("emphasis", "highlight", "strike")  # marks in these alone: a lone `*`, as of a footnote, closes nothing
_ALONE = re.compile(r"[*=~_]")

Place = tuple[int, int]


def ways(examples: Iterable[Example]) -> frozenset[str]:
    """Units, in normal form, that passages of several sources have: labels, closing lines, what a template puts there."""
    sources: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for start, end, _ in units(example.passage):
            sources[normalise(example.passage[start:end])].add(example.source_id)
    return frozenset(unit for unit, held in sources.items() if len(held) >= _SOURCES)


def told(example: Example, spans: Sequence[Span], known: Set[str]) -> str | None:
    """The passage without the sentences and bullets that neither rest on its highlights nor stand in `known` (`ways`), nor have most of
    their content words from the prompt; byte for byte the passage where nothing is cut. None where too little would be left (`LEAST`):
    that is a text of one's own, or a paraphrase in such other words (or another language) that word by word nothing can be said of it.

    Of an accepted pair, what is in another language than the highlights stays: words that happen to be alike tell nothing there."""
    passage = example.passage
    spoken = common_language(item.text for item in example.prompt.highlights) if example.weight == 1.0 else ""
    mostly = own_language(passage)
    said = _beginnings(word for word, _, _ in word_spans(render_highlights(example.prompt)))
    whole, single, plain = _read(passage)
    own = {
        (span.start, span.end)
        for span in spans
        if span.kind != "heading"
        and not span.rests
        and not any(start < span.end and span.start < end for start, end in whole)
        and normalise(passage[span.start : span.end]) not in known
        and not _mostly(passage[span.start : span.end], said)
        and not differ(language_of(passage[span.start : span.end]) or mostly, spoken)
    }
    kept = [(span.start, span.end) for span in spans if (span.start, span.end) not in own]
    titles = {
        passage[span.start : span.end] for span in spans if span.kind == "heading" and any(rest.method == "quote" for rest in span.rests)
    }
    left = _without(passage, _cuts(passage, plain, single, sorted(own), kept), titles) if own else passage
    if left.startswith("---") and not passage.startswith("---"):
        return passage  # it would read as properties
    return left if len(word_spans(left)) >= LEAST * len(word_spans(passage)) else None


def _read(text: str) -> tuple[list[Place], list[Place], str]:
    """Places that nothing is cut out of, those that go whole or stay, and the text with its plain text alone, each character in place."""
    data = text.encode("utf-8", errors="replace")  # as many characters
    whole, single, plain, end = [], [], "", 0
    for token in _tokens(data):
        kind, start, end = token.kind, end, end + len(text_of(data, token))
        mark = _TAGS[text.startswith("</", start)] if kind == "html" and not text.endswith("/>", start, end) else _GONE
        if kind in _PLAIN:
            plain += text[start:end] if kind in _PAIRED else _ALONE.sub(_GONE, text[start:end])
        else:
            plain += mark + _GONE * (end - start - 1)
        last = end + len(text[end:].partition("\n")[0]) if kind in _LINES else end
        first = len(text[:start].rstrip("> \t\n")) - 1 if kind in _BEHIND else start
        first = text.rfind("\n", 0, max(0, first)) + 1 if kind in _LINES else first
        if kind in _WHOLE + _BEHIND + _LINES:
            whole.append((first, last))
        elif kind != "text":
            single.append((start, end))
    return whole, single, plain


def _tokens(data: bytes) -> Iterator[Token]:
    """The tokens of a passage. A list that begins four spaces in, with no item above it, is one that the person wrote and no code, although
    the reading view shows it so."""
    for token in tokenize(data):
        if token.kind != "indented_code" or not _LISTED.match(data, token.start):
            yield token
            continue
        line = max(data.rfind(b"\n", 0, token.start), data.rfind(b"\r", 0, token.start)) + 1
        above = data[line : token.start] + b"- .\n"  # an item that it can stand below
        shift = line - len(above)
        inside = [replace(inner, start=inner.start + shift, end=inner.end + shift) for inner in tokenize(above + data[line : token.end])]
        inside = [inner for inner in inside if inner.start >= token.start]
        yield from inside if inside and inside[0].start == token.start else [token]


def _beginnings(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word[:length] for word in words for length in range(min(4, len(word)), len(word) + 1))


def _mostly(unit: str, said: Set[str]) -> bool:
    content = {word for word, start, end in word_spans(unit) if (word.isdigit() or end - start > 3) and commonness(word) < _COMMON}
    known = sum(word in said or (not word.isdigit() and word[: max(4, round(_STEM * len(word)))] in said) for word in content)
    return known >= _KNOWN * len(content)  # also where it has none


def _cuts(text: str, plain: str, single: Sequence[Place], own: Sequence[Place], kept: Sequence[Place]) -> Iterator[tuple[int, int, str]]:
    """(start, end, marks to put back) of what can go without harm to what stays: neighbours together, links and code whole. What holds
    one bracket or quotation mark of two stays."""
    joined: list[Place] = []
    for start, end in own:
        if joined and not text[joined[-1][1] : start].strip(" \t"):
            start = joined.pop()[0]
        joined.append((start, end))
    place = 0
    for start, end in joined:
        for first, last in single:
            if first < end and start < last:
                start, end = min(start, first), max(end, last)
        marks = _left_open(plain[start:end])
        if (
            start >= place
            and marks is not None
            and not any(first < end and start < last for first, last in kept)
            and not _parts_a_pair(plain, start, end)
        ):
            yield start, end, marks
            place = end


def _parts_a_pair(text: str, start: int, end: int) -> bool:
    """Whether one bracket or quotation mark of a pair would go and the other one stay in its paragraph."""
    first, last = text.rfind("\n\n", 0, start) + 1, text.find("\n\n", end) % (len(text) + 1)
    gone, block = ([*(part.count(one) - part.count(other) for one, other in _PAIRS), part.count('"') % 2]
                   for part in (text[start:end], text[first:last]))  # fmt: skip
    return any(odd and not before for odd, before in zip(gone, block, strict=True))


def _left_open(gone: str) -> str | None:
    """The marks of a pair that lie in `gone` alone and have to stay; None where these stand in the middle."""
    odd = sorted(mark for mark, count in Counter(_MARK.findall(gone)).items() if count % 2)
    stay = [mark for end in _ENDS.findall(gone) for mark in _MARK.findall(end) if mark in odd]
    return "".join(stay) if sorted(stay) == odd else None


def _without(text: str, cuts: Iterable[tuple[int, int, str]], titles: Set[str]) -> str:
    """The text without the cuts. Lines of which only signs are left go too, and headings and callouts with nothing else in them, unless
    these say one of `titles`, which quote highlights."""
    left, place = "", 0
    for start, end, marks in cuts:
        left += text[place:start]
        place = end + len(_BLANK.match(text, end)[0])  # type: ignore[index]
        if marks and not text.startswith(marks, start):  # they close what stays before, on the line above perhaps
            last = _GAP.search(left).start()  # type: ignore[union-attr]
            left = left[:last] + marks + left[last:] + _GONE
        elif marks and (turn := _TURN.match(text, place)):  # they open what stays on the line below
            left += _GONE + turn[0] + marks
            place = turn.end()
        else:
            left += marks + _GONE
    lines = list(_kept((left + text[place:]).split("\n")))
    for number in reversed(range(len(lines))):
        line = lines[number] or ""
        if any(line.rstrip().endswith(title) for title in titles):
            continue
        heading, callout = _HEADING.match(line), _CALLOUT.match(line)
        if heading and _empty(lines[number + 1 :], len(heading[1])) or callout and _empty(lines[number + 1 :], 0):
            lines[number] = None
    return "\n".join(_closed_up(lines))


@dataclass(slots=True)
class _Lost:
    """A line that went. What stands below it moves `shift` to the left; nothing does yet while it is `bare`. `bullet` is its mark."""

    indent: int
    bullet: str
    shift: int = 0
    bare: bool = True


def _kept(lines: Iterable[str]) -> Iterator[str | None]:
    """Each line without its gaps, None for a lost one. Items below a lost item move to its place, other text takes its bullet, and
    numbers are counted anew."""
    lost: list[_Lost] = []  # above the line, each deeper than the one before
    fewer: Counter[int] = Counter()  # numbered items lost, by indent
    depth = 0
    for line in lines:
        quote = _QUOTE.match(line)[0]  # type: ignore[index]
        rest = line[len(quote) :]
        if not rest.strip():
            bare = bool(quote.strip() and lost and lost[-1].bare)
            yield None if bare else line
            if lost and not lost[-1].bullet and not bare:
                lost.pop()  # nothing below a blank line belongs to a paragraph, but it may be code
            continue
        if quote.count(">") != depth:
            depth, lost, fewer = quote.count(">"), [], Counter()
        indent = len(_BLANK.match(rest)[0])  # type: ignore[index]
        item = _ITEM.match(rest, indent)
        while lost and lost[-1].indent >= indent:
            lost.pop()
        numbered = bool(item and item[1])
        fewer = Counter({place: count for place, count in fewer.items() if place < indent or (place == indent and numbered)})
        cut = rest.replace(_GONE, "").rstrip() if _GONE in rest else rest
        if _GONE in rest and not _SIGNS.sub("", cut[item.end() if item else indent :]):
            if lost and not lost[-1].shift:
                lost[-1].shift = indent - lost[-1].indent
            lost.append(_Lost(indent, item[0] if item else ""))
            fewer[indent] += numbered
            yield None
            continue
        if lost and lost[-1].bare and lost[-1].bullet and not item:  # what stands below it is the item now
            above = lost.pop()
            fewer[above.indent] = max(0, fewer[above.indent] - 1)
            cut = " " * above.indent + above.bullet + cut[indent:]
        elif lost and not lost[-1].shift:
            lost[-1].shift = indent - lost[-1].indent
        for above in lost:
            above.bare = False
        if item and item[1] and fewer[indent]:
            cut = cut[:indent] + str(max(1, int(item[1]) - fewer[indent])) + cut[item.end(1) :]
        blank = len(_BLANK.match(cut)[0])  # type: ignore[index]
        yield quote + cut[min(blank, sum(above.shift for above in lost)) :]


def _empty(below: Iterable[str | None], level: int) -> bool:
    """Whether a section (of level 0: a callout) lost lines, and has none left."""
    lost = False
    for line in below:
        if line is None:
            lost = True
        elif not level:
            return lost and not line.lstrip().startswith(">")
        elif line.strip():
            heading = _HEADING.match(line)
            return lost and heading is not None and len(heading[1]) <= level
    return lost


def _closed_up(lines: Iterable[str | None]) -> Iterator[str]:
    """What is left, without the blank lines that lost lines had around them."""
    left: list[str] = []
    gap = False
    for line in lines:
        if line is None:
            gap = True
        elif line.strip() or not gap or (left and left[-1].strip()):
            left.append(line)
            gap = gap and not line.strip()
    while gap and left and not left[-1].strip():
        left.pop()
    yield from left
