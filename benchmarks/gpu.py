"""Every training method on one NVIDIA card: a randomly initialised model of a 7-8B shape (nothing is downloaded), and pytest -m gpu.

    python benchmarks/gpu.py --out FOLDER [--only sft,ppo] [--seconds 300]
    python benchmarks/gpu.py --out FOLDER --device cpu --shape tiny      (tries the script itself, without a card)
    python benchmarks/gpu.py --table                                     (the computed table of docs/gpu.md)

Each method runs as the product runs it, in a worker of its own, on synthetic rows of one length; FOLDER/gpu.json is written after every
item, so that a run that is cut short still tells. Tokens/s leaves the first two steps out. The share of the card's peak ("model FLOPs
use") counts 4 operations a parameter and token: forward, and backward through frozen weights; what activation checkpointing computes
again does not count. For PPO and GRPO tokens/s counts written tokens, the writing included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from notewright.settings import TELEMETRY_OFF, silence_telemetry  # noqa: E402

silence_telemetry()
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}  # dense bfloat16, as the maker says
SHAPES: dict[str, dict[str, int]] = {
    "8b": {
        "vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "max_position_embeddings": 8192,
    },
    "tiny": {
        "vocab_size": 4352, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 8192,
    },
}  # fmt: skip
# What other sizes are computed for in the table: (name, hidden, inner, layers, heads, key-value heads, vocabulary).
SIZES = [
    ("0.6B", 1024, 3072, 28, 16, 8, 151936), ("1.7B", 2048, 6144, 28, 16, 8, 151936), ("4B", 2560, 9728, 36, 32, 8, 151936),
    ("8B", 4096, 14336, 32, 32, 8, 128256), ("14B", 5120, 17408, 40, 40, 8, 151936), ("32B", 5120, 25600, 64, 64, 8, 151936),
    ("70B", 8192, 28672, 80, 64, 8, 128256),
]  # fmt: skip
WORDS = "river silt plain tide bread cloth ledger moss city night map bell ice lead line tempo peat mud loom"
LENGTH, ROWS = 1024, 64
NEW, PROMPT = 128, 512
LEARNING: dict[str, Any] = {"batch_size": 8, "max_length": LENGTH, "max_steps": 8, "warmup": 0.0, "lora_dropout": 0.0}
WRITING: dict[str, Any] = {
    "batch_size": 32, "candidates": 4, "max_new_tokens": NEW, "max_steps": 4, "max_length": LENGTH, "lora_dropout": 0.0,
    "kl_limit": 10000.0,
}  # fmt: skip
ITEMS: dict[str, tuple[str, dict[str, Any]]] = {
    "sft": ("sft", {**LEARNING, "early_stop": "off", "rate_check": "off"}),
    "sft, 4-bit": ("sft", {**LEARNING, "early_stop": "off", "rate_check": "off", "quantize": "4bit"}),
    "ppo": ("ppo", {**WRITING, "minibatch": 8, "ppo_epochs": 2}),
    "dpo": ("dpo", {**LEARNING, "batch_size": 4}),
    "reward": ("reward", {**LEARNING, "batch_size": 4, "members": 1}),
    "grpo": ("grpo", {**WRITING}),
    "sft, no checkpointing": ("sft", {**LEARNING, "early_stop": "off", "rate_check": "off", "activation_checkpointing": "off"}),
    "ppo, 4-bit": ("ppo", {**WRITING, "minibatch": 8, "ppo_epochs": 2, "quantize": "4bit"}),
}


def build(shape: str, folder: Path, device: str) -> dict[str, Any]:
    """A random Llama with the bundled seedling's tokenizer, drawn on the card and saved in bfloat16."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from notewright.models.bases import seedling_folder

    started = time.monotonic()
    tokenizer = AutoTokenizer.from_pretrained(seedling_folder())
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16 if device == "cuda" else torch.float32)
    with torch.device(device):
        model = LlamaForCausalLM(LlamaConfig(**SHAPES[shape], **ids))
    model.save_pretrained(folder, max_shard_size="4GB")
    tokenizer.save_pretrained(folder)
    return {"parameters": sum(p.numel() for p in model.parameters()), "seconds": round(time.monotonic() - started, 1)}


def rows(folder: Path, base: Path, length: int, prompt: int) -> None:
    """Data of every kind in one folder: passages, choices, and the frozen prompts of a policy that writes."""
    from transformers import AutoTokenizer

    from notewright.models import chat

    tokenizer = chat.prepare_tokenizer(AutoTokenizer.from_pretrained(base))
    words = WORDS.split()

    def text(count: int, seed: int) -> str:
        """About `count` tokens, never more."""
        found = [words[(seed + 7 * place) % len(words)] for place in range(count)]
        ids = tokenizer(" ".join(found), add_special_tokens=False)["input_ids"][: count - 2]
        return str(tokenizer.decode(ids))

    def asked(count: int, seed: int) -> list[dict[str, str]]:
        return [{"role": "system", "content": "Write the note."}, {"role": "user", "content": text(count - 24, seed)}]

    def said(seed: int) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": text(length // 4, seed)}]

    folder.mkdir()
    passages = [{"prompt": asked(3 * length // 4, seed), "completion": said(seed)} for seed in range(ROWS)]
    choices = [
        {"prompt": asked(3 * length // 4, seed), "chosen": said(seed), "rejected": said(seed + 1), "event_id": seed, "kind": "ranking"}
        for seed in range(ROWS)
    ]
    frozen = [{"prompt": asked(prompt, seed), "reference": text(NEW, seed), "highlights": [], "known": ""} for seed in range(ROWS)]
    judge = [{"reward": "", "habits": {"passages": 0, "fired": {}, "used": {}}}]
    for name, part in (("passages/train", passages), ("choices/train", choices), ("prompts", frozen), ("prompts-valid", [])):
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    (folder / "judge.json").write_text(json.dumps(judge[0]), encoding="utf-8")


def measure(name: str, folder: Path, base: Path, data: Path, *, device: str, parameters: int, peak: float, limit: float) -> dict[str, Any]:
    """One method, in a worker as the product starts it."""
    from notewright.training import SAMPLING, recipes, runs

    method, overrides = ITEMS[name]
    recipe = recipes.resolve(method, parameters=parameters, rows=ROWS, overrides=overrides).values()
    kind = "choices" if method in ("dpo", "reward") else "passages"
    folder.mkdir()
    runs.Job(method, recipe, {}, str(base), str(base), "", "", "", "", str(data / kind), "", device=device, force=True).save(folder)
    if method in SAMPLING:
        for file in ("prompts.jsonl", "prompts-valid.jsonl", "judge.json"):
            shutil.copy(data / file, folder)
    started = time.monotonic()
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **TELEMETRY_OFF, "HF_HUB_OFFLINE": "1", "PYTHONPATH": path}
    with (folder / "log.txt").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "notewright.training.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
        )
        try:
            child.wait(timeout=max(5.0, limit))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    events = [json.loads(line) for line in (folder / "progress.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [event for event in events if event["event"] == "step"]
    found: dict[str, Any] = {"seconds": round(time.monotonic() - started, 1), "status": child.returncode, "steps": len(steps)}
    if len(steps) > 2:
        first, last = steps[1], steps[-1]
        tokens = last["tokens_per_second"] * last["elapsed"] - first["tokens_per_second"] * first["elapsed"]
        speed = tokens / max(1e-9, last["elapsed"] - first["elapsed"])
        found |= {"tokens_per_second": round(speed), "seconds_a_step": round((last["elapsed"] - first["elapsed"]) / (len(steps) - 2), 2)}
        if method not in SAMPLING:
            found["model_flops_use"] = round(4 * parameters * speed / peak, 4) if peak else None
    if (folder / "metrics.json").exists():
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        found |= {key: metrics[key] for key in ("peak_memory", "loss", "first_loss", "trainable", "reward", "kl") if key in metrics}
    if child.returncode:
        found["error"] = next((event["message"] for event in reversed(events) if event["event"] == "error"), "killed: out of its time")
        found["log"] = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-3000:]
    found["memory"] = next((event for event in events if event["event"] == "memory"), None)
    return found


def tests(limit: float) -> dict[str, Any]:
    """pytest -m gpu."""
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests/training/test_gpu.py"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=max(10.0, limit))
    except subprocess.TimeoutExpired as error:
        return {"status": "out of its time", "output": str(error.stdout or "")[-3000:]}
    return {"status": done.returncode, "seconds": round(time.monotonic() - started, 1), "output": (done.stdout + done.stderr)[-4000:]}


def table() -> str:
    """Computed memory by size: LoRA and 4-bit, rows of 1024 tokens, two a batch, activation checkpointing, no reading of any card."""
    from notewright.models import bases

    lines = [
        "| base | drafting | LoRA (SFT) | 4-bit LoRA (SFT) | LoRA (DPO, reward, PPO) | 4-bit LoRA (DPO, reward, PPO) |",
        "|---|---|---|---|---|---|",
    ]
    for name, hidden, inner, layers, heads, kv_heads, vocabulary in SIZES:
        config = {
            "hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": kv_heads, "vocab_size": vocabulary, "tie_word_embeddings": hidden < 4096, "head_dim": 128,
        }  # fmt: skip
        shared: dict[str, Any] = {"dtype": "bfloat16", "half": True, "activation_checkpointing": True, "dropout": False, "on_cpu": False}
        sizes = [bases.memory_needed(config, method="draft", dtype="bfloat16", tokens=2048, rows=8)]
        sizes += [bases.memory_needed(config, method=method, rows=count, **shared) for count in (2, 4) for method in ("lora", "qlora")]
        lines.append(f"| {name} | " + " | ".join(bases.readable(size) for size in sizes) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--only", default="", help="names of items, and pytest")
    parser.add_argument("--seconds", type=float, default=300.0, help="for everything; what does not fit any more is left out")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="8b")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.table:
        print(table())
        return
    if given.build:
        found = build(given.shape, given.build / "base", given.device)
        rows(given.build / "data", given.build / "base", LENGTH, PROMPT)
        print(json.dumps(found))
        return
    import torch
    import transformers

    started = time.monotonic()
    card = torch.cuda.get_device_name(0) if given.device == "cuda" else "none"
    peak = next((flops for name, flops in PEAK.items() if name in card), 0.0)
    report: dict[str, Any] = {
        "card": card, "peak_flops": peak, "torch": torch.__version__, "transformers": transformers.__version__,
        "python": sys.version.split()[0], "shape": given.shape, "row_tokens": LENGTH, "items": {},
    }  # fmt: skip
    given.out.mkdir(parents=True, exist_ok=True)

    def write(name: str, found: dict[str, Any]) -> None:
        report["items"][name] = found
        report["seconds"] = round(time.monotonic() - started, 1)
        (given.out / "gpu.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        told = {key: value for key, value in found.items() if key not in ("log", "memory")}
        print(f"{report['seconds']:6.1f}  {name}: {json.dumps(told)}", flush=True)

    wanted = (
        [name.strip() for name in given.only.split(",") if name.strip()] if given.only else [*list(ITEMS)[:5], "pytest", *list(ITEMS)[5:]]
    )
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() and given.shape == "8b" else None) as place:
        folder = Path(place)
        # In a process of its own, so that the card is empty afterwards.
        command = [sys.executable, __file__, "--build", place, "--shape", given.shape, "--device", given.device]
        built = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
        write("build", json.loads(built))
        parameters = report["items"]["build"]["parameters"]
        for name in wanted:
            left = given.seconds - (time.monotonic() - started)
            if left < 15:
                write(name, {"status": "left out: no time"})
                continue
            if name == "pytest":
                write(name, tests(min(left, 120)))
                continue
            run = folder / name.replace(",", "").replace(" ", "-")
            peak_here = {"device": given.device, "parameters": parameters, "peak": peak, "limit": min(left, 150)}
            write(name, measure(name, run, folder / "base", folder / "data", **peak_here))


if __name__ == "__main__":
    main()
