"""What the person's own finished notes do, so that no gate blames a draft for what the person does too.

Every gate is tried on the person's passages first. One that often fires there only warns, or is silent; and a highlight may be missed only
where the person's notes would have used it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..language import languages
from ..library.selection import said
from ..models.bandit import FADED
from ..records import Finding, Highlight
from ..shares import wilson
from ..vault import VaultIndex, bearing

if TYPE_CHECKING:
    from ..library import Library

# Gate -> the most it may say. Those of `GUESSES` reach it only where the person's own passages have shown them to be reliable.
SEVERITY = {
    "empty": "block", "cut off": "block", "structure": "block", "unclosed mark": "block", "residue": "block", "runs code": "block",
    "links": "block", "invented asset": "block", "wrong reference": "block", "invented number": "block", "invented quotation": "block",
    "invented name": "block", "other language": "block", "invented tag": "warn", "broken word": "warn", "loops": "block",
    "repeats": "block", "breaks off": "block",
    "cut quotation": "warn", "lost asset": "block", "lost highlight": "block", "unsupported sentence": "warn", "not entailed": "warn",
}  # fmt: skip
# What breaks a note is never a habit: a person may bring in a picture or an address of their own, a draft can only invent one.
ALWAYS = ("empty", "cut off", "residue", "runs code", "links", "invented asset")
GUESSES = ("invented name",)
BY_WORDS = (*GUESSES, "unsupported sentence")  # a person who says all in other words is known by few passages
ENOUGH = 20  # passages before the person's own notes may silence a gate or let a guess block
RARE, OFTEN = 0.05, 0.4  # share of own passages on which a gate fires: up to RARE it keeps its severity, above OFTEN it is silent
SURE, LIKELY = 0.9, 0.5  # least share of such highlights that the person uses (lower bound, 95 %): above SURE a lost one blocks
MOST = 200  # passages looked at
_STATE = "gate habits"

# Gates that fire; by sort of highlight how many are used, and shown; the languages, as `Habits.tongues` has them.
Seen = tuple[Sequence[str], Mapping[str, int], Mapping[str, int], str]


@dataclass(frozen=True, slots=True)
class Habits:
    """`fired` and `passages`: on how many of the person's own passages each gate fires. `used` by sort of highlight: (used, shown).

    `tongues`: by the language of the highlights and that of the passage ("en de"), in how many.
    Where the person changed, passages from before weigh less in both, so that these numbers need not be whole ones.
    """

    passages: int = 0
    fired: Mapping[str, float] = field(default_factory=dict, hash=False)
    used: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)
    tongues: Mapping[str, float] = field(default_factory=dict, hash=False)

    def severity(self, finding: Finding) -> str:
        """What may be said: block, warn, or nothing."""
        gate, most = finding.gate, finding.severity if finding.gate.startswith("lost") else SEVERITY[finding.gate]
        if gate in ALWAYS or gate.startswith("lost") or gate == "other language":
            return most
        if self.passages < ENOUGH:
            if gate in BY_WORDS and wilson(self.fired.get(gate, 0), self.passages)[0] > OFTEN:
                return ""
            return "warn" if gate in GUESSES else most
        share = self.fired.get(gate, 0) / self.passages
        return most if share <= RARE else "warn" if share <= OFTEN else ""

    def lost_severity(self, sort: str) -> str:
        """What may be said of a lost highlight of this sort: nothing where the person often leaves such ones out."""
        used, shown = self.used.get(sort, (0, 0))
        sure = wilson(used, shown)[0]
        return "block" if sure > SURE else "warn" if sure > LIKELY else ""


def habits_of(library: Library, *, vault_index: VaultIndex | None = None, without_source: str = "") -> Habits:
    """The person's habits, from accepted and sure pairs. What each passage shows is kept until anything that examples are made of changes;
    how much it weighs is not, where the person changed: each new passage lets the former ones count less. `without_source` leaves one out,
    to measure.

    With the `vault_index` that drafts are checked with, the person's own embeds and addresses count too.
    """
    from ..library.examples import CHANGED, from_pairs

    stamp = f"14|{vault_index is not None}|{said(library)}|{library.db.material()}"
    examples = [item for item in from_pairs(library) if item.source_id != without_source][-MOST:]
    kept = json.loads(library.db.get_state(_STATE) or "{}") if not without_source else {}
    seen = kept["seen"] if kept.get("stamp") == stamp else {}
    if any(item.pair_id not in seen for item in examples):
        known = "{0.title}\n{0.author}\n{0.summary}"
        seen = {
            item.pair_id: look(
                item.passage, item.prompt.highlights, known.format(item.prompt.source), vault_index,
                bearing(vault_index, item.prompt.source.tags, besides=item.note_path) if vault_index is not None else None,
            )
            for item in examples
        }  # fmt: skip
        if not without_source:
            library.db.set_state(_STATE, json.dumps({"stamp": stamp, "seen": seen}))
    weights = [FADED if item.former else 1.0 for item in examples] if library.db.get_state(CHANGED) else ()
    return weigh([seen[item.pair_id] for item in examples], weights=weights)


def learn(
    passages: Iterable[tuple[str, Iterable[Highlight], str]], *, vault_index: VaultIndex | None = None, weights: Sequence[float] = ()
) -> Habits:
    """Habits from (passage, highlights shown for it, further known text); without `weights` each passage counts as one."""
    return weigh([look(passage, given, known, vault_index) for passage, given, known in passages], weights=weights)


def look(
    passage: str,
    given: Iterable[Highlight],
    known: str,
    vault_index: VaultIndex | None,
    tagged: Callable[[str], bool] | None = None,
) -> Seen:
    """What one passage shows; `tagged` asks of the other notes whether its tags were new."""
    from .check import check
    from .coverage import asset, sort, told_by_words, unused

    highlights = tuple(given)
    found = check(passage, highlights=highlights, known=known, vault_index=vault_index, tagged=tagged)
    fired = {finding.gate for finding in found}
    missing = {item.id for item in unused(passage, highlights)}
    by_words = told_by_words(passage, highlights)
    told = [item for item in highlights if by_words or asset(item)]
    used = Counter(sort(item) for item in told if item.id not in missing)
    # Without the vault at hand the person's own pictures look invented.
    fired = fired if vault_index is not None else fired - {"invented asset"}
    return sorted(fired), used, Counter(map(sort, told)), languages((item.text for item in highlights), passage)


def weigh(seen: Sequence[Seen], *, weights: Sequence[float] = ()) -> Habits:
    """Habits from what passages show."""
    fired: dict[str, float] = defaultdict(float)
    used: dict[str, float] = defaultdict(float)
    shown: dict[str, float] = defaultdict(float)
    tongues: dict[str, float] = defaultdict(float)
    weights = weights or [1.0] * len(seen)
    for (gates, its_used, its_shown, spoken), weight in zip(seen, weights, strict=True):
        for gate in gates:
            fired[gate] += weight
        if spoken:
            tongues[spoken] += weight
        for name, count in its_shown.items():
            shown[name] += weight * count
            used[name] += weight * its_used.get(name, 0)
    shares = {gate: total * len(seen) / sum(weights) for gate, total in fired.items()}
    return Habits(len(seen), shares, {name: (used[name], total) for name, total in shown.items()}, dict(tongues))
