"""How often is a change of the person seen where there is none, and how soon where there is one?

    python benchmarks/drift.py [--series 400] [--write]

Series of edit costs without a change (200 judged batches: normal, all or nothing, mixed as people's, cheap with rare dear ones, and the
simulated readers' own from results/readers-short.json, drawn anew), written by one version, by three in turn, or by a new one every 40
batches that is as good; the share in which `models.drift` ever sees a change. Then series that rise for good after 20 or 60 batches: how
many batches it takes (quartiles), and in how many it comes within 40. `--write` keeps results/drift.json (decision 14).
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from notewright.models.drift import ALARM, LEAST, changes

RESULTS = Path(__file__).resolve().parent / "results"
LENGTH, PATIENCE = 200, 40
Cost = Callable[[random.Random], float]
LEAST_SPREAD = LEAST["edit cost"]


def clipped(value: float) -> float:
    return min(1.0, max(0.0, value))


def mixed(mean: float) -> Cost:
    """A third taken as it is, one in ten of no use, the rest changed somewhat."""

    def cost(rng: random.Random) -> float:
        drawn = rng.random()
        return 0.0 if drawn < 0.3 else 1.0 if drawn > 0.9 else clipped(rng.gauss(1.5 * mean, 0.1))

    return cost


def stationary() -> dict[str, Cost]:
    kinds: dict[str, Cost] = {
        "normal, 0.3": lambda rng: clipped(rng.gauss(0.3, 0.15)),
        "all or nothing, 0.3": lambda rng: float(rng.random() < 0.3),
        "mixed, 0.3": mixed(0.3),
        "cheap, one in twelve dear": lambda rng: rng.random() if rng.random() < 1 / 12 else clipped(rng.gauss(0.03, 0.02)),
    }
    for arm in ("k-shot", "full"):
        costs = readers_costs(arm)
        if costs:
            kinds[f"readers, {arm}"] = lambda rng, costs=costs: rng.choice(costs)
    return kinds


def readers_costs(arm: str) -> list[float]:
    """Of all chapters of the readers that do not change."""
    path = RESULTS / "readers-short.json"
    if not path.exists():
        return []
    curves = json.loads(path.read_text(encoding="utf-8"))["curves"].get(arm, {})
    return [cost for reader, seeds in curves.items() if not reader.startswith("drifting") for run in seeds.values() for cost in run["cost"]]


WRITERS: dict[str, Callable[[int], str]] = {
    "one version": lambda at: "a",
    "three in turn": lambda at: "abc"[at % 3],
    "a new one every 40": lambda at: "abcdef"[at // 40],
}
RISES = {"0.10 to 0.30": (0.10, 0.30), "0.20 to 0.40": (0.20, 0.40), "0.05 to 0.45": (0.05, 0.45)}


def found(costs: list[float], writer: Callable[[int], str]) -> list[int]:
    return changes([math.sqrt(cost) for cost in costs], [writer(at) for at in range(len(costs))], least=LEAST_SPREAD)


def false_alarms(series: int) -> list[dict[str, object]]:
    rows = []
    for kind, cost in stationary().items():
        row: dict[str, object] = {"costs": kind}
        for who, writer in WRITERS.items():
            rng = random.Random(f"{kind} {who}")
            row[who] = sum(bool(found([cost(rng) for _ in range(LENGTH)], writer)) for _ in range(series)) / series
        rows.append(row)
    return rows


def delay(costs: list[float], at: int, writer: Callable[[int], str]) -> int | None:
    """Batches after `at` until a change is first seen; None within `PATIENCE`, or where one was seen before."""
    if found(costs[:at], writer):
        return None
    return next((end - at for end in range(at + 1, len(costs) + 1) if found(costs[:end], writer)), None)


def delays(series: int) -> list[dict[str, object]]:
    rows = []
    for name, (before, after) in RISES.items():
        for at in (20, 60):
            rng, times = random.Random(f"{name} {at}"), []
            for _ in range(series):
                costs = [clipped(rng.gauss(before if place < at else after, 0.12)) for place in range(at + PATIENCE)]
                times.append(delay(costs, at, WRITERS["one version"]))
            seen = sorted(time for time in times if time is not None)
            quartiles = [round(value) for value in quantiles(seen, n=4)] if len(seen) > 1 else []
            rows.append({"costs": name, "after": at, "seen": len(seen) / series, "quartiles": quartiles})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--write", action="store_true", help="keep results/drift.json")
    given = parser.parse_args()
    alarms, late = false_alarms(given.series), delays(max(1, given.series // 4))
    print(f"| costs without a change, {LENGTH} batches | {' | '.join(WRITERS)} |\n|---|{'---:|' * len(WRITERS)}")
    for row in alarms:
        print(f"| {row['costs']} | {' | '.join(format(row[who], '.1%') for who in WRITERS)} |")
    print(f"\n| costs rise | after batch | seen within {PATIENCE} | batches until then (quartiles) |\n|---|---:|---:|---:|")
    for row in late:
        print(f"| {row['costs']} | {row['after']} | {row['seen']:.0%} | {' / '.join(map(str, row['quartiles']))} |")
    if given.write:
        told = {"series": given.series, "alarm": ALARM, "false alarms": alarms, "delays": late}
        (RESULTS / "drift.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
