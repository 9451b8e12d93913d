"""Quotations that stop inside a clause of their highlight: a small model loses its place while it copies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from ..records import Highlight
from ..text import normalise
from .given import LOCATOR, WORD, flat
from .rows import Row

LEAST = 8  # words that a line has in common with a highlight before its end counts as that of a quotation
# Kinds of lines that need not say a sentence to its end.
_NO_SENTENCE = ("heading", "heading_underline", "table_pipe", "table_delimiter", "embed", "image", "math_block", "fence")
# Before these a person may well stop: they open what can be left out.
_OPENS = frozenset(
    re.findall(
        r"\w+",
        "and or but nor so yet because since as while when where whereas whenever if unless until although though than that "
        "which who whom whose without with for to in into on onto of at by from about after before between through during under "
        "over via und oder aber weil da wenn als dass ob der die das den dem des mit ohne für zu im auf an am von vom bei nach "
        "aus um et ou mais car que qui dont où avec sans pour dans sur de du à par y o pero con sin para en",
    )
)


def cut_quotations(rows: Sequence[Row], highlights: Sequence[Highlight]) -> Iterator[tuple[str, str]]:
    """(The reason, the last words) of each line that says a highlight word for word and ends where neither a clause nor the highlight does.

    Not where the line says so itself (…), closes a quotation of its own, or goes on below.
    """
    texts = dict.fromkeys(normalise(part) for item in highlights for part in (item.text, item.annotation))
    sources = [_Source(text, found) for text in texts if len(found := list(WORD.finditer(text))) > LEAST]
    told = [row for row in rows if row.words.strip()]
    for row, below in zip_longest(told, told[1:]):
        if row.kinds[:1] and row.kinds[0] in _NO_SENTENCE:
            continue
        line = LOCATOR.sub("", row.before_trailing()[0]).rstrip("*_=~ ")
        said = flat(line).split()
        if len(said) < LEAST or not re.search(r"\w\Z", line):
            continue
        following = {after for source in sources for after in source.after(said[-LEAST:])}
        next_words = flat(below.words).split()[:1] if below and below.kinds[:1] != ["list_marker"] else []
        if following and "" not in following and not following & {*_OPENS, *next_words}:
            words = line.split()[-6:]
            yield f"a quotation stops in the middle: …{' '.join(words)}", " ".join(words)


class _Source:
    """A text that can be quoted, and its words."""

    def __init__(self, text: str, words: list[re.Match[str]]) -> None:
        self.text, self.words = text, words
        self.plain = [word[0] for word in words]

    def after(self, last: list[str]) -> Iterator[str]:
        """For each place where these words stand: the word that follows them, or "" where a clause ends there."""
        for end in range(len(last), len(self.plain) + 1):
            if self.plain[end - 1] == last[-1] and self.plain[end - len(last) : end] == last:
                between = self.text[self.words[end - 1].end() : self.words[end].start()] if end < len(self.plain) else ""
                # In scripts without spaces nothing tells where a clause ends.
                yield self.plain[end] if between and not between.strip() else ""
