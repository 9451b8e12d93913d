"""Where a passage stands now, given the whole note as it was: its lines are aligned with those of the changed note.

Knowing the note around the passage, and not only the passage, tells an edit of it from an edit beside it. Where the alignment finds too
little (the passage was cut and pasted elsewhere, or the note is another one), `trace` looks for its words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..diffing import align
from ..text import plain_newlines
from .outline import properties_span, read_outline
from .trace import trace, trail_at

ENOUGH = 0.5  # share of the passage's words left in its place that needs no look elsewhere
_AHEAD = 0.2  # by how much more of the passage another place must have than its own
_REWRITTEN = 0.25  # in its place, between neighbours that did not change, this much is still the passage
_ELSEWHERE = 0.5  # in another place it takes this much
_OWN = 1 / 3  # of the words found in another note that the passage had: a long text holds the words of a short one by chance

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Followed:
    """`spans` are byte spans in the changed note, more than one where text of another matter stands between. `text` is their text with
    LF newlines and no outer blank lines; `share` (0-1) of the earlier words is in it."""

    spans: Spans
    text: str
    share: float


def follow(before: bytes, spans: Spans, after: bytes, *, without: Spans = (), told: str = "") -> Followed | None:
    """Find the passage that stood at the byte `spans` of the note `before` in the note `after`; None where it is gone.

    Lines added inside it, fastened to its end without a blank line, or put before it into its own list or quote are part of it now; others
    beside it are not, and the note's properties never are. Nor is what stands at the spans `without` of `after`. `told` is what it has
    become as far as someone has said so: where that stands in its place, it is the passage, be it ever so unlike it.
    """
    if not spans:
        return None
    left = blanked(after, without)
    if before == left:
        return Followed(spans, passage_text(before, spans), 1.0)
    found = _found(before, spans, left, without, told)
    return _apart(after, found, without, passage_text(before, spans)) if found else None


def _found(before: bytes, spans: Spans, after: bytes, without: Spans, told: str) -> Followed | None:
    old_text = passage_text(before, spans)
    opening, _, _, body = properties_span(before)
    brought = opening < body and spans[0][0] < body  # the passage has properties of its own
    old, new = _lines(before, properties=brought), _lines(after, properties=brought)
    ours = [index for index, line in enumerate(old) if any(start <= line.start and line.last <= end for start, end in spans)]
    if not ours:
        return None
    case = _Case(old, new, ours, _pairs(old, new, ours), without)
    pairs = case.pairs
    here = _above_its_copy(after, case, old_text) or _in_its_place(after, case, old_text)
    if here and (here.share >= ENOUGH or here.text == told):
        return here
    trail = trail_at(read_outline(before), spans[0][0])
    foreign = {pairs[index] for index in range(len(old)) if index in pairs and index not in set(ours)}
    there = _elsewhere(after, old_text, trail, spans[0][0], [new[index] for index in sorted(foreign)])
    if there and is_ahead(there, here):
        return there
    kept = (_share(old[index].text, new[pairs[index]].text) for index in ours if index in pairs)
    if here and (here.share >= _REWRITTEN or any(share >= _REWRITTEN for share in kept)):
        return here
    return _as_told(after, case, old_text, told)


def is_ahead(there: Followed, here: Followed | None) -> bool:
    """Did the passage go to another place, rather than shrink in its own?"""
    return here is None or (here.share < ENOUGH and there.share > here.share + _AHEAD)


def find(before: bytes, spans: Spans, after: bytes, *, without: Spans = ()) -> Followed | None:
    """The same passage in a note that may be another one: at least half of its words must be there, and be a good part of what is there.

    What stands at the spans `without` is not it.
    """
    found = follow(before, spans, after, without=without)
    if found is None or found.share < _ELSEWHERE:
        return None
    return found if _share(found.text, passage_text(before, spans)) >= _OWN else None


def stood(before: bytes, after: bytes) -> Spans:
    """Lines of `after` that stood in `before` already, reworded or not, or in another place."""
    old, new = _lines(before), _lines(after)
    pairs = dict(align([line.text for line in old], [line.text for line in new]))
    known = set(pairs.values())
    moved = Counter(line.text for index, line in enumerate(old) if index not in pairs)
    for index, line in enumerate(new):
        if index not in known and moved[line.text]:
            moved[line.text] -= 1
            known.add(index)
    return tuple((new[index].start, new[index].end) for index in sorted(known))


def blanked(data: bytes, spans: Spans) -> bytes:
    """With spaces in place of `spans`, so that everything else keeps its offset."""
    if not spans:
        return data
    made = bytearray(data)
    for start, end in spans:
        made[start:end] = re.sub(rb"[^\r\n]", b" ", made[start:end])
    return bytes(made)


def _apart(after: bytes, found: Followed, without: Spans, old_text: str) -> Followed | None:
    """What was found, without what stands between its lines."""
    if not any(start < b and a < end for start, end in found.spans for a, b in without):
        return found
    parts = []
    for start, end in found.spans:
        for low, high in [*sorted((a, b) for a, b in without if start < b and a < end), (end, end)]:
            if after[start:low].strip():
                begin = start + len(after[start:low]) - len(after[start:low].lstrip())
                parts.append((begin, start + len(after[start:low].rstrip())))
            start = max(start, high)
    text = "\n\n".join(passage_text(after, (part,)) for part in parts)
    return Followed(tuple(parts), text, _share(old_text, text)) if parts else None


def passage_text(data: bytes, spans: Spans) -> str:
    """The text of the spans, with LF newlines and without outer blank lines."""
    text = b"\n".join(data[start:end] for start, end in spans).decode("utf-8", errors="replace")
    return tidy(text)


def tidy(text: str) -> str:
    """With LF newlines, without byte order mark and outer blank lines: the form in which passages are compared."""
    plain = plain_newlines(text.removeprefix("\ufeff"))
    return re.sub(r"\A(?:[ \t]*\n)+|\s+\Z", "", plain)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is not blank. `last` is where the blanks at its end begin; `block` numbers runs of lines between blank lines and
    headings; `opens` says that a blank line stands above it, or that it is a heading."""

    start: int
    last: int
    end: int
    text: str
    block: int
    opens: bool


def _lines(data: bytes, *, properties: bool = False) -> list[_Line]:
    found: list[_Line] = []
    block, fresh, blank = -1, True, True
    for line in read_outline(data).lines:
        text = data[line.start : line.end].decode("utf-8", errors="replace").rstrip()
        if not text.strip() or (line.kind == "properties" and not properties):
            fresh = blank = True
            continue
        heading = line.kind in ("heading", "underline")
        block += fresh or heading
        raw = data[line.start : line.end]
        ends = (line.start + len(raw.rstrip()), line.start + len(raw.rstrip(b"\r\n")))
        found.append(_Line(line.start, *ends, text, block, blank or line.kind == "heading"))
        fresh, blank = heading, False
    return found


def _pairs(old: Sequence[_Line], new: Sequence[_Line], ours: Sequence[int]) -> dict[int, int]:
    """Which new line each old one is. Of equal lines around what was taken out or put in, those are taken for it that make it end where
    the passage or a paragraph does: of two sections under one heading, the upper one is gone with its own heading. Of two passages that
    say the same, one below the other, it is not the passage that is gone."""
    own, texts = set(ours), {old[index].text for index in ours}
    aligned = align([line.text for line in old], [line.text for line in new])
    # A line of the passage, word for word, is none that stood beside it and is merely like it.
    pairs = {a: b for a, b in aligned if a in own or old[a].text == new[b].text or new[b].text not in texts}
    _slide(old, pairs, new, (ours[0], ours[-1] + 1))
    back = {b: a for a, b in pairs.items()}
    _slide(new, back, old)
    return {a: b for b, a in sorted(back.items())}


def _slide(lines: Sequence[_Line], pairs: dict[int, int], others: Sequence[_Line], ours: tuple[int, ...] = ()) -> None:
    """Move each run of `lines` without a pair to where its ends fall best; `ours` are the borders of the passage."""

    def worth(start: int, end: int, room: int) -> int:
        if (start, end) == ours and room >= end - start:  # its copy beside it can be the one that is gone
            return -1
        return sum(2 if at in ours else at in (0, len(lines)) or lines[at].opens for at in (start, end))

    def pair(at: int) -> int | None:
        """The equal line that it is paired with."""
        other = pairs.get(at)
        return other if other is not None and others[other].text == lines[at].text else None

    start = 0
    while start < len(lines):
        end = next((at for at in range(start, len(lines)) if at in pairs), len(lines))
        if start < end and pairs.get(end, len(others)) == pairs.get(start - 1, -1) + 1:  # nothing stands in its stead
            up = down = 0
            while pair(start - up - 1) is not None and lines[start - up - 1].text == lines[end - up - 1].text:
                up += 1
            while pair(end + down) is not None and lines[end + down].text == lines[start + down].text:
                down += 1
            best = max(range(-up, down + 1), key=lambda by: (worth(start + by, end + by, max(up + by, down - by)), -abs(by)))
            for at in range(start, start + best):
                pairs[at] = pairs.pop(at + end - start)
            for at in range(end - 1, end - 1 + best, -1):
                pairs[at] = pairs.pop(at - (end - start))
            end += best
        start = end + 1


@dataclass(frozen=True, slots=True)
class _Case:
    """`ours` are indexes of `old` lines, rising; `pairs` maps old lines to new ones; `without` are spans of another matter."""

    old: Sequence[_Line]
    new: Sequence[_Line]
    ours: Sequence[int]
    pairs: dict[int, int]
    without: Spans = ()

    @property
    def gap(self) -> range:
        """The new lines between those that stood above the passage and those that stood below it."""
        above = (self.pairs[index] + 1 for index in range(self.ours[0]) if index in self.pairs)
        below = (self.pairs[index] for index in range(self.ours[-1] + 1, len(self.old)) if index in self.pairs)
        return range(max(above, default=0), min(below, default=len(self.new)))


def _placed(case: _Case) -> tuple[int, int] | None:
    """First and last index of the new lines that are the passage."""
    old, new, ours, pairs = case.old, case.new, case.ours, case.pairs
    low, high = case.gap.start, case.gap.stop
    # A neighbour that changed beyond recognition stands in the gap too, so that what is there is not known to be ours.
    calm_above = ours[0] == 0 or ours[0] - 1 in pairs
    calm_below = ours[-1] + 1 == len(old) or ours[-1] + 1 in pairs
    kept = [index for index in ours if index in pairs]
    if not kept:
        return (low, high - 1) if calm_above and calm_below and low < high else None
    above = len({old[index].block for index in ours if index < kept[0]} - {old[kept[0]].block})
    below = len({old[index].block for index in ours if index > kept[-1]} - {old[kept[-1]].block})
    first = _reach(new, pairs[kept[0]], -1, low, above if calm_above else 0)
    if kept[0] == ours[0]:
        first = _joined(new, first, pairs[kept[0]])
    last = _reach(new, pairs[kept[-1]], 1, high - 1, below if calm_below else 0)
    return first, last


def _reach(new: Sequence[_Line], index: int, step: int, limit: int, blocks: int) -> int:
    """From `index` on to the end of its block, and over as many further blocks as were rewritten there."""
    taken = {new[index].block}
    while (index + step - limit) * step <= 0:
        block = new[index + step].block
        if block not in taken:
            if len(taken) > blocks:
                break
            taken.add(block)
        index += step
    return index


def _joined(new: Sequence[_Line], first: int, own: int) -> int:
    """Where, from `first` on, the list or quote begins that line `own` goes on with; text above `own` is no part of it."""
    mark = _mark(new[own].text)
    return next(index for index in range(first, own + 1) if index == own or (mark and _mark(new[index].text) == mark))


def _mark(text: str) -> str:
    """What makes a line a list item or a part of a quote; empty where it is neither."""
    found = re.match(r"\s*(?:(?P<quote>>)|(?P<bullet>[-+*]\s)|(?P<number>\d+[.)]\s))", text)
    return (found.lastgroup or "") if found else ""


def _in_its_place(after: bytes, case: _Case, old_text: str) -> Followed | None:
    placed = _placed(case)
    return _followed(after, case, placed, old_text) if placed else None


def _above_its_copy(after: bytes, case: _Case, old_text: str) -> Followed | None:
    """The passage was doubled, and the upper one edited: it is that one, though the lower one is as it was."""
    ours, pairs = set(case.ours), case.pairs
    texts = [case.old[index].text for index in case.ours]
    outside = {new for old, new in pairs.items() if old not in ours}
    if case.ours[-1] - case.ours[0] + 1 != len(ours):
        return None
    for first in range(len(texts), len(case.new) - len(texts) + 1):
        copy = range(first, first + len(texts))
        if case.new[first].text != texts[0] or [case.new[index].text for index in copy] != texts or outside.intersection(copy):
            continue
        rest = [line for index, line in enumerate(case.new) if index not in copy]
        without = replace(case, new=rest, pairs=_pairs(case.old, rest, case.ours))
        found = _in_its_place(after, without, old_text) if any(index in without.pairs for index in ours) else None
        if not found or found.share < ENOUGH or found.text == old_text or found.spans[-1][1] > case.new[first].start:
            continue
        # What stood above it all along is no passage that was doubled, however like ours it is.
        if not any(start <= case.new[index].start < end for index in outside for start, end in found.spans):
            return found
    return None


def _as_told(after: bytes, case: _Case, old_text: str, told: str) -> Followed | None:
    """Nothing of it is left but what it is `told` to have become, which stands in its place."""
    lines = [line.rstrip() for line in tidy(told).split("\n") if line.strip()]
    for first in case.gap if lines else ():
        last = first + len(lines) - 1
        if last in case.gap and [line.text for line in case.new[first : last + 1]] == lines:
            return _followed(after, case, (first, last), old_text)
    return None


def _followed(after: bytes, case: _Case, placed: tuple[int, int], old_text: str) -> Followed | None:
    """Without lines that stood outside before, each with what was added to it up to the next line of ours."""
    ours = set(case.ours)
    origin = {new: old for old, new in case.pairs.items() if old in ours}
    outside = {new for old, new in case.pairs.items() if old not in ours}
    runs: list[list[int]] = [[]]
    foreign = False
    for index in range(placed[0], placed[1] + 1):
        foreign = index not in origin and (foreign or index in outside)
        if runs[-1] and any(case.new[runs[-1][-1]].end <= low < case.new[index].start for low, _ in case.without):
            runs.append([])
        if not foreign:
            runs[-1].append(index)
        elif runs[-1]:
            runs.append([])
    runs = [run for run in runs if run]
    if not runs:
        return None
    spans = tuple((case.new[run[0]].start, case.new[run[-1]].end) for run in runs)
    text = passage_text(after, spans[:1])
    for run, last, span in zip(runs[1:], runs, spans[1:], strict=False):
        ends = [case.old[origin[index]].block if index in origin else index for index in (last[-1], run[0])]
        text += ("\n" if ends[0] == ends[1] else "\n\n") + passage_text(after, (span,))
    return Followed(spans, text, _share(old_text, text))


def _elsewhere(after: bytes, text: str, trail: Sequence[str], start: int, others: Sequence[_Line]) -> Followed | None:
    """Where `trace` sees the passage, unless those lines stood beside it all along."""
    place = trace(text, after, headings=trail, start=start)
    if place is None or place.share < _ELSEWHERE:
        return None
    taken = sum(line.end - line.start for line in others if place.start <= line.start and line.end <= place.end)
    if taken * 2 > place.end - place.start:
        return None
    spans = ((place.start, place.end),)
    found = passage_text(after, spans)
    return Followed(spans, found, _share(text, found))


def _share(before: str, after: str) -> float:
    """How much of the earlier words, repeated ones counted, is left; marks count where there are no words."""
    old, new = (Counter(re.findall(r"\w+", text.casefold()) or text.split()) for text in (before, after))
    return sum((old & new).values()) / max(1, sum(old.values()))
