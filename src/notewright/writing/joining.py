"""The parts of one note put together: what frames each of them (headings, a byline, tags at the end) stands once, items follow items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise

from ..vault.outline import read_outline

NUMBER = re.compile(r"(\d+)(?=[.)] )")
KINDS = {"bullet": r"[-*+] ", "number": NUMBER.pattern, "row": r"\|", "quote": ">", "picture": r"!\["}
CLOSE = ("bullet", "number", "row")  # stand without a blank line between two of their kind, where nothing tells otherwise

Section = tuple[str, list[str]]  # a heading, empty before the first one, and the lines below it
Note = tuple[list[str], list[Section]]  # the properties' lines, and the rest


def join(parts: Sequence[str]) -> str:
    """One note of parts that were each written like a note of their own. Lines that a section begins or ends with in each of them stand
    once, sections of one heading become one, numbered items are counted on; every other line stays as it is."""
    if len(parts) == 1:
        return parts[0]
    notes = [_read(part.strip("\n")) for part in parts]
    gaps = _Gaps([section for _, sections in notes for section in sections])
    headed = any(_ends_close(section) for _, sections in notes for section in sections[:-1])
    lines, sections = reduce(lambda one, other: _join(one, other, gaps), notes)
    for heading, body in sections:
        if heading and lines and lines[-1].strip() and not headed:
            lines.append("")
        lines += [heading, *body] if heading else body
    return "\n".join(lines).strip("\n")


def _read(text: str) -> Note:
    data = text.encode()
    properties: list[str] = []
    sections: list[Section] = [("", [])]
    for line in read_outline(data).lines:
        words = data[line.start : line.end].decode().rstrip("\r\n")
        if line.kind == "properties":
            properties.append(words)
        elif line.level:
            sections.append((words, []))
        elif line.kind == "underline":
            sections[-1] = f"{sections[-1][0]}\n{words}", []
        else:
            sections[-1][1].append(words)
    return properties, sections


def _ends_close(section: Section) -> bool:
    """Whether no blank line is left below it for the next heading."""
    heading, lines = section
    return bool(lines[-1].strip() if lines else heading)


def _join(one: Note, other: Note, gaps: _Gaps) -> Note:
    """Sections and last lines that both have frame what stands between."""
    first, second = one[1], other[1]
    if first[-1][0] != second[-1][0] and (tail := _alike(first[-1][1][::-1], second[-1][1][::-1])):
        first[-1] = first[-1][0], first[-1][1][:-tail]
    top = _alike([heading for heading, _ in first], [heading for heading, _ in second])
    end = _alike([heading for heading, _ in reversed(first[top:])], [heading for heading, _ in reversed(second[top:])])
    middle = first[top : len(first) - end]
    for heading, lines in second[top : len(second) - end]:
        places = [place for place, (known, _) in enumerate(middle) if known == heading]
        if places:
            middle[places[-1]] = heading, _body(middle[places[-1]][1], lines, gaps)
        else:
            middle.append((heading, lines))
    framed = [*zip(first[:top], second[:top], strict=True), *zip(first[len(first) - end :], second[len(second) - end :], strict=True)]
    frame = [(heading, _body(lines, lower, gaps)) for (heading, lines), (_, lower) in framed]
    return _properties(one[0], other[0]), [*frame[:top], *middle, *frame[top:]]


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the first are the same."""
    return next((place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))


def _body(one: Sequence[str], other: Sequence[str], gaps: _Gaps) -> list[str]:
    """The lines of both below one heading."""
    top = _alike(one, other)
    head, upper, lower = list(one[:top]), list(one[top:]), list(other[top:])
    end = _alike(upper[::-1], lower[::-1])
    tail = upper[len(upper) - end :]
    above, upper, below = _trimmed(upper[: len(upper) - end])
    over, lower, under = _trimmed(lower[: len(lower) - end])
    between = [""] if upper and lower and not gaps.close(head, upper, lower) else []
    return [*head, *max(above, over, key=len), *upper, *between, *_counted_on(upper, lower), *max(below, under, key=len), *tail]


def _trimmed(lines: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """(blank lines above, the lines, blank lines below)."""
    full = [place for place, line in enumerate(lines) if line.strip()]
    first, last = (full[0], full[-1] + 1) if full else (len(lines), len(lines))
    return list(lines[:first]), list(lines[first:last]), list(lines[last:])


def _kind(line: str) -> str:
    return next((kind for kind, mark in KINDS.items() if re.match(mark, line)), "text")


class _Gaps:
    """Whether items follow each other without a blank line, by how they do within the parts."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._seen = [gap for _, lines in sections for gap in _gaps(lines)]

    def close(self, head: Sequence[str], upper: Sequence[str], lower: Sequence[str]) -> bool:
        kind = _kind(lower[0])
        if [_kind(line) for line in upper if line[:1].strip()][-1:] != [kind]:
            return False
        if kind == "quote" and head and head[-1].startswith(">") and all(line.startswith(">") for line in upper):
            return True  # of one callout, whose title is the frame
        blank = [gap for known, gap in self._seen if known == kind]
        return 2 * sum(blank) <= len(blank) if kind in CLOSE else bool(blank) and not any(blank)


def _gaps(lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Of every two neighbours of a kind, what is indented below them aside: which kind, and whether a blank line stands between."""
    for one, other in pairwise(place for place, line in enumerate(lines) if line[:1].strip()):
        if (kind := _kind(lines[one])) == _kind(lines[other]):
            yield kind, any(not line.strip() for line in lines[one:other])


def _counted_on(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """`lower` with its numbers going on from those of `upper`, unless all are one and the same, as Markdown allows."""
    numbers = [int(found[1]) for line in upper if (found := NUMBER.match(line))]
    begins = [int(found[1]) for line in lower if (found := NUMBER.match(line))]
    if not numbers or begins[:1] != numbers[:1] or (len(numbers) > 1 and numbers[-1] == numbers[0]):
        return list(lower)
    more = numbers[-1] - begins[0] + 1
    return [NUMBER.sub(lambda found: str(int(found[1]) + more), line, count=1) if NUMBER.match(line) else line for line in lower]


def _properties(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Of both: what the first one says, further keys, and further items of its lists."""
    if not one or not other or one == other:
        return list(one or other)
    keys = _keys(one)
    for key, items in _keys(other):
        mine = next((below for known, below in keys if known.partition(":")[0] == key.partition(":")[0]), None)
        if mine is None:
            keys.append((key, items))
        elif mine:
            mine += [item for item in items if item not in mine]
    return [one[0], *(line for key, items in keys for line in (key, *items)), one[-1]]


def _keys(properties: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Each line that is not indented and no item of a list, and what stands below it."""
    found: list[tuple[str, list[str]]] = []
    for line in properties[1:-1]:
        if found and line[:1] in " \t-":
            found[-1][1].append(line)
        else:
            found.append((line, []))
    return found
