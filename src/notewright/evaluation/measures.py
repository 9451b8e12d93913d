"""What a draft is like beside the person's passage, apart from its words: structure, what it uses, what it has from other notes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..gates.coverage import unused
from ..records import Highlight
from ..vault.tokens import tokenize

RUN = 5  # words in a row that are looked up; a shorter run is anybody's
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_UNSEEN = frozenset({"bom", "indent", "heading_end", "template", "templater"})  # says nothing about the form


def structure(text: str) -> list[str]:
    """The marks of a text in order, its words left out: headings with their levels, list items with their depth, callouts, links."""
    data = text.strip().encode()
    found: list[str] = []
    for token in tokenize(data):
        if token.kind in _UNSEEN:
            continue
        mark = data[token.start : token.end].lower() if token.kind == "callout" else b""
        if token.kind == "list_marker" and data[token.start : token.start + 1].isdigit():
            mark = b"1"
        sign = f"{token.kind} {mark!r} {token.level} {token.depth}"
        if not (found and sign == found[-1] and token.kind in ("text", "newline")):
            found.append(sign)
    return found


def structure_distance(draft: str, passage: str) -> float:
    """Normalised edit distance between the marks of two texts: 0 where they have the same form, 1 where they share nothing of it."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(structure(draft), structure(passage)))


def coverage(draft: str, passage: str, highlights: Sequence[Highlight]) -> float | None:
    """Of the highlights that the person's passage uses, the share that the draft uses too; None where the passage uses none."""
    left_out = {item.id for item in unused(passage, highlights)}
    used = [item for item in highlights if item.id not in left_out]
    lost = {item.id for item in unused(draft, highlights)}
    return sum(item.id not in lost for item in used) / len(used) if used else None


@dataclass(frozen=True, slots=True)
class Copied:
    """The longest run of words that a draft has from another note, and that note's path; 0 words and no path where it has none."""

    words: int
    note_path: str


def copied(texts: Sequence[tuple[str, str, str]], notes: Iterable[tuple[str, str]]) -> list[Copied]:
    """For each (draft, what was allowed, path of its own note), the longest run that stands in another of `notes` (path, text).

    Allowed is what the prompt's source says and what the person's own passage says: where a run goes through such words, only what lies
    outside of them counts. Runs of fewer than `RUN` words do not count. The notes are read once, whatever their number.
    """
    drafts = [_words(draft) for draft, _, _ in texts]
    wanted: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    free = []
    for number, ((_, allowed, _), draft) in enumerate(zip(texts, drafts, strict=True)):
        known = set(_runs(_words(allowed)))
        taken = {at + step for at, run in enumerate(_runs(draft)) if run in known for step in range(RUN)}
        free.append([place not in taken for place in range(len(draft))])
        for at, run in enumerate(_runs(draft)):
            wanted[run].append((number, at))
    best = [Copied(0, "")] * len(texts)
    for path, text in notes:
        note = _words(text)
        for there, run in enumerate(_runs(note)):
            for number, at in wanted.get(run, ()):
                if path == texts[number][2] or (at and there and drafts[number][at - 1] == note[there - 1]):
                    continue  # its own note; or the middle of a run that was met at its beginning
                length = _longest_free(free[number], at, _shared(drafts[number], at, note, there))
                if length > best[number].words:
                    best[number] = Copied(length, path)
    return best


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _runs(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[step:] for step in range(RUN)), strict=False)


def _shared(left: Sequence[str], a: int, right: Sequence[str], b: int) -> int:
    length = 0
    while a + length < len(left) and b + length < len(right) and left[a + length] == right[b + length]:
        length += 1
    return length


def _longest_free(free: Sequence[bool], start: int, length: int) -> int:
    """The longest stretch of free words in a run, 0 where it has fewer than `RUN`."""
    longest = now = 0
    for place in range(start, start + length):
        now = now + 1 if free[place] else 0
        longest = max(longest, now)
    return longest if longest >= RUN else 0
