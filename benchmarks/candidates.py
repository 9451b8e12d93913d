"""Four candidates against one: `python benchmarks/candidates.py [--base BASE] [--repeats 5] [--device cpu]`.

One reading of a prompt of some 400 tokens, then the same number of tokens for every candidate (ends are ignored), with one and with four
candidates in turn. On a processor the time is the process's own, so that other work on the machine does not count. Beside it, in the same
turns, transformers' own `generate` with as many sequences of the same prompt. Medians go to benchmarks/results/candidates.json.
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
MESSAGES = [
    {"role": "system", "content": "Write the note for these highlights in the reader's own style."},
    {"role": "user", "content": "Title: The Slow River\n\n" + "\n".join(f"{number}. {WORDS * 2}" for number in range(1, 7))},
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
    prompt = chat.encode_prompt(engine.tokenizer, MESSAGES)
    clock = time.process_time if given.device == "cpu" else time.perf_counter

    def ours(count: int) -> None:
        engine.generate(MESSAGES, n=count, max_new_tokens=TOKENS, greedy_first=False)

    def theirs(count: int) -> None:
        ids = torch.tensor([prompt], device=given.device)
        with engine._threads():
            engine._bare.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=True, top_p=0.95, temperature=0.8, num_return_sequences=count,
                max_new_tokens=TOKENS, min_new_tokens=TOKENS, pad_token_id=engine.tokenizer.pad_token_id,
            )  # fmt: skip

    times: dict[str, dict[int, list[float]]] = {"ours": {n: [] for n in COUNTS}, "transformers": {n: [] for n in COUNTS}}
    for turn in range(given.repeats + 1):
        for count in COUNTS:
            for side, write in (("ours", ours), ("transformers", theirs)):
                started = clock()
                write(count)
                if turn:  # the first one warms up
                    times[side][count].append(clock() - started)
    medians = {side: {count: statistics.median(values) for count, values in table.items()} for side, table in times.items()}
    report: dict[str, Any] = {
        "base": given.base, "device": given.device, "prompt_tokens": len(prompt), "tokens": TOKENS, "seconds": medians,
        "four_against_one": medians["ours"][4] / medians["ours"][1],
    }  # fmt: skip
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"{len(prompt)} prompt tokens, {TOKENS} tokens a candidate\n| candidates | ours, s | times one | generate, s | times one |")
    print("|---|---|---|---|---|")
    for count in COUNTS:
        row = [value for side in ("ours", "transformers") for value in (medians[side][count], medians[side][count] / medians[side][1])]
        print(f"| {count} | {row[0]:.2f} | {row[1]:.2f} | {row[2]:.2f} | {row[3]:.2f} |")


if __name__ == "__main__":
    main()
