"""Our PPO beside the last one of TRL (1.12.0, since removed there): same start, prompts, pay, number of drafts, epochs and rates.

    pip install --no-deps --target FOLDER trl==1.12.0
    python benchmarks/ppo.py --trl FOLDER [--seeds 3] [--updates 24]

Both begin with the seedling after a short SFT on made-up notes of one style, put a fresh LoRA on it, and are paid by the same judge:
likeness to the right note, less a penalty where a gate blocks. Sides run in turn, each in a process of its own on one thread; time is the
process's own, so that other work on the machine counts for neither. Afterwards the same code lets both adapters write the same prompts (of
the training, and held out) and measures pay and distance from the start; reward at equal distance comes from the pairs of both that each
update logs. Medians go to benchmarks/results/ppo.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from notewright.settings import silence_telemetry

silence_telemetry()
RESULTS = Path(__file__).parent / "results" / "ppo.json"
DRAFTS, NEW = 16, 64  # drafts of an update, tokens of a draft
EPOCHS, MINIBATCHES, RATE, KL, GAMMA, LAMBDA, CLIP = 4, 4, 5e-4, 0.05, 1.0, 0.95, 0.2
TRAIN, HELD_OUT = 64, 16  # prompts
WORDS = "river silt plain tide bread cloth ledger moss city night map bell ice lead line tempo peat mud loom field wheat road lamp"
SFT_STEPS = 6
SAMPLED = 4  # drafts of a prompt when measuring


def rows(count: int) -> list[dict[str, Any]]:
    """Short prompts of one to three highlights, and a note in one reader's style: a head, a bold word, an arrow."""
    rng, found = random.Random(5), []
    for number in range(count):
        highlights = [" ".join(rng.sample(WORDS.split(), k=rng.randint(5, 8))).capitalize() + "." for _ in range(rng.randint(1, 3))]
        prompt = [
            {"role": "system", "content": "Write the note for these highlights in the reader's own style."},
            {"role": "user", "content": f"Title: Book {number}\n\n" + "\n".join(f"{at}. {text}" for at, text in enumerate(highlights, 1))},
        ]
        lines = [f"- **{text.split()[0]}** -> {' '.join(text.split()[1:])}" for text in highlights]
        found.append({"prompt": prompt, "completion": [{"role": "assistant", "content": "### Kept\n\n" + "\n".join(lines) + "\n"}]})
    return found


def start(folder: Path) -> None:
    """`base`: the seedling after a short SFT, merged; `prompts.jsonl`, `prompts-valid.jsonl`, `judge.json` as a run freezes them."""
    from peft import PeftModel

    from notewright.models import bases, engine
    from notewright.training import recipes, runs, sft
    from notewright.training.worker import Reporter
    from training import write

    found = bases.fetch_base("seedling")
    made = rows(TRAIN + HELD_OUT)
    data = write(folder / "data", {"train": made[:TRAIN], "valid": made[TRAIN:]})
    (folder / "sft").mkdir()
    overrides = {"max_steps": SFT_STEPS, "early_stop": "off", "rate_check": "off"}
    recipe = recipes.resolve("sft", parameters=10**6, rows=40, overrides=overrides).values()
    job = runs.Job("sft", recipe, {}, found.name, str(found.folder), "", "", "", "", str(data), "", device="cpu")
    assert sft.run(job, folder / "sft", Reporter(folder / "sft"))
    model, tokenizer = engine.load_base(found.folder)
    PeftModel.from_pretrained(model, str(folder / "sft" / "adapter")).merge_and_unload().save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    for name, part in (("prompts", "train"), ("prompts-valid", "valid")):
        frozen = [
            {"prompt": row["prompt"], "reference": row["completion"][0]["content"], "highlights": [], "known": ""}
            for row in map(json.loads, (data / f"{part}.jsonl").read_text(encoding="utf-8").splitlines())
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in frozen), encoding="utf-8")
    (folder / "judge.json").write_text(json.dumps({"reward": "", "habits": {"passages": 0, "fired": {}, "used": {}}}), encoding="utf-8")


def recipe_of(seed: int, updates: int) -> Any:
    from notewright.training import recipes

    overrides = {
        "seed": seed, "max_steps": updates, "batch_size": DRAFTS, "minibatch": DRAFTS // MINIBATCHES, "candidates": 1,
        "max_new_tokens": NEW,
        "learning_rate": RATE, "value_rate": RATE, "kl": KL, "kl_target": 0.0, "ppo_epochs": EPOCHS, "discount": GAMMA,
        "gae_lambda": LAMBDA,
        "clip_range": CLIP, "value_clip": CLIP, "scheduler": "linear", "warmup": 0.0, "weight_decay": 0.0, "adam_beta2": 0.999, "clip": 1.0,
        "kl_limit": 1000.0, "precision": "float32", "max_length": 1024,
    }  # fmt: skip
    return recipes.resolve("ppo", parameters=10**6, rows=40, overrides=overrides)


def ours(place: Path, folder: Path, seed: int, updates: int) -> dict[str, Any]:
    import shutil

    from notewright.training import ppo, runs
    from notewright.training.worker import Reporter

    for name in ("prompts.jsonl", "judge.json"):
        shutil.copy(place / name, folder)
    (folder / "prompts-valid.jsonl").write_text("", encoding="utf-8")
    base = str(place / "base")
    job = runs.Job("ppo", recipe_of(seed, updates).values(), {}, base, base, "", "", "", "", "", "", device="cpu")
    whole, spent = ppo._train, []

    def timed(*parts: Any) -> bool:
        started = time.process_time()
        done = whole(*parts)
        spent.append(time.process_time() - started)
        return done

    ppo._train = timed  # what TRL's train() does, without loading and saving
    assert ppo.run(job, folder, Reporter(folder))
    events = [json.loads(line) for line in (folder / "progress.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [event for event in events if event["event"] == "step"]
    return {"updates": [{"reward": step["reward"], "kl": step["kl"]} for step in steps], "seconds": spent[0]}


def theirs(place: Path, folder: Path, seed: int, updates: int, trl_folder: Path) -> dict[str, Any]:
    """TRL's trainer with its own generation, value model and reward interface; the reward model's score is our judge's pay."""
    sys.path.insert(0, str(trl_folder))
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    import datasets as hf_datasets
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForSequenceClassification
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    from notewright.models import chat, engine
    from notewright.training.judging import Judge, read_judge

    model, tokenizer = engine.load_base(place / "base")
    tokenizer.padding_side = "left"
    value = AutoModelForSequenceClassification.from_pretrained(place / "base", num_labels=1, dtype=torch.float32)
    rows = [json.loads(line) for line in (place / "prompts.jsonl").read_text(encoding="utf-8").splitlines()]
    encoded = [chat.encode_prompt(tokenizer, row["prompt"]) for row in rows]
    known = {tuple(ids): row for ids, row in zip(encoded, rows, strict=True)}
    judge, stop = Judge(read_judge(place), recipe_of(seed, updates).recipe), tokenizer.eos_token_id

    class Paid(torch.nn.Module):
        """A reward model whose last state is the ids themselves, and whose head asks the judge."""

        base_model_prefix = "backbone"

        def backbone(self, *, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            return SimpleNamespace(hidden_states=[torch.stack([input_ids, attention_mask.long()], -1)])

        def score(self, states: Any) -> Any:
            pays = []
            for ids, mask in zip(states[..., 0].tolist(), states[..., 1].tolist(), strict=True):
                real = [token for token, seen in zip(ids, mask, strict=True) if seen]
                length = next(len(prompt) for prompt in known if tuple(real[: len(prompt)]) == prompt)
                draft = real[length:]
                ended = stop in draft
                text = chat.decode(tokenizer, draft[: draft.index(stop)] if ended else draft)
                pays.append(judge([known[tuple(real[:length])]], [text], [ended])[0].total)
            return torch.tensor(pays)[:, None, None].expand(-1, states.shape[1], 1)

    settings = PPOConfig(
        output_dir=str(folder / "trl"), use_cpu=True, bf16=False, gradient_checkpointing=False, seed=seed, learning_rate=RATE,
        total_episodes=DRAFTS * updates, per_device_train_batch_size=DRAFTS, gradient_accumulation_steps=1, num_mini_batches=MINIBATCHES,
        num_ppo_epochs=EPOCHS, response_length=NEW, stop_token="eos", temperature=1.0, kl_coef=KL, gamma=GAMMA, lam=LAMBDA, cliprange=CLIP,
        cliprange_value=CLIP, local_rollout_forward_batch_size=DRAFTS, num_sample_generations=0, report_to="none", save_strategy="no",
        logging_steps=1, disable_tqdm=True,
    )  # fmt: skip
    shared = recipe_of(seed, updates).recipe
    lora = LoraConfig(r=shared.lora_rank, lora_alpha=shared.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = PPOTrainer(
        args=settings, processing_class=tokenizer, model=model, ref_model=None, reward_model=Paid(), value_model=value,
        train_dataset=hf_datasets.Dataset.from_list([{"input_ids": ids} for ids in encoded]),
        eval_dataset=hf_datasets.Dataset.from_list([{"input_ids": ids} for ids in encoded[:DRAFTS]]), peft_config=lora,
    )  # fmt: skip
    started = time.process_time()
    trainer.train()
    seconds = time.process_time() - started
    trainer.policy_model.save_pretrained(str(folder / "adapter"), save_embedding_layers=False)
    logged = [entry for entry in trainer.state.log_history if "objective/kl" in entry]
    return {"updates": [{"reward": entry["objective/scores"], "kl": entry["objective/kl"]} for entry in logged], "seconds": seconds}


def measure(place: Path, adapter: Path | None) -> dict[str, float]:
    """Mean pay of the same number of drafts of every prompt, and their mean distance from the start in nats a draft."""
    import torch
    from peft import PeftModel

    from notewright.models import chat, engine
    from notewright.models.generation import sample
    from notewright.models.letters import letters_of
    from notewright.models.merging import merged
    from notewright.training.judging import Judge, read_judge
    from notewright.training.ppo import Batch

    model, tokenizer = engine.load_base(place / "base")
    policy: Any = PeftModel.from_pretrained(model, str(adapter)).eval() if adapter else model.eval()
    judge, stops = Judge(read_judge(place), recipe_of(0, 1).recipe), chat.stop_tokens(tokenizer)

    def logp(batch: Batch) -> Any:
        scores = policy(input_ids=batch.ids, use_cache=False).logits.gather(
            1, batch.places[..., None].expand(-1, -1, model.config.vocab_size)
        )
        return (torch.log_softmax(scores.float(), -1).gather(2, batch.tokens[..., None])[..., 0] * batch.mask).sum(1)

    found: dict[str, float] = {}
    for part, name in (("train", "prompts"), ("held_out", "prompts-valid")):
        pays, distances, likeness = [], [], []
        for number, line in enumerate((place / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[:HELD_OUT]):
            row = json.loads(line)
            prompt = chat.encode_prompt(tokenizer, row["prompt"])
            options: dict[str, Any] = {
                "stops": stops,
                "pad": tokenizer.pad_token_id,
                "max_new_tokens": NEW,
                "letters": letters_of(tokenizer, model),
            }
            seeds = range(1000 * number, 1000 * number + SAMPLED)
            if adapter:
                with merged(policy):
                    drafts = sample(policy.get_base_model(), [prompt], seeds=seeds, **options)
            else:
                drafts = sample(model, [prompt], seeds=seeds, **options)
            texts = [chat.decode(tokenizer, ids) for ids in drafts]
            earned = judge([row] * SAMPLED, texts, [ids[-1] in stops for ids in drafts])
            pays += [one.total for one in earned]
            likeness += [one.similarity or 0.0 for one in earned]
            with torch.no_grad():
                batch = Batch.of([prompt] * SAMPLED, drafts, tokenizer.pad_token_id, "cpu")
                if adapter:
                    now = logp(batch)
                    with policy.disable_adapter():
                        distances += (now - logp(batch)).tolist()
        found |= {f"{part}_reward": statistics.fmean(pays), f"{part}_similarity": statistics.fmean(likeness)}
        found[f"{part}_kl"] = statistics.fmean(distances) if distances else 0.0
    return found


def at_equal_distance(runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, float]]:
    """Mean logged reward of both sides in bands of distance that both have been in."""
    bands = [(0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 6.0), (6.0, 9.0), (9.0, 13.0), (13.0, 20.0), (20.0, 40.0)]
    found = []
    for low, high in bands:
        inside = {
            side: [one["reward"] for run in several for one in run["updates"] if low <= one["kl"] < high] for side, several in runs.items()
        }
        if all(len(rewards) >= 3 for rewards in inside.values()):
            found.append({"low": low, "high": high, **{side: round(statistics.fmean(rewards), 4) for side, rewards in inside.items()}})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trl", type=Path, required=True, help="folder with trl 1.12.0")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=16)
    parser.add_argument("--keep", type=Path, help="folder for everything that is made")
    parser.add_argument("--side", choices=("ours", "trl", "start", "measure"), help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    if given.side == "start":
        start(given.place)
        return
    if given.side:
        folder = given.place / f"{given.side}-{given.seed}"
        folder.mkdir()
        if given.side == "measure":
            result = measure(given.place, None)
        else:
            made = (given.place, folder, given.seed, given.updates)
            result = ours(*made) if given.side == "ours" else theirs(*made, given.trl)
            result |= {"seconds_an_update": result["seconds"] / given.updates, **measure(given.place, folder / "adapter")}
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
        return

    def child(side: str, place: Path, seed: int = 0) -> dict[str, Any]:
        command = [sys.executable, "-W", "ignore", __file__, "--trl", str(given.trl), "--side", side, "--place", str(place)]
        with (place / f"{side}-{seed}.log").open("wb") as log:
            subprocess.run([*command, "--seed", str(seed), "--updates", str(given.updates)], check=True, stdout=log, stderr=log)
        path = place / f"{side}-{seed}" / "result.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    with tempfile.TemporaryDirectory() as temporary:
        place = given.keep or Path(temporary)
        place.mkdir(exist_ok=True)
        child("start", place)
        before = child("measure", place)
        runs: dict[str, list[dict[str, Any]]] = {"ours": [], "trl": []}
        for seed in range(given.seeds):
            for side in ("ours", "trl") if seed % 2 == 0 else ("trl", "ours"):
                runs[side].append(child(side, place, seed))
                told = {name: round(value, 3) for name, value in runs[side][-1].items() if isinstance(value, float)}
                print(f"  {side:5} seed {seed}: {told}", file=sys.stderr, flush=True)
                keys = [name for name, value in runs[side][0].items() if isinstance(value, float)]
                medians = {
                    name: {key: statistics.median(run[key] for run in several) for key in keys} for name, several in runs.items() if several
                }
                report = {
                    "updates": given.updates, "drafts_an_update": DRAFTS, "before": before, "medians": medians, "runs": runs,
                    "at_equal_distance": at_equal_distance(runs),
                }  # fmt: skip
                RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print("| | s an update | reward, training | distance | reward, held out | distance |\n|---|---|---|---|---|---|")
    print(f"| before | | {before['train_reward']:.3f} | 0 | {before['held_out_reward']:.3f} | 0 |")
    for side, one in report["medians"].items():
        columns = ("seconds_an_update", "train_reward", "train_kl", "held_out_reward", "held_out_kl")
        print(f"| {side} | " + " | ".join(f"{one[column]:.3f}" for column in columns) + " |")
    print(json.dumps(report["at_equal_distance"]))


if __name__ == "__main__":
    main()
