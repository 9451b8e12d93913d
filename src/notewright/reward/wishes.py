"""What wishes mean for the measures. Plain patterns, so that the person can see why something was proposed."""

from __future__ import annotations

import re

# the words people use -> (feature, the feature that "shorter" and "longer" are about)
NOUNS: dict[str, tuple[str, str]] = {
    r"bullet(?: point)?s?|list items?": ("bullets", "bullet_words"),
    r"(?:sub)?headings?|headers?": ("headings", ""),
    r"call-?outs?": ("callouts", ""),
    r"block[ -]?quot(?:e|ation)s?|quote blocks?": ("quotes", ""),
    r"quotes?|quotations?|citations?": ("quoted", ""),
    r"tables?": ("tables", ""),
    r"paragraphs?": ("paragraphs", ""),
    r"prose": ("prose", ""),
    r"sentences?": ("", "sentence_words"),
    r"words?": ("words", "long_words"),
    r"(?:bold(?: (?:words?|text|print))?)": ("bold", ""),
    r"italics?": ("italics", ""),
    r"(?:wiki)?links?": ("links", ""),
    r"(?:hash)?tags?": ("tags", ""),
    r"images?|pictures?|figures?|embeds?": ("embeds", ""),
    r"formulas?|formulae|equations?|math": ("math", ""),
    r"questions?": ("questions", ""),
    r"pages?(?: numbers?)?|locations?": ("locations", ""),
    r"annotations?|(?:my )?remarks?": ("annotations", ""),
    r"numbered lists?": ("numbered", ""),
    r"first person": ("first_person", ""),
    r"nesting|nested (?:bullets?|lists?)|sub-?bullets?": ("nesting", ""),
    r"notes?|drafts?|texts?|it": ("", "words"),
}
CHIP_WISHES = {
    "too long": "shorter notes",
    "too short": "longer notes",
    "lost a highlight": "keep every highlight",
    "invented": "invent nothing",
}
# features for which a number in a wish is a number of the measure
COUNTED = frozenset((
    "bullets", "headings", "callouts", "quotes", "tables", "paragraphs", "words", "links", "tags", "embeds", "math", "nesting", "bold",
    "italics",
))  # fmt: skip
_LIMITABLE = COUNTED | {"questions", "first_person", "numbered", "quoted", "locations"}

_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NOUN = "(?:" + "|".join(sorted(NOUNS, key=len, reverse=True)) + ")"
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+|" + "|".join(_COUNTS) + ")"
_NOUN = f"(?P<noun>{NOUN})"
_NUMBER = f"(?P<low>{NUMBER})"
_BE = r"(?:['’]s|\s+(?:is|are|(?:should|must|needs? to) be))?"
_DEGREE = r"(?:(?:much|a (?:bit|little)|way|far|slightly|still)\s+)*"
_TAIL = r"(?:\W*(?:please|would be (?:enough|better|good|nice|great)|per (?:chapter|note|section)|in (?:a|the|my) notes?|at all|here))*\W*$"
_HEAD = (
    r"^\W*(?:please\W+)?(?:i (?:want|prefer|like)|use|write|make|give me|keep(?: it)?|have|with|but|always|the|my|should be|must be)?\W*"
)
# Who always or never does what ("there should always be a", "I never use any"): such a wish is a limit, no preference.
_WHO = r"(?:(?:i|we|it|there|(?:(?:my|the|all|every)\s+)?(?:notes?|drafts?))\s+)?(?:(?:should|must|ha(?:s|ve) to|needs? to)\s+)?"
_DO = r"(?:(?:use|add|have|include|give|write|put|show|want|need|like|prefer|be|me|in|with|ever|again)\s+)*(?:(?:an?|any|some|the|my)\s+)?"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (meaning, re.compile(_HEAD + pattern + _TAIL, re.IGNORECASE))
    for meaning, pattern in (
        ("always", rf"{_WHO}(?:always\s+{_DO}|never\s+{_DO}without\s+(?:(?:an?|any|some|the|my)\s+)?){_NOUN}"),
        ("always", rf"{_WHO}{_DO}{_NOUN},?\s+always"),
        ("none", rf"{_WHO}(?:never|don['’]?t\s+ever|do\s+not\s+ever)\s+{_DO}{_NOUN}"),
        (
            "none",
            rf"(?:no|without(?: any)?|don['’]?t use|do not use|avoid|drop the|no more)\s+(?:any\s+)?{_NOUN}"
            r"(?:\s+(?:needed|necessary))?",
        ),
        (
            "at most",
            rf"(?:at most|(?:no|not|never) more than|max(?:imum|\.)?|up to|(?P<below>under|fewer than|less than))\s+{_NUMBER}\s+{_NOUN}",
        ),
        ("at most", rf"{_NUMBER}\s+{_NOUN}\s+(?:max(?:imum)?|at most)"),
        ("at least", rf"(?:at least|(?:no|never) fewer than|(?:not|never) less than|min(?:imum|\.)?)\s+{_NUMBER}\s+{_NOUN}"),
        (
            "about",
            rf"(?:about|around|exactly|some|approx(?:imately|\.)?|ca\.?)?\s*{_NUMBER}(?:\s*(?:-|–|to|or)\s*(?P<high>{NUMBER}))?\s+{_NOUN}",
        ),
        ("less", rf"(?:fewer|less|too many|too much|not so many|not so much)\s+{_NOUN}"),
        ("more", rf"(?:more|too few|too little|not enough|hardly any)\s+{_NOUN}"),
        ("shorter", rf"{_DEGREE}(?:shorter|brief|briefer|too long)(?:\s+{_NOUN})?"),
        ("longer", rf"{_DEGREE}(?:longer|too short)(?:\s+{_NOUN})?"),
        ("shorter", rf"{_NOUN}{_BE}\s*{_DEGREE}(?:too long|shorter)"),
        ("longer", rf"{_NOUN}{_BE}\s*{_DEGREE}(?:too short|longer)"),
        ("more", rf"(?:(?:use|add)(?: an?)?|i (?:want|like|prefer))\s+{_NOUN}"),
    )
)
_FOR = re.compile(_HEAD + rf"(?:put |use )?(?:an? )?{_NOUN} (?:for|when|around|in|at|after|before|under|on) \w+", re.IGNORECASE)
_COVERAGE = re.compile(
    r"\b(?:keep|use|cover|include)\b.{0,12}\b(?:every|all)\b(?!\W+(?:second|third|other|favou?rite|tagged|annotated|starred)).{0,12}\bhighlights?\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|no|never|without)\b|n['’]t\b", re.IGNORECASE)
_ONLY = re.compile(r"\W*(?:please )?(?:keep |use |show )?only (?P<what>.+?)(?:\W+please)?\W*\Z", re.IGNORECASE)
_SELECTED = {
    "annotated": r"(?:annotated(?: highlights| ones)?|highlights? (?:with|that have) (?:an )?annotations?|(?:what|those that) i annotated)",
    "favourite": r"(?:favou?rites?(?: highlights)?|starred highlights)",
    "tagged": r"(?:tagged(?: highlights| ones)?|highlights? (?:with|that have) (?:a )?tags?|(?:what|those that) i tagged)",
}
_INVENT = re.compile(r"\b(?:invent nothing|(?:don['’]?t|do not|never) (?:invent|make (?:things|anything|stuff) up))\b", re.IGNORECASE)


def interpret(wish: str) -> dict[str, object]:
    """What a wish means for the measures; empty when it is about something they do not see.

    "no tables" {check: at most, value: 0}; "at most 5 bullets"; "3-5 bullets" {prefer: about, value: 4}; "shorter bullets" {prefer: less};
    "always use bullets" {check: at least, value: 1};
    "callouts for definitions" {prefer: more, prompt: True}: more of them, and the model is told when. "only favourites" {select:
    [favourite]}.
    """
    if (found := _ONLY.match(wish)) and (marks := _marks(found["what"])):
        return {"select": marks}
    if found := _COVERAGE.search(wish):
        return {} if _NOT.search(wish, 0, found.end()) else {"feature": "coverage", "prefer": "more"}
    if _INVENT.search(wish):
        return {"feature": "own_words", "prefer": "less"}
    for meaning, pattern in _PATTERNS:
        found = pattern.match(wish)
        if found and (effect := _effect(meaning, found)):
            return effect
    found = _FOR.match(wish)
    feature = _features(found["noun"])[0] if found else ""
    return {"feature": feature, "prefer": "more", "prompt": True} if feature else {}


def _marks(what: str) -> list[str]:
    """The marks that are named, if nothing else is."""
    parts = re.split(r",? (?:or|and) |, ", what)
    named = [next((m for m, form in _SELECTED.items() if re.fullmatch(rf"(?:the |my )?{form}", part, re.IGNORECASE)), "") for part in parts]
    return [] if "" in named else list(dict.fromkeys(named))


def _effect(meaning: str, found: re.Match[str]) -> dict[str, object]:
    groups = found.groupdict()
    feature, size = _features(groups["noun"]) if groups.get("noun") else ("", "words")
    if meaning in ("shorter", "longer"):
        return {"feature": size, "prefer": "less" if meaning == "shorter" else "more"} if size else {}
    if not feature:
        return {}
    if feature == "words" and meaning in ("none", "always"):
        return {}
    flat = feature == "nesting"  # a list without another inside is one level deep
    if meaning == "none":
        return (
            {"check": "at most", "feature": feature, "value": int(flat)}
            if feature in _LIMITABLE
            else {"feature": feature, "prefer": "less"}
        )
    if meaning == "always":
        if feature in COUNTED and feature not in ("bold", "italics"):
            return {"check": "at least", "feature": feature, "value": 1 + flat}
        return {"feature": feature, "prefer": "more", "prompt": True}  # no number of it is the least
    if meaning in ("at most", "at least", "about"):
        if feature not in COUNTED or feature in ("bold", "italics"):
            return {}
        low, high = _number(groups["low"]), _number(groups.get("high") or groups["low"])
        if meaning == "about":
            return {"feature": feature, "prefer": "about", "value": (low + high) / 2}
        return {"check": meaning, "feature": feature, "value": max(int(flat), low - bool(groups.get("below")))}
    return {"feature": feature, "prefer": meaning}


def _number(said: str) -> int:
    return int(said.replace(",", "")) if said[0].isdigit() else _COUNTS.index(said.casefold()) + 1


def _features(noun: str) -> tuple[str, str]:
    for pattern, features in NOUNS.items():
        if re.fullmatch(pattern, noun, re.IGNORECASE):
            return features
    return "", ""
