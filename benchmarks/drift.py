"""How often is a change of the person seen where there is none, and how soon where there is one?

    python benchmarks/drift.py [--series 400] [--books] [--write]

Series of edit costs without a change (200 judged batches: normal, all or nothing, mixed as people's, cheap with rare dear ones, and the
simulated readers' own from results/readers-short.json, drawn anew), written by one version, by three in turn, or by a new one every 40
batches that is as good; the share in which `models.drift` ever sees a change. Then series that rise for good after 20 or 60 batches: how
many batches it takes (quartiles), and in how many it comes within 40. And the same for books whose chapters are alike (`--books`: nothing
else). `--write` keeps results/drift.json (decision 14).
"""

from __future__ import annotations

import argparse
import json
import math
import random
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

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


# Chapters a book on average, deviation of books' mean costs, and of the costs within a book.
BOOKS = ((1, 0.10, 0.11), (4, 0.10, 0.11), (8, 0.10, 0.11), (12, 0.10, 0.11), (12, 0.07, 0.13), (20, 0.10, 0.11))


def found(costs: list[float], writer: Callable[[int], str], sources: list[str] | None = None) -> list[int]:
    """Without `sources` every batch is of another one."""
    each = range(len(costs))
    return changes(
        [math.sqrt(cost) for cost in costs], [writer(at) for at in each], sources or [str(at) for at in each], least=LEAST_SPREAD
    )


def library_of(
    rng: random.Random, count: int, size: int, apart: float, within: float, *, mean: float = 0.25, rise: float = 0.0, at: int = 0
) -> tuple[list[float], list[str]]:
    """Costs of so many chapters, book after book, and whose each is; from `at` on all cost `rise` more, also in the middle of a book."""
    costs: list[float] = []
    sources: list[str] = []
    while len(costs) < count:
        book, hardness = str(len(costs)), rng.gauss(mean, apart)
        for _ in range(max(1, round(rng.expovariate(1 / size))) if size > 1 else 1):
            costs.append(clipped(rng.gauss(hardness + (rise if len(costs) >= at else 0.0), within)))
            sources.append(book)
    return costs[:count], sources[:count]


def books(series: int) -> list[dict[str, Any]]:
    """How often a change is seen in libraries without any, and how soon in those with one after 60 batches."""
    rows, writer, at = [], WRITERS["one version"], 60
    for size, apart, within in BOOKS:
        row: dict[str, Any] = {"chapters": size, "between": apart, "within": within}
        rng = random.Random(f"books {size} {apart}")
        for count in (60, 120, LENGTH):
            libraries = (library_of(rng, count, size, apart, within) for _ in range(series))
            row[f"false by {count}"] = sum(bool(found(costs, writer, sources)) for costs, sources in libraries) / series
        for rise in (0.2, 0.35):
            times = []
            for _ in range(max(1, series // 2)):
                costs, sources = library_of(rng, at + 60, size, apart, within, rise=rise, at=at)
                times.append(delay(costs, at, writer, sources))
            seen = sorted(time for time in times if time is not None)
            row[f"rise {rise}"] = {
                "seen within 40": sum(time <= PATIENCE for time in seen) / len(times),
                "within 60": len(seen) / len(times),
                "quartiles": [round(value) for value in quantiles(seen, n=4)] if len(seen) > 1 else [],
            }
        rows.append(row)
    return rows


def false_alarms(series: int) -> list[dict[str, object]]:
    rows = []
    for kind, cost in stationary().items():
        row: dict[str, object] = {"costs": kind}
        for who, writer in WRITERS.items():
            rng = random.Random(f"{kind} {who}")
            row[who] = sum(bool(found([cost(rng) for _ in range(LENGTH)], writer)) for _ in range(series)) / series
        rows.append(row)
    return rows


def delay(costs: list[float], at: int, writer: Callable[[int], str], sources: list[str] | None = None) -> int | None:
    """Batches after `at` until a change is first seen; None where it never is, or one was seen before."""

    def seen(count: int) -> bool:
        return bool(found(costs[:count], writer, sources and sources[:count]))

    if seen(at) or not seen(len(costs)):
        return None
    return bisect_left(range(at, len(costs)), True, key=seen)  # what was once found stays


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


def print_books(rows: list[dict[str, Any]]) -> None:
    by = f"by 60, 120, {LENGTH}"
    print(f"| chapters a book | deviation between, within | no change, seen {by} | rise of 0.2: within 40, 60, quartiles | rise of 0.35 |")
    print("|---:|---|---|---|---|")
    for row in rows:
        false = " / ".join(f"{row[f'false by {count}']:.1%}" for count in (60, 120, LENGTH))
        rises = [
            f"{rise['seen within 40']:.0%}, {rise['within 60']:.0%}, {' / '.join(map(str, rise['quartiles']))}"
            for rise in (row["rise 0.2"], row["rise 0.35"])
        ]
        print(f"| {row['chapters']} | {row['between']:.2f}, {row['within']:.2f} | {false} | {' | '.join(rises)} |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--books", action="store_true", help="only libraries of books whose chapters are alike")
    parser.add_argument("--write", action="store_true", help="keep results/drift.json")
    given = parser.parse_args()
    alike = books(given.series)
    print_books(alike)
    if given.books:
        return
    alarms, late = false_alarms(given.series), delays(max(1, given.series // 4))
    print(f"| costs without a change, {LENGTH} batches | {' | '.join(WRITERS)} |\n|---|{'---:|' * len(WRITERS)}")
    for row in alarms:
        print(f"| {row['costs']} | {' | '.join(format(row[who], '.1%') for who in WRITERS)} |")
    print(f"\n| costs rise | after batch | seen within {PATIENCE} | batches until then (quartiles) |\n|---|---:|---:|---:|")
    for row in late:
        print(f"| {row['costs']} | {row['after']} | {row['seen']:.0%} | {' / '.join(map(str, row['quartiles']))} |")
    if given.write:
        told = {"series": given.series, "alarm": ALARM, "false alarms": alarms, "delays": late, "books": alike}
        (RESULTS / "drift.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
