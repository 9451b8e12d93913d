"""Rules: wishes the person stated in comments and confirmed. Events throughout, so that undo and replay hold.

A comment is read by plain patterns (`wishes`): what they find is *proposed*; confirming makes it a rule. A rule that is about a measure
acts by itself: a limit becomes a check of every draft, a preference a belief of the taste head. Any other rule is told to the model.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..errors import Invalid, NotFound
from ..language import NAMES, languages
from ..library.examples import from_pairs, habits_stamp, teaching
from ..library.selection import LEAST, MOSTLY, SELDOM, learn, said
from ..records import Event, Finding, Highlight
from .comments import wishes
from .features import FEATURES, INDEX, measure
from .lists import remarks
from .wishes import CHIP_WISHES, interpret

if TYPE_CHECKING:
    from ..library import Library

CHIP_TIMES = 2  # one press of a chip is about that draft; the second is a wish
LONGEST_NAME = 60
_MARKED = re.compile(r"#+(?= )|[*=~`]+|(?<!\S)[-+>](?= )")
_ALWAYS = re.compile(r"\balways\b\s*", re.IGNORECASE)
_STATE = "habit of choosing"  # key of the library's state
_TONGUE = "habit of language"  # another one
IN_ONE = 0.9  # share of the passages that are in one language where that is a rule
_SOURCES = ("comment", "ranking", "decision")
_MARKS = {"annotated": "annotated highlights", "favourite": "favourites", "tagged": "tagged highlights"}
_NOUNS = {"quoted": "quotations", "quotes": "block quotes", "numbered": "numbered items"}  # for names that are none, or not clear alone


@dataclass(frozen=True, slots=True)
class Rule:
    """`status`: proposed, confirmed or removed. `effect`: a limit {check, feature, value}, a belief {feature, prefer, value}, or empty;
    `events` are the comments it came from."""

    name: str
    text: str
    effect: dict[str, object] = field(default_factory=dict, hash=False)
    status: str = "proposed"
    events: tuple[int, ...] = ()

    @property
    def acts(self) -> str:
        """How the rule works, in words."""
        name, value = str(self.effect.get("feature", "")), self.effect.get("value")
        feature = _NOUNS.get(name, name.replace("_", " "))
        if value == 1:
            feature = feature.removesuffix("s")
        if "select" in self.effect:
            return (
                "drafts are about these highlights only, and about others that your notes use all the same; about all where a chapter has "
                "none, and about those that you choose yourself"
            )
        if "check" in self.effect:
            limit = "no" if (self.effect["check"], value) == ("at most", 0) else f"{self.effect['check']} {value:g}"
            if (name, self.effect["check"], value) == ("nesting", "at most", 1):
                return "every draft is checked: no list inside a list"
            return f"every draft is checked: {limit} {feature}"
        told = "; the model is told" if self.in_prompt else ""
        if feature:
            wish = f"about {value:g}" if self.effect.get("prefer") == "about" else str(self.effect.get("prefer"))
            wish = "fewer" if wish == "less" and feature.endswith("s") else wish
            return f"drafts with {wish} {feature} count as better{told}"
        return "the model is told"

    @property
    def in_prompt(self) -> bool:
        return not self.effect or bool(self.effect.get("prompt"))


def all_rules(library: Library) -> list[Rule]:
    """Confirmed and removed rules, in the order they were first confirmed. The name that a rule had before it was said anew is among the
    removed ones, so that what it came from is not proposed again."""
    rules: dict[str, Rule] = {}
    for event in library.events.standing("rule"):
        name, old = event.subject, rules.get(event.subject)
        if event.payload.get("action") == "remove":
            rules[name] = Rule(name, old.text if old else name, old.effect if old else {}, "removed", old.events if old else ())
            continue
        effect, origin, was = event.payload.get("effect"), event.payload.get("events"), str(event.payload.get("was") or "")
        if was in rules:
            rules = {name if key == was else key: rule for key, rule in rules.items() if key != name} | {
                was: replace(rules[was], status="removed")
            }
        rules[name] = Rule(
            name, str(event.payload.get("text", "")), dict(effect) if isinstance(effect, dict) else {}, "confirmed",
            tuple(origin) if isinstance(origin, list) else (),
        )  # fmt: skip
    return list(rules.values())


def confirmed_rules(library: Library) -> list[Rule]:
    return [rule for rule in all_rules(library) if rule.status == "confirmed"]


def propose_rules(library: Library) -> list[Rule]:
    """What the standing comments and chips ask for and no rule says yet, the most often asked first; then what finished passages show."""
    known = _names(all_rules(library))
    found: dict[str, Rule] = {}
    pressed: Counter[str] = Counter()
    for event, comment, chips in remarks(library.events.standing(*_SOURCES)):
        told = wishes(comment)
        for chip in chips:
            pressed[chip] += 1
            told += [CHIP_WISHES[chip]] if chip in CHIP_WISHES and pressed[chip] >= CHIP_TIMES else []
        for text in told:
            name = rule_name(text)
            if not name:
                continue
            before = found.get(name)
            found[name] = Rule(
                name, before.text if before else text, interpret(text), "proposed", (*(before.events if before else ()), event.id)
            )
    asked = sorted((rule for rule in found.values() if rule.name not in known), key=lambda rule: -len(rule.events))
    shown = [*_selection(library), *_language(library)]
    return [*asked, *(rule for rule in shown if rule.name not in known | found.keys())]


def _selection(library: Library) -> list[Rule]:
    """What the person's passages say about which highlights they write about, where no rule says it yet."""
    if said(library)[0]:
        return []
    marks = _habit(library)
    if not marks:
        return []
    text = f"only {' or '.join(_MARKS[mark] for mark in marks)}"
    return [Rule(rule_name(text), text, {"select": marks})]


def _language(library: Library) -> list[Rule]:
    """That the person writes in another language than they read, where most of the passages that do not measure do so and no rule names
    that language yet: without examples beside it, nothing in a prompt tells."""
    stamp = f"{LEAST} {IN_ONE} {habits_stamp(library)}"
    kept = json.loads(library.db.get_state(_TONGUE) or "{}")
    if kept.get("stamp") != stamp:
        ours = [item for item in teaching(library, from_pairs(library)) if not item.former]
        seen = Counter(languages((one.text for one in item.prompt.highlights), item.passage) for item in ours)
        del seen[""]
        own = Counter[str]()
        for both, times in seen.items():
            own[both.partition(" ")[2]] += times
        usual, times = own.most_common(1)[0] if own else ("", 0)
        translated = sum(count for both, count in seen.items() if both.endswith(f" {usual}") and not both.startswith(f"{usual} "))
        named = usual if translated >= LEAST and times >= IN_ONE * sum(own.values()) else ""
        kept = {"stamp": stamp, "language": named}
        library.db.set_state(_TONGUE, json.dumps(kept))
    name = NAMES.get(str(kept["language"]), "")
    if not name or any(name.casefold() in rule.text.casefold() for rule in confirmed_rules(library)):
        return []
    text = f"write in {name}"
    return [Rule(rule_name(text), text)]


def _habit(library: Library) -> list[str]:
    """The marks by which the person chooses highlights, found in passages that do not measure; kept until pairs, highlights or the person
    change."""
    stamp = f"{SELDOM} {MOSTLY} {LEAST} {habits_stamp(library)}"
    kept = json.loads(library.db.get_state(_STATE) or "{}")
    if kept.get("stamp") != stamp:
        marks = learn((example.prompt.highlights, example.used) for example in teaching(library, from_pairs(library)) if not example.former)
        kept = {"stamp": stamp, "marks": marks}
        library.db.set_state(_STATE, json.dumps(kept))
    return list(kept["marks"])


def confirm_rule(library: Library, name: str) -> Event:
    """Make a proposal a rule. Raises NotFound when nothing of that name is proposed."""
    for rule in propose_rules(library):
        if rule.name == name:
            return _record(library, "confirm", rule.name, rule.text, rule.effect, rule.events)
    raise NotFound(f"No rule {name!r} is proposed.", "See what is: notewright rules propose")


def add_rule(library: Library, text: str) -> Event:
    """A rule in the person's own words."""
    text = " ".join(text.split())
    if not rule_name(text):
        raise Invalid("The rule is empty.", 'Say it in words: notewright rules add "callouts for definitions"')
    _need_new(library, rule_name(text))
    return _record(library, "add", rule_name(text), text, interpret(text), ())


def edit_rule(library: Library, name: str, text: str) -> Event:
    """Say a rule anew; its name follows, or would go on saying what no longer holds. The event's subject is the new name."""
    rule, text = _standing(library, name), " ".join(text.split())
    new = rule_name(text)
    if not new:
        raise Invalid("The rule is empty.", f"To be rid of it: notewright rules remove {name}")
    if new == name:
        return _record(library, "edit", name, text, interpret(text), rule.events)
    _need_new(library, new)
    return _record(library, "edit", new, text, interpret(text), rule.events, was=name)


def remove_rule(library: Library, name: str) -> Event:
    """A rule that no longer holds, or a proposal that is not wanted: it is not proposed again."""
    if name not in {rule.name for rule in propose_rules(library)}:
        _standing(library, name)
    return library.events.append("rule", name, {"action": "remove"})


def rules_for_prompt(library: Library) -> tuple[str, ...]:
    """The texts that the model is told."""
    return tuple(rule.text for rule in confirmed_rules(library) if rule.in_prompt)


def limits_of(rules: Sequence[Rule]) -> list[Rule]:
    """The confirmed rules that set a limit."""
    return [rule for rule in rules if rule.status == "confirmed" and "check" in rule.effect]


def check_rules(rules: Sequence[Rule], text: str, highlights: Sequence[Highlight]) -> tuple[Finding, ...]:
    """What of a draft breaks a rule that sets a limit."""
    return tuple(finding for _, finding in broken_rules(rules, text, highlights))


def broken_rules(rules: Sequence[Rule], text: str, highlights: Sequence[Highlight]) -> list[tuple[Rule, Finding]]:
    """The rules that set a limit and that a text breaks."""
    limits = limits_of(rules)
    row = measure(text, highlights) if limits else ()
    found = []
    for rule in limits:
        index, limit = INDEX.get(str(rule.effect["feature"]), -1), rule.effect["value"]
        if index < 0 or not isinstance(limit, int | float):
            continue
        over = row[index] > limit if rule.effect["check"] == "at most" else row[index] < limit
        if over:
            feature, value = FEATURES[index], row[index]
            has = f"{value:.0%} {feature.name}" if feature.unit == "share" else feature.told(f"{value:.3g}")
            reason = f"your rule says {rule.text!r}, but it has {has}"
            found.append((rule, Finding("rule", "block", reason, 0, len(text))))
    return found


def rule_name(text: str) -> str:
    """`Callouts for definitions, please!` -> `callouts-for-definitions`."""
    without = _ALWAYS.sub("", text) if _ALWAYS.match(text) else text
    if interpret(without) == interpret(text):  # else it is another rule than the wish without it: a limit, no preference
        text = without
    words = [word for word in re.findall(r"[^\W_]+", text.casefold()) if word != "please"]
    name = "-".join(words)
    marks = "".join(_MARKED.findall(text))  # `use ## headings` is another rule than `use ### headings`
    if not name or (len(name) <= LONGEST_NAME and not marks):
        return name
    told_apart = hashlib.sha256(f"{name} {marks}".encode(errors="replace")).hexdigest()[:6]
    return f"{name[: LONGEST_NAME - 7].rstrip('-')}-{told_apart}"


def _names(rules: Sequence[Rule]) -> set[str]:
    """Names that are taken; those confirmed by earlier versions, which cut names and knew no marks, also by what they would be called."""
    return {name for rule in rules for name in (rule.name, rule_name(rule.text))}


def _need_new(library: Library, name: str) -> None:
    if name in _names(confirmed_rules(library)):
        raise Invalid(f"There is a rule {name} already.", "See them with: notewright rules list")


def _standing(library: Library, name: str) -> Rule:
    for rule in confirmed_rules(library):
        if rule.name == name:
            return rule
    raise NotFound(f"There is no rule {name!r}.", "See them with: notewright rules list")


def _record(library: Library, action: str, name: str, text: str, effect: Mapping[str, object], events: Sequence[int], **more: str) -> Event:
    return library.events.append("rule", name, {"action": action, "text": text, "effect": dict(effect), "events": list(events), **more})
