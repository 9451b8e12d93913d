"""SFT speed: notewright's training beside TRL's with its default settings; same base, rows, LoRA, rate, epochs and hardware.

    python benchmarks/training.py [--repeats 3] [--epochs 1] [--base BASE]

Each side runs in a process of its own, in turn, first one and then the other first. Both train on the same rows (the bundled sample's
passages, and synthetic ones of very different lengths); every repeat has its own seed for order and adapter. Tokens/s counts real
tokens, padding left out, from the first step to the last; the loss is measured afterwards on the same held-out rows, by the same code,
for both. Medians go to benchmarks/results/training.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from notewright.settings import silence_telemetry

silence_telemetry()
RESULTS = Path(__file__).parent / "results" / "training.json"
RATE, RANK, BATCH = 2e-3, 16, 8
WORDS = "river silt plain tide bread cloth ledger moss city night map bell ice reindeer lead line tempo peat mud loom"


def synthetic_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Prompts of 1 to 40 highlights, lengths as in real libraries: many short ones, some long."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        highlights = [
            " ".join(rng.choices(WORDS.split(), k=rng.randint(8, 25))).capitalize() + "."
            for _ in range(min(40, int(rng.lognormvariate(1.6, 0.9)) + 1))
        ]
        prompt = [
            {"role": "system", "content": "Write the note for these highlights in the reader's own style."},
            {"role": "user", "content": "\n".join(f"{number}. {text}" for number, text in enumerate(highlights, 1))},
        ]
        passage = "## Notes\n\n" + "\n".join(f"- **{text.split()[0]}**: {' '.join(text.split()[1:6])}" for text in highlights[:6]) + "\n"
        rows.append({"prompt": prompt, "completion": [{"role": "assistant", "content": passage}]})
    return rows


def sample_rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The bundled sample, imported and paired in a throw-away home."""
    from notewright import datasets, importers, pairing
    from notewright.importers import vault as vault_importer
    from notewright.library import Library
    from notewright.sample import copy_sample
    from notewright.settings import Settings

    data = copy_sample(folder / "sample")
    with Library.create(folder / "home") as library:
        settings = Settings(home=folder / "home", vault=data / "vault", readwise_folder="Readwise")
        importers.import_readwise(library, path=data / "readwise.csv")
        vault_importer.import_vault(library, settings=settings)
        pairing.pair(library)
        dataset = datasets.build(library, kind="sft", settings=settings)
        return {name: list(datasets.load(dataset, name)) for name in ("train", "valid")}


def write(folder: Path, rows: dict[str, list[dict[str, Any]]]) -> Path:
    folder.mkdir(parents=True)
    for name, part in rows.items():
        kept = [{key: row[key] for key in ("prompt", "completion")} for row in part]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    return folder


def ours(base: str, data: Path, folder: Path, epochs: float, seed: int) -> dict[str, Any]:
    from notewright.models import bases
    from notewright.training import recipes, runs, sft
    from notewright.training.worker import Reporter

    found = bases.fetch_base(base)
    recipe = recipes.resolve(
        "sft", parameters=10**6, rows=100,
        overrides={
            "epochs": epochs, "batch_size": BATCH, "learning_rate": RATE, "lora_rank": RANK, "lora_dropout": 0.0, "scheduler": "linear",
            "warmup": 0.0, "weight_decay": 0.0, "adam_beta2": 0.999, "seed": seed,
        },
    ).values()  # fmt: skip
    job = runs.Job("sft", recipe, {}, found.name, str(found.folder), "", "", "", "", str(data), "")
    metrics = sft.run(job, folder, Reporter(folder))
    assert metrics is not None
    return {"tokens": metrics["tokens"], "seconds": metrics["training_seconds"], "peak_memory": metrics["peak_memory"]}


def theirs(base: str, data: Path, folder: Path, epochs: float, seed: int) -> dict[str, Any]:
    """TRL as its documentation begins: a model, rows, a LoRA; all else is the default."""
    import resource

    import datasets as hf_datasets
    import torch
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from notewright.models import bases
    from notewright.models.engine import load_base

    model, tokenizer = load_base(bases.fetch_base(base).folder, device="cuda" if torch.cuda.is_available() else "cpu")
    rows = [json.loads(line) for line in (data / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    settings = SFTConfig(
        output_dir=str(folder / "trl"), use_cpu=not torch.cuda.is_available(), num_train_epochs=epochs, learning_rate=RATE, seed=seed,
        max_length=2048, report_to="none", save_strategy="no",
    )  # fmt: skip
    lora = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        model=model, args=settings, train_dataset=hf_datasets.Dataset.from_list(rows), processing_class=tokenizer, peft_config=lora
    )
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    trainer.model.save_pretrained(str(folder / "adapter"), save_embedding_layers=False)
    return {
        "tokens": trainer._total_train_tokens,
        "seconds": seconds,
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def held_out_loss(base: str, data: Path, folder: Path) -> float:
    """Mean loss per passage token, in float32."""
    from notewright.models.engine import Engine

    engine = Engine(base, folder / "adapter")
    total, count = 0.0, 0
    for line in (data / "valid.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        value, tokens = engine.logprob(row["prompt"], row["completion"][0]["content"])
        total, count = total - value, count + tokens
    return total / count


def child(side: str, base: str, data: Path, folder: Path, epochs: float, seed: int) -> None:
    folder.mkdir(parents=True)
    result = (ours if side == "ours" else theirs)(base, data, folder, epochs, seed)
    result["loss"] = held_out_loss(base, data, folder)
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def compare(base: str, data: Path, folder: Path, *, epochs: float, repeats: int) -> dict[str, Any]:
    """Medians of both sides, run in turn."""
    measured: dict[str, list[dict[str, Any]]] = {"ours": [], "trl": []}
    for turn in range(repeats):
        for side in ("ours", "trl") if turn % 2 == 0 else ("trl", "ours"):
            place = folder / f"{side}-{turn}"
            command = [sys.executable, "-W", "ignore", __file__, "--side", side, "--base", base, "--data", str(data), "--out", str(place)]
            subprocess.run(
                [*command, "--epochs", str(epochs), "--seed", str(turn)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            result = json.loads((place / "result.json").read_text(encoding="utf-8"))
            result["tokens_per_second"] = result["tokens"] / result["seconds"]
            measured[side].append(result)
            print(f"  {data.name:10} {side:5} {result['tokens_per_second']:8.0f} tokens/s  loss {result['loss']:.4f}", file=sys.stderr)
    found = {side: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for side, runs in measured.items()}
    return {
        **found,
        "ratio": found["ours"]["tokens_per_second"] / found["trl"]["tokens_per_second"],
        "repeats": repeats,
        "epochs": epochs,
        "losses": {side: [run["loss"] for run in runs] for side, runs in measured.items()},
    }


def machine() -> dict[str, Any]:
    import torch

    return {
        "python": platform.python_version(), "torch": torch.__version__, "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(), "threads": torch.get_num_threads(), "load": os.getloadavg()[0],
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="seedling")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=("ours", "trl"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        child(given.side, given.base, given.data, given.out, given.epochs, given.seed)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = {
            "sample": write(folder / "data" / "sample", sample_rows(folder)),
            "synthetic": write(folder / "data" / "synthetic", {"train": synthetic_rows(96), "valid": synthetic_rows(12, seed=1)}),
        }
        results = {
            name: compare(given.base, data, folder / name, epochs=given.epochs, repeats=given.repeats) for name, data in sets.items()
        }
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"base": Path(given.base).name, "machine": machine(), "sft": results}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print("| rows | TRL defaults, tokens/s | notewright, tokens/s | ratio | loss TRL | loss notewright |\n|---|---|---|---|---|---|")
    for name, found in results.items():
        trl, own = found["trl"], found["ours"]
        print(
            f"| {name} | {trl['tokens_per_second']:,.0f} | {own['tokens_per_second']:,.0f} | {found['ratio']:.2f} | "
            f"{trl['loss']:.4f} | {own['loss']:.4f} |"
        )


if __name__ == "__main__":
    main()
