"""Does it matter to what is learnt which four of eight candidates a reader ranks?

    python benchmarks/taste_lists.py [--seeds 200 212]

For simulated readers who take part in no reported figure of taste.py: 20 rankings of four out of eight candidates, chosen

first        as they were written, which is what taste.py does
product      by the product's rule, which lets chance choose until the taste head has earned trust (here: after ten lists)
drawn        by the product's rule as if trust were there from the start
information  so that the ranking tells most under the posterior: the largest log det(I + K / 4), K the covariance of the centred utilities

and the share of fresh pairs that the head then orders rightly; each against `first`, 90 % intervals over readers.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
from collections.abc import Sequence
from typing import Any

import numpy
from taste import PRIMARY, Rows, build, interval, read_prompts, some

from notewright.drafting.choose import Option, choose
from notewright.evaluation.readers import Item, candidates, draw_reader
from notewright.reward import Head, ranking
from notewright.reward.taste import basis

LISTS, WRITTEN, SHOWN, TRUSTED = 20, 8, 4, 10
RULES = ("first", "product", "drawn", "information")


def telling(head: Head, rows: Rows) -> Sequence[int]:
    points = basis(head.scale, rows)
    covariance, centre = points @ head.covariance @ points.T, numpy.eye(SHOWN) - 1 / SHOWN

    def told(places: tuple[int, ...]) -> float:
        part: Any = centre @ covariance[numpy.ix_(places, places)] @ centre
        return float(numpy.linalg.slogdet(numpy.eye(SHOWN) + part / 4)[1])

    return max(itertools.combinations(range(len(rows)), SHOWN), key=told)


def shown(rule: str, head: Head, items: Sequence[Item], rows: Rows, number: int) -> Sequence[int]:
    if rule == "first":
        return range(SHOWN)
    if rule == "information":
        return telling(head, rows)
    options = [Option(item.text, row) for item, row in zip(items, rows, strict=True)]
    return choose(head, options, n=SHOWN, seed=number, trusted=rule == "drawn" or number >= TRUSTED).order


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs=2, default=[200, 212])
    options = parser.parse_args()
    prompts = read_prompts()
    found: dict[str, list[float]] = {rule: [] for rule in RULES}
    for seed, (family, shift) in itertools.product(range(*options.seeds), PRIMARY):
        world = build(draw_reader(family, seed + shift), seed, prompts, lists=1, fresh=40)
        written = random.Random(f"pool|{world.reader.name}")
        pools = [candidates(some(prompts[0], written), world.home, written, count=WRITTEN) for _ in range(LISTS)]
        for rule in RULES:
            rng, head = random.Random(f"active|{world.reader.name}"), Head(world.scale).fit()
            for number, items in enumerate(pools):
                kept = [items[place] for place in shown(rule, head, items, world.rows(items), number)]
                order = [kept[place] for place in world.judge.rank(kept, rng, at=number)]
                head.add(str(number), ranking(world.scale, [[row] for row in world.rows(order)]))
                head.fit()
            found[rule].append(world.accuracy([head.score(world.rows(four))[0] for four in world.fresh]))
        print(world.reader.name, {rule: round(statistics.fmean(values), 3) for rule, values in found.items()}, flush=True)
    print(f"| rule | accuracy of {len(found['first'])} readers | against the first |\n|---|---|---|")
    for rule, values in found.items():
        gains = [value - first for value, first in zip(values, found["first"], strict=True)]
        low, high = interval(gains)
        print(f"| {rule} | {statistics.fmean(values):.3f} | {statistics.fmean(gains):+.3f} ({low:+.3f} to {high:+.3f}) |")


if __name__ == "__main__":
    main()
