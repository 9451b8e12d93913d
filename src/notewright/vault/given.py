"""What a draft may draw on: the words, numbers and addresses of its highlights and of what is known about their source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from unicodedata import decimal

from ..records import Highlight
from ..text import UNSPACED, normalise, sentences
from .figures import by_the_clock, days, in_dates, in_words, in_years, scaled, without_dates
from .pointers import addresses_of

_THIN = "\u00a0\u2009\u202f'\u2019"  # what parts thousands beside dots and commas
_DIGITS = rf"\d+(?:[.,:\u066b\u066c]\d+|[ {_THIN}]\d{{3}}(?!\d))*(?:\s?%)?"
NUMBER = re.compile(rf"(?<![A-Za-z0-9_.,]){_DIGITS}")
_WRITTEN = re.compile(_DIGITS)  # those with letters or a point before them too: `EUR1.5`, `Sec.2.1`
WIDE = rf"[{UNSPACED}\uac00-\ud7a3]"  # letters of scripts that put no spaces between words, and of Korean
# A number and its unit are two words, whether or not a space stands between them: `5km`. So are neighbours of two scripts: a quotation
# may begin at any sign of `2024年3月`.
WORD = re.compile(rf"{WIDE}+|\d+|(?:(?!{WIDE})[^\W\d]){{2,}}(?=\d)|(?:(?!{WIDE})\w)+")
_THOUSANDS = re.compile(rf"\d{{1,3}}(?:\.\d{{3}})+(?:,\d+)?|\d{{1,3}}(?:[ {_THIN}]\d{{3}})+(?:[.,]\d+)?")
_ARABIC = str.maketrans({"\u066b": ".", "\u066c": ",", "\u066a": "%"})
# Where a quotation stands, behind it.
LOCATOR = re.compile(
    r"\s*(?:[(\[](?:(?:pp?|loc|location|page)(?![a-z])[^)\]]*"
    r"|(?:P[Pp]?\.|[Pp]ages?|L(?:oc\.?|ocations?)|[Ss]\.|[Ss]eiten?|[Pp]os(?:\.|ition(?:en)?))\s*\d[^)\]]*|\d+(?::\d\d)+)[)\]]"
    r"|[,;–—-]\s*(?:(?:pp?|loc|[Pp]os|S)\.\s?\d[\d–-]*|\d+(?::\d\d)+))\s*$"
)
# "[…]", or what a writer put in; the words of a link are neither.
_ELISION = re.compile(r"\s*(?:\[?(?:…|\.\.\.)\]?|(?<!\[)\[[^\[\]]{0,40}\](?![\[(]))\s*")
_WIDE = re.compile(f"[{UNSPACED}]")
LONGEST_NAME = 10  # words of an attribution; a longer line with a dash before it is one of a list
ENDING, LEAST_ENDING = 6, 3  # words by which two endings are known to be the same
BEHIND = 14  # characters behind a number that can tell its scale
LEAST_QUOTED = 8  # words of a highlight or of a sentence in it; a shorter one may well come up in a sentence again


def given_by(highlights: Sequence[Highlight], known: str) -> Given:
    """`Given`, which the candidates for one prompt share: it takes longer to make than most of what is asked of it."""
    return _given(tuple(highlights), known)


@lru_cache(maxsize=8)
def _given(highlights: tuple[Highlight, ...], known: str) -> Given:
    return Given(highlights, known)


class Given:
    """What a draft may draw on; nothing in it changes."""

    def __init__(self, highlights: Sequence[Highlight], known: str) -> None:
        texts = [known]
        numbers: list[str] = []
        for item in highlights:
            texts += [item.text, item.annotation, item.chapter, " ".join(item.tags)]
            if item.location is not None:
                minutes, seconds = divmod(item.location, 60)
                numbers += [str(item.location), f"{minutes}:{seconds:02d}", f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"]
            numbers += days(item.highlighted_at)
        self.raw = "\n".join(texts)
        self.addresses = {address for item in highlights for address in addresses_of(item).values()}
        self.words = "\n".join(flat(item) for item in texts)
        self.places = {flat(item) for item in (*known.split("\n"), *(item.chapter for item in highlights))}
        quotable = (part for item in highlights for part in (item.text, *sentences(item.text)))  # the whole before its sentences
        self.quotable = [said for said in dict.fromkeys(flat(part) for part in quotable) if extent(said) >= LEAST_QUOTED]
        self.ended = "".join(f" {line}\n" for line in self.words.split("\n"))
        everything = (*numbers, *NUMBER.findall(self.raw), *_WRITTEN.findall(self.raw), *re.findall(r"\d+", self.raw))
        self.numbers = {reading for item in everything for reading in _readings(item)} | in_words(self.raw)
        self.numbers |= set(in_years(self.raw))
        self.numbers |= {reading for item in by_the_clock(self.raw) for reading in _readings(item)}
        self.dates = in_dates(self.raw)
        self.numbers |= {value for found in NUMBER.finditer(self.raw) for value in _scaled(found[0], self.raw[found.end() :][:BEHIND])}

    def undated(self, text: str) -> str:
        """The text with spaces in place of the given dates, where it has them in figures."""
        return without_dates(text, self.dates)

    def counts(self, number: str, behind: str = "") -> bool:
        """Is this number given, in one of the ways in which it can be read? Numbers with a space between them may also be two; what stands
        `behind` it may be its scale (`1.25 million` for 1,250,000)."""
        if not self.numbers.isdisjoint(_scaled(number, behind)):
            return True
        return not self.numbers.isdisjoint(_readings(number)) or (" " in number and all(self.counts(part) for part in number.split()))

    def says(self, quotation: str) -> bool:
        parts = [flat(part) for part in _ELISION.split(quotation)]
        return all(re.search(rf"(?<!\d){re.escape(part)}(?!\d)", self.words) for part in parts if part)

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
    """In ASCII digits; a comma before three digits parts thousands, another one is a point."""
    whole = re.sub(r",(?=\d{3}(?!\d))", "", re.sub(rf"[\s%{_THIN}]", "", _ascii_digits(text.translate(_ARABIC))))
    return whole.replace(",", ".").rstrip(".:")


def _ascii_digits(text: str) -> str:
    return text if text.isascii() else "".join(str(decimal(char)) if char.isdecimal() else char for char in text)


def _readings(text: str) -> set[str]:
    """`4.000` may be four thousand, or four to three places."""
    plain = plain_number(text)
    digits = _ascii_digits(text.strip("% "))
    if _THOUSANDS.fullmatch(digits):
        return {plain, plain_number(re.sub(rf"[. {_THIN}](?=\d{{3}}(?!\d))", "", digits))}
    return {plain}


def _scaled(number: str, behind: str) -> set[str]:
    return {value for reading in _readings(number) if (value := scaled(reading, behind))}


def ways(number: str, behind: str = "") -> set[str]:
    """All in which a number, or a part of it between spaces, can be read: `counts` knows it only by one of these."""
    parts = number.split() if " " in number else []
    return _scaled(number, behind) | _readings(number) | {way for part in parts for way in (*_scaled(part, ""), *_readings(part))}


@lru_cache(maxsize=8192)  # candidates are asked about the same highlights and notes, by many checks
def flat(text: str) -> str:
    """The words of a text in normal form, one space between them and between a number and its unit."""
    return " ".join(WORD.findall(normalise(text)))
