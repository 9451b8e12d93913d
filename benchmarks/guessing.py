"""What guesses are worth, by where they come from: the prompt, passages that the version was taught, earlier drafts for the same prompt.

    python benchmarks/guessing.py [--repeats 3] [--device cpu]

The seedling is taught the bundled sample (SFT, effort quick) and writes the held-out passages: four candidates for each prompt, as drafting
does, and one greedy draft for each, side by side, as evaluation does, there also after the untaught seedling has answered the same prompts.
All sides in turn, the drafts of all sides compared; steps are passes of the model after the prompt was read, seconds wall time, medians.
Results go to benchmarks/results/guessing.json.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from processor import sample_rows

from notewright.settings import silence_telemetry

silence_telemetry()
RESULTS = Path(__file__).parent / "results" / "guessing.json"
LONGEST = 288  # tokens; the longest passage has 265
SIDES = ("none", "from the prompt", "and from taught passages", "and from earlier drafts")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()

    from in_process import train

    from notewright.library.rows import read_rows
    from notewright.models import bases, engine, generation, lookup

    with sample_rows() as folder, tempfile.TemporaryDirectory() as place:
        parts = {name: read_rows(folder / f"{name}.jsonl") for name in ("train", "valid")}
        asked = [row["prompt"] for row in read_rows(folder / "test.jsonl")]
        with contextlib.redirect_stdout(io.StringIO()):
            adapter, _, _ = train(bases.fetch_base("seedling"), Path(place) / "run", "sft", parts, device=given.device)
        writer = engine.Engine("seedling", device=given.device)
        forward, steps = type(writer._bare).forward, [0]

        def counted(*args: Any, **more: Any) -> Any:
            steps[0] += more["input_ids"].shape[1] <= 8
            return forward(*args, **more)

        type(writer._bare).forward = counted

        def ready(side: str) -> None:
            engine.GUESSED = generation.GUESSED = 0 if side == "none" else lookup.GUESSED
            writer._memory = engine.Memory()
            if side == "and from earlier drafts":
                writer.use_adapter(None)
                list(writer.write_each(asked, max_new_tokens=LONGEST))
            writer.use_adapter(adapter)
            writer.use_adapter(adapter, taught=[folder] if side.startswith("and") else [])

        def candidates() -> Any:
            return [writer.generate(prompt, n=4, temperature=1.0, max_new_tokens=LONGEST, seed=1) for prompt in asked]

        def greedy() -> Any:
            return sorted(writer.write_each(asked, max_new_tokens=LONGEST))

        report: dict[str, Any] = {"passages": len(asked), "device": given.device, "repeats": given.repeats}
        for name, write in (("four candidates each", candidates), ("one greedy draft each", greedy)):
            sides = [side for side in SIDES if write is greedy or side != "and from earlier drafts"]
            spent: dict[str, list[float]] = {side: [] for side in sides}
            taken, written = {}, {}
            for _ in range(given.repeats):
                for side in sides:
                    ready(side)
                    steps[0], started = 0, time.perf_counter()
                    written[side] = write()
                    spent[side].append(time.perf_counter() - started)
                    taken[side] = steps[0]
            print(f"\n| {name}: guesses | steps | s | the same drafts |\n|---|---|---|---|")
            report[name] = []
            for side in sides:
                same, seconds = written[side] == written["none"], statistics.median(spent[side])
                print(f"| {side} | {taken[side]} | {seconds:.1f} | {'yes' if same else 'no'} |", flush=True)
                report[name].append({"guesses": side, "steps": taken[side], "seconds": seconds, "same": same})
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
