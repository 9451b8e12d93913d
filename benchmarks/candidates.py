"""Four candidates against one: `python benchmarks/candidates.py [--base BASE] [--repeats 5] [--device cpu]`.

One reading of a short and of a long prompt, then the same number of tokens for every candidate (ends are ignored), with one and with four
candidates in turn. On a processor the time is the process's own, so that other work on the machine does not count. Beside it, in the same
turns, the prompt's keys and values copied for each candidate instead of shared, and transformers' own `generate` with as many sequences.
Medians go to benchmarks/results/candidates.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from notewright.settings import silence_telemetry

silence_telemetry()
RESULTS = Path(__file__).parent / "results" / "candidates.json"
COUNTS, TOKENS = (1, 4), 64
WORDS = "The river carries silt to the plain, and whoever keeps the ledger of the tide knows when the bread will rise. "
FACTS = (6, 26)  # highlights in the short and in the long prompt
SIDES = ("ours", "copied", "transformers")


def prompt_of(facts: int) -> list[dict[str, str]]:
    lines = (f"{number}. {WORDS * 2}" for number in range(1, facts + 1))
    return [
        {"role": "system", "content": "Write the note for these highlights in the reader's own style."},
        {"role": "user", "content": "Title: The Slow River\n\n" + "\n".join(lines)},
    ]


def main() -> None:
    import torch

    from notewright.models import chat
    from notewright.models.engine import Engine

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="seedling")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    engine = Engine(given.base, device=given.device)
    engine._stops = set()
    clock = time.process_time if given.device == "cpu" else time.perf_counter
    report: dict[str, Any] = {"base": given.base, "device": given.device, "tokens": TOKENS, "prompts": []}
    print(f"{TOKENS} tokens a candidate\n| prompt tokens | candidates | " + " | ".join(f"{side}, s | times one" for side in SIDES) + " |")
    print("|---" * (2 + 2 * len(SIDES)) + "|")
    for facts in FACTS:
        messages = prompt_of(facts)
        prompt = torch.tensor([chat.encode_prompt(engine.tokenizer, messages)], device=given.device)

        def ours(count: int, messages: Any = messages) -> None:
            engine.generate(messages, n=count, max_new_tokens=TOKENS, greedy_first=False)

        def copied(count: int, ours: Any = ours) -> None:
            shares, engine._shares = engine._shares, False
            ours(count)
            engine._shares = shares

        def theirs(count: int, prompt: torch.Tensor = prompt) -> None:
            with engine._threads():
                engine._bare.generate(
                    prompt, attention_mask=torch.ones_like(prompt), do_sample=True, top_p=0.95, temperature=0.8, num_return_sequences=count,
                    max_new_tokens=TOKENS, min_new_tokens=TOKENS, pad_token_id=engine.tokenizer.pad_token_id,
                )  # fmt: skip

        times: dict[str, dict[int, list[float]]] = {side: {count: [] for count in COUNTS} for side in SIDES}
        for turn in range(given.repeats + 1):
            for count in COUNTS:
                for side, write in zip(SIDES, (ours, copied, theirs), strict=True):
                    started = clock()
                    write(count)
                    if turn:  # the first one warms up
                        times[side][count].append(clock() - started)
        medians = {side: {count: statistics.median(values) for count, values in table.items()} for side, table in times.items()}
        report["prompts"].append(
            {"tokens": prompt.shape[1], "seconds": medians, "four_against_one": medians["ours"][4] / medians["ours"][1]}
        )
        for count in COUNTS:
            row = [value for side in SIDES for value in (medians[side][count], medians[side][count] / medians[side][1])]
            print(f"| {prompt.shape[1]} | {count} | " + " | ".join(f"{value:.2f}" for value in row) + " |", flush=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
