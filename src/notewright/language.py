"""Which language a text is in: enough to know that two texts cannot be compared word by word.

What is too short to tell is "", which callers take for "cannot be told". The model is py3langid's, whose answers among these languages and
at this certainty were right far more often than lists of small words (lab notes, 2026-11-29).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ko": "Korean",
    "lt": "Lithuanian", "lv": "Latvian", "no": "Norwegian", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "ta": "Tamil", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_SURE = 0.8
_ENOUGH = 5_000  # characters: more make it no surer, and each takes a microsecond
_HIDDEN = re.compile(r"!?\[\[[^\[\]\n]*\]\]|\]\([^)\n]*\)|https?://\S+|`[^`\n]*`|\$[^$\n]*\$")
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(NAMES))
    return identifier


@lru_cache(maxsize=20_000)
def language_of(text: str) -> str:
    """One of `NAMES`, or "" where it cannot be told."""
    name, sure = _identifier().classify(_HIDDEN.sub(" ", text[: 2 * _ENOUGH])[:_ENOUGH])
    return str(name) if sure >= _SURE else ""


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
