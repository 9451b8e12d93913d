"""GRPO and RLOO beside TRL's own trainers: same start, prompts, pay, number of drafts and rate; all else as TRL has it by default.

    python benchmarks/groups.py [--seeds 2] [--updates 8]

What differs: our trainers write with the engine that reads a prompt once for all of its drafts, learn from an update's drafts in four steps
instead of one, and price the distance from the start; TRL's write with transformers' `generate`. Start, prompts, judge and what is measured
afterwards are those of ppo.py. Sides run in turn, each in a process of its own on one thread; time is the process's own. Medians go to
benchmarks/results/groups.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ppo

RESULTS = Path(__file__).parent / "results" / "groups.json"
METHODS, SIDES, CANDIDATES = ("grpo", "rloo"), ("ours", "trl"), 4


def recipe_of(method: str, seed: int, updates: int) -> Any:
    from notewright.training import recipes

    overrides = {
        "seed": seed, "max_steps": updates, "batch_size": ppo.DRAFTS, "candidates": CANDIDATES, "max_new_tokens": ppo.NEW,
        "learning_rate": ppo.RATE, "scheduler": "linear", "warmup": 0.0, "max_length": 1024,
    }  # fmt: skip
    return recipes.resolve(method, parameters=10**6, rows=ppo.TRAIN, overrides=overrides)


def ours(method: str, place: Path, folder: Path, seed: int, updates: int) -> float:
    from notewright.training import grpo, runs
    from notewright.training.worker import Reporter

    for name in ("prompts.jsonl", "judge.json"):
        shutil.copy(place / name, folder)
    (folder / "prompts-valid.jsonl").write_text("", encoding="utf-8")
    base, whole, spent = str(place / "base"), grpo.sessions.train, []

    def timed(*parts: Any) -> bool:
        started = time.process_time()
        done = whole(*parts)
        spent.append(time.process_time() - started)
        return done

    grpo.sessions.train = timed  # what TRL's train() does, without loading and saving
    job = runs.Job(method, recipe_of(method, seed, updates).values(), {}, base, base, "", "", "", "", "", "", device="cpu")
    assert grpo.run(job, folder, Reporter(folder))
    return spent[0]


def theirs(method: str, place: Path, folder: Path, seed: int, updates: int) -> float:
    import trl
    from datasets import Dataset
    from peft import LoraConfig

    from notewright.models import chat, engine
    from notewright.training.judging import Judge, read_judge

    model, tokenizer = engine.load_base(place / "base")
    rows = [json.loads(line) for line in (place / "prompts.jsonl").read_text(encoding="utf-8").splitlines()]
    shared, stops = recipe_of(method, seed, updates).recipe, chat.stop_tokens(tokenizer)
    judge = Judge(read_judge(place), shared)

    def pay(*, number: list[int], completion_ids: list[list[int]], **_: Any) -> list[float]:
        texts = [chat.decode(tokenizer, ids) for ids in completion_ids]
        return [one.total for one in judge([rows[at] for at in number], texts, [bool(ids) and ids[-1] in stops for ids in completion_ids])]

    config, trainer_class = {"grpo": (trl.GRPOConfig, trl.GRPOTrainer), "rloo": (trl.RLOOConfig, trl.RLOOTrainer)}[method]
    settings = config(
        output_dir=str(folder / "trl"), use_cpu=True, seed=seed, learning_rate=ppo.RATE, max_steps=updates, num_generations=CANDIDATES,
        per_device_train_batch_size=ppo.DRAFTS, max_completion_length=ppo.NEW, report_to="none", save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    lora = LoraConfig(r=shared.lora_rank, lora_alpha=shared.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    asked = Dataset.from_list([{"prompt": row["prompt"], "number": at} for at, row in enumerate(rows)])
    trainer = trainer_class(model=model, args=settings, reward_funcs=pay, train_dataset=asked, processing_class=tokenizer, peft_config=lora)
    started = time.process_time()
    trainer.train()
    spent = time.process_time() - started
    trainer.model.save_pretrained(str(folder / "adapter"), save_embedding_layers=False)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--updates", type=int, default=8)
    parser.add_argument("--child", nargs=4, metavar=("METHOD", "SIDE", "PLACE", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    if given.child:
        method, side, place, seed = given.child[0], given.child[1], Path(given.child[2]), int(given.child[3])
        folder = place / f"{method}-{side}-{seed}"
        folder.mkdir()
        spent = (ours if side == "ours" else theirs)(method, place, folder, seed, given.updates)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        found = {"seconds_an_update": spent / given.updates, "peak_memory": peak, **ppo.measure(place, folder / "adapter")}
        (folder / "result.json").write_text(json.dumps(found), encoding="utf-8")
        return
    report: dict[str, Any] = {"seeds": given.seeds, "updates": given.updates, "drafts": ppo.DRAFTS}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        ppo.start(place)
        report["before"] = ppo.measure(place, None)
        runs: dict[str, dict[str, list[dict[str, float]]]] = {method: {side: [] for side in SIDES} for method in METHODS}
        for seed in range(given.seeds):
            for method in METHODS:
                for side in SIDES if seed % 2 == 0 else SIDES[::-1]:
                    command = [sys.executable, "-W", "ignore", __file__, "--updates", str(given.updates)]
                    with (place / f"{method}-{side}-{seed}.log").open("wb") as log:
                        child = [*command, "--child", method, side, str(place), str(seed)]
                        if subprocess.run(child, stdout=log, stderr=subprocess.STDOUT, check=False).returncode:
                            raise SystemExit(Path(log.name).read_text(encoding="utf-8", errors="replace")[-3000:])
                    result = json.loads((place / f"{method}-{side}-{seed}" / "result.json").read_text(encoding="utf-8"))
                    runs[method][side].append(result)
                    print(f"{method} {side} {seed}: {result['seconds_an_update']:.2f} s an update", file=sys.stderr, flush=True)
    print("| method | s an update: TRL | ours | ratio | peak memory: TRL | ours | pay, held out: TRL | ours |\n|" + "---|" * 8)
    for method, sides in runs.items():
        own, trl = ({key: statistics.median(run[key] for run in sides[side]) for key in sides[side][0]} for side in SIDES)
        ratio = trl["seconds_an_update"] / own["seconds_an_update"]
        report[method] = {"ours": own, "trl": trl, "ratio": ratio}
        memory = " | ".join(f"{side['peak_memory'] / 1e9:.1f} GB" for side in (trl, own))
        times = f"{trl['seconds_an_update']:.2f} | {own['seconds_an_update']:.2f} | {ratio:.2f}"
        print(f"| {method} | {times} | {memory} | {trl['held_out_reward']:.3f} | {own['held_out_reward']:.3f} |")
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
