"""Speed and memory: notewright's trainings beside TRL's trainers with default settings; same base, rows, LoRA, rate, epochs and hardware.

    python benchmarks/training.py [--method sft dpo kto reward] [--repeats 3] [--epochs 1] [--base BASE]

Each side runs in a process of its own, in turn, first one and then the other first. Both train on the same rows (the bundled sample's
passages, and synthetic ones of very different lengths); every repeat has its own seed for order and adapter. Tokens/s counts real
tokens, padding left out, from the first step to the last; the loss is measured afterwards on the same held-out rows, by the same code,
for both. DPO, KTO and the reward model (one member) have the sample's passages over a bare list of their highlights; there a token is one
of those that both sides read once an epoch, counted by one encoding, so that the ratio is one of time. Medians go to
benchmarks/results/training.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
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
        names = ("prompt", "completion", "chosen", "rejected", "label")
        kept = [{key: row[key] for key in names if key in row} for row in part]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    return folder


def ours(base: str, data: Path, folder: Path, epochs: float, seed: int, method: str = "sft") -> dict[str, Any]:
    import importlib

    from notewright.models import bases
    from notewright.training import recipes, runs
    from notewright.training.worker import Reporter

    found = bases.fetch_base(base)
    special = {
        "sft": {"early_stop": "off", "rate_check": "off", "source_balance": 0.0},
        "dpo": {"max_fall": 0.0, "max_drift": 0.0, "max_invalid": 0.0, "max_kl": 0.0},
        "kto": {},
        "reward": {"members": 1, "edit_weight": 1},
    }[method]
    recipes.MINIMUM_ROWS["kto"] = 8  # what is measured is speed
    recipe = recipes.resolve(
        method, parameters=10**6, rows=100,
        overrides={
            "epochs": epochs, "batch_size": BATCH, "learning_rate": RATE, "lora_rank": RANK, "lora_dropout": 0.0, "scheduler": "linear",
            "warmup": 0.0, "weight_decay": 0.0, "adam_beta2": 0.999, "seed": seed, **special,
        },
    ).values()  # fmt: skip
    job = runs.Job(method, recipe, {}, found.name, str(found.folder), "", "", "", "", str(data), "")
    metrics = importlib.import_module(f"notewright.training.{method}").run(job, folder, Reporter(folder))
    assert metrics is not None
    peak = metrics.get("peak_memory") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"tokens": metrics["tokens"], "seconds": metrics["training_seconds"], "peak_memory": peak}


def theirs(base: str, data: Path, folder: Path, epochs: float, seed: int, method: str = "sft") -> dict[str, Any]:
    """TRL as its documentation begins: a model, rows, a LoRA; all else is the default."""
    import datasets as hf_datasets
    import torch
    import trl
    from peft import LoraConfig

    from notewright.models import bases
    from notewright.models.engine import load_base

    folder_of_base, on_cuda = bases.fetch_base(base).folder, torch.cuda.is_available()
    if method == "reward":
        from notewright.reward.neural import load_scorer

        model, tokenizer = load_scorer(folder_of_base, device="cuda" if on_cuda else "cpu")
    else:
        model, tokenizer = load_base(folder_of_base, device="cuda" if on_cuda else "cpu")
    rows = [json.loads(line) for line in (data / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    config, trainer_class = {
        "sft": (trl.SFTConfig, trl.SFTTrainer),
        "dpo": (trl.DPOConfig, trl.DPOTrainer),
        "kto": (trl.KTOConfig, trl.KTOTrainer),
        "reward": (trl.RewardConfig, trl.RewardTrainer),
    }[method]
    settings = config(
        output_dir=str(folder / "trl"), use_cpu=not on_cuda, num_train_epochs=epochs, learning_rate=RATE, seed=seed, max_length=2048,
        report_to="none", save_strategy="no",
    )  # fmt: skip
    scored = {"task_type": "SEQ_CLS", "modules_to_save": ["score"]} if method == "reward" else {"task_type": "CAUSAL_LM"}
    lora = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", **scored)
    trainer = trainer_class(
        model=model, args=settings, train_dataset=hf_datasets.Dataset.from_list(rows), processing_class=tokenizer, peft_config=lora
    )
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    trainer.model.save_pretrained(str(folder / "adapter"), save_embedding_layers=False)
    return {
        "tokens": getattr(trainer, "_total_train_tokens", 0),
        "seconds": seconds,
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def preferred(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The passage over the bare highlights."""
    bare = [[line.split(". ", 1)[1] for line in row["prompt"][-1]["content"].splitlines() if line[:1].isdigit()] for row in rows]
    return [
        {"prompt": row["prompt"], "chosen": row["completion"], "rejected": [{"role": "assistant", "content": "\n".join(lines)}]}
        for row, lines in zip(rows, bare, strict=True)
    ]


def labelled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
        for row in preferred(rows)
        for side in ("chosen", "rejected")
    ]


def tokens_of(base: str, data: Path, method: str) -> int:
    """Tokens of all texts with their prompts, each read once."""
    from notewright.models import bases, chat
    from notewright.models.engine import load_base

    _, tokenizer = load_base(bases.fetch_base(base).folder)
    total = 0
    for line in (data / "train.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        sides = ("chosen", "rejected") if method in ("dpo", "reward") else ("completion",)
        prompt = len(chat.encode_prompt(tokenizer, row["prompt"]))
        total += sum(prompt + len(chat.encode_completion(tokenizer, row[side][0]["content"])) for side in sides)
    return total


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


def child(side: str, base: str, data: Path, folder: Path, epochs: float, seed: int, method: str) -> None:
    folder.mkdir(parents=True)
    result = (ours if side == "ours" else theirs)(base, data, folder, epochs, seed, method)
    if method == "sft":
        result["loss"] = held_out_loss(base, data, folder)
    else:
        result["tokens"] = epochs * tokens_of(base, data, method)
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def compare(base: str, data: Path, folder: Path, *, epochs: float, repeats: int, method: str = "sft") -> dict[str, Any]:
    """Medians of both sides, run in turn."""
    measured: dict[str, list[dict[str, Any]]] = {"ours": [], "trl": []}
    for turn in range(repeats):
        for side in ("ours", "trl") if turn % 2 == 0 else ("trl", "ours"):
            place = folder / f"{side}-{turn}"
            command = [sys.executable, "-W", "ignore", __file__, "--side", side, "--base", base, "--data", str(data), "--out", str(place)]
            command += ["--epochs", str(epochs), "--seed", str(turn), "--method", method]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            result = json.loads((place / "result.json").read_text(encoding="utf-8"))
            result["tokens_per_second"] = result["tokens"] / result["seconds"]
            measured[side].append(result)
            told = f"loss {result['loss']:.4f}" if "loss" in result else f"{result['peak_memory'] / 1e9:.2f} GB"
            print(f"  {data.name:10} {side:5} {result['tokens_per_second']:8.0f} tokens/s  {told}", file=sys.stderr)
    found = {side: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for side, runs in measured.items()}
    return {
        **found,
        "ratio": found["ours"]["tokens_per_second"] / found["trl"]["tokens_per_second"],
        "repeats": repeats,
        "epochs": epochs,
        "losses": {side: [run["loss"] for run in runs if "loss" in run] for side, runs in measured.items()},
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
    parser.add_argument("--method", nargs="+", choices=("sft", "dpo", "kto", "reward"), default=["sft", "dpo", "kto", "reward"])
    parser.add_argument("--base", default="seedling")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=("ours", "trl"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        child(given.side, given.base, given.data, given.out, given.epochs, given.seed, given.method[0])
        return
    report = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = sample_rows(folder)
        for method in given.method:
            if method == "sft":
                sets = {
                    "sample": write(folder / "data" / "sample", sample),
                    "synthetic": write(folder / "data" / "synthetic", {"train": synthetic_rows(96), "valid": synthetic_rows(12, seed=1)}),
                }
            else:
                made = (labelled if method == "kto" else preferred)(sample["train"])
                sets = {"sample": write(folder / "data" / method, {"train": made})}
            results = {
                data: compare(given.base, path, folder / method / data, epochs=given.epochs, repeats=given.repeats, method=method)
                for data, path in sets.items()
            }
            report |= {"base": Path(given.base).name, "machine": machine(), method: results}
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print("| method | rows | TRL defaults, tokens/s | notewright, tokens/s | ratio | memory TRL | ours | loss TRL | ours |")
    print("|---|---|---|---|---|---|---|---|---|")
    for method in given.method:
        for data, found in report[method].items():
            trl, own = found["trl"], found["ours"]
            memory = " | ".join(f"{side['peak_memory'] / 1e9:.1f} GB" for side in (trl, own))
            losses = " | ".join(f"{side['loss']:.4f}" if "loss" in side else "" for side in (trl, own))
            print(
                f"| {method} | {data} | {trl['tokens_per_second']:,.0f} | {own['tokens_per_second']:,.0f} | {found['ratio']:.2f} | "
                f"{memory} | {losses} |"
            )


if __name__ == "__main__":
    main()
