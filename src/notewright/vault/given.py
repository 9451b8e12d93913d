"""What a draft may draw on: the words, numbers and addresses of its highlights and of what is known about their source."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..records import Highlight
from ..text import normalise
from .pointers import addresses_of

NUMBER = re.compile(r"(?<![A-Za-z0-9_.,])\d+(?:[.,:]\d+)*(?:\s?%)?")
# "[…]", or what a writer put in; the words of a link are neither.
_ELISION = re.compile(r"\s*(?:\[?(?:…|\.\.\.)\]?|(?<!\[)\[[^\[\]]{0,40}\](?![\[(]))\s*")
_WIDE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
ENDING, LEAST_ENDING = 6, 3  # words by which two endings are known to be the same


class Given:
    """What a draft may draw on."""

    def __init__(self, highlights: Sequence[Highlight], known: str) -> None:
        texts = [known]
        numbers: list[str] = []
        for item in highlights:
            texts += [item.text, item.annotation, item.chapter, " ".join(item.tags)]
            if item.location is not None:
                minutes, seconds = divmod(item.location, 60)
                numbers += [str(item.location), f"{minutes}:{seconds:02d}", f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"]
            numbers += re.findall(r"\d+", item.highlighted_at[:10])
        self.raw = "\n".join(texts)
        self.addresses = {address for item in highlights for address in addresses_of(item).values()}
        self.words = "\n".join(flat(item) for item in texts)
        self.ended = "".join(f" {line}\n" for line in self.words.split("\n"))
        self.numbers = {plain_number(item) for item in (*numbers, *NUMBER.findall(self.raw), *re.findall(r"\d+", self.raw))}

    def says(self, quotation: str) -> bool:
        parts = [flat(part) for part in _ELISION.split(quotation)]
        return all(part in self.words for part in parts if part)

    def times(self, said: str) -> int:
        """How many highlights, annotations and other texts say these flat words."""
        return sum(said in line for line in self.words.split("\n"))

    def ends(self, text: str) -> bool:
        """Whether a highlight or another text ends in the last words of this one, or is short and the whole of it."""
        words = flat(text).split()
        last = " ".join(words[-ENDING:])
        return (len(words) >= LEAST_ENDING and f" {last}\n" in self.ended) or (bool(words) and f"\n {last}\n" in f"\n{self.ended}")


def extent(text: str) -> int:
    """How many words it is; a script without spaces has about one for each three characters."""
    wide = len(_WIDE.findall(text))
    return len(_WIDE.sub(" ", text).split()) + wide // 3 if wide else len(text.split())


def plain_number(text: str) -> str:
    """A comma before three digits parts thousands, another one is a point."""
    whole = re.sub(r",(?=\d{3}(?!\d))", "", re.sub(r"[\s%]", "", text))
    return whole.replace(",", ".").rstrip(".:")


def flat(text: str) -> str:
    """The words of a text in normal form, one space between them."""
    return " ".join(re.findall(r"\w+", normalise(text)))
