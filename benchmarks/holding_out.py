"""How much is left to learn from once sources are held out: `python benchmarks/holding_out.py [--libraries 300]`.

Drawn libraries whose sources have few passages mostly and many now and then (log-normal), split as the first dataset of a vault is.
Needs no model and takes seconds.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from statistics import fmean, median

from notewright.library import splits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", type=int, default=300, help="of each size")
    given = parser.parse_args()
    print("| sources | passages | teach, mean | teach, a tenth at most | steer, median | measure, median | fewer than 4 measure |")
    print("|" + "---:|" * 7)
    for sources in (5, 8, 12, 20, 40, 100):
        shares, sides = [], []
        for number in range(given.libraries):
            rng = random.Random(number)
            sizes = {f"s{number}-{place}": max(1, int(rng.lognormvariate(0.8, 0.9))) for place in range(sources)}
            chosen = splits.choose(Counter(sizes).elements(), {})
            held = Counter({side: sum(size for name, size in sizes.items() if chosen[name] == side) for side in splits.SPLITS})
            shares.append(held["train"] / held.total())
            sides.append(held)
        cells = [
            str(sources), f"{fmean(held.total() for held in sides):.0f}",
            f"{fmean(shares):.2f}", f"{sorted(shares)[given.libraries // 10]:.2f}",
            f"{median(held['valid'] for held in sides):.0f}", f"{median(held['test'] for held in sides):.0f}",
            f"{fmean(held['test'] < 4 for held in sides):.0%}",
        ]  # fmt: skip
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
