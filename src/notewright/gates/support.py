"""Sentence by sentence: how much of a draft the highlights say, and which of them.

Lexical on purpose: a note about short highlights reuses their words, so the share of a sentence's content words that its best highlights
hold tells an invented sentence from a shortened one (MiniCheck, arXiv:2404.10774, is the way to more: see `nli`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from ..records import Highlight
from ..text import normalise
from ..vault import read_outline
from ..vault.given import WIDE, WORD
from ..vault.pointers import unlabelled

MIN_WORDS = 4  # content words; shorter sentences (lead-ins, captions) say too little to be judged
PAIRS = 2  # character pairs that say as much as one word, in scripts without spaces
HELPERS = 3  # highlights that may together support one sentence
_LINE = re.compile(r"^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+(?:\[.\][ \t]+)?)?")
_END = re.compile(r"[.!?…؟।][\"'”’)\]*_]*(?=\s)|[。！？｡][\"'”’)）」』*_]*(?=.)")
_WIDE = re.compile(WIDE)
_ENDINGS = re.compile(r"[\u3040-\u309f]+")
_DROPPED = re.compile(
    r"!?\[\[[^\[\]\n]*\]\]|!\[[^\]\n]*\]\([^)\n]*\)|\((?:p|pp|loc)\.[^)\n]*\)|\(\d+(?::\d\d)+\)|(?<!\S)[#^][\w/-]+|\$[^$\n]*\$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a draft at its character offsets. `support` is the share (0-1) of its content words that `highlight_ids` hold."""

    text: str
    start: int
    end: int
    support: float
    highlight_ids: tuple[str, ...]

    @property
    def shown(self) -> str:
        flat = " ".join(self.text.split())
        return flat if len(flat) <= 60 else flat[:57] + "…"


def supported(text: str, highlights: Sequence[Highlight], known: str = "") -> list[Sentence]:
    """Every sentence of the prose that is long enough to be judged; headings, code, tables and embeds are no sentences.

    Highlights without an id are named by their place.
    """
    holders = {item.id or str(at): stems(f"{item.text} {item.annotation} {' '.join(item.tags)}") for at, item in enumerate(highlights)}
    everywhere = stems(" ".join([known, *(item.chapter for item in highlights)]))
    found = []
    text = unlabelled(text)
    for start, end in sentence_spans(text):
        sentence = _DROPPED.sub(" ", text[start:end])
        wanted = stems(sentence)
        if sum(1 / PAIRS if _WIDE.match(stem) else 1 for stem in wanted) >= MIN_WORDS:
            support, ids = _best(wanted, holders, everywhere)
            found.append(Sentence(sentence.strip(), start, end, round(support, 3), ids))
    return found


def _best(wanted: Set[str], holders: Mapping[str, Set[str]], everywhere: Set[str]) -> tuple[float, tuple[str, ...]]:
    """Greedy cover: the highlight that holds most of the words, then those that hold most of the rest."""
    missing = wanted - everywhere
    chosen: list[str] = []
    while missing and len(chosen) < HELPERS:
        best = max(holders, key=lambda one: len(missing & holders[one]), default="")
        if not best or not missing & holders[best]:
            break
        chosen.append(best)
        missing -= holders[best]
    return 1 - len(missing) / len(wanted), tuple(chosen)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Character offsets of the sentences, line by line, without list marks and quote marks."""
    data = text.encode("utf-8", errors="replace")
    spans: list[tuple[int, int]] = []
    place = 0
    for one in read_outline(data).lines:  # a page break or separator inside a line begins none
        line = data[one.start : one.end].decode()
        bare = line.rstrip()
        begin = place + len(_LINE.match(bare)[0])  # type: ignore[index]
        if one.kind == "text" and not bare.lstrip().startswith("|") and not re.match(r"[ \t>]*\[!\w+", bare):
            stops = [place + found.end() for found in _END.finditer(line)]
            for stop in [*stops, place + len(bare)]:
                if text[begin:stop].strip():
                    spans.append((begin, stop))
                begin = max(begin, stop)
        place += len(line)
    return spans


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """Content words, cut to their first six letters so that inflections meet; words of up to three letters carry no content.

    Of scripts that put no spaces between words, and of Korean, where words are two or three signs and what is hung on to them, the pairs of
    neighbouring characters, but for those of Japanese endings (hiragana).
    """
    found: set[str] = set()
    for word in WORD.findall(normalise(text)):
        if _WIDE.match(word):
            found.update(pair for pair in map("".join, pairwise(word)) if not _ENDINGS.fullmatch(pair))
        elif len(word) > 3 or word.isdigit():
            found.add(word[:6])
    return frozenset(found)
