"""How often does `improve`, night after night, promote what is no better, or worse, and how soon what is better?

    python benchmarks/nights.py [--libraries 600]

Eight contenders a night and the current version write 12 held-out passages. What is hard about a passage is common to all, the rest of an
error (deviation 1) is a version's own, of which `alike` lasts from night to night; every night something new was judged. A contender passes
by Student's t at the level of `loop.decide` (the paired bootstrap there imitates it). Beside it a level that all nights share, of which
night k has 1 / (k (k + 1)) (decision 5). All contenders are better by `gap` from some night on, worse where it is below 0.
"""

from __future__ import annotations

import argparse
import functools
import math

import numpy

from notewright.loop.decide import CONFIDENCE

CONTENDERS, PASSAGES, NIGHTS = 8, 12, 30


@functools.cache
def student(sure: float) -> float:
    """The quantile of Student's t for the passages, by summing up its density over the angle whose tangent it is."""
    freedom = PASSAGES - 1
    angles = numpy.linspace(0, math.pi / 2, 400_001)[:-1]
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)
    density = scale * (1 + numpy.tan(angles) ** 2 / freedom) ** (-(freedom + 1) / 2) / numpy.cos(angles) ** 2
    above = numpy.cumsum(density[::-1])[::-1] * (angles[1] - angles[0])
    return float(numpy.tan(angles[numpy.searchsorted(-above, sure - 1)]))


def nights(libraries: int, count: int, *, shared: bool, alike: float, gap: float = 0.0, since: int = 1) -> list[float]:
    """In which share of libraries something was promoted by each night; `gap` counts from night `since` on."""
    rng, first = numpy.random.default_rng(0), []
    for _ in range(libraries):
        hard, lasting = rng.standard_normal(PASSAGES), rng.standard_normal((CONTENDERS, PASSAGES))
        current, promoted = rng.standard_normal(PASSAGES), count
        for night in range(count):
            own = math.sqrt(alike) * lasting + math.sqrt(1 - alike) * rng.standard_normal((CONTENDERS, PASSAGES))
            change = hard + own - (gap if night + 1 >= since else 0.0) - (hard + current)
            t = -change.mean(1) / (change.std(1, ddof=1) / math.sqrt(PASSAGES))
            part = (night + 1) * (night + 2) if shared else 1
            if t.max() > student(1 - (1 - CONFIDENCE) / CONTENDERS / part):
                promoted = night
                break
        first.append(promoted)
    return [sum(at <= night for at in first) / libraries for night in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", type=int, default=600)
    libraries = parser.parse_args().libraries
    print("| better by; what lasts of an error | whole level every night: within 1, 7, 30 nights | shared |\n|---|---|---|")
    for gap in (0.0, -0.25, -0.5, -1.0):
        for alike in (0.0, 0.5, 0.8):
            cells = [nights(libraries, NIGHTS, shared=shared, alike=alike, gap=gap) for shared in (False, True)]
            shares = " | ".join(f"{cell[0]:.1%}, {cell[6]:.1%}, {cell[29]:.1%}" for cell in cells)
            print(f"| {gap:g}; {alike} | {shares} |")
    print("\n| better (alike 0.5) | whole level: that night, within 7, within 14 | shared |\n|---|---|---|")
    for gap in (1.0, 1.5, 2.0):
        for since in (1, 5, 10):
            cells = [nights(libraries, since + 13, shared=shared, alike=0.5, gap=gap, since=since) for shared in (False, True)]
            shares = " | ".join(f"{cell[since - 1]:.0%}, {cell[since + 5]:.0%}, {cell[since + 12]:.0%}" for cell in cells)
            print(f"| by {gap}, from night {since} | {shares} |")


if __name__ == "__main__":
    main()
