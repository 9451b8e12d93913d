"""How often does `improve`, night after night, promote what is no better, or worse, and how soon what is better?

    python benchmarks/nights.py [--libraries 600]

Eight contenders a night and the current version write 12 held-out passages. What is hard about a passage is common to all, the rest of an
error (deviation 1) is a version's own, of which `alike` lasts from night to night; every night something new was judged. A contender passes
as in `loop.decide` (`evaluation.report.max_t`, of fewer changes of sign). All contenders are better by `gap` from some night on, or
worse where it is below 0.
"""

from __future__ import annotations

import argparse
import math

import numpy

from notewright.evaluation.report import max_t
from notewright.loop.decide import CONFIDENCE

CONTENDERS, PASSAGES, NIGHTS, ROUNDS = 8, 12, 30, 1000


def nights(libraries: int, count: int, *, alike: float, gap: float = 0.0, since: int = 1) -> list[float]:
    """In which share of libraries something was promoted by each night; `gap` counts from night `since` on."""
    rng, first = numpy.random.default_rng(0), []
    for _ in range(libraries):
        hard, lasting = rng.standard_normal(PASSAGES), rng.standard_normal((CONTENDERS, PASSAGES))
        current, promoted = rng.standard_normal(PASSAGES), count
        for night in range(count):
            own = math.sqrt(alike) * lasting + math.sqrt(1 - alike) * rng.standard_normal((CONTENDERS, PASSAGES))
            change = hard + own - (gap if night + 1 >= since else 0.0) - (hard + current)
            if max(max_t(-change, rounds=ROUNDS, seed=night)) >= CONFIDENCE:
                promoted = night
                break
        first.append(promoted)
    return [sum(at <= night for at in first) / libraries for night in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", type=int, default=600)
    libraries = parser.parse_args().libraries
    print("| better by; what lasts of an error | within 1, 7, 30 nights |\n|---|---|")
    for gap in (0.0, -0.25, -0.5, -1.0):
        for alike in (0.0, 0.5, 0.8):
            cell = nights(libraries, NIGHTS, alike=alike, gap=gap)
            print(f"| {gap:g}; {alike} | {cell[0]:.1%}, {cell[6]:.1%}, {cell[29]:.1%} |")
    print("\n| better (alike 0.5) | that night, within 7, within 14 |\n|---|---|")
    for gap in (1.0, 1.5, 2.0):
        for since in (1, 5, 10):
            cell = nights(libraries, since + 13, alike=0.5, gap=gap, since=since)
            print(f"| by {gap}, from night {since} | {cell[since - 1]:.0%}, {cell[since + 5]:.0%}, {cell[since + 12]:.0%} |")


if __name__ == "__main__":
    main()
