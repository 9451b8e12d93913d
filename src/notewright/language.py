"""Which language a text is in, by its script and its small words: enough to know that two texts cannot be compared word by word.

No dictionary and no model. What is too short, mixed or in a language that is not listed is "", which callers take for "cannot be told".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache

NAMES = {
    "en": "English", "de": "German", "nl": "Dutch", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "sv": "Swedish",
    "da": "Danish", "pl": "Polish", "ja": "Japanese", "zh": "Chinese", "ko": "Korean", "ru": "Russian", "el": "Greek", "he": "Hebrew",
    "ar": "Arabic", "hi": "Hindi", "th": "Thai",
}  # fmt: skip
_SMALL = {
    "en": "the of and is was were are that this these those it its they their them he his she her with from which who what when where while"
    " there not but than then been being have has had would could should will can may by at as on for to you your we our us if or an only"
    " more most one every before after because about into how nobody do"
    " no as so me via",
    "de": "der die das den dem des und ist sind war waren wird werden wurde wurden nicht kein keine keinen ein eine einen einem einer eines"
    " mit von vom zum zur bei aus auf beim"
    " ins ans für über unter nach vor durch sich er sie es wir ihr ihre ihren auch nur noch als wie wenn weil dass"
    " aber oder wer was man zu am im an haben hat hatte kann schon sehr mehr immer damit denn jede jeder dort diese dieser dieses diesen"
    " einzige letztes kaum statt etwas alle wieder nie",
    "nl": "het een van en zijn voor niet met ook aan naar maar door wordt worden dat deze dit die heeft hebben was zij hun bij uit om te er"
    " als dan nog wel geen meer over onder tegen alleen",
    "fr": "le la les des du une et est sont qui que dans pour pas sur avec par ce cette ces il elle nous vous ils plus mais ou où se sa son"
    " ses leur au aux ne comme être été sans ainsi",
    "es": "el la los las del una y es son que en por para con no se su sus lo como más pero o al fue está este esta estos cuando sin sobre"
    " entre también ya muy hay todo",
    "it": "il lo gli della delle dei degli del di che non è sono una un per con si come più ma nel nella dal dalla al alla anche questo"
    " questa loro quando senza tra ha",
    "pt": "o os as da das dos do uma um não é são que em por para com se seu sua mais mas como ao à pelo pela também este esta quando sem"
    " entre já muito há no na",
    "sv": "och att det är som en ett för på av med inte till den de har var om när från men eller kan också efter alla mycket",
    "da": "og at det er som en et for på af med ikke til den de har var om når fra men eller kan også efter alle meget jeg",
    "pl": "i w na z się nie jest że do to jak ale od przez tym który która które dla są był była było po za tylko czy już",
}
_LANGUAGES: dict[str, set[str]] = defaultdict(set)
for _name, _words in _SMALL.items():
    for _word in _words.split():
        if len(_word) > 1:  # a letter may be a name of anything
            _LANGUAGES[_word].add(_name)
_SCRIPTS = (
    ("ko", "\uac00-\ud7a3"), ("ru", "\u0400-\u04ff"), ("el", "\u0370-\u03ff"), ("he", "\u0590-\u05ff"), ("ar", "\u0600-\u06ff"),
    ("hi", "\u0900-\u097f"), ("th", "\u0e00-\u0e7f"),
)  # fmt: skip
_OTHER = tuple((name, re.compile(f"[{span}]")) for name, span in _SCRIPTS)
_KANA, _HAN, _LATIN = re.compile("[\u3041-\u30ff]"), re.compile("[\u3400-\u9fff]"), re.compile(r"[^\W\d_]", re.ASCII)
_HIDDEN = re.compile(r"!?\[\[[^\[\]\n]*\]\]|\]\([^)\n]*\)|https?://\S+|`[^`\n]*`|\$[^$\n]*\$")
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_LEAST, _CLEAR = 2, 1.5  # different small words of a language, and how many times the words of the next one, to call it


@lru_cache(maxsize=20_000)
def language_of(text: str) -> str:
    """One of `NAMES`, or "" where it cannot be told."""
    text = _HIDDEN.sub(" ", text)
    if not text.isascii():
        kana, han, latin = (len(pattern.findall(text)) for pattern in (_KANA, _HAN, _LATIN))
        if 3 * (kana + han) > latin:  # a sign is about a third of a word
            return "ja" if kana else "zh"
        if script := next((name for name, pattern in _OTHER if 2 * len(pattern.findall(text)) > latin), ""):
            return script
    counts = Counter[str]()
    said: dict[str, set[str]] = defaultdict(set)
    for word in _WORD.findall(text.casefold()):
        for name in _LANGUAGES.get(word, ()):
            counts[name] += 1
            said[name].add(word)
    best = counts.most_common(2)
    if not best or len(said[best[0][0]]) < _LEAST or (len(best) > 1 and best[0][1] < _CLEAR * best[1][1]):
        return ""
    return best[0][0]


def own_language(text: str) -> str:
    """The language of what is said outside of block quotes."""
    return language_of(_QUOTED_LINE.sub("", text))


def common_language(texts: Iterable[str]) -> str:
    """The language that nearly all of these texts are in; "" where they differ, or few can be told."""
    found = [language_of(text) for text in texts if text.strip()]
    counts = Counter(name for name in found if name)
    if not counts:
        return ""
    name, times = counts.most_common(1)[0]
    return name if times >= 0.8 * sum(counts.values()) and 2 * times >= len(found) else ""


def languages(highlights: Iterable[str], passage: str) -> str:
    """That of the highlights and that in which the passage speaks outside of block quotes (`en de`); empty if one is not known."""
    spoken, own = common_language(highlights), own_language(passage)
    return f"{spoken} {own}" if spoken and own else ""


def differ(one: str, other: str) -> bool:
    """Are both languages known, and not the same?"""
    return bool(one and other and one != other)
