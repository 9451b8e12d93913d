"""What is done for processors, side by side: few rows the other way round, bfloat16, no dropout, batches in passes, prompts read apart,
guesses while a training writes.

    python benchmarks/processor.py [--repeats 5]

Products: float32 weights that no cache holds, as torch takes them and the other way round (`models/thin.py`). Drafts: a step of four
candidates of a Llama of 135 million random parameters, and of the seedling; the former in bfloat16, too, which is the rule where the
processor has it of its own (`models/precision.py`). Dropout: four steps of SFT of that Llama on the sample's rows, with a LoRA dropout of
0.05 and without. Passes: one epoch of SFT of the seedling on the sample's rows, a batch at once and in passes (`Session.passes`). Prompts:
twelve of these rows' read together and apart, and guesses: greedy drafts of the sample's held-out passages, with and without (both
`models/generation.py`). All sides in turn, wall time with all threads on a quiet machine; medians go to benchmarks/results/processor.json.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from notewright.settings import Settings, silence_telemetry

silence_telemetry()
RESULTS = Path(__file__).parent / "results" / "processor.json"
WEIGHTS = ((256, 704), (576, 1536), (2048, 2048))  # inputs, outputs
ROWS = (1, 2, 4, 8, 16, 32, 64)
TOGETHER = 64 << 20  # bytes of weights that are walked over


def turns(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    spent: dict[str, list[float]] = {side: [] for side in sides}
    for side in sides:
        sides[side]()
    for _ in range(repeats):
        for side, work in sides.items():
            started = time.perf_counter()
            work()
            spent[side].append(time.perf_counter() - started)
    return {side: statistics.median(times) for side, times in spent.items()}


def products(repeats: int) -> list[dict[str, Any]]:
    import torch

    from notewright.models import thin

    found = []
    print("| weights | rows | plain, ms | turned, ms | times as fast | used |\n|---|---|---|---|---|---|")
    for inputs, outputs in WEIGHTS:
        plain = [torch.nn.Linear(inputs, outputs, bias=False) for _ in range(TOGETHER // (4 * inputs * outputs))]
        turned = [thin.Thin(layer) for layer in plain]
        for rows in ROWS:
            states = torch.randn(rows, inputs)

            def walk(layers: list[Any], states: torch.Tensor = states) -> None:
                with torch.inference_mode():
                    for layer in layers:
                        layer(states)

            case = turns(
                {"plain": lambda walk=walk, plain=plain: walk(plain), "turned": lambda walk=walk, turned=turned: walk(turned)}, repeats
            )
            case = {side: 1e3 * seconds / len(plain) for side, seconds in case.items()}
            used = thin.pays() and 1 < rows <= thin.FEW
            ratio = case["plain"] / case["turned"]
            print(
                f"| {inputs} x {outputs} | {rows} | {case['plain']:.3f} | {case['turned']:.3f} | {ratio:.2f} | {'yes' if used else 'no'} |",
                flush=True,
            )
            found.append({"inputs": inputs, "outputs": outputs, "rows": rows, "used": used, **case})
    return found


def drafts(repeats: int, folder: Path) -> list[dict[str, Any]]:
    """Milliseconds a step of four candidates and seconds of their prompt, and whether they were the same either way round."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from notewright.models import bases, engine, thin

    seedling = bases.fetch_base("seedling").folder
    tokenizer = engine.load_tokenizer(seedling)
    config = LlamaConfig(
        hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, vocab_size=49152,
        tie_word_embeddings=True, max_position_embeddings=4096, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    messages = [{"role": "user", "content": "The river carries silt past the mill. " * 60}]
    found = []
    print("\n| base | side | ms a step | its prompt, s |\n|---|---|---|---|")
    pays = thin.pays
    for name, base in (("135M, random", folder), ("seedling", seedling)):
        writers = {}
        for side in ("plain", "turned") if base == seedling else ("plain", "turned", "bfloat16"):
            thin.pays = lambda side=side: side == "turned"  # type: ignore[assignment]
            writers[side] = engine.Engine(base, device="cpu", dtype=torch.bfloat16 if side == "bfloat16" else torch.float32)
        thin.pays = pays
        steps: dict[str, list[float]] = {side: [] for side in writers}
        prompts: dict[str, list[float]] = {side: [] for side in writers}
        texts: dict[str, Any] = {}
        for _ in range(repeats):
            for side, writer in writers.items():
                at = [time.perf_counter()]
                texts[side] = writer.generate(messages, n=4, max_new_tokens=40, on_token=lambda *_, at=at: at.append(time.perf_counter()))
                prompts[side].append(at[1] - at[0])
                steps[side].append(statistics.median(b - a for a, b in itertools.pairwise(at[1:])))
        case = {side: {"step_ms": 1e3 * statistics.median(steps[side]), "prompt_s": statistics.median(prompts[side])} for side in writers}
        for side, value in case.items():
            print(f"| {name} | {side} | {value['step_ms']:.1f} | {value['prompt_s']:.2f} |", flush=True)
        found.append({"base": name, **case, "same": texts["plain"] == texts["turned"]})
    return found


@contextlib.contextmanager
def sample_rows() -> Iterator[Path]:
    """An SFT dataset of the sample, a quarter of its prompts with examples."""
    from notewright import datasets
    from notewright.importers import import_readwise
    from notewright.importers.vault import import_vault
    from notewright.library import Library
    from notewright.pairing import pair
    from notewright.sample import copy_sample

    with tempfile.TemporaryDirectory() as place:
        sample = copy_sample(Path(place) / "sample")
        settings = Settings(home=Path(place) / "home", vault=sample / "vault")
        with Library.create(settings.home) as library:
            import_readwise(library, path=sample / "readwise-api.json")
            import_vault(library, settings=settings)
            pair(library, settings=settings)
            yield library.home / datasets.build(library, kind="sft", settings=settings, examples=0.25).path


def trainings(repeats: int, real: Path) -> dict[str, Any]:
    """Tokens/s of four steps of a base of real size with dropout and without, of an epoch at once and in passes; seconds of reading prompts
    and of the checks' drafts."""
    from in_process import train

    from notewright.library.rows import read_rows
    from notewright.models import bases, chat, engine, generation, precision
    from notewright.training import recipes, sampling

    base = bases.fetch_base("seedling")
    with sample_rows() as folder, tempfile.TemporaryDirectory() as place:
        parts = {name: read_rows(folder / f"{name}.jsonl") for name in ("train", "valid")}
        told: dict[str, dict[str, Any]] = {}
        kept: dict[Any, Any] = {}
        number = iter(range(1000))
        written = sampling.write

        def epoch(side: str, at_once: int) -> None:
            recipes.AT_ONCE = at_once
            with contextlib.redirect_stdout(io.StringIO()):
                told[side] = train(base, Path(place) / str(next(number)), "sft", parts, epochs=1, early_stop="off", rate_check="off")[2]

        dropping: dict[float, list[float]] = {0.05: [], 0.0: []}
        for _ in range(repeats):
            for share, values in dropping.items():
                options: dict[str, Any] = {"max_steps": 4, "lora_dropout": share, "early_stop": "off", "rate_check": "off", "batch_size": 2}
                with contextlib.redirect_stdout(io.StringIO()):
                    metrics = train(bases.fetch_base(str(real)), Path(place) / str(next(number)), "sft", parts, **options)[2]
                values.append(metrics["tokens_per_second"])
        without = {f"dropout {share:g}": statistics.median(values) for share, values in dropping.items()}
        print("\n| SFT of 135M, random | tokens/s |\n|---|---|")
        print("\n".join(f"| {side} | {value:,.0f} |" for side, value in without.items()), flush=True)

        in_passes = recipes.AT_ONCE
        steps: dict[str, list[float]] = {"at once": [], "in passes": []}
        for _ in range(max(1, repeats // 2)):
            for side, at_once in (("at once", 1 << 30), ("in passes", in_passes)):
                epoch(side, at_once)
                steps[side].append(told[side]["tokens_per_second"])
        speeds = {side: statistics.median(values) for side, values in steps.items()}
        losses = {side: metrics["loss"] for side, metrics in told.items()}
        print("\n| a batch | tokens/s | loss |\n|---|---|---|")
        for side, speed in speeds.items():
            print(f"| {side} | {speed:,.0f} | {losses[side]} |", flush=True)

        def caught(session: Any, *given: Any, **more: Any) -> Any:
            kept.setdefault("call", (session, given, more))
            return written(session, *given, **more)

        sampling.write = caught
        with contextlib.redirect_stdout(io.StringIO()):
            train(base, Path(place) / "watched", "sft", parts, max_steps=1, early_stop="on", rate_check="off")
        model, tokenizer = engine.load_base(base.folder, device="cpu")
        prompts = [chat.encode_prompt(tokenizer, row["prompt"]) for row in parts["train"][:12]]

        def read(at_once: int) -> None:
            generation.IN_A_PASS = at_once
            generation.sample(model.eval(), prompts, seeds=range(len(prompts)), stops={2}, pad=2, max_new_tokens=1, temperature=0.0)

        apart = generation.IN_A_PASS
        reading = turns({"together": lambda: read(1 << 30), "apart": lambda: read(apart)}, repeats)
        print("\n| twelve prompts read | s |\n|---|---|\n" + "\n".join(f"| {side} | {value:.2f} |" for side, value in reading.items()))
        session, given, more = kept["call"]
        guessed = generation.GUESSED

        def write(count: int) -> Any:
            generation.GUESSED = count
            kept[count] = written(session, *given, **more)

        seconds = turns({"none": lambda: write(0), "guesses": lambda: write(guessed)}, repeats)
    print("\n| drafts of a check | s |\n|---|---|\n" + "\n".join(f"| {side} | {value:.2f} |" for side, value in seconds.items()))
    return {
        "native_bfloat16": precision.native_bf16("cpu"), "dropout_tokens_per_second": without, "tokens_per_second": speeds, "loss": losses,
        "reading_seconds": reading, "check_seconds": seconds, "same_drafts": kept[0] == kept[guessed],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    import torch

    with tempfile.TemporaryDirectory() as folder:
        report = {
            "capability": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads(), "repeats": given.repeats,
            "products": products(given.repeats), "drafts": drafts(given.repeats, Path(folder)), **trainings(given.repeats, Path(folder)),
        }  # fmt: skip
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
