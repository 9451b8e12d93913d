"""Invented sources with highlights: real sentences under made-up titles, authors, chapters, tags, locations and annotations.

What a note must copy exactly (rare names, numbers, foreign words, emoji, links, formulas, random codes) is strewn into the sentences.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from ..records import Highlight, Prompt, Source
from .corpora import Corpus, Text, split_sentences
from .tokenizer import straight

_GIVEN = (
    "Maya", "Jonas", "Priya", "Tomás", "Ingrid", "Kwame", "Yuki", "Elena", "Samuel", "Aisha", "Noah", "Freya", "Luca", "Nadia",
    "Oskar", "Wei", "Camille", "Ravi", "Hanna", "Diego", "Amara", "Stefan", "Leila", "Peter", "Ruth", "Hugo", "Anna", "Marcus",
    "Olga", "Ben", "Clara", "Idris", "Sofia", "Viktor", "Grace", "Emil", "Zofia", "Daniel", "Rosa", "Arjun", "Sven", "Miriam",
    "Karl", "Anne", "Ursula", "Donella",
)  # fmt: skip
_FAMILY = (
    "Okafor", "Lindqvist", "Marlowe", "Tanaka", "Ferreira", "Novak", "Haddad", "Bergström", "Castell", "Whitfield", "Iyer",
    "Moreau", "Kowalski", "Adeyemi", "Sørensen", "Vance", "Brandt", "Quispe", "Delacroix", "Halloran", "Petrov", "Zimmer",
    "Nakamura", "Ortega", "Ashworth", "Mbeki", "Keller", "Rossi", "Yilmaz", "Thorne", "Eriksen", "Banerjee", "Lowell", "Fuchs",
    "Carver",
)  # fmt: skip
_FOREIGN = (
    "Gemütlichkeit", "saudade", "wabi-sabi", "侘寂", "Schadenfreude", "ikigai", "生き甲斐", "ἀρετή", "λόγος", "тоска", "свобода",
    "ubuntu", "hygge", "façade", "naïveté", "élan", "ñandú", "coöperate", "Übermensch", "jiāyóu", "加油", "مرحبا", "שלום", "한국어",
    "cœur", "smörgåsbord", "Zeitgeist", "déjà-vu", "çay", "žluťoučký", "kůň", "ångström",
)  # fmt: skip
_EMOJI = (
    "🙂", "🔥", "💡", "📚", "🌱", "✅", "⚠️", "🎯", "🧠", "❤️", "👩‍🔬", "🚀", "☕", "✨", "🪴", "🇳🇴",
)  # fmt: skip
_MATH = (
    "$x^2$", "$E = mc^2$", "$O(n \\log n)$", "$\\alpha$", "$p(x \\mid y)$", "$\\frac{a}{b}$", "$\\sum_i x_i$", "$\\theta_{t+1}$",
    "$\\pi r^2$", "$f(x) = ax + b$", "$\\nabla L$", "$n \\geq 3$", "$\\sqrt{2}$",
)  # fmt: skip
_UNITS = (
    "km", "kg", "%", "ms", "dollars", "people", "years", "hours", "GB", "°C", "pages",
)  # fmt: skip
_SYLLABLES = (
    "ka", "zu", "mi", "ro", "tha", "vel", "dor", "quin", "bes", "lo", "par", "xi", "ny", "sha", "gru", "el", "mon", "fa", "tri",
    "wex", "ul", "op", "ja", "hent",
)  # fmt: skip
KINDS = (("book", 0.55), ("article", 0.27), ("podcast", 0.1), ("tweet", 0.04), ("supplemental", 0.04))
LOCATIONS = {"book": ("page", "location", "location", "order"), "article": ("order", "offset", ""), "podcast": ("time_offset",)}


@dataclass(frozen=True, slots=True)
class Habits:
    """How often one person's highlights carry what; constant within a reader."""

    annotated: float
    tagged: float
    favourite: float
    images: float
    odd: float
    straight: bool
    vocabulary: tuple[str, ...]
    doc_tags: int

    @staticmethod
    def draw(rng: random.Random, corpus: Corpus) -> Habits:
        return Habits(
            annotated=rng.choice((0.0, 0.3, 0.5, 0.5, 0.7, 0.9)),
            tagged=rng.choice((0.0, 0.25, 0.4, 0.6)),
            favourite=rng.choice((0.0, 0.12, 0.2, 0.3)),
            images=rng.choice((0.0, 0.0, 0.06, 0.15)),
            odd=rng.choice((0.05, 0.15, 0.3)),
            straight=rng.random() < 0.5,
            vocabulary=tuple(tag(rng, corpus) for _ in range(rng.randint(4, 10))),
            doc_tags=rng.choice((0, 1, 2, 2, 3)),
        )


def tag(rng: random.Random, corpus: Corpus) -> str:
    """One tag as people type them: `habit`, `deep-work`, `toRead`, `area/health`."""
    words = [w.lower() for w in re.findall(r"[A-Za-z]{4,11}", corpus.paragraph(rng))] or ["reading"]
    first, second, draw = rng.choice(words), rng.choice(words), rng.random()
    if draw < 0.5 or first == second:
        return first
    if draw < 0.85:
        return f"{first}-{second}"
    if draw < 0.93:
        return f"{first}/{second}"
    return rng.choice((f"{first}_{second}", first + second.capitalize(), f"{first}{rng.randint(1, 2030)}"))


def name(rng: random.Random) -> str:
    """A person; one in five is made of rare syllables."""
    if rng.random() < 0.2:
        return " ".join("".join(rng.choices(_SYLLABLES, k=rng.randint(2, 3))).capitalize() for _ in range(2))
    middle = f" {rng.choice('ABCDEFGHJKLMNPRSTVW')}." if rng.random() < 0.15 else ""
    return f"{rng.choice(_GIVEN)}{middle} {rng.choice(_FAMILY)}"


def _title_case(text: str) -> str:
    small = {"a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with"}
    words = text.split()
    return " ".join(w if i and w.lower() in small else w[:1].upper() + w[1:] for i, w in enumerate(words))


def title(rng: random.Random, corpus: Corpus, low: int = 1, high: int = 5) -> str:
    phrase = re.sub(r"[#:|\[\]^\"*`_$<>\\/]", "", corpus.phrase(rng, low, high)).strip(" .,;-") or "Notes"
    return _title_case(phrase) if rng.random() < 0.75 else phrase[:1].upper() + phrase[1:]


def odd_thing(rng: random.Random) -> str:
    """Something that can only be copied, never guessed."""
    draw = rng.random()
    if draw < 0.2:
        return name(rng)
    if draw < 0.4:
        decimals = f"{rng.random() * 100:.{rng.randint(1, 2)}f}"
        number = rng.choice((f"{rng.randint(2, 99)}", f"{rng.randint(100, 9999):,}", decimals, f"{rng.randint(1600, 2030)}"))
        return f"{number} {rng.choice(_UNITS)}" if rng.random() < 0.5 else number
    if draw < 0.55:
        return rng.choice(_FOREIGN)
    if draw < 0.65:
        return rng.choice(_EMOJI)
    if draw < 0.75:
        return rng.choice(_MATH)
    if draw < 0.85:
        site = f"{rng.choice(_SYLLABLES)}{rng.choice(_SYLLABLES)}.{rng.choice(('com', 'org', 'io'))}"
        return f"[{name(rng).split()[1]}](https://{site}/{rng.randint(1, 999)})"
    code = "".join(rng.choices("abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNP23456789-_", k=rng.randint(4, 10)))
    version = f"v{rng.randint(0, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}"
    return rng.choice((code, f"`{code}`", version, f"**{code}**" if rng.random() < 0.2 else code))


def _strew(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    for _ in range(rng.choice((1, 1, 2))):
        words.insert(rng.randint(1, max(1, len(words) - 1)), odd_thing(rng))
    return " ".join(words)


def _excerpt(rng: random.Random, text: Text, index: int, words: int) -> str:
    """Whole sentences of a paragraph (and of the next) up to about `words`; a fragment when a short one is asked for."""
    sentences = split_sentences(text.paragraphs[index])
    start = rng.randrange(len(sentences))
    picked = [sentences[start]]
    for sentence in sentences[start + 1 :]:
        if sum(len(s.split()) for s in picked) >= words * 0.7:
            break
        picked.append(sentence)
    excerpt = " ".join(picked)
    pieces = excerpt.split()
    if len(pieces) > 1.4 * words:
        stop = next((i for i in range(words, int(1.4 * words) + 1) if pieces[i - 1][-1] in ".;:!?,"), words)
        return " ".join(pieces[:stop])
    return " ".join(pieces)


def _length(rng: random.Random, mean: int) -> int:
    return max(5, min(300, int(rng.lognormvariate(0, 0.55) * mean)))


def make_source(rng: random.Random, corpus: Corpus, habits: Habits) -> Source:
    kind = rng.choices([k for k, _ in KINDS], weights=[w for _, w in KINDS])[0]
    tags = tuple(dict.fromkeys(rng.choices(habits.vocabulary, k=habits.doc_tags)))
    summary = corpus.phrase(rng, 8, 20) if rng.random() < 0.05 else ""
    return Source(title=title(rng, corpus, 1, 7), author=name(rng) if rng.random() < 0.93 else "", kind=kind, summary=summary, tags=tags)


def _annotation(rng: random.Random, corpus: Corpus, text: str) -> str:
    if rng.random() < 0.35 and not text.startswith("![]("):
        words = re.sub(r"[^\w\s’'-]", "", text).split()
        count = min(len(words), rng.randint(2, 6))
        start = rng.randint(0, len(words) - count) if words else 0
        phrase = " ".join(words[start : start + count])
    else:
        phrase = corpus.phrase(rng, 1, 7)
    phrase = phrase or "look this up"
    if rng.random() < 0.06:
        phrase = f"{phrase} {odd_thing(rng)}"
    draw = rng.random()
    if draw < 0.5:
        phrase = phrase[:1].upper() + phrase[1:]
    elif draw < 0.8:
        phrase = phrase[:1].lower() + phrase[1:]
    return phrase + (rng.choice((".", "?", "!", "…")) if rng.random() < 0.1 else "")


def _image(rng: random.Random, corpus: Corpus) -> str:
    stem = "-".join(corpus.phrase(rng, 1, 3).lower().split())
    stem = re.sub(r"[^a-z0-9-]", "", stem) or "figure"
    stem = rng.choice((stem, f"{stem}-{rng.randint(1, 99)}", f"fig{rng.randint(1, 40)}"))
    host = rng.choice(("readwise-assets.s3.example.com", "cdn.example.org/img", "images.example.com/a", "media.example.net"))
    return f"![](https://{host}/{stem}.{rng.choice(('png', 'png', 'jpg'))})"


def make_prompt(
    rng: random.Random, corpus: Corpus, habits: Habits, source: Source, *, count: int, mean_words: int, chapters: int = 1
) -> Prompt:
    """`count` highlights of about `mean_words` words from neighbouring paragraphs of one text, in order of location."""
    text = corpus.text(rng)
    index = rng.randrange(len(text.paragraphs))
    kinds = LOCATIONS.get(source.kind, ("", "order"))
    location_type = rng.choice(kinds)
    location = rng.randint(1, {"page": 300, "location": 5000, "time_offset": 4000}.get(location_type, 30))
    named = rng.random() < (0.85 if source.kind == "book" else 0.3)
    chapter = title(rng, corpus) if named else ""
    highlights: list[Highlight] = []
    seen: set[str] = set()
    for number in range(count):
        if chapters > 1 and number and number % max(1, count // chapters) == 0 and named:
            chapter = title(rng, corpus)
        index = (index + rng.choice((0, 1, 1, 2))) % len(text.paragraphs)
        index = index if text.paragraphs[index] not in seen or rng.random() < 0.2 else (index + 1) % len(text.paragraphs)
        seen.add(text.paragraphs[index])
        if rng.random() < habits.images:
            body = _image(rng, corpus)
        else:
            body = _excerpt(rng, text, index, _length(rng, mean_words))
            body = _strew(rng, body) if rng.random() < habits.odd else body
            if rng.random() < 0.02 * (mean_words > 15):
                body += "\n" + _excerpt(rng, text, index, 8)
        location += rng.randint(1, {"page": 6, "location": 60, "time_offset": 200}.get(location_type, 3))
        tags = tuple(dict.fromkeys(rng.choices(habits.vocabulary, k=rng.choice((1, 1, 2))))) if rng.random() < habits.tagged else ()
        highlights.append(
            Highlight(
                text=straight(body) if habits.straight else body,
                annotation=_annotation(rng, corpus, body) if rng.random() < habits.annotated else "",
                tags=tags,
                location=location if location_type else None,
                location_type=location_type,
                chapter=chapter,
                is_favorite=rng.random() < habits.favourite,
                position=number,
            )
        )
    return Prompt(source, tuple(highlights), chapter=highlights[0].chapter if chapters == 1 else "")
