"""Which version writes next, decided by what the person had to change: pure functions on judged batches.

An `Outcome` is one batch of drafts and what became of it. Its cost is the share of words changed in the accepted draft (0: taken as it is;
1: nothing was usable). Versions are drawn by Thompson sampling (Thompson 1933; Agrawal and Goyal 2013) from normal posteriors of their mean
costs; evidence fades with every later batch (discounted: Raj and Kalyani 2017), and fades at once where the person has changed. Blind duels
put two versions side by side: there alone can they be compared, as an edit is always made from the draft that was there.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING, Any

from ..library.events import in_force
from ..records import Event

if TYPE_CHECKING:
    from .drift import Drift

KINDS = ("ranking", "decision", "edit")
HALF_LIFE = 60.0  # judged batches after which evidence counts half
FADED = 0.25  # what is left of evidence from before a change
PRIOR = 4.0  # batches that a prior is worth
HANDICAP = 0.05  # cost by which a version that is not the current one is thought worse before it was measured or has written
TRANSFER = 0.1  # standard deviation of what a difference on held-out work says about one of costs, beyond its own error
SPREAD = 0.3  # standard deviation of a batch's cost, before any is known
STEPS, REACH = 200, 5.0  # of the sum over drawn costs, and how many deviations it spans
DOUBT = 0.1  # of the intervals


@dataclass(frozen=True, slots=True)
class Outcome:
    """A judged batch about a `source`. `event` is its first judgement. `cost` is None while nothing was accepted or rejected as a whole,
    and in duels.

    `surprise` is how many bits the choice told the taste head that had ordered the drafts (1: as a coin), None without a comparison.
    `duel` are the two versions of a mixed batch, in the order of their names; `won` is the first one's part: 1, 0.5 or 0.
    """

    batch: str
    event: int
    at: str
    version: str
    cost: float | None = None
    surprise: float | None = None
    duel: tuple[str, str] | None = None
    won: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What held-out work said of a version: its mean distance less the current version's, and the standard error of that."""

    difference: float
    error: float


@dataclass(frozen=True, slots=True)
class WinRate:
    """How often `first` was preferred to `second` in blind duels, ties as halves. The interval (90 %) holds however often one looks."""

    first: str
    second: str
    duels: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One version that may write: how many judged batches it wrote alone, their mean cost, and the chance that it writes the next."""

    version: str
    batches: int
    cost: float | None
    chance: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Who writes the next candidates: one version, or in a blind duel two, in the order in which they write."""

    versions: tuple[str, ...]
    propensity: float
    chances: Mapping[str, float]
    duels: float

    def told(self) -> dict[str, object]:
        """What is stored with every draft of the batch; `propensity` is the chance that just these versions wrote it."""
        chances = {version: round(chance, 4) for version, chance in self.chances.items()}
        return {"versions": list(self.versions), "propensity": round(self.propensity, 4), "chances": chances, "duels": self.duels}


def outcomes(events: Iterable[Event]) -> list[Outcome]:
    """What standing rankings, decisions and edits say about their batches, in the order of the first judgements (also of those that were
    made elsewhere and came in later)."""
    batches: dict[str, list[Event]] = {}
    for event in in_force(list(events)):
        if event.kind in KINDS and isinstance(event.payload.get("shown"), list):
            batches.setdefault(str(event.payload.get("batch", "")), []).append(event)
    return sorted((_outcome(batch, judged) for batch, judged in batches.items()), key=lambda item: (item.at, item.event))


def _outcome(batch: str, judged: Sequence[Event]) -> Outcome:
    shown: Any = judged[-1].payload["shown"]
    source = str(judged[-1].payload.get("source", ""))
    writers = {str(item["draft"]): str(item["model"]) for item in shown}
    better, worse = _preferred(judged, list(writers))
    first, versions = judged[0], sorted(set(writers.values()))
    surprise = _surprise({str(item["draft"]): item for item in shown}, better, worse)
    turned: Any = next((item["sampling"]["turn"] for item in shown if "turn" in item.get("sampling", {})), {})
    asked, failed = sorted(turned.get("versions", versions)), turned.get("failed", [])
    alike = bool(turned.get("alike"))
    if len(asked) == 2 and not alike and (len(failed) == 1 or set(asked) <= set(versions)):
        parts = [writers[draft] == asked[0] for draft in better if writers[draft] in asked]
        beaten = {writers[draft] for draft in worse} - {writers[draft] for draft in better}
        compared = bool(parts) and bool(beaten or failed)  # a version that was not has not lost
        won = 0.5 if len(set(parts)) == 2 else float(parts[0]) if compared else None
        return Outcome(batch, first.id, first.at, "", None, surprise, (asked[0], asked[1]), won, source)
    # A base that stood in is not asked again for what it wrote: that is what came of asking the other one.
    version = asked[0] if len(asked) == 1 else versions[0] if len(versions) == 1 and not failed and not alike else ""
    return Outcome(batch, first.id, first.at, version, _cost(judged, writers), surprise, source=source)


def _preferred(judged: Sequence[Event], shown: list[str]) -> tuple[list[str], list[str]]:
    """(the best, those it beat): the accepted draft, else the top of the last ranking. Nothing was best where all were rejected."""
    accepted = _accepted(judged, shown)
    if accepted:
        return [accepted], [draft for draft in shown if draft != accepted]
    ranked = _ranking(judged)
    groups = [[draft for draft in group if draft in shown] for group in ranked.get("order", ())]
    groups = [group for group in groups if group]
    below = [draft for group in groups[1:] for draft in group] + [draft for draft in ranked.get("rejected", ()) if draft in shown]
    return (groups[0] if groups else []), below


def _ranking(judged: Sequence[Event]) -> Mapping[str, Any]:
    """The last one, which replaces those before it."""
    return next((event.payload for event in reversed(judged) if event.kind == "ranking"), {})


def _accepted(judged: Sequence[Event], shown: Iterable[str]) -> str:
    """The last draft that went into a note; an edit says so too."""
    taken = [event.subject for event in judged if event.kind == "edit" or event.payload.get("decision") == "accept"]
    return next((draft for draft in reversed(taken) if draft in shown), "")


def _cost(judged: Sequence[Event], writers: Mapping[str, str]) -> float | None:
    accepted = _accepted(judged, writers)
    if accepted:
        edited: Any = next((event.payload for event in reversed(judged) if event.kind == "edit" and event.subject == accepted), {})
        return 1.0 if edited.get("deleted") else min(1.0, float(edited.get("distance", 0.0)))
    if any(event.payload.get("decision") == "reject_all" for event in judged):
        return 1.0
    rejected = {event.subject for event in judged if event.payload.get("decision") == "reject"}.union(_ranking(judged).get("rejected", ()))
    return 1.0 if rejected >= writers.keys() else None


def _surprise(shown: Mapping[str, Mapping[str, Any]], better: Sequence[str], worse: Sequence[str]) -> float | None:
    """Mean over the pairs of -log2 of the chance that the head gave the better one, when it had not seen the choice."""
    bits = []
    for one in better:
        for other in worse:
            pair = [shown[draft].get("sampling", {}).get("selection") for draft in (one, other)]
            if all(isinstance(item, dict) and "deviation" in item for item in pair):
                width = 1 + math.pi * (pair[0]["deviation"] ** 2 + pair[1]["deviation"] ** 2) / 8
                gap = (pair[0]["score"] - pair[1]["score"]) / math.sqrt(width)
                bits.append(math.log2(1 + math.exp(-max(-30.0, gap))))
    return fmean(bits) if bits else None


def standings(
    history: Sequence[Outcome], versions: Sequence[str], changed: Drift | None = None, measured: Mapping[str, Measured] | None = None
) -> list[Standing]:
    """The versions that may write, the current one first, and each one's chance: how often its drawn cost is the lowest.

    What lies before the person `changed` has faded. All begin near the mean cost of late, the others `HANDICAP` above it, as the current
    one has proven itself; where held-out work `measured` them, that moves where they begin, the more the surer it is.
    """
    known = [item for item in history if item.cost is not None]
    weights = [
        0.5 ** ((len(known) - 1 - place) / HALF_LIFE) * (FADED if changed and (item.at, item.event) < (changed.at, changed.event) else 1.0)
        for place, item in enumerate(known)
    ]
    evidence = {
        version: [(weight, item.cost or 0.0) for weight, item in zip(weights, known, strict=True) if item.version == version]
        for version in versions
    }
    counted = [pair for pairs in evidence.values() for pair in pairs]
    usual = _mean(counted) if counted else 0.5
    spread = PRIOR * SPREAD**2
    for pairs in evidence.values():
        mean = _mean(pairs) if pairs else 0.0
        spread += sum(weight * (cost - mean) ** 2 for weight, cost in pairs)
    spread /= PRIOR + sum(weight for weight, _ in counted)
    beliefs = []
    for version, pairs in evidence.items():
        begins = [(PRIOR, usual + (HANDICAP if version != versions[0] else 0.0))]
        if version != versions[0] and (found := (measured or {}).get(version)):  # worth as many batches as would tell as much
            begins.append((spread / (found.error**2 + TRANSFER**2), usual + found.difference))
        worth = sum(weight for weight, _ in [*begins, *pairs])
        mean = _mean([*begins, *pairs])
        beliefs.append(NormalDist(mean, math.sqrt(spread / worth)))
    return [
        Standing(version, len(pairs), round(fmean(cost for _, cost in pairs), 4) if pairs else None, chance)
        for (version, pairs), chance in zip(evidence.items(), _lowest(beliefs), strict=True)
    ]


def _lowest(beliefs: Sequence[NormalDist]) -> list[float]:
    """Each one's chance that a draw from it is lower than draws from all others: what Thompson sampling would do, summed up."""
    chances = [0.0] * len(beliefs)
    for index, belief in enumerate(beliefs):
        for step in range(STEPS):
            cost = belief.mean + belief.stdev * REACH * ((2 * step + 1) / STEPS - 1)
            chances[index] += belief.pdf(cost) * math.prod(1 - other.cdf(cost) for other in beliefs if other is not belief)
        chances[index] *= belief.stdev
    return [chance / sum(chances) for chance in chances]


def _mean(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(weight * cost for weight, cost in pairs) / sum(weight for weight, _ in pairs)


def turn(
    history: Sequence[Outcome], versions: Sequence[str], changed: Drift | None = None, measured: Mapping[str, Measured] | None = None, *,
    duels: float, seed: int,
) -> Turn:  # fmt: skip
    """Who writes: with the chance `duels` the current version (the first) against another one, else one alone by its `standings`.

    The same arguments give the same turn.
    """
    chances = {item.version: item.chance for item in standings(history, versions, changed, measured)}
    if len(versions) < 2:
        return Turn(tuple(versions), 1.0, chances, 0.0)
    rng = random.Random(f"turn {seed}")
    if rng.random() < duels:
        pair = [versions[0], rng.choice(versions[1:])]
        rng.shuffle(pair)
        return Turn(tuple(pair), duels / (len(versions) - 1), chances, duels)
    (chosen,) = rng.choices(list(chances), weights=list(chances.values()))
    return Turn((chosen,), (1 - duels) * chances[chosen], chances, duels)


def win_rates(history: Sequence[Outcome]) -> list[WinRate]:
    """For every pair of versions that duelled, those with most duels first."""
    results: dict[tuple[str, str], list[float]] = {}
    for item in history:
        if item.duel and item.won is not None:
            results.setdefault(item.duel, []).append(item.won)
    rates = [WinRate(*pair, len(won), round(fmean(won), 4), *interval(sum(won), len(won))) for pair, won in results.items()]
    return sorted(rates, key=lambda rate: (-rate.duels, rate.first, rate.second))


def interval(won: float, count: int) -> tuple[float, float]:
    """Of a rate, valid at every look at once: where a uniform mixture of rates does not beat this rate by 1 / DOUBT (Robbins 1970)."""
    lost = count - won
    mixture = math.lgamma(won + 1) + math.lgamma(lost + 1) - math.lgamma(count + 2)

    def possible(rate: float) -> bool:
        return mixture - won * math.log(rate) - lost * math.log1p(-rate) <= -math.log(DOUBT)

    def edge(inside: float, outside: float) -> float:
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if possible(middle) else (inside, middle)
        return inside

    centre = (won + 0.5) / (count + 1)
    return round(edge(centre, 1e-9), 4), round(edge(centre, 1 - 1e-9), 4)
