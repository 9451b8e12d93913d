"""A prompt that is read once for all its texts, beside rows of their own: forward and backward pass of a training on rankings and pairs.

    python benchmarks/sharing.py [--base seedling] [--repeats 5]

Random tokens of the lengths that occur, one LoRA on all linear layers, the loss summed over all texts, sides in turn in one process on one
thread; processor time, so that other work counts for neither. The prompt is read once with a mask, and part by part, as trainings do where
the base's family can (`training.attention`). Then a reward model: the pairs of two rankings as rows of their own, as TRL's
trainer reads them, beside each ranking as one row. Medians go to benchmarks/results/sharing.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notewright.settings import silence_telemetry

silence_telemetry()
RESULTS = Path(__file__).parent / "results" / "sharing.json"
RANKINGS = ((300, 120), (1000, 150))  # prompt, text; four texts
CASES = ((300, 120, 4, 4), (1000, 150, 4, 2), (300, 120, 2, 4), (1000, 150, 2, 2), (200, 400, 2, 4))  # prompt, text, texts, units a batch


def turns(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    spent: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, work in sides.items():
            started = time.process_time()
            work()
            spent[side].append(time.process_time() - started)
    return {side: statistics.median(times) for side, times in spent.items()}


def rankings(base: Path, rng: random.Random, repeats: int) -> list[dict[str, Any]]:
    from peft import LoraConfig, get_peft_model

    from notewright.reward.neural import load_scorer
    from notewright.training import attention
    from notewright.training.batches import Unit, collate
    from notewright.training.reward import list_loss, per_text

    plain, tokenizer = load_scorer(base, device="cpu")
    attention.prepare(plain)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="SEQ_CLS", modules_to_save=["score"])
    model, found = get_peft_model(plain, lora).train(), []

    def learn(units: list[Unit], batch: dict[str, Any]) -> None:
        judged = per_text(model, model.get_base_model().score, batch, tokenizer.pad_token_id)
        loss = sum(list_loss(part, unit.levels) for part, unit in zip(judged, units, strict=True))
        loss.backward()
        model.zero_grad()

    print("\n| reward model: prompt, tokens | text | pairs of two rankings, s | rankings, s | share |\n|---|---|---|---|---|")
    for prompt, text in RANKINGS:
        asked = [[rng.randrange(10, 1000) for _ in range(prompt)] for _ in range(2)]
        lists = [Unit(one, [[rng.randrange(10, 1000) for _ in range(text)] for _ in range(4)], [0, 1, 2, 3]) for one in asked]
        pairs = [Unit(unit.prompt, list(pair), [0, 1]) for unit in lists for pair in itertools.combinations(unit.texts, 2)]
        whole, apart = collate(lists, tokenizer.pad_token_id, sharing=attention.NAME), collate(pairs, tokenizer.pad_token_id)
        sides = {
            "pairs": lambda pairs=pairs, apart=apart: learn(pairs, apart),
            "lists": lambda lists=lists, whole=whole: learn(lists, whole),
        }
        case = {"prompt": prompt, "text": text, **turns(sides, repeats)}
        print(f"| {prompt} | {text} | {case['pairs']:.2f} | {case['lists']:.2f} | {case['lists'] / case['pairs']:.2f} |", flush=True)
        found.append(case)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="seedling")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    import torch
    from peft import LoraConfig, get_peft_model
    from trl.trainer.utils import add_fused_lm_head

    from notewright.models import bases, engine
    from notewright.training import attention
    from notewright.training.batches import Unit, collate, per_text, shared_rows, worth_sharing
    from notewright.training.head import use_compact_head

    torch.set_num_threads(1)
    base = bases.fetch_base(given.base).folder
    plain, tokenizer = engine.load_base(base)
    attention.prepare(plain)
    model = get_peft_model(plain, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")).train()
    add_fused_lm_head(model.get_base_model())
    use_compact_head(model.get_base_model())
    rng, found = random.Random(0), []
    print("| prompt, tokens | text | texts | units a batch | rows of their own, s | mask | share | parts | share | used by trainings |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for prompt, text, texts, count in CASES:
        units = [
            Unit([rng.randrange(10, 1000) for _ in range(prompt)], [[rng.randrange(10, 1000) for _ in range(text)] for _ in range(texts)])
            for _ in range(count)
        ]
        pad = tokenizer.pad_token_id
        batches = {"rows": collate(units, pad)}
        batches |= {side: shared_rows(units, pad, name) for side, name in (("mask", "sdpa"), ("parts", attention.NAME))}

        def learn(batch: dict[str, Any]) -> None:
            torch.stack([one.sum() for unit in per_text(model, batch) for one in unit]).sum().backward()
            model.zero_grad()

        used = "yes" if worth_sharing(units, attention.NAME) else "no"
        case = {"prompt": prompt, "text": text, "texts": texts, "units": count, "used": used}
        case |= turns({side: lambda batch=batch: learn(batch) for side, batch in batches.items()}, given.repeats)
        rows, mask, parts = case["rows"], case["mask"], case["parts"]
        shares = f"{rows:.2f} | {mask:.2f} | {mask / rows:.2f} | {parts:.2f} | {parts / rows:.2f}"
        print(f"| {prompt} | {text} | {texts} | {count} | {shares} | {used} |", flush=True)
        found.append(case)
    report = {"base": given.base, "repeats": given.repeats, "cases": found, "rewards": rankings(base, rng, given.repeats)}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
