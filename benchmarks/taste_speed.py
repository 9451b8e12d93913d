"""From click to reordered candidates, in a library with 5,000 judged batches of four.

    python benchmarks/taste_speed.py [--events 5000] [--clicks 40]

A click is `feedback.rank` (stored and synced), then the head's update from the library, then the choice among eight waiting candidates.
Texts are the bundled sample's own passages with pieces left out or put in another order; the measures of drafts are cached when they are
drafted, as in the product.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from notewright import feedback, importers, pairing, reward, sample
from notewright.drafting import Option, choose
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.examples import from_pairs
from notewright.records import Draft
from notewright.reward.features import VERSION, measure
from notewright.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--clicks", type=int, default=40)
    options = parser.parse_args()
    chance = random.Random(3)
    with tempfile.TemporaryDirectory() as folder, Library.create(Path(folder) / "home") as library:
        prepare(library, Path(folder))
        fill(library, chance, options.events)
        reward.forget_taste(library)
        started = time.perf_counter()
        reward.taste_of(library)
        cold = time.perf_counter() - started
        waiting = [candidate(library, chance, "batch-none", number)[0] for number in range(8)]
        rows = [measure(draft.text, reward.rows.prompt_highlights(library, draft)) for draft in waiting]
        cards = [Option(draft.text, row) for draft, row in zip(waiting, rows, strict=True)]
        parts: dict[str, list[float]] = {"store": [], "update": [], "order": [], "click_to_order": []}
        for _ in range(options.clicks):
            drafts = batch(library, chance)
            order = [[draft.id] for draft in chance.sample(drafts, len(drafts))]
            t0 = time.perf_counter()
            feedback.rank(library, batch_id=drafts[0].batch_id, order=order)
            t1 = time.perf_counter()
            head = reward.taste_of(library)
            t2 = time.perf_counter()
            choose(head, cards, n=3, seed=1)
            t3 = time.perf_counter()
            for name, value in zip(parts, (t1 - t0, t2 - t1, t3 - t2, t3 - t0), strict=True):
                parts[name].append(value * 1000)
        followed = head.mean.copy()
        reward.forget_taste(library)
        difference = float(abs(reward.taste_of(library).mean - followed).max())
    result = {
        "events": options.events, "clicks": options.clicks, "cold_start_s": round(cold, 2),
        "median_ms": {name: round(statistics.median(values), 1) for name, values in parts.items()},
        "largest_ms": {name: round(max(values), 1) for name, values in parts.items()},
        "largest_difference_to_a_rebuild": difference, "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(result, indent=2))
    Path(__file__).parent.joinpath("results", "taste_speed.json").write_text(json.dumps(result, indent=2) + "\n")


def prepare(library: Library, folder: Path) -> None:
    place = sample.copy_sample(folder / "sample")
    settings = Settings(home=library.home, vault=place / "vault", readwise_folder="Readwise")
    importers.import_readwise(library, path=place / "readwise.csv")
    import_vault(library, settings=settings)
    pairing.pair(library)


def candidate(library: Library, chance: random.Random, batch_id: str, position: int) -> tuple[Draft, tuple[float, ...]]:
    example = chance.choice(EXAMPLES.setdefault("all", from_pairs(library)))
    lines = [line for line in example.passage.splitlines() if chance.random() > 0.25 or line.startswith("#")]
    if chance.random() < 0.3:
        lines = [line.replace("**", "") for line in lines]
    text = "\n".join(lines) + f"\n\n{chance.random()}\n"
    draft = Draft(
        "", batch_id, example.source_id, example.prompt.chapter, "model-1", text, position, position, f"2026-01-01T00:00:00.{position:06}",
        highlight_ids=tuple(item.id for item in example.prompt.highlights[:-1]),
    )  # fmt: skip
    return draft, measure(text, example.prompt.highlights, kind=example.prompt.source.kind)


EXAMPLES: dict[str, list] = {}
POOL: list[tuple[Draft, tuple[float, ...]]] = []


def batch(library: Library, chance: random.Random) -> list[Draft]:
    with library.db.write():
        batch_id = library.drafts.new_batch()
        if not POOL:
            POOL.extend(candidate(library, chance, "", 0) for _ in range(600))
        made = [(replace(draft, batch_id=batch_id, position=position), row) for position, (draft, row) in enumerate(chance.sample(POOL, 4))]
        drafts = library.drafts.add(draft for draft, _ in made)
        library.measures.put({draft.id: row for draft, (_, row) in zip(drafts, made, strict=True)}, version=VERSION)
    return drafts


def fill(library: Library, chance: random.Random, count: int) -> None:
    with library.db.write():
        for _ in range(count):
            drafts = batch(library, chance)
            bold = sorted(drafts, key=lambda draft: -draft.text.count("**") - 3 * chance.random())
            feedback.rank(library, batch_id=drafts[0].batch_id, order=[[draft.id] for draft in bold])


if __name__ == "__main__":
    main()
