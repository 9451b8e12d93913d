"""Pure text: normal forms for matching, sentences, content hashes, word diffs, edit distance."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterator

# Ranges of scripts that put no spaces between words: Thai and Lao, Burmese, Khmer, Japanese and Chinese.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# Signs that stand on a letter and are of its word: vowels of Indic scripts, points of Hebrew and Arabic, accents that no letter holds. For
# Python's \w they are none, which would leave Hindi its consonants only, each vowel the end of a word.
MARKS = "".join(char for char in map(chr, (*range(0x300, 0x1E00), *range(0xA66F, 0xAC00))) if unicodedata.category(char) in ("Mn", "Mc"))
# Those of Hebrew and Arabic, which writers set or leave out at will, and the stroke that lengthens an Arabic word.
POINTS = "".join(char for char in map(chr, (*range(0x591, 0x700), *range(0x8CA, 0x900))) if unicodedata.category(char) == "Mn") + "\u0640"
# No address has "](" in it: else each of many `[a](` would look through all that follows.
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*+)\]\(((?:[^)\s\]]|\](?!\())*+)(?:\s++\"[^\"]*+\")?+\)")
_WIKILINK = re.compile(r"!?\[\[([^\[\]|]*+)(?:\|([^\[\]]*+))?+\]\]")
_MARKS = str.maketrans("", "", "*_`~=#>\\")
_MARKED = re.compile(r"[*_`~=#>\\]")
_POINTED = re.compile(f"[{POINTS}]+")
_ACCENTS = re.compile(f"[\u0300-\u036f{POINTS}]+")
_LIST_MARK = re.compile(r"^[^\S\n]*(?:[-+•]|\d+[.)])\s+", re.MULTILINE)  # over blank lines it would look from each anew
_PUNCTUATION = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\u00ad": "", "\u200b": ""})
_LOWER = "".join(char for char in map(chr, range(0x530)) if char.islower())
# A sentence begins with a capital, a digit, or a letter of a script without capitals; some scripts put no space before it.
# German ends ordinals with a point (`am 3. Oktober`), and some abbreviations stand before nouns, all of which have capitals.
_NO_END = (
    r"(?!(?:(?<=[^\d]\d\.)|(?<=[^\d]\d\d\.))\s+(?:MONTH))(?!(?<=\bz\.)\s+B\.)(?<!\bz\. B\.)(?<!\bd\. h\.)(?<!\bu\. a\.)(?<!\bbzw\.)"
    r"(?<!\b[vV]gl\.)(?<!\bMio\.)(?<!\bMrd\.)"
).replace("MONTH", r"Jan(?:uar|\.)|Feb(?:ruar|\.)|März|April|Mai|Ju[nl]i|August|September|Oktober|November|Dezember|Jahrhundert|Jh\.")
_SENTENCE_END = re.compile(rf"[.!?…]{_NO_END}[\"'“”’»)\]]*(?=\s+[\"'“„‘»«(\[]*[^\W_{_LOWER}])|[。！？।][\"'”’）」』]*(?=.)")
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]", re.UNICODE)
_TOKENS = re.compile(r"\n|\w+|[^\w\s]")
_THOUGHT, _THOUGHT_OVER = "<think>", "</think>"
_CLOSED = re.compile(rf"^[ \t]*{_THOUGHT_OVER}[ \t]*$", re.MULTILINE)
_UNSPACED_TOKENS = re.compile(rf"\n|[{UNSPACED}]|(?:(?![{UNSPACED}])[\w{MARKS}])+|[^\w\s]")


def content_hash(data: str | bytes) -> str:
    """SHA-256 in hex, tagged with the algorithm so that a later change can be told apart."""
    return "sha256:" + hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def count(number: int, word: str) -> str:
    """`1 pair`, `2 pairs`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def plain_newlines(text: str) -> str:
    """Lines that end in LF, whatever the file they are from ends them with."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_thoughts(text: str, *, growing: bool = False) -> str:
    """What a model says that thinks aloud first; a thought without an end is all there is. Of some models the prompt has its opening mark.

    Of a `growing` text what may become the opening mark is held back.
    """
    said = text.lstrip()
    if growing and said and _THOUGHT.startswith(said):
        return ""
    if said.startswith(_THOUGHT):
        return said.partition(_THOUGHT_OVER)[2].lstrip()
    over = _THOUGHT_OVER in text and _CLOSED.search(text)
    return text[over.end() :].lstrip() if over and _THOUGHT not in text[: over.start()] else text


def normalise(text: str) -> str:
    """A form for comparing text that travelled through different exporters.

    NFKC, straight quotes and dashes, no vowel signs of Arabic and Hebrew, Markdown marks and links reduced to their words, whitespace
    folded, case folded.
    """
    if not text.isascii():
        text = unpointed(unicodedata.normalize("NFKC", text.translate(_PUNCTUATION)))
    if "[" in text:
        text = _MARKDOWN_LINK.sub(lambda found: found[1] or found[2], text)
        text = _WIKILINK.sub(lambda found: found[2] or found[1], text)
    if _MARKED.search(text):  # far quicker than a translation that changes nothing
        text = text.translate(_MARKS)
    text = text.strip()
    if "\n" in text:
        text = _LIST_MARK.sub("", text)
    elif mark := _LIST_MARK.match(text):  # far quicker than a search that can only hit the start
        text = text[mark.end() :]
    return " ".join(text.split()).casefold()


def unpointed(text: str) -> str:
    """Without vowel signs of Arabic and Hebrew: of NFKC, in which the hamza of a letter is not one of them."""
    return _POINTED.sub("", text)


def plain(text: str) -> str:
    """A form for finding text by what a person types: letters without case, accents and vowel signs (`über` finds `Über`, `mass` finds
    `Maß`)."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def sentences(text: str) -> list[str]:
    """Sentences of one paragraph, by terminal punctuation before a capital or digit. Abbreviations are not known to it."""
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the `sentences` of one paragraph stand, in characters, without the spaces around them."""
    borders = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    spans = []
    for start, end in zip(borders, borders[1:], strict=False):
        part = text[start:end]
        if part.strip():
            spans.append((start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())))
    return spans


def words(text: str) -> list[str]:
    """Words and single punctuation marks, in order."""
    return _WORD.findall(text)


def word_diff(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Pieces ("=", "-" or "+", text) that turn `before` into `after`, cut at word and whitespace borders."""
    left, right = re.findall(r"\s+|\S+", before), re.findall(r"\s+|\S+", after)
    for tag, a0, a1, b0, b1 in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "=", "".join(left[a0:a1])
            continue
        if a1 > a0:
            yield "-", "".join(left[a0:a1])
        if b1 > b0:
            yield "+", "".join(right[b0:b1])


def edit_distance(left: str, right: str) -> float:
    """Normalised edit distance in [0, 1]: Levenshtein over words and marks, divided by the longer length; 0 for two empty texts."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(tokens(left), tokens(right)))


def tokens(text: str) -> list[str]:
    """Words, marks and line breaks: the units of `edit_distance`, so that layout counts and spaces do not. In scripts that put no spaces
    between words each sign is one."""
    return (_TOKENS if text.isascii() else _UNSPACED_TOKENS).findall(text)
