"""What SFT makes of a reader's first finished passages, measured on chapters that follow.

    python benchmarks/first_sft.py [--reader mixed-100 ...] [--effort quick normal] [--set batch_size=2 ...]

A simulated reader of readers.py (numbers from 100 on are for development) has finished 24 chapters; what the product pairs and builds of
them, some 8 to 15 training passages, is trained on with the product's recipe and with what `--set` changes of it. Of the next 24 chapters
the untrained base and the result write greedy drafts, without and with two examples in the prompt as the product picks them: mean
word-level distance to what the reader wants, drafts that are right to the word, and drafts that do not end in 256 tokens.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import in_process
import readers

from notewright import datasets, pairing
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.examples import from_pairs
from notewright.models.engine import Engine
from notewright.prompts import Message, build_messages, shown_examples
from notewright.text import edit_distance
from notewright.training.recipes import EFFORTS

ASKED, LONGEST = 24, 256
RESULTS = Path(__file__).resolve().parent / "results" / "first_sft.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """A later chapter: prompts without and with examples, and what the reader wants."""

    plain: list[Message]
    shown: list[Message]
    wanted: str


def prepare(reader: str, folder: Path) -> tuple[Path, list[Asked]]:
    """The folder of the dataset that the product builds of the finished chapters, and the chapters that measure."""
    world = readers.world_of(readers.FULL, reader)
    cell = readers.Cell(readers.FULL, world, readers.ARMS["full"], 0, folder, device="cpu")
    cell.restore(0)
    with Library.open(cell.settings.home) as library:
        import_vault(library, settings=cell.settings)
        pairing.pair(library, settings=cell.settings, workers=1)
        built = library.home / "datasets" / datasets.build(library, kind="sft", settings=cell.settings).id
        teaching = {row["pair_id"] for row in read(built / "train.jsonl")}
        examples = [example for example in from_pairs(library) if example.pair_id in teaching]
        asked = [
            Asked(
                build_messages(task.prompt),
                build_messages(task.prompt, [(e.prompt, e.passage) for e in shown_examples(task.prompt, examples, limit=2)]),
                world.wanted(task.prompt, 0),
            )
            for task in world.stream[:ASKED]
        ]
    return built, asked


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measure(engine: Engine, adapter: Path | None, asked: list[Asked]) -> dict[str, float]:
    engine.use_adapter(adapter)
    found: dict[str, float] = {}
    for how in ("plain", "shown"):
        drafts = engine.write_each([getattr(item, how) for item in asked], max_new_tokens=LONGEST)
        apart = [edit_distance(draft.text.strip(), item.wanted.strip()) for draft, item in zip(drafts, asked, strict=True)]
        found |= {
            f"distance, {how}": statistics.fmean(apart), f"right, {how}": sum(value == 0 for value in apart),
            f"unended, {how}": sum(not draft.finished for draft in drafts),
        }  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    families = ("mixed-100", "format-100", "voice-100", "content-100", "context-100", "mixed-101")
    parser.add_argument("--reader", nargs="+", default=list(families))
    parser.add_argument("--effort", nargs="+", choices=EFFORTS, default=["quick"])
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", dest="changed")
    given = parser.parse_args()
    changed = {"rate_check": "off"} | dict(item.split("=", 1) for item in given.changed)
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for reader in given.reader:
        with tempfile.TemporaryDirectory() as name:
            built, asked = prepare(reader, Path(name))
            engine = Engine("", device="cpu")
            rows.setdefault("untrained", {})[reader] = measure(engine, None, asked)
            parts = {split: read(built / f"{split}.jsonl") for split in ("train", "valid")}
            for effort in given.effort:
                began = time.process_time()
                adapter, _, told = in_process.train(engine.base, Path(name) / effort, "sft", parts, effort=effort, seed=0, **changed)
                spent = {"rows": len(parts["train"]), "steps": told["steps"], "processor s": time.process_time() - began}
                rows.setdefault(f"SFT, {effort}", {})[reader] = spent | measure(engine, adapter, asked)
        for what, found in rows.items():
            print(reader, what, {key: round(value, 3) for key, value in found[reader].items()}, file=sys.stderr, flush=True)
    RESULTS.write_text(json.dumps({"set": changed, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    for what, found in rows.items():
        keys = next(iter(found.values()))
        print(what, {key: round(statistics.fmean(row[key] for row in found.values()), 3) for key in keys})


if __name__ == "__main__":
    main()
