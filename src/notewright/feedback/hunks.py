"""What kind of changes an edit is made of. Pure: two texts and what was known -> hunks, which turn the first text into the second.

The kinds, in the order in which they are tried:

    selection    a whole line or sentence was dropped, moved, or taken from a highlight
    format       the same words; other marks, heading levels, bullets, line breaks or order of marks
    typo         a word replaced by one at a small Damerau-Levenshtein distance that is no inflection of it; a doubled word; a split one
    added fact   a number or name, or three more content words than were removed, that neither the highlights nor the draft hold
    style        the rest: other words for the same matter
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..diffing import align
from ..language import language_of
from ..text import normalise

KINDS = ("format", "style", "selection", "added fact", "typo")
_TOKEN = re.compile(r"\n|[^\S\n]+|\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|.", re.DOTALL)
_WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+(?=[\"'“‘(\[*_]*[^\W\d_a-z])")
_LINE_START = re.compile(r"^[ \t>]*(?:[-+*]|\d{1,9}[.)])?[ \t]*(?:#{1,6}[ \t]+)?", re.MULTILINE)
_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "er", "est", "en", "n", "e", "y", "ies", "ied", "'s", "’s")
_FACT_WORDS = 3  # new content words, more than the hunk removes, that make a fact
_LARGE = 500_000  # pairs of words and spaces in one sentence
_TAKEN = 0.7  # share of an added line's words that one highlight holds when the line was taken from it
_SMALL_WORDS = """
about above after again against also although among another because been before being below between both cannot could does doing down
during each either even ever every from further have having here hers herself himself however into itself just like made make many maybe
might more most much must neither never only other ours over perhaps rather really same shall should since some still such than that
their theirs them then there therefore these they this those through thus under until upon very well were what when where whether which
while will with within without would your yours
"""
_GERMAN_SMALL_WORDS = """
aber also alle allem allen aller alles auch auf aus beim damit dann dass dazu denen denn dennoch deren dessen diese diesem diesen
dieser dieses doch dort durch eben ein eine einem einen einer eines erst etwa etwas euer fast ganz gegen gerade haben hatte hatten hier
hinter immer jede jedem jeden jeder jedes jedoch kann kaum kein keine keinem keinen keiner können machen macht manche mehr mein meine
muss nach nicht nichts noch nun nur oder ohne schon sehr sein seine seinem seinen seiner seit selbst sich sind sogar soll solche
sondern sonst über unter unser viel viele vielleicht vor wann waren warum was weil welche wenig weniger wenn werden wieder wird wurde
wurden während zwar zwischen
"""
# Each noun has a capital: of a name two words stand side by side, and no article before them.
_GERMAN_NAME = re.compile(
    r"(?<![\w-])(?<!der )(?<!die )(?<!das )(?<!den )(?<!dem )(?<!des )(?<!ine )(?<!iner )(?<!im )([A-ZÄÖÜ]\w+) ([A-ZÄÖÜ]\w+)"
)
_FUNCTION = frozenset(_SMALL_WORDS.split())
_GERMAN_FUNCTION = _FUNCTION | frozenset(_GERMAN_SMALL_WORDS.split())


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change: `before`, at character `start` of the earlier text, became `after`, at character `to` of the later one.

    `moved` marks the two halves of a line or sentence that now stands elsewhere.
    """

    kind: str
    before: str
    after: str
    start: int
    to: int
    moved: bool = False


def hunks(before: str, after: str, *, highlights: Sequence[str] = (), draft: str = "") -> list[Hunk]:
    """The changes from `before` to `after`, in order; replacing each `before` by its `after` gives the later text exactly.

    `highlights` are what the draft was written from, and `draft` is the text as the model wrote it (default: `before`): together they are
    what was known, so that only what neither holds is an added fact.
    """
    raw = _marked_moves(_joined(before, after, list(_raw(before, after))))
    known = _Known(highlights, f"{draft}\n{before}", german=language_of(after) == "de")
    return [Hunk(_kind(change, known, before), change.old(before), change.new(after), change.a0, change.b0, change.moved) for change in raw]


@dataclass(frozen=True, slots=True)
class _Change:
    """Character spans in both texts; `whole` says that it is made of whole lines or sentences."""

    a0: int
    a1: int
    b0: int
    b1: int
    whole: bool
    moved: bool = False
    texts: tuple[str, str] = field(default=("", ""), repr=False)

    def old(self, before: str) -> str:
        return before[self.a0 : self.a1]

    def new(self, after: str) -> str:
        return after[self.b0 : self.b1]


def _change(before: str, after: str, a0: int, a1: int, b0: int, b1: int, *, whole: bool) -> _Change:
    return _Change(a0, a1, b0, b1, whole, texts=(before[a0:a1], after[b0:b1]))


def units(text: str) -> list[str]:
    """Lines, and in lines of prose sentences, each with the white space behind it: joined they are the text."""
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        borders = [0, *(hit.end() for hit in _SENTENCE.finditer(line) if hit.end() < len(line)), len(line)]
        found += [line[start:end] for start, end in zip(borders, borders[1:], strict=False)]
    return found


def _raw(before: str, after: str) -> Iterator[_Change]:
    """Whole units that are only on one side, and the changed words of those that are on both."""
    left, right = units(before), units(after)
    starts, ends = _offsets(left), _offsets(right)
    a = b = 0
    pairs = align([item.strip() for item in left], [item.strip() for item in right])
    for pair in [*pairs, (len(left), len(right))]:
        if pair != (a, b):
            yield _change(before, after, starts[a], starts[pair[0]], ends[b], ends[pair[1]], whole=True)
        a, b = pair
        if a < len(left) and left[a] != right[b]:
            yield from _words(before, after, (starts[a], starts[a + 1]), (ends[b], ends[b + 1]))
        a, b = a + 1, b + 1


def _offsets(items: Iterable[str]) -> list[int]:
    found = [0]
    for item in items:
        found.append(found[-1] + len(item))
    return found


def _words(before: str, after: str, old: tuple[int, int], new: tuple[int, int]) -> Iterator[_Change]:
    """Changes inside one unit, at the borders of words; ones with only white space or a small word between them are one."""
    left, right = _TOKEN.findall(before[slice(*old)]), _TOKEN.findall(after[slice(*new)])
    starts, ends = _offsets(left), _offsets(right)
    open_change: tuple[int, int, int, int] | None = None
    for tag, a0, a1, b0, b1 in _opcodes(left, right):
        if tag == "equal":
            continue
        if open_change and not _separates(left[open_change[1] : a0]):
            open_change = (open_change[0], a1, open_change[2], b1)
            continue
        if open_change:
            yield _placed(before, after, old[0], new[0], starts, ends, open_change)
        open_change = (a0, a1, b0, b1)
    if open_change:
        yield _placed(before, after, old[0], new[0], starts, ends, open_change)


def _opcodes(left: Sequence[str], right: Sequence[str]) -> Iterable[tuple[str, int, int, int, int]]:
    """In a sentence of thousands of words the fewest changes, as the longest runs would take minutes to find."""
    if len(left) * len(right) <= _LARGE:
        return difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes()
    from rapidfuzz.distance import Indel

    return ((step.tag, step.src_start, step.src_end, step.dest_start, step.dest_end) for step in Indel.opcodes(left, right))


def _separates(between: Sequence[str]) -> bool:
    """Is there a content word, or a mark, between two changes? Then they are two."""
    return any(not token.isspace() and (len(token) > 3 or not token.isalpha()) for token in between)


def _placed(before: str, after: str, a: int, b: int, starts: list[int], ends: list[int], change: tuple[int, int, int, int]) -> _Change:
    a0, a1, b0, b1 = change
    return _change(before, after, a + starts[a0], a + starts[a1], b + ends[b0], b + ends[b1], whole=False)


def _joined(before: str, after: str, changes: list[_Change]) -> list[_Change]:
    """Touching changes become one when one of them is mere white space, both are mere marks, or they share their words: a line that was
    split, or two that were joined."""
    done: list[_Change] = []
    for change in changes:
        while done and (both := _as_one(before, after, done[-1], change)):
            done.pop()
            change = both
        done.append(change)
    return done


def _as_one(before: str, after: str, first: _Change, second: _Change) -> _Change | None:
    gap = before[first.a1 : second.a0]
    if len(gap) > 3 or _WORD.search(gap):
        return None
    blank = [not "".join(item.texts).strip() for item in (first, second)]
    whole = second.whole if blank[0] else first.whole if blank[1] else first.whole and second.whole
    both = _change(before, after, first.a0, second.a1, first.b0, second.b1, whole=whole)
    wordless = not any(_listed(text) for text in (*first.texts, *second.texts))
    return both if (not gap and (any(blank) or wordless)) or _share_words(*both.texts) else None


def _share_words(old: str, new: str) -> bool:
    left, right = set(_folded(old)), set(_folded(new))
    return bool(left and right) and len(left & right) >= 0.5 * max(len(left), len(right))


def _marked_moves(changes: list[_Change]) -> list[_Change]:
    """Pair whole units that went with equal ones that came."""
    went = {_bare(change.texts[0]): index for index, change in enumerate(changes) if change.whole and not change.texts[1].strip()}
    for index, change in enumerate(changes):
        origin = went.get(_bare(change.texts[1])) if change.whole and not change.texts[0].strip() else None
        if origin is not None and _folded(change.texts[1]):
            changes[origin], changes[index] = replace(changes[origin], moved=True), replace(change, moved=True)
    return changes


class _Known:
    """The words of the highlights and of the draft."""

    def __init__(self, highlights: Sequence[str], draft: str, *, german: bool = False) -> None:
        self.german = german  # where each noun has a capital, one is no name
        self.small_words = _GERMAN_FUNCTION if german else _FUNCTION
        self.highlights = [set(_folded(text)) for text in highlights]
        self.words = set(_folded(draft)).union(*self.highlights)

    def taken(self, words: Sequence[str]) -> bool:
        """Does one highlight hold most of these words?"""
        return any(sum(word in highlight for word in words) >= _TAKEN * len(words) for highlight in self.highlights)


def _kind(change: _Change, known: _Known, before: str) -> str:
    old, new = _listed(change.texts[0]), _listed(change.texts[1])
    folded_old, folded_new = [word.casefold() for word in old], [word.casefold() for word in new]
    if change.moved:
        return "selection"
    if folded_old == folded_new and (old == new or _WORD.sub("", change.texts[0]) != _WORD.sub("", change.texts[1])):
        return "format"
    if change.whole and not new:
        return "selection"
    if change.whole and not old and len(new) >= 3 and known.taken(folded_new):
        return "selection"
    if _is_typo(change, old, new, before):
        return "typo"
    return "added fact" if _adds_fact(change.texts[1], old, new, known) else "style"


def _listed(text: str) -> list[str]:
    """Words without the marks of lists and headings; the number of a list item is a mark."""
    return _WORD.findall(_LINE_START.sub("", text) if "\n" in text or text[:1] in " \t>-+*#" or re.match(r"\d+[.)] ", text) else text)


def _folded(text: str) -> list[str]:
    return [word.casefold() for word in _listed(text)]


def _bare(text: str) -> str:
    return normalise(text)


def _is_typo(change: _Change, old: Sequence[str], new: Sequence[str], before: str) -> bool:
    if not old and not new:
        return False
    if old and new and "".join(old) == "".join(new) and "\n" not in "".join(change.texts):
        return True  # only the space between words
    if len(old) == 1 and not new and not change.whole:
        around = _WORD.findall(before[max(0, change.a0 - 40) : change.a0])[-1:] + _WORD.findall(before[change.a1 : change.a1 + 40])[:1]
        return old[0].casefold() in (word.casefold() for word in around)
    return 0 < len(old) == len(new) <= 3 and all(a == b or _misspelt(a, b) for a, b in zip(old, new, strict=True))


def _misspelt(old: str, new: str) -> bool:
    """One letter wrong, missing, doubled, swapped or in the wrong case; two in words of eight letters or more."""
    from rapidfuzz.distance import OSA

    if old[0].isdigit() or new[0].isdigit():
        return False
    if len(old) == len(new) and old.casefold() == new.casefold():
        return sum(a != b for a, b in zip(old, new, strict=True)) == 1
    if _inflected(old.casefold(), new.casefold()):
        return False
    longer = max(len(old), len(new))
    if longer <= 3:
        return sorted(old) == sorted(new) and OSA.distance(old, new) == 1
    return bool(OSA.distance(old, new) <= (2 if longer >= 8 else 1))


def _inflected(old: str, new: str) -> bool:
    """Do the words differ in a common ending only? Then another form was meant, not another spelling."""
    shared = 0
    while shared < min(len(old), len(new)) and old[shared] == new[shared]:
        shared += 1
    ends = (old[shared:], new[shared:])
    return shared >= 3 and all(not end or end in _ENDINGS for end in ends)


def _adds_fact(text: str, old: Sequence[str], new: Sequence[str], known: _Known) -> bool:
    fresh = [word for word in new if word.casefold() not in known.words]
    names = (name for found in _GERMAN_NAME.findall(text) for name in found) if known.german else _names(text)
    if any(word[0].isdigit() for word in fresh) or any(name.casefold() not in known.words for name in names):
        return True
    content = {word.casefold() for word in fresh if len(word) >= 4 and word.casefold() not in known.small_words}
    removed = {word.casefold() for word in old if len(word) >= 4 and word.casefold() not in known.small_words}
    return len(content) - len(removed) >= _FACT_WORDS


def _names(text: str) -> Iterator[str]:
    """Capitalised words that do not open a line or sentence, where any word has a capital; titles, where most words have, hold none."""
    for line in text.splitlines():
        words = [word for word in _WORD.findall(line) if len(word) > 3]
        if sum(word[0].isupper() for word in words) * 2 <= len(words) or len(words) < 3:
            yield from _capitalised(line)


def _capitalised(text: str) -> Iterator[str]:
    for found in _WORD.finditer(text):
        above = text[: found.start()].rstrip(" \t\"'“‘([*_=")
        opens = not above or above[-1] in ".!?…:\n>-+#|" or above[-1] in "—–"
        if found[0][0].isupper() and len(found[0]) > 1 and not opens:
            yield found[0]
