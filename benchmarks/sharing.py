"""A prompt that is read once for all its texts, beside rows of their own: forward and backward pass of a training on rankings and pairs.

    python benchmarks/sharing.py [--base seedling] [--repeats 5]

Random tokens of the lengths that occur, one LoRA on all linear layers, the loss summed over all texts, sides in turn in one process on one
thread; processor time, so that other work counts for neither. Medians go to benchmarks/results/sharing.json.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from pathlib import Path

from notewright.settings import silence_telemetry

silence_telemetry()
RESULTS = Path(__file__).parent / "results" / "sharing.json"
CASES = ((300, 120, 4, 4), (1000, 150, 4, 2), (300, 120, 2, 4), (1000, 150, 2, 2), (200, 400, 2, 4))  # prompt, text, texts, units a batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="seedling")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    import torch
    from peft import LoraConfig, get_peft_model
    from trl.trainer.utils import add_fused_lm_head

    from notewright.models import bases, engine
    from notewright.training.batches import Unit, collate, per_text, worth_sharing
    from notewright.training.head import use_compact_head

    torch.set_num_threads(1)
    plain, tokenizer = engine.load_base(bases.fetch_base(given.base).folder)
    model = get_peft_model(plain, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")).train()
    add_fused_lm_head(model.get_base_model())
    use_compact_head(model.get_base_model())
    rng, found = random.Random(0), []
    print("| prompt, tokens | text | texts | units a batch | rows of their own, s | prompt once, s | share | used by trainings |")
    print("|---|---|---|---|---|---|---|---|")
    for prompt, text, texts, count in CASES:
        units = [
            Unit([rng.randrange(10, 1000) for _ in range(prompt)], [[rng.randrange(10, 1000) for _ in range(text)] for _ in range(texts)])
            for _ in range(count)
        ]
        spent: dict[str, list[float]] = {"rows": [], "shared": []}
        used = worth_sharing(units)
        batches = {"rows": collate(units, tokenizer.pad_token_id), "shared": collate(units, tokenizer.pad_token_id, sharing="sdpa")}
        for _ in range(given.repeats if used else 0):
            for side, batch in batches.items():
                started = time.process_time()
                torch.stack([one.sum() for unit in per_text(model, batch) for one in unit]).sum().backward()
                model.zero_grad()
                spent[side].append(time.process_time() - started)
        case = {"prompt": prompt, "text": text, "texts": texts, "units": count, "used": used}
        if used:
            rows, shared = (statistics.median(spent[side]) for side in ("rows", "shared"))
            case |= {"rows": rows, "shared": shared}
            print(f"| {prompt} | {text} | {texts} | {count} | {rows:.2f} | {shared:.2f} | {shared / rows:.2f} | yes |", flush=True)
        else:
            print(f"| {prompt} | {text} | {texts} | {count} | | | | no |", flush=True)
        found.append(case)
    RESULTS.write_text(json.dumps({"base": given.base, "repeats": given.repeats, "cases": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
