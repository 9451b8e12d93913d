"""Does hiding protected parts behind placeholders bring drafts nearer to the person's passages? SFT of the seedling on the bundled sample.

    python benchmarks/protection.py [--seeds 0 1] [--variants none all links]

Every third source is held out; every variant trains on the same rows with the demo's recipe (no examples in the prompts) and is measured
on the same held-out passages, placeholders put back first. `links` hides images, links, addresses, math, code and ids but not
quantities. Writes `benchmarks/results/protection.json` after every run; results of earlier calls are kept beside the new ones.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from notewright import datasets, training
from notewright.datasets.freeze import freeze
from notewright.importers import import_readwise
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.models import registry
from notewright.pairing import pair
from notewright.sample import copy_sample
from notewright.settings import Settings
from notewright.text import edit_distance
from notewright.vault import build_index, find_problems
from notewright.vault.protect import PARTS, Protection

RESULTS = Path(__file__).resolve().parent / "results" / "protection.json"
VARIANTS: dict[str, tuple[str, ...]] = {"none": (), "all": PARTS, "links": tuple(part for part in PARTS if part != "quantity")}


def protect(row: dict[str, Any], parts: tuple[str, ...]) -> tuple[dict[str, Any], Protection]:
    """The row with its parts hidden: those of the prompts' highlights, and the same ones in the passages."""
    protection = Protection(parts)

    def hidden(messages: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**item, "content": protection.hide(item["content"], learn=item["role"] == "user")} for item in messages]

    return {**row, "prompt": hidden(row["prompt"]), "completion": hidden(row["completion"])}, protection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    options = parser.parse_args()
    earlier = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []
    done = {(item["variant"], item["seed"]): item for item in earlier}
    with tempfile.TemporaryDirectory() as folder:
        sample = copy_sample(Path(folder) / "sample")
        settings = Settings(home=Path(folder) / "home", vault=sample / "vault")
        with Library.create(settings.home) as library:
            import_readwise(library, path=sample / "readwise.csv")
            import_readwise(library, path=sample / "readwise-api.json")
            import_vault(library, settings=settings)
            pair(library, settings=settings)
            plain = datasets.build(library, kind="sft", settings=settings, examples=0.0, split=(1.0, 0.0, 0.0))
            every = datasets.load(plain, "train")
            held = sorted({row["source_id"] for row in every})[::3]
            rows = {
                "train": [row for row in every if row["source_id"] not in held],
                "valid": [row for row in every if row["source_id"] in held],
            }
            print({split: len(items) for split, items in rows.items()}, flush=True)
            for seed in options.seeds:
                for variant in options.variants:
                    done[variant, seed] = measure(library, settings, rows, variant, seed)
                    print(json.dumps(done[variant, seed]), flush=True)
                    counts = {name: len(items) for name, items in rows.items()}
                    RESULTS.write_text(json.dumps({"rows": counts, "results": list(done.values())}, indent=1) + "\n")


def measure(library: Library, settings: Settings, rows: dict[str, list[dict[str, Any]]], variant: str, seed: int) -> dict[str, Any]:
    hidden = {split: [protect(row, VARIANTS[variant]) for row in items] for split, items in rows.items()}
    facts = {"prompt_version": 1, "parameters": {"variant": variant, "seed": seed}, "left_out": {}, "parents": {}, "sources": {}}
    dataset = freeze(library, "sft", {**{split: [row for row, _ in items] for split, items in hidden.items()}, "test": []}, facts)
    training.train(library, settings=settings, method="sft", dataset_id=dataset.id, effort="quick", overrides={"seed": seed})
    engine = registry.open_engine(library, library.models.all()[-1], device=settings.device)
    index = build_index(settings.need_vault())
    distances, broken, tokens, placeholders = [], 0, 0, 0
    for (row, protection), original in zip(hidden["valid"], rows["valid"], strict=True):
        written = engine.generate(row["prompt"], n=1, temperature=0.0, max_new_tokens=288, seed=0, greedy_first=True)[0]
        restored = protection.restore(written.text)
        gold = original["completion"][0]["content"]
        distances.append(edit_distance(restored.text.strip(), gold.strip()))
        highlights = [library.sources.highlight(highlight_id) for highlight_id in row["highlight_ids"]]
        gates = {finding.gate for finding in find_problems(restored.text, highlights=highlights, vault_index=index)}
        broken += bool(restored.problems or gates & {"links", "invented asset"})
        tokens += written.tokens
        placeholders += row["completion"] != original["completion"]
    return {
        "variant": variant, "seed": seed, "distance": round(statistics.mean(distances), 4), "passages": len(distances),
        "with_broken_links_or_assets": broken, "passages_with_placeholders": placeholders, "tokens": tokens,
        "distances": [round(item, 3) for item in distances],
    }  # fmt: skip


if __name__ == "__main__":
    main()
