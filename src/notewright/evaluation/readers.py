"""Simulated readers with hidden preferences, to measure what learns a taste. No language model, no judge: everything is a seeded function.

A reader cares about a few measures of a text; three in ten of them lie outside what the style features can see, and carry 30 % of the
variance of what the reader thinks. Their choices are noisy (Plackett-Luce), with the noise set so that they agree with themselves on a
stated share of random pairs. The measures here are written anew, apart from `reward.features`, so that the learner is not measured with
its own ruler.

    judge = Judge(reader, pool)                  the reader, calibrated on a pool of candidate texts
    judge.utility(item)                          what they really think (never shown to a learner)
    judge.rank(items, rng)                       what they do: places of the items, best first
    near(home, rng, share)                       a style like `home`, with a share of its choices drawn anew
"""

from __future__ import annotations

import math
import random
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..records import Prompt
from ..seedling.styles import SPACE, Style, draw_style, write

PAIRS = 4000  # random pairs on which the noise is set


@dataclass(frozen=True, slots=True)
class Item:
    """A candidate text for a prompt."""

    prompt: Prompt
    text: str


@dataclass(frozen=True, slots=True)
class Want:
    """One thing a reader cares about: more of a measure (`ideal` None), or to be near `ideal` (standard deviations from the usual).

    `only` restricts it to one kind of source; `after` to choices from that number on.
    """

    measure: str
    weight: float
    ideal: float | None = None
    only: str = ""
    after: int = 0


@dataclass(frozen=True, slots=True)
class Reader:
    """A persona. `consistency`: how often they agree with themselves on a random pair; `flips`: share of their pairs that chance turns.

    `hidden`: share of their utility's variance that lies outside the style features (None: as the wants' weights have it).
    """

    name: str
    family: str
    wants: tuple[Want, ...]
    consistency: float = 0.81
    flips: float = 0.0
    hidden: float | None = 0.3


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _marks(text: str) -> list[str]:
    return re.findall(r"(?m)^\s*([-*+]|\d+\.)\s", text)


def _item_lengths(text: str) -> list[int]:
    return [len(line.split()) for line in _lines(text) if re.match(r"\s*(?:[-*+]|\d+\.|>)\s", line)]


def _held(item: Item) -> list[int]:
    """Where in the text each highlight begins to be used; -1 where it is not."""
    flat = " ".join(item.text.split())
    places = []
    for highlight in item.prompt.highlights:
        words = highlight.text.split()
        places.append(max((flat.find(" ".join(words[at : at + 4])) for at in range(0, max(1, len(words) - 3), 4)), default=-1))
    return places


def _order(item: Item) -> float:
    places = [place for place in _held(item) if place >= 0]
    pairs = list(zip(places, places[1:], strict=False))
    return statistics.fmean(a < b for a, b in pairs) if pairs else 1.0


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0


# What the style features can see, each in its own words.
SEEN: dict[str, Callable[[Item], float]] = {
    "length": lambda item: math.log1p(len(item.text.split())),
    "items": lambda item: math.log1p(len(_marks(item.text))),
    "item length": lambda item: math.log1p(_mean(_item_lengths(item.text))),
    "heading level": lambda item: float(len(found[1])) if (found := re.search(r"(?m)^(#+) ", item.text)) else 0.0,
    "callout": lambda item: float("> [!" in item.text),
    "bold": lambda item: len(re.findall(r"\*\*[^*\n]+\*\*", item.text)) / max(1, len(_lines(item.text))),
    "numbered": lambda item: _mean([mark[0].isdigit() for mark in _marks(item.text)]),
    "quoting": lambda item: _mean([line.lstrip().startswith(">") for line in _lines(item.text)]),
    "coverage": lambda item: _mean([place >= 0 for place in _held(item)]),
    "order": _order,
    "places": lambda item: len(re.findall(r"\bp\. \d|\bloc\. \d|\d:\d\d", item.text)) / max(1, len(item.prompt.highlights)),
    "links": lambda item: math.log1p(item.text.count("[[")),
    "tags": lambda item: math.log1p(len(re.findall(r"(?<!\S)#[a-z]", item.text))),
}
# What they cannot.
UNSEEN: dict[str, Callable[[Item], float]] = {
    "tight heading": lambda item: float(bool(re.search(r"(?m)^#+ .*\n(?!\n)", item.text))),
    "air": lambda item: item.text.count("\n\n") / max(1, item.text.count("\n")),
    "dash as mark": lambda item: _mean([mark == "-" for mark in _marks(item.text)]),
    "places in brackets": lambda item: float(bool(re.search(r"\((?:p|loc)\. |\(\d+:\d\d", item.text))),
    "even items": lambda item: -statistics.pstdev(lengths) / (1 + _mean(lengths)) if (lengths := _item_lengths(item.text)) else 0.0,
    "quote first": lambda item: float(any(line.startswith(">") for line in _lines(item.text)[:2])),
    "links at the end": lambda item: float("[[" in (last := (_lines(item.text) or [""])[-1]) or "#" in last[:2]),
    "lead with a colon": lambda item: float(bool(re.search(r":\*\*|\*\*:", item.text))),
}
MEASURES = SEEN | UNSEEN
FAMILIES: dict[str, tuple[str, ...]] = {
    "format": ("items", "heading level", "callout", "bold", "numbered", "quoting"),
    "voice": ("item length", "length", "bold", "quoting", "tags", "links"),
    "content": ("coverage", "length", "order", "places", "links", "item length"),
    "context": ("items", "length", "callout", "coverage", "places", "bold"),
    "mixed": tuple(SEEN),
}


def draw_reader(family: str, seed: int, *, flips: float = 0.0, consistency: float = 0.81) -> Reader:
    """A reader of one family: seven wants that the features can see (five in a smaller family), and three in ten that they cannot.

    A family of `context` turns half of its wants around between books and the rest; `drifting` is mixed and changes half of its wants at
    choice 40; `indifferent` wants nothing.
    """
    name = f"{family}-{seed}" + (f", {flips:.0%} flips" if flips else "")
    if family == "indifferent":
        return Reader(name, family, (), 0.5)
    rng = random.Random(f"reader|{family}|{seed}")
    pool = FAMILIES["mixed" if family == "drifting" else family]
    seen = rng.sample(pool, min(7, len(pool) - 1))
    unseen = rng.sample(sorted(UNSEEN), round(len(seen) * 3 / 7))

    def want(measure: str, **limits: object) -> Want:
        weight = rng.lognormvariate(0, 0.5)
        if rng.random() < 0.3:
            return Want(measure, weight, ideal=rng.choice((-0.5, 0.0, 0.5)), **limits)  # type: ignore[arg-type]
        return Want(measure, weight * rng.choice((-1, 1)), **limits)  # type: ignore[arg-type]

    wants = [want(measure) for measure in (*seen, *unseen)]
    if family == "context":
        for place in range(0, len(wants), 2):
            if wants[place].ideal is None:
                wants[place] = replace(wants[place], only="book")
                wants.append(replace(wants[place], only="other", weight=-wants[place].weight))
    if family == "drifting":
        for place in range(0, len(wants), 2):
            wants.append(replace(want(wants[place].measure), after=40))
    return Reader(name, family, tuple(wants), consistency, flips)


class Judge:
    """A reader calibrated on a pool: measures in standard deviations of the pool, noise so that they agree with themselves as stated."""

    def __init__(self, reader: Reader, pool: Sequence[Item]) -> None:
        self.reader = reader
        self._scales: dict[str, tuple[float, float]] = {}
        for name in {want.measure for want in reader.wants}:
            values = [MEASURES[name](item) for item in pool]
            self._scales[name] = statistics.fmean(values), statistics.pstdev(values)
        self._louder = 1.0
        if reader.hidden is not None and reader.wants:
            seen, unseen = (statistics.pvariance([self.utility(item, measures=tuple(side)) for item in pool]) for side in (SEEN, UNSEEN))
            self._louder = math.sqrt(reader.hidden / (1 - reader.hidden) * seen / unseen) if unseen > 1e-9 else 1.0
        self.temper = self._temper(pool) if reader.wants else 0.0

    def utility(self, item: Item, *, at: int = 0, measures: Sequence[str] = tuple(MEASURES)) -> float:
        """What the reader thinks of a text as choice number `at`, as far as it rests on `measures`."""
        total = 0.0
        kind = "book" if item.prompt.source.kind == "book" else "other"
        changed = {want.measure for want in self.reader.wants if want.after and at >= want.after}
        for want in self.reader.wants:
            replaced = want.measure in changed and not want.after
            if want.measure in measures and want.only in ("", kind) and at >= want.after and not replaced:
                mean, spread = self._scales[want.measure]
                z = max(-3.0, min(3.0, (MEASURES[want.measure](item) - mean) / spread)) if spread > 1e-9 else 0.0
                weight = want.weight * (self._louder if want.measure in UNSEEN else 1.0)
                total += weight * (z if want.ideal is None else -abs(z - want.ideal))
        return total

    def rank(self, items: Sequence[Item], rng: random.Random, *, at: int = 0) -> list[int]:
        """Places of the items, best first. A flipped pair is a coin's: with twice the share of flips the whole order is drawn."""
        if not self.reader.wants or rng.random() < 2 * self.reader.flips:
            return rng.sample(range(len(items)), len(items))
        noisy = [self.temper * self.utility(item, at=at) - math.log(-math.log(rng.random())) for item in items]
        return sorted(range(len(items)), key=lambda place: -noisy[place])

    def _temper(self, pool: Sequence[Item]) -> float:
        """The factor on utilities at which two answers to one random pair agree as often as the reader's consistency says."""
        utilities = [self.utility(item) for item in pool]
        rng = random.Random("temper")
        gaps = [abs(utilities[rng.randrange(len(pool))] - utilities[rng.randrange(len(pool))]) for _ in range(PAIRS)]
        low, high = 0.0, 100.0
        for _ in range(40):
            middle = (low + high) / 2
            chances = [1 / (1 + math.exp(-min(50.0, middle * gap))) for gap in gaps]
            agree = statistics.fmean(chance * chance + (1 - chance) * (1 - chance) for chance in chances)
            low, high = (middle, high) if agree < self.reader.consistency else (low, middle)
        return (low + high) / 2


def near(home: Style, rng: random.Random, share: float) -> Style:
    """A style like `home`, with about a share of its choices drawn anew."""
    drawn = {
        name: rng.choices([value for value, _ in values], weights=[weight for _, weight in values])[0]
        for name, values in SPACE.items()
        if rng.random() < share
    }
    return replace(home, **drawn)  # type: ignore[arg-type]


def candidates(prompt: Prompt, home: Style, rng: random.Random, *, count: int, share: float = 0.4) -> list[Item]:
    """`count` different texts for a prompt in styles near `home`."""
    found: dict[str, Item] = {}
    tries = 0
    while len(found) < count and tries < 50 * count:
        text = write(near(home, rng, share), prompt)
        found.setdefault(text, Item(prompt, text))
        tries += 1
    return list(found.values())


def home_style(reader: Reader, prompts: Sequence[Prompt], rng: random.Random, *, drawn: int = 60) -> Style:
    """The style in which the reader would write: of some drawn ones the one they like best on these prompts."""
    styles = [draw_style(rng) for _ in range(drawn)]
    pool = [[Item(prompt, write(style, prompt)) for prompt in prompts] for style in styles]
    judge = Judge(reader, [item for items in pool for item in items])
    best = max(range(drawn), key=lambda place: sum(judge.utility(item) for item in pool[place]))
    return styles[best]
