"""How much readers care for each style measure: the numbers behind `reward/prior.py`.

    python benchmarks/taste_prior.py [--seeds 100 113] [--check 200 214]

For simulated readers who take part in no reported figure (seeds 100 to 112), the noiseless utility of 400 texts is fitted in the
taste head's basis (ridge 20); what slope and nearness are worth together, root mean square over readers, is how much a feature is cared
for. The prior has 0.6 of it, in steps of 0.05, no less than 0.1. Other readers (seeds 200 to 213) say what it brings after 20 rankings,
also with each family judged by numbers from the others alone. The factors were chosen on those; neither are seeds of `taste.py`. The
shipped numbers were fitted to 880 texts a reader; with 400 some come out a step away, and order as many pairs rightly.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Sequence

import numpy
from taste import PRIMARY, World, build, interval, read_prompts, some

from notewright.evaluation.readers import candidates, draw_reader
from notewright.records import Prompt
from notewright.reward import PRIOR, Head, Prior, ranking
from notewright.reward.features import NAMES
from notewright.reward.prior import COUNT, LITTLE, prior_of
from notewright.reward.taste import basis

RIDGE, SHARE, STEP = 20.0, 0.6, 0.05
TEXTS = 400


def worth(world: World, prompts: Sequence[Prompt]) -> numpy.ndarray:
    """For each feature the mean square of its two weights, for a reader known without noise; utility as in a choice's log odds."""
    rng = random.Random(f"worth|{world.reader.name}")
    items = [item for _ in range(TEXTS // 4) for item in candidates(some(prompts, rng), world.home, rng, count=4)]
    points = basis(world.scale, world.rows(items))[:, : 2 * COUNT]
    points = points - points.mean(axis=0)
    truth = world.judge.temper * numpy.array([world.judge.utility(item) for item in items])
    weights = numpy.linalg.solve(points.T @ points + RIDGE * numpy.eye(2 * COUNT), points.T @ (truth - truth.mean()))
    return (weights[:COUNT] ** 2 + weights[COUNT:] ** 2) / 2


def care(worths: Sequence[numpy.ndarray]) -> tuple[float, ...]:
    found = SHARE * numpy.sqrt(numpy.mean(worths, axis=0))
    return tuple(max(LITTLE, round(STEP * round(float(value) / STEP), 2)) for value in found)


def accuracy(world: World, prior: Prior, rankings: int = 20) -> float:
    head = Head(world.scale, prior)
    for number, items in enumerate(world.lists[:rankings]):
        head.add(str(number), ranking(world.scale, [[row] for row in world.rows(items)]))
    head.fit()
    return world.accuracy([head.score(world.rows(items))[0] for items in world.fresh])


def worlds(prompts: tuple[list[Prompt], list[Prompt]], seeds: Sequence[int], *, lists: int) -> list[World]:
    return [
        build(draw_reader(family, seed + shift), seed, prompts, lists=lists, fresh=40 if lists else 1)
        for seed in range(*seeds)
        for family, shift in PRIMARY
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=[100, 113])
    parser.add_argument("--check", type=int, nargs=2, default=[200, 214])
    options = parser.parse_args()
    prompts = read_prompts()
    taught = [(world.reader.family, worth(world, prompts[0])) for world in worlds(prompts, options.seeds, lists=0)]
    fitted = care([value for _, value in taught])
    for value in sorted(set(fitted), reverse=True):
        print(value, " ".join(name for name, found in zip(NAMES, fitted, strict=True) if found == value))
    others = {family: care([value for name, value in taught if name != family]) for family, _ in PRIMARY}
    priors = {
        "no feature above another": lambda _: prior_of((0.15,) * COUNT), "as shipped": lambda _: PRIOR,
        "as fitted": lambda _: prior_of(fitted), "from the other families": lambda family: prior_of(others[family]),
    }  # fmt: skip
    checked = worlds(prompts, options.check, lists=20)
    first: list[float] = []
    for name, prior in priors.items():
        values = [accuracy(world, prior(world.reader.family)) for world in checked]
        first = first or values
        gains = [value - base for value, base in zip(values, first, strict=True)]
        low, high = interval(gains)
        print(f"{name}: {statistics.fmean(values):.3f}, against the first {statistics.fmean(gains):+.3f} ({low:+.3f} to {high:+.3f})")
    print(f"{len(checked)} readers, standard error {statistics.stdev(values) / math.sqrt(len(values)):.3f}")


if __name__ == "__main__":
    main()
