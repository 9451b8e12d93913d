"""What would a simulated reader have paid, had other candidates been shown? One version, asked in both ways, another one, and the base.

    python benchmarks/asking.py --reader context-102 format-102 ... [--until 11] [--out build/asking]     ten minutes a reader and core
    python benchmarks/asking.py --table [--out build/asking]

A reader works with the full loop (as in readers.py --short) up to a chapter. For every later one of the forty, eight candidates are written
by the version that is current then (the first one kept, where that is the base) as it is best asked, eight by it asked the other way (with
examples or without), eight by another kept version and eight by the base; nothing is learnt from these. Then each rule shows up to four of
them, and the reader takes one and changes it as they always do, `TIMES` times. Readers numbered 100 and up belong to no plan. Decision 24
was made by this.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import readers

from notewright import drafting, pairing
from notewright.drafting.choose import disagree
from notewright.drafting.draft import UNSURE
from notewright.evaluation.readers import Item
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.models import registry
from notewright.records import Draft, Model
from notewright.text import edit_distance

TIMES, SHOWN, WRITTEN, MORE = 60, 4, 8, 4
OUT = Path(__file__).resolve().parents[1] / "build" / "asking"
PLAN = replace(readers.SHORT, name="asking")
Pool = list[dict[str, Any]]


def write_pools(name: str, until: int, out: Path) -> None:
    """Work through the first chapters, then write the pools of the others; what is there is kept."""
    world = readers.world_of(PLAN, name)
    cell = readers.Cell(PLAN, world, readers.ARMS["full"], 0, out / name)
    cell.folder.mkdir(parents=True, exist_ok=True)
    kept = cell.folder / "pools.json"
    done: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
    first = len(cell.rows())
    cell.restore(first)
    for at in range(first, until):
        with Library.open(cell.settings.home) as library, cell.switches():
            row = cell.chapter(library, at)
        cell.keep(at, row)
        print(f"{name} chapter {at + 1}: cost {row['cost']:.3f}, {row['seconds']} s", flush=True)
    with Library.open(cell.settings.home) as library:
        import_vault(library, settings=cell.settings)
        pairing.pair(library, settings=cell.settings, workers=1)
        current = registry.current(library, cell.settings)
        tuned = [model for model in (current, *registry.contenders(library)) if model.adapter_path]
        if not tuned:
            print(f"{name}: no tuned version writes yet")
            return
        for at in range(until + len(done), PLAN.chapters):
            task = world.stream[at]
            wanted = world.wanted(task.prompt, at)
            own = world.own(wanted, at, seed=0)

            def told(draft: Draft, task: Any = task, at: int = at, wanted: str = wanted, own: str = own) -> dict[str, Any]:
                left = world.edited(task.prompt, draft.text, at, seed=0)
                utility = world.judge.utility(Item(task.prompt, draft.text), at=at)
                return {
                    "text": draft.text, "problems": list(draft.problems), "written": draft.sampling["written"], "utility": utility,
                    "examples": draft.sampling["examples"], "taken": bool(utility >= world.judge.bar and draft.text.strip()),
                    "edited": edit_distance(draft.text, left), "own": edit_distance(draft.text, own),
                }  # fmt: skip

            def pool(
                model: Model, examples: int | None = None, task: Any = task, at: int = at, told: Callable[[Draft], Any] = told
            ) -> Pool:
                drafts = drafting.draft(
                    library, settings=cell.settings, source=task.prompt.source.title, chapter=task.prompt.chapter or None, n=SHOWN,
                    written=WRITTEN, seed=readers.seed_of("asking", name, at), max_new_tokens=PLAN.tokens, examples=examples,
                    model_id=model.id, engines=cell.engines,
                )  # fmt: skip
                return [told(item) for item in library.drafts.batch(drafts[0].batch_id, unshown=True)]

            usual = drafting.taught_examples(library, tuned[0])
            pools = {
                "own": pool(tuned[0], usual),
                "other way": pool(tuned[0], 0 if usual else 2),
                "base": pool(registry.plain(library, current)),
            }
            pools |= {"another": pool(tuned[1])} if len(tuned) > 1 else {}
            done.append({"at": at, "temper": world.judge.temper, "pools": pools})
            kept.write_text(json.dumps(done), encoding="utf-8")
            print(f"{name} chapter {at + 1}: pools written", flush=True)
    cell.engines.release()


def fit(pool: Pool) -> Pool:
    return [item for item in pool if not item["problems"]]


def doubt(pool: Pool) -> float:
    return disagree([item["text"] for item in fit(pool)])


def different(pool: Pool) -> Pool:
    found: dict[str, dict[str, Any]] = {}
    for item in pool:
        found.setdefault(item["text"].strip(), item)
    return list(found.values())


def first(pool: Pool, count: int) -> Pool:
    return [item for item in pool if item["written"] < count]


def some(rng: random.Random, *parts: tuple[Pool, int]) -> Pool:
    """So many of each pool by chance, those with problems only where nothing else is there."""
    shown: Pool = []
    for pool, count in parts:
        rest = [item for item in fit(pool) if item["text"].strip() not in {one["text"].strip() for one in shown}]
        shown += rng.sample(rest, min(count, len(rest)))
    return shown or different([item for pool, _ in parts for item in pool])[:SHOWN]


def alone(pools: dict[str, Pool], rng: random.Random, *, base: bool = True) -> Pool:
    """Its own; where problems leave fewer than two, asked the other way too, and then the base as well."""
    pool = pools["own"]
    for more in ("other way", *(["base"] if base else [])):
        if len(fit(pool)) < min(2, len(pool)):
            pool = different([*pool, *first(pools[more], MORE)])
    return some(rng, (pool, SHOWN))


def as_now(pools: dict[str, Pool], rng: random.Random, *, above: float = UNSURE, any_way: bool = False) -> Pool:
    """The product's rule: unsure without examples, it is asked with them too. `any_way`: also the other way round."""
    own, other = pools["own"], first(pools["other way"], MORE)
    if len(fit(own)) < 2 or doubt(own) <= above or (own[0]["examples"] and not any_way) or not fit(other):
        return alone(pools, rng)
    better, worse = (own, other) if doubt(own) <= doubt(other) else (other, own)
    return some(rng, (better, SHOWN), (worse, 1 if len(fit(better)) < 2 else 0))


RULES: dict[str, Callable[[dict[str, Pool], random.Random], Pool]] = {
    "k-shot": lambda pools, rng: some(rng, (pools["base"], 4)),
    "k-shot, two candidates": lambda pools, rng: some(rng, (first(pools["base"], 2), 4)),
    "its own, whatever problems leave": lambda pools, rng: some(rng, (pools["own"], 4)),
    "its own, where few asked the other way": lambda pools, rng: alone(pools, rng, base=False),
    "its own, where few also the base's": alone,
    "six of its own, two of the base's": lambda pools, rng: some(rng, (first(pools["own"], 6), 3), (first(pools["base"], 2), 1)),
    "four and four of the base's": lambda pools, rng: some(rng, (first(pools["own"], 4), 2), (first(pools["base"], 4), 2)),
    "four and four asked the other way": lambda pools, rng: some(rng, (first(pools["own"], 4), 2), (first(pools["other way"], 4), 2)),
    "four and four of another version": lambda pools, rng: some(
        rng, (first(pools["own"], 4), 2), (first(pools.get("another", pools["own"]), 4), 2)
    ),
    "asked the other way where unsure": lambda pools, rng: as_now(pools, rng, any_way=True),
    **{f"asked with examples where unsure ({above})": partial(as_now, above=above) for above in sorted({0.03, 0.05, UNSURE, 0.1})},
}  # fmt: skip


def paid(shown: Sequence[dict[str, Any]], temper: float, rng: random.Random) -> float:
    """What the one that the reader takes costs; their choice is noisy (Plackett-Luce)."""
    best = max(shown, key=lambda item: temper * item["utility"] - math.log(-math.log(rng.random())))
    return float(best["edited"] if best["taken"] else best["own"])


def table(out: Path) -> str:
    """Mean cost of every rule with every reader."""
    found = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*/pools.json"))}
    lines = [f"| shown | {' | '.join(found)} | mean |", f"|---|{'---:|' * (len(found) + 1)}"]
    for rule, show in RULES.items():
        costs = []
        for name, chapters in found.items():
            rng = random.Random(name)
            costs.append(
                fmean(
                    paid(show({key: different(pool) for key, pool in item["pools"].items()}, rng), item["temper"], rng)
                    for item in chapters
                    for _ in range(TIMES)
                )
            )
        lines.append(f"| {rule} | {' | '.join(f'{cost:.3f}' for cost in costs)} | {fmean(costs):.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", nargs="+", default=[], help="as context-102")
    parser.add_argument("--until", type=int, default=11, help="chapters that the loop works through first")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="write nothing anew")
    given = parser.parse_args()
    for name in () if given.table else given.reader:
        write_pools(name, given.until, given.out)
    print(table(given.out))


if __name__ == "__main__":
    main()
