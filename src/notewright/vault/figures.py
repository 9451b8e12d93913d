"""Numbers that a text gives in another form than a draft may have them: in words, with a scale (`1.25 million`), in dates, by the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from decimal import Decimal

_ENGLISH = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_GERMAN = "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
_ZEHNER = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
_SCALES = {
    "hundred": 100, "hundert": 100, "thousand": 1000, "tausend": 1000, "tsd": 1000, "million": 10**6, "millions": 10**6, "millionen": 10**6,
    "mio": 10**6, "mln": 10**6, "billion": 10**9, "billions": 10**9, "milliarde": 10**9, "milliarden": 10**9, "mrd": 10**9, "bn": 10**9,
    "trillion": 10**12, "trillions": 10**12, "billionen": 10**12, "dozen": 12, "dutzend": 12, "decade": 10, "decades": 10, "century": 100,
    "centuries": 100, "百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "億": 10**8, "亿": 10**8,
}  # fmt: skip
_MONTHS = (
    "January Januar Jänner Jan", "February Februar Feb", "March März Mar", "April Apr", "May Mai", "June Juni Jun", "July Juli Jul",
    "August Aug", "September Sept Sep", "October Oktober Oct Okt", "November Nov", "December Dezember Dec Dez",
)  # fmt: skip
MONTHS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_MONTH = "(" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH}(?:,?\s+(\d{{4}})\b)?")
_MONTH_FIRST = re.compile(rf"\b{_MONTH}(?:\s+(\d{{1,2}})(?:st|nd|rd|th)?\b)?(?:,?\s+(\d{{4}})\b)?")
_CLOCK = re.compile(r"\b(1[0-2]|[1-9])(?:[:.]([0-5]\d))?\s?([ap])\.?\s?m\b", re.IGNORECASE)
_YEARS = re.compile(r"(?<!\d)(\d\d)(\d\d) ?[-–—/] ?(\d\d)(?!\d|[-–—/.]\d)")
_DECADE = re.compile(r"(?<!\d)\d\d(\d0)['’]?s\b")
_PART_OF_AN_HOUR = {"half an hour": "30", "half hour": "30", "quarter of an hour": "15", "quarter hour": "15"}
_WORD = re.compile(r"[^\W\d_]+")
# Dates in figures, and in which order their groups are year, month and day.
_IN_FIGURES = tuple(
    (re.compile(rf"(?<![\d.]){pattern}(?!\d)"), orders)
    for pattern, orders in (
        (r"(\d{4})(?:[-/.]|年 ?)(\d{1,2})(?:[-/.]|月 ?)(\d{1,2})", ((1, 2, 3),)),
        (r"(\d{1,2})[./] ?(\d{1,2})[./] ?(\d{4})", ((3, 2, 1), (3, 1, 2))),
        (r"(\d{4})年 ?(\d{1,2})月", ((1, 2),)),
        (r"(\d{1,2})月 ?(\d{1,2})日", ((1, 2),)),
        (r"(\d{1,2})\. ?(\d{1,2})\.", ((2, 1),)),
    )
)
SCALE = re.compile(r"[ \u00a0\u202f-]?(" + "|".join(sorted(_SCALES, key=len, reverse=True)) + r")(?![a-z])", re.IGNORECASE)


def _small() -> dict[str, int]:
    """Words for 1 to 99, ordinals among them; English ones of two words are put together where they are read."""
    found = {word: number for words in (_ENGLISH, _GERMAN) for number, word in enumerate(words.split(), 1)}
    found |= {f"{word}th": number for number, word in enumerate(_ENGLISH.split(), 1)} | _ORDINALS
    for number, (word, zehner) in enumerate(zip(_TENS.split(), _ZEHNER.split(), strict=True), 2):
        found |= {word: 10 * number, f"{word[:-1]}ieth": 10 * number, f"{word[:-1]}ies": 10 * number, zehner: 10 * number}
        found |= {f"{unit}und{zehner}": 10 * number + one for one, unit in enumerate(_GERMAN.split()[:9], 1)}
    return found


_SMALL = _small()


def in_words(text: str) -> set[str]:
    """The numbers from ten on that the text says in English or German words, in digits: `forty-one`, `two hundred and five`, `three
    decades`, `the nineteenth century`."""
    found: set[str] = set()
    value, end, low = 0, -9, text.casefold()
    for word in _WORD.finditer(low):
        joined = low[end : word.start()].strip() in ("", "-") if value else False
        if word[0] == "and" and joined and value % 100 == 0:
            end = word.end()
            continue
        small, scale = _SMALL.get(word[0], 0), _SCALES.get(word[0], 0)
        if small:
            adds = joined and (value % 100 == 0 or (value % 10 == 0 and small < 10))
            value = value + small if adds else small
        elif scale and len(word[0]) > 2:
            value = value * scale if joined else scale
        else:
            value = 0
        end = word.end()
        if value >= 10:
            found.add(str(value))
    return found | {number for words, number in _PART_OF_AN_HOUR.items() if words in low}


def scaled(plain: str, behind: str) -> str:
    """A plain number (`1.25`) times the scale that stands right behind it (` million`), in digits; empty without one."""
    found = SCALE.match(behind)
    if not found or not re.fullmatch(r"\d+(?:\.\d+)?", plain):
        return ""
    value = Decimal(plain) * _SCALES[found[1].casefold()]
    return str(int(value)) if value == int(value) else str(value.normalize())


def in_dates(text: str) -> set[str]:
    """What dates with the name of a month say: `October 3, 1951` is 1951-10-03, 1951-10 and 10-03."""
    found: set[str] = set()
    for year, month, day in (
        *((item[3], MONTHS[item[2]], item[1]) for item in _DAY_FIRST.finditer(text)),
        *((item[3], MONTHS[item[1]], item[2]) for item in _MONTH_FIRST.finditer(text)),
    ):
        parts = (f"{year}-{month:02d}" if year else "", f"{month:02d}-{int(day):02d}" if day else "")
        found |= {*filter(None, parts), *([f"{parts[0]}-{int(day):02d}"] if all(parts) else [])}
    return found


def without_dates(text: str, known: Set[str]) -> str:
    """The text with spaces in place of dates in figures that are `known`, as `in_dates` has them: 3.10.1951, 10/3/1951, 1951年10月3日."""
    for pattern, orders in _IN_FIGURES if known else ():

        def shown(found: re.Match[str], orders: tuple[tuple[int, ...], ...] = orders) -> str:
            told = {"-".join(f"{int(found[place]):02d}" for place in order) for order in orders}
            return found[0] if told.isdisjoint(known) else " " * len(found[0])

        text = pattern.sub(shown, text)
    return text


def days(moment: str) -> list[str]:
    """The parts of an ISO date, and the whole as it is written with dots."""
    parts = re.findall(r"\d+", moment[:10])
    if len(parts) != 3:
        return parts
    year, month, day = parts
    short = [str(int(part)) for part in (day, month)]
    return [
        *parts,
        *(f"{first}.{second}.{last}" for first, second in ((day, month), short) for last in (year, year[2:])),
        f"{year}.{month}.{day}",
    ]


def by_the_clock(text: str) -> Iterator[str]:
    """`5:30 pm` as 17, 17:30 and 17.30."""
    for found in _CLOCK.finditer(text):
        hour = int(found[1]) % 12 + 12 * (found[3].lower() == "p")
        yield from (str(hour), f"{hour:02d}", *(f"{hour}{mark}{found[2] or '00'}" for mark in ":."))


def in_years(text: str) -> Iterator[str]:
    """`1914-18` ends in 1918; the 1990s are the 90s."""
    yield from (century + last for century, first, last in _YEARS.findall(text) if first < last)
    yield from _DECADE.findall(text)
