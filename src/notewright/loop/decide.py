"""Which contender becomes the current version: better on held-out work with the stated confidence, and harmless elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..evaluation import Comparison, EvaluationReport, compare, sure_of_each
from ..evaluation.report import MEMORISED, Item, broken, interval, surest
from ..text import count

CONFIDENCE = 0.9  # that the mean distance really fell, of one or another of the contenders: trying more proves less
VALID_MARGIN = 0.05  # the share of valid drafts may not fall by more, beyond its 90 % interval
COVERAGE_MARGIN = 0.05  # nor may the share of the highlights in your passages that drafts use too, likewise
COPY_MARGIN = 0.05  # the share of drafts with a run of words from another note may not rise by more
RULE_MARGIN = 0.05  # nor may a draft break more of the person's rules on average
LENGTHS = (0.6, 1.6)  # the median length, as a share of the person's own passages, may not leave this range (unless it was outside before)
SUREST = 0.999  # nothing is told as surer
FEWEST = 6  # held-out passages; below, no figure is trusted


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to write: a registered model, and whether retrieved examples stand in its prompts. `report` is its held-out work on sources
    that only measure, `later` the same on chapters that were kept back because they came later (`library.splits`). `proof` is the part of
    `report` by which no training was steered (None: it is too small, and the whole has to do)."""

    label: str
    model_id: str
    examples: bool
    report: EvaluationReport
    later: EvaluationReport | None = None
    proof: EvaluationReport | None = None

    @property
    def proven(self) -> EvaluationReport:
        """What its distance is judged by."""
        return self.proof or self.report


@dataclass(frozen=True, slots=True)
class Verdict:
    """A contender beside the version that is current. `objections` say in words why it may not replace it; none means it may. `lately` is
    the comparison on later work, None without any; `sure` is how sure it is that the distance fell, with all contenders in view."""

    contender: Contender
    comparison: Comparison
    length: float
    sure: float
    objections: tuple[str, ...]
    lately: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`winner` is None when the current version stays. `reason` says why in words; `verdicts` are in the order of the contenders."""

    winner: Contender | None
    reason: str
    verdicts: tuple[Verdict, ...]


def decide(current: Contender, contenders: Sequence[Contender], *, confidence: float = CONFIDENCE) -> Decision:
    """All contenders against the current version on the passages that they wrote; the best that passes wins.

    A contender passes when it is at least `confidence` sure that its mean distance is lower (`evaluation.sure_of_each`), its share
    of valid drafts did not fall by more than `VALID_MARGIN` and its coverage of highlights by `COVERAGE_MARGIN` (both beyond the 90 %
    interval), the share of its drafts that copy from other notes did not rise by more than `COPY_MARGIN`, nor the rules of the person's
    that a draft breaks by `RULE_MARGIN`, its lengths stay within `LENGTHS` of the person's own, and it is not further from what they wrote
    lately beyond the 90 % interval.
    """
    sure = sure_of_each(current.proven, [contender.proven for contender in contenders]) if contenders else []
    verdicts = tuple(_judge(current, contender, one, confidence) for contender, one in zip(contenders, sure, strict=True))
    passages = len(current.proven.items)
    if passages < FEWEST:
        reason = f"only {count(passages, 'held-out passage')}: too few to tell better from luck (at least {FEWEST} are needed)"
        return Decision(None, reason, verdicts)
    if (most := surest(passages)) < confidence:
        told = math.floor(1000 * most) / 1000
        reason = f"{count(passages, 'held-out passage')} prove nothing beyond {told:.1%}, and {100 * confidence:.4g}% was asked for"
        return Decision(None, reason, verdicts)
    passing = [verdict for verdict in verdicts if not verdict.objections]
    if not passing:
        best = min(verdicts, key=lambda verdict: verdict.comparison.after, default=None)
        if best is None:
            return Decision(None, "there was nothing to compare with", verdicts)
        return Decision(None, f"no contender passed; the nearest, {best.contender.label}: {'; '.join(best.objections)}", verdicts)
    winner = min(passing, key=lambda verdict: verdict.comparison.after)
    change = winner.comparison
    reason = (
        f"{winner.contender.label}: held-out distance {change.before:.3f} -> {change.after:.3f} over {change.items} passages "
        f"(90 % interval of the change {change.low:+.3f} to {change.high:+.3f}, {min(winner.sure, SUREST):.1%} sure)"
    )
    return Decision(winner.contender, reason, verdicts)


def _judge(current: Contender, contender: Contender, sure: float, needed: float) -> Verdict:
    change = compare(current.proven, contender.proven)
    objections = harms(current, contender)
    if sure < needed:
        told = math.floor(1000 * sure) / 1000  # what just fails is not told as enough
        objections.insert(0, f"its distance is {change.after:.3f} against {change.before:.3f}: {told:.1%} sure, {100 * needed:.4g}% needed")
    return Verdict(contender, change, contender.report.length, sure, tuple(objections), lately(current, contender))


def harms(now: Contender, then: Contender) -> list[str]:
    """What the other one does worse beyond the margins, apart from its distance on held-out sources, in words."""
    current, other, found = now.report, then.report, []
    if _surely_fell(current, other, lambda item: float(not item.problems), VALID_MARGIN):
        found.append(f"fewer of its drafts are valid ({other.valid:.0%} against {current.valid:.0%})")
    if _surely_fell(current, other, lambda item: item.coverage, COVERAGE_MARGIN):
        found.append(f"it uses fewer of the highlights that you used ({other.coverage:.0%} against {current.coverage:.0%})")
    if _fell(other.memorised, current.memorised, COPY_MARGIN):
        found.append(
            f"more of its drafts have {MEMORISED} or more words in a row from other notes of yours "
            f"({other.memorised:.0%} against {current.memorised:.0%})"
        )
    both = {*current.rules} & {*other.rules}
    before, after = broken(current, both), broken(other, both)
    if _fell(after, before, RULE_MARGIN):
        found.append(f"it breaks more of your rules ({after:.2f} against {before:.2f} a draft)")
    change = lately(now, then)
    if change and change.items >= FEWEST and change.low > 0:
        found.append(
            f"it is further from what you wrote lately ({change.after:.3f} against {change.before:.3f} over {change.items} passages of "
            "chapters that only measure)"
        )
    if not LENGTHS[0] <= other.length <= LENGTHS[1] and abs(other.length - 1) > abs(current.length - 1):
        found.append(f"its drafts are {other.length:.1f} times as long as your own passages")
    return found


def lately(current: Contender, other: Contender) -> Comparison | None:
    """The comparison on later work, where both have some of the same."""
    if not current.later or not other.later:
        return None
    return compare(current.later, other.later)


def _surely_fell(before: EvaluationReport, after: EvaluationReport, measure: Callable[[Item], float | None], margin: float) -> bool:
    """By more than `margin` over the passages that both wrote, and by more than chance: of ten passages one is ten points. Where fewer than
    `FEWEST` of them have the measure, nobody can tell."""
    known = {item.pair_id: measure(item) for item in before.items}
    pairs = [(known.get(item.pair_id), measure(item)) for item in after.items]
    falls = [a - b for a, b in pairs if a is not None and b is not None]
    return len(falls) >= FEWEST and fmean(falls) > margin + 1e-9 and interval(falls)[0] > 0


def _fell(before: float | None, after: float | None, margin: float) -> bool:
    """By more than `margin`; never where one of them was not measured."""
    return before is not None and after is not None and after < before - margin
