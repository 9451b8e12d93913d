"""All gates over one draft, and how much each of them may say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Protocol

from ..language import common_language, differ, language_of, own_language
from ..records import Finding, Highlight
from ..text import count
from ..vault import VaultIndex, find_problems
from .coverage import lost
from .habits import SEVERITY, Habits
from .names import invented_names
from .stutters import stutters
from .support import Sentence, supported
from .tongue import in_another

GATES = tuple(SEVERITY)
LEAST_SUPPORT = 0.34  # of a sentence's content words; below it the sentence is called unsupported
ENTAILED = 0.5


class Entailment(Protocol):
    """What the entailment gate needs; `gates.nli.NliModel` is one."""

    def probability(self, premise: str, sentence: str) -> float: ...


def check(
    text: str,
    *,
    highlights: Sequence[Highlight],
    vault_index: VaultIndex | None = None,
    known: str = "",
    linked: AbstractSet[str] | None = None,
    tagged: Callable[[str], bool] | None = None,
    habits: Habits | None = None,
    finished: bool = True,
    tokens: int = 0,
    full: bool = False,
    nli: Entailment | None = None,
) -> tuple[Finding, ...]:
    """Everything the gates find in `text` as a section drafted from `highlights`, in the order of `GATES`.

    `known` is further text that a draft may draw on (title, author, summary), `linked` the link targets in use in the person's notes (None:
    wikilinks are not looked at), `tagged` tells whether a note of theirs bears a tag (None: nor are tags). A new tag never blocks:
    evaluation and training, which ask for `problems` alone, leave `tagged` out. `habits` are the person's: without them nothing is said
    about highlights left out, and the gates that guess only warn. `finished` is false for a draft that ran into its limit
    of `tokens`; `full`: into that of what the model sees.
    `nli` is asked about sentences whose words the highlights do have; it catches what turns their meaning around.

    A draft in another language than its highlights shares no words with them: nothing is said about sentences without support and
    highlights left out, a quotation (which may be a translation) only warns, and `nli` is asked about every sentence.
    """
    habits = habits or Habits()
    found = list(find_problems(text, highlights=highlights, vault_index=vault_index, known=known, linked=linked, tagged=tagged))
    if not finished:
        chapters = "one chapter (--chapter) or " if len({item.chapter for item in highlights}) > 1 else ""
        why = f", as the model sees no more: choose {chapters}fewer highlights (--highlights)" if full else ""
        found.append(Finding("cut off", "block", f"cut off after {count(tokens, 'token')}{why}", len(text), len(text)))
    spoken = common_language(item.text for item in highlights)
    found = [_translated(finding, text, spoken) for finding in found]
    if text.strip():
        found += in_another(text, spoken, habits)
        found += invented_names(text, highlights, known)
        found += stutters(text, highlights, known)
        found += lost(text, highlights, habits)
        sentences = supported(text, highlights, known)
        other = {item.start for item in sentences if differ(language_of(item.text) or own_language(text), spoken)}
        found += _unsupported(sentences, other)
        if nli:
            found += _contradicted(sentences, other, highlights, nli)
    judged = ((finding, _least(finding.severity, habits.severity(finding))) for finding in found)
    kept = [replace(finding, severity=severity) for finding, severity in judged if severity]
    return tuple(sorted(dict.fromkeys(kept), key=lambda finding: GATES.index(finding.gate)))


def problems(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The reasons of those findings that block."""
    return tuple(dict.fromkeys(finding.reason for finding in findings if finding.severity == "block"))


def _least(said: str, allowed: str) -> str:
    return "warn" if said == "warn" and allowed == "block" else allowed


def _translated(finding: Finding, text: str, spoken: str) -> Finding:
    """A quotation in another language than the highlights' cannot be theirs word for word."""
    if finding.gate != "invented quotation":
        return finding
    quoted = text[finding.start : finding.end]
    if not differ(language_of(quoted) or own_language(text), spoken):
        return finding
    shown = finding.reason.partition(": ")[2]
    return replace(finding, severity="warn", reason=f"a quotation in another language than its highlights, so not in their words: {shown}")


def _unsupported(sentences: Sequence[Sentence], other: AbstractSet[int]) -> list[Finding]:
    return [
        Finding("unsupported sentence", "warn", f"no highlight says this: {item.shown}", item.start, item.end)
        for item in sentences
        if item.support < LEAST_SUPPORT and item.start not in other
    ]


def _contradicted(
    sentences: Sequence[Sentence], other: AbstractSet[int], highlights: Sequence[Highlight], nli: Entailment
) -> list[Finding]:
    texts = {item.id: f"{item.text} {item.annotation}".strip() for item in highlights}
    found = []
    for item in sentences:
        if item.support < LEAST_SUPPORT and item.start not in other:
            continue  # already reported
        premise = " ".join(texts[one] for one in (texts if item.start in other else item.highlight_ids) if one in texts)
        chance = nli.probability(premise, item.text) if premise else 1.0
        if chance < ENTAILED:
            reason = f"its highlights may not say this (entailed with {chance:.2f}): {item.shown}"
            found.append(Finding("not entailed", "warn", reason, item.start, item.end))
    return found
