"""The most that any learner could know of the simulated readers: what bounds the figures of taste.py.

    python benchmarks/taste_ceiling.py [--seeds 0 1 2] [--rankings 20] [--chains 8] [--steps 3000]

Bounds beside the taste head, on the same readers, rankings and fresh lists:

visible part     the reader's own utility without the wants that the style features cannot see
features         a linear fit of the noiseless utility of the 320 ranked texts in the taste head's basis: no noise, no lists
ideal, told      posterior sampling over readers by one who sees the same rankings and knows how readers are drawn, the functions that they
                 measure texts with, the noise and the family: only the wants, their directions and weights are unknown
ideal            the same, not told the family: every reader is taken for a mixed one

The ideal learners know of the hidden wants only that they are noise. Writes results/taste_ceiling.json.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
from taste import PRIMARY, World, build, interval, read_prompts, taste_head

from notewright.evaluation.readers import FAMILIES, MEASURES, SEEN, Item, draw_reader
from notewright.reward.taste import basis

IDEALS = (-0.5, 0.0, 0.5)
HIDDEN = 0.3
LOGISTIC = math.pi**2 / 3  # variance of the noise in one comparison


class Ideal:
    """Metropolis sampling of readers: which measures, in which place, how heavy, more or near which value."""

    def __init__(self, world: World, rankings: int, family: str, seed: int) -> None:
        self.rng = numpy.random.default_rng(seed)
        self.lists = [item for items in world.lists[:rankings] for item in items]
        self.fresh = [item for items in world.fresh for item in items]
        pool = [item for items in (*world.lists, *world.fresh) for item in items]
        every = [*self.lists, *self.fresh, *pool]
        self.names = FAMILIES[family]
        self.wanted = min(7, len(self.names) - 1)
        self.columns = numpy.array([self._measured(name, every, pool) for name in self.names])
        book = numpy.array([1.0 if item.prompt.source.kind == "book" else -1.0 for item in every])
        self.turned = book if family == "context" else None
        utilities = [world.judge.utility(item) for item in pool]
        loud = world.judge.temper * statistics.pstdev(utilities)
        # What the hidden wants add is taken for more noise.
        self.loud = math.sqrt(1 - HIDDEN) * loud / math.sqrt(1 + HIDDEN * loud**2 / LOGISTIC)

    def _measured(self, name: str, items: Sequence[Item], pool: Sequence[Item]) -> Any:
        scale = [MEASURES[name](item) for item in pool]
        spread = statistics.pstdev(scale)
        z = numpy.array([(MEASURES[name](item) - statistics.fmean(scale)) / spread if spread > 1e-9 else 0.0 for item in items])
        z = numpy.clip(z, -3, 3)
        return [z, *(-abs(z - ideal) for ideal in IDEALS)]

    def _draw(self) -> tuple[int, float]:
        """(option: 0 for more or less, else near an ideal; signed weight), as readers are drawn."""
        weight = math.exp(self.rng.normal(0, 0.5))
        option = int(self.rng.integers(1, 4)) if self.rng.random() < 0.3 else 0
        return option, weight if option or self.rng.random() < 0.5 else -weight

    def _part(self, place: int) -> Any:
        option, weight = self.wants[self.order[place]]
        part = weight * self.columns[self.order[place], option]
        return part * self.turned if self.turned is not None and not option and place % 2 == 0 else part

    def _utility(self) -> Any:
        total = sum(self._part(place) for place in range(self.wanted))
        return total / max(1e-9, float(total[len(self.lists) + len(self.fresh) :].std()))

    def _likelihood(self, utility: Any) -> float:
        values = (self.loud * utility[: len(self.lists)]).reshape(-1, 4)
        return sum(float((values[:, at] - numpy.logaddexp.reduce(values[:, at:], axis=1)).sum()) for at in range(3))

    def _step(self) -> None:
        """One want drawn anew, made heavier or lighter, or changed for another measure or place."""
        kind, place = self.rng.random(), int(self.rng.integers(self.wanted))
        number = self.order[place]
        if kind < 0.3:
            option, weight = self.wants[number]
            moved = abs(weight) * math.exp(self.rng.normal(0, 0.4))
            self.odds += (math.log(abs(weight)) ** 2 - math.log(moved) ** 2) / (2 * 0.5**2)
            self.wants[number] = option, math.copysign(moved, weight)
        elif kind < 0.65:
            self.wants[number] = self._draw()
        else:
            other = int(self.rng.integers(len(self.names)))
            if other >= self.wanted:
                self.wants[self.order[other]] = self._draw()
            self.order[place], self.order[other] = self.order[other], number

    def expect(self, chains: int, steps: int) -> Any:
        """Expected utility of the fresh texts."""
        total = numpy.zeros(len(self.fresh))
        for _ in range(chains):
            self.order = list(self.rng.permutation(len(self.names)))
            self.wants = [self._draw() for _ in self.names]
            utility = self._utility()
            likelihood = self._likelihood(utility)
            for step in range(steps):
                kept = list(self.order), list(self.wants)
                self.odds = 0.0
                self._step()
                moved = self._utility()
                found = self._likelihood(moved)
                heat = min(1.0, step / (0.3 * steps))  # annealed at first, so that chains do not start in a corner
                if math.log(self.rng.random()) < heat * (found - likelihood) + self.odds:
                    utility, likelihood = moved, found
                else:
                    self.order, self.wants = kept
                if step >= steps // 2:
                    total += utility[len(self.lists) : len(self.lists) + len(self.fresh)]
        return total


def features(world: World) -> float:
    """How well the features alone can say what the reader thinks."""
    items = [item for four in world.lists for item in four]
    points = basis(world.scale, world.rows(items))[:, :-1]
    truth = numpy.array([world.judge.utility(item) for item in items])
    middle = points.mean(axis=0)
    weights = numpy.linalg.solve((points - middle).T @ (points - middle) + 3 * numpy.eye(len(middle)), (points - middle).T @ truth)
    return world.accuracy([basis(world.scale, world.rows(four))[:, :-1] @ weights for four in world.fresh])


def bounds(world: World, *, rankings: int, chains: int, steps: int) -> dict[str, float]:
    world.at = rankings
    head = taste_head(world, world.lists[:rankings])
    found = {
        "visible part": world.accuracy([[world.judge.utility(item, measures=tuple(SEEN)) for item in four] for four in world.fresh]),
        "features": features(world),
        "taste head": world.accuracy([head.score(world.rows(four))[0] for four in world.fresh]),
    }
    for name, family in (("ideal, told", world.reader.family), ("ideal", "mixed")):
        expected = Ideal(world, rankings, family, seed=1).expect(chains, steps)
        found[name] = world.accuracy(expected.reshape(-1, 4))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rankings", type=int, default=20)
    parser.add_argument("--chains", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    began = time.monotonic()
    prompts = read_prompts()
    each: dict[str, list[float]] = {}
    for family, shift in PRIMARY:
        for seed in options.seeds:
            world = build(draw_reader(family, seed + shift), seed, prompts, lists=80, fresh=40)
            for name, value in bounds(world, rankings=options.rankings, chains=options.chains, steps=options.steps).items():
                each.setdefault(name, []).append(value)
            print(world.reader.name, {name: round(values[-1], 3) for name, values in each.items()}, flush=True)
    result = {
        "rankings": options.rankings, "seeds": options.seeds, "chains": options.chains, "steps": options.steps,
        "accuracy": {name: {"mean": statistics.fmean(row), "interval": interval(row), "each": row} for name, row in each.items()},
        "seconds": round(time.monotonic() - began),
    }  # fmt: skip
    if options.seeds == [0, 1, 2]:
        place = Path(__file__).resolve().parent / "results" / "taste_ceiling.json"
        place.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, row in result["accuracy"].items():
        print(f"| {name} | {row['mean']:.3f} ({row['interval'][0]:.2f}-{row['interval'][1]:.2f}) |")


if __name__ == "__main__":
    main()
