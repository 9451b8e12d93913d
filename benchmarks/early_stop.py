"""Which state of an SFT to keep: what rules for it would have kept, and what these states are worth on passages that none of them saw.

    python benchmarks/early_stop.py [--readers 12] [--pairs 14 30] [--watched 4 6 12] [--write]

Readers of unseen books with styles that the seedling never saw, as in seedling.py. Each training runs to its end, and at each of its checks
24 further notes are written beside the watched ones, half with two examples in the prompt. A rule sees the watched notes' distances alone,
as in the product, and is worth the further ones' mean distance at the state it keeps. The rules:

    nearest    the state whose watched notes came nearest (of equals the latest); ends after two checks without a gain
    unended    the same, of a training that always runs to its end
    noise K    the latest of the states that lie within K standard errors of the nearest one (of the mean difference, passage by passage);
               ends after two checks that do not
    last       the end of the training
    best       the state that is best on the further notes: what no rule can reach
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import in_process
from own_words import cases

from notewright.models import bases
from notewright.seedling import corpora
from notewright.training import sampling, watch
from seedling import style_pairs

FURTHER, PATIENCE, SHARE = 24, 2, 0.5
RESULTS = Path(__file__).resolve().parent / "results" / "early_stop.json"
Check = tuple[int, list[float], list[float]]  # step, distances of the watched notes, of the further ones


def outside(check: Sequence[float], nearest: Sequence[float], errors: float) -> bool:
    """Is the mean difference beyond so many of its standard errors?"""
    apart = [one - other for one, other in zip(check, nearest, strict=True)]
    error = statistics.stdev(apart) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    return statistics.mean(apart) > errors * error + 1e-9


def keep(checks: Sequence[Check], errors: float, *, ends: bool = True) -> Check:
    """The check whose state `watch.Watch` would keep with this tolerance, having ended where it would have ended."""
    seen: list[Check] = []
    for check in checks:
        seen.append(check)
        nearest = min(reversed(seen), key=lambda one: statistics.mean(one[1]))
        fitting = [one for one in seen if not outside(one[1], nearest[1], errors)]
        trained = [one for one in seen if one[0]]
        best = min(reversed(trained), key=lambda one: statistics.mean(one[1]), default=None)
        good = [at for at, one in enumerate(trained) if best and not outside(one[1], best[1], errors)]
        if ends and good and len(trained) - 1 - good[-1] >= PATIENCE:
            break
    return fitting[-1]


RULES: dict[str, Callable[[Sequence[Check]], Check]] = {
    "nearest": lambda checks: keep(checks, 0),
    "unended": lambda checks: keep(checks, 0, ends=False),
    "noise 0.5": lambda checks: keep(checks, 0.5),
    "noise 1": lambda checks: keep(checks, 1),
    "noise 2": lambda checks: keep(checks, 2),
    "last": lambda checks: checks[-1],
    "best": lambda checks: min(checks, key=lambda one: statistics.mean(one[2])),
}


def follow(base: bases.Base, corpus: corpora.Corpus, seed: int, count: int, watched: int, tokens: int) -> list[Check]:
    """All checks of one training."""
    pairs = style_pairs(corpus, seed, count + watched + FURTHER, tokens)
    known = pairs[:count]

    def rows(some: Sequence[Any]) -> list[dict[str, Any]]:
        return [
            {"prompt": case.messages, "completion": [{"role": "assistant", "content": case.gold}], "source_id": case.prompt.source.title}
            for case in cases(some, known, seed, SHARE)
        ]

    further, checks = rows(pairs[count + watched :]), []

    def look(self: watch.Watch) -> float:
        asked = sampling.held_out(self.session, further, FURTHER)
        ours, theirs = (sampling.distances(self.session, some) for some in (self.watched, asked))
        checks.append((len(checks), ours, theirs))
        return statistics.mean(ours)

    parts = {"train": rows(known), "valid": rows(pairs[count : count + watched])}
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(watch.Watch, "look", look):
        _, _, metrics = in_process.train(base, Path(folder) / "run", "sft", parts, effort="quick", seed=seed, rate_check="off", patience=20)
    return [(step, ours, theirs) for (step, _), (_, ours, theirs) in zip(metrics["checks"], checks, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--pairs", type=int, nargs="+", default=[14, 30])
    parser.add_argument("--watched", type=int, nargs="+", default=[4, 6, 12])
    parser.add_argument("--tokens", type=int, default=350)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    corpus, base = corpora.load(held_out=True), bases.fetch_base("seedling")
    found: list[dict[str, Any]] = []
    for seed in range(given.first, given.first + given.readers):
        for count in given.pairs:
            checks = follow(base, corpus, seed, count, max(given.watched), given.tokens)
            found.append({"reader": seed, "pairs": count, "checks": checks})
            print(json.dumps(found[-1]), flush=True)
    print("\n".join(table(found, given.watched)))
    if given.write:
        RESULTS.write_text(json.dumps(found) + "\n", encoding="utf-8")


def table(found: Sequence[dict[str, Any]], watched: Sequence[int]) -> list[str]:
    """Mean distance of the further notes and, in brackets, how far into the training the kept state lies, by rule and number watched."""
    kinds = [(count, few) for count in sorted({item["pairs"] for item in found}) for few in watched]
    lines = ["| rule | " + " | ".join(f"{count} pairs, {few} watched" for count, few in kinds) + " |", "|---|" + "---:|" * len(kinds)]
    for name, rule in RULES.items():
        cells = []
        for count, few in kinds:
            runs = [[(step, ours[:few], theirs) for step, ours, theirs in item["checks"]] for item in found if item["pairs"] == count]
            kept = [rule(checks) for checks in runs]
            worth = statistics.mean(statistics.mean(check[2]) for check in kept)
            cells.append(f"{worth:.4f} ({statistics.mean(check[0] / checks[-1][0] for check, checks in zip(kept, runs, strict=True)):.2f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    main()
