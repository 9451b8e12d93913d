"""Invented names: capitalised words inside a sentence that no highlight has."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..language import common_language, own_language
from ..records import Finding, Highlight
from ..text import sentences
from ..vault.given import flat
from ..vault.pointers import unlabelled
from .support import sentence_spans

LINK = re.compile(r"!?\[\[[^\[\]\n]*\]\]|\]\([^)\n]*\)|https?://\S+|`[^`\n]*`|\$[^$\n]*\$|(?<!\S)[#^][\w/-]+")
_WORD = re.compile(r"[^\W\d_][\w’'-]*")
_PART = re.compile(r"\w+")
_GENITIVE = re.compile(r"[’']s\b")
NOUNS, LEAST_NOUNS = 0.15, 3  # share of the words inside sentences, and how many different ones
# Before these, German has nouns and what is called by an adjective and a noun (`im Zweiten Weltkrieg`), hardly a person's name.
_BEFORE_NOUNS = re.compile(
    r"(?:\d[\d.,]*\s?%?|\b(?:der|die|das|den|dem|des|ein|eine|einen|einem|einer|eines|kein|keine|keinen|keinem|keiner|im|am|zum|zur|vom|beim"
    r"|ins|ans|jede[rsmn]?|viele?|mehr|ihre[rsmn]?|seine[rsmn]?|diese[rsmn]?|alle[rn]?))\s+\Z",
    re.IGNORECASE,
)
TITLE_CASE = 0.5  # a sentence with more of its words capitalised is a title, where capitals tell nothing


def invented_names(text: str, highlights: Sequence[Highlight], known: str = "") -> list[Finding]:
    """Runs of capitalised words, the first word of a sentence aside, whose words stand nowhere in the highlights or in `known`.

    German writes every noun with a capital: of a German draft only two and more such words side by side, none of them known, are a name.
    """
    if _nouns_are_capital(highlights):
        return []
    given = _said(" ".join([known, *(f"{item.text} {item.annotation} {item.chapter} {' '.join(item.tags)}" for item in highlights)]))
    found: dict[str, Finding] = {}
    german = own_language(text) == "de" or common_language(item.text for item in highlights) == "de"
    text = unlabelled(text)
    for start, end in sentence_spans(text):
        sentence = LINK.sub(lambda match: " " * len(match[0]), text[start:end])
        words = list(_WORD.finditer(sentence))
        capitals = [word for word in words if word[0][0].isupper()]
        if len(words) > 2 and len(capitals) > TITLE_CASE * len(words):
            continue
        for run in _runs(capitals, sentence, words[0].start() if words else 0):
            unknown = [word for word in run if not all(_is_said(part, given) for part in _PART.findall(_GENITIVE.sub("", word[0])))]
            if german and (
                len(run) < 2
                or len(unknown) < len(run)
                or any(_said(word[0].removesuffix("s")) in given for word in run)
                or _BEFORE_NOUNS.search(sentence[: run[0].start()])
            ):
                continue
            name = sentence[run[0].start() : run[-1].end()]
            if unknown and name not in found:
                place = start + run[0].start()
                found[name] = Finding("invented name", "block", f"the name {name} is in no highlight", place, place + len(name))
    return list(found.values())


def _nouns_are_capital(highlights: Sequence[Highlight]) -> bool:
    """Are so many single words inside the highlights' sentences capitalised that their language, as German, does so with nouns? Names often
    come in runs, so words beside other capitalised ones do not count."""
    inside, single = 0, set()
    for item in highlights:
        for sentence in sentences(LINK.sub(" ", item.text)):
            words = _WORD.findall(sentence)[1:]
            capital = [word[0].isupper() and not word.isupper() for word in words]
            if sum(capital) > TITLE_CASE * len(words):
                continue
            inside += len(words)
            single |= {
                word for at, word in enumerate(words) if capital[at] and not any(capital[max(0, at - 1) : at] + capital[at + 1 : at + 2])
            }
    return len(single) >= LEAST_NOUNS and len(single) > NOUNS * inside


def _runs(capitals: list[re.Match[str]], sentence: str, first: int) -> list[list[re.Match[str]]]:
    """Neighbouring capitalised words. A sentence's first word starts a name only when another follows it, and not after a colon or dash."""
    runs: list[list[re.Match[str]]] = []
    for word in capitals:
        gap = sentence[runs[-1][-1].end() : word.start()] if runs else ""
        if runs and gap == " ":
            runs[-1].append(word)
        else:
            runs.append([word])
    named = []
    for run in runs:
        opens = run[0].start() == first or bool(re.search(r"[.:!?…—–\"“‘(*]\s*[\"“‘(*_]*$", sentence[: run[0].start()]))
        run = run[1:] if opens else run
        if run and not (len(run) == 1 and run[0][0] in ("I", "I’m", "I'm", "I’ve", "I've", "I’d", "I'd", "I’ll", "I'll")):
            named.append(run)
    return named


def _is_said(name: str, given: str) -> bool:
    """Also of one where several are given, of several where one is (`Romans`), and without the points of `U.S.`."""
    forms = [name, f"{name}s", *([name[:-1]] if name.endswith("s") else []), *([" ".join(name)] if name.isupper() else [])]
    return any(_said(form) in given for form in forms)


def _said(text: str) -> str:
    """The words with a space before and behind each. What was written in one stays together: `GPT4` is not said by `GPT` and a 4."""
    return f" {flat(_GENITIVE.sub('', text))} "
