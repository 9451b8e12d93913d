"""Marks that a draft opens and never closes, or closes without having opened them: Obsidian shows them as they are.

The tokenizer pairs marks within their paragraph, heading, cell or list item, and leaves as text what has no partner. Two of a kind that are
left, as in `**so **`, are a slip that people make too; one alone is unclosed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..records import Highlight
from ..text import UNSPACED
from .rows import Row, read_rows
from .tokens import tokenize

# Neither arrows, rows of signs and `!==`, nor a mark between two letters (2**3) or two spaces (x == y); at a line's end nothing can follow.
_MARK = r"(?<![*_=~`<>!+/-])(\*\*\*?|___?|==|~~|`)(?![*_=~`>])"
_LETTER = rf"[^\W{UNSPACED}]"  # of a script that puts spaces between words
_LONE = re.compile(rf"(?<!{_LETTER}){_MARK}[“‘\"'(\[$#@]*([\w\x00]+)|([\w\x00]+)[.,;:!?…”’\"')\]%]*{_MARK}(?!{_LETTER})|(?<=\s){_MARK}\s*$")
_PARTS = ("list_marker", "heading", "table_pipe", "callout", "footnote_definition", "field_key", "tag")  # what a line begins anew with
SHOWN = 100  # characters of the line

Lone = tuple[str, str]  # the mark, and the word beside it


def unclosed(rows: Sequence[Row], highlights: Sequence[Highlight]) -> Iterator[tuple[str, str]]:
    """(Mark, the words of the line from it on, or up to it) of those that no highlight has as often, alone beside the same word."""
    alone = list(_lone(rows))
    given: Counter[Lone] = Counter()
    if alone:
        for text in {part for item in highlights for part in (item.text, item.annotation) if part}:
            data = text.encode("utf-8", errors="replace")
            given.update(lone for lone, _ in _lone(read_rows(data, tokenize(data))))
    for lone, words in alone:
        if given[lone]:
            given[lone] -= 1
        else:
            yield lone[0], words


def _lone(rows: Sequence[Row]) -> Iterator[tuple[Lone, str]]:
    """The last of each kind of mark of which a part of the text has an odd number left."""
    for part in _parts(rows):
        found: dict[str, list[tuple[Lone, str]]] = {}
        for row in part:
            for lone, words in _marks(row):
                found.setdefault(lone[0], []).append((lone, words))
        yield from (marks[-1] for marks in found.values() if len(marks) % 2)


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Paragraphs, items, headings and rows of tables."""
    begins = [at for at, row in enumerate(rows) if not at or _begins(rows[at - 1], row)]
    return (rows[start:end] for start, end in pairwise([*begins, len(rows)]))


def _begins(before: Row, row: Row) -> bool:
    kinds = row.kinds
    return not kinds or not before.kinds or kinds[0] in _PARTS or before.kinds[0] in ("heading", "table_pipe") or row.depth != before.depth


def _marks(row: Row) -> Iterator[tuple[Lone, str]]:
    if not any(kind == "text" and re.search(_MARK, text) for kind, text in row.pieces):
        return
    plain = "".join(text if kind in ("text", "indent") else "\x00" * len(text) for kind, text in row.pieces)
    shown = "".join(text for _, text in row.pieces)
    for found in _LONE.finditer(plain):
        opener, after, before, closer, last = found.groups()
        mark = opener or closer or last
        if mark == "`" and opener and "'" in plain[found.end() :]:
            continue  # `so quoted'
        place = found.start(1) if opener else found.start(5) if last else found.start(4)
        words = shown[place : place + SHOWN] if opener else shown[: place + len(mark)][-SHOWN:].lstrip()
        yield (mark, (after or before or "").casefold()), words
