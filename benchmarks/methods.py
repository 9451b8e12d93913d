"""What each training method does for simulated readers with hidden preferences, on work that nothing was trained on.

    python benchmarks/methods.py [--readers 6] [--only 0 1] [--base seedling] [--table]

A reader (`evaluation.readers`) has a style and hidden wants. They have written 32 passages; 6 more steer the trainings, 12 passages of
other sources measure. What a method should improve was fixed before the first run:

    sft       distance of greedy drafts to the reader's own passages, against the base; as a product (early stop, rate check, half of the
              prompts with examples) against a plain training of the same rows; with examples in the prompt, against a training without any
    ditto     the same distance, against SFT
    edits     distance to how the reader writes now: a third of their ways has changed, and they have changed 40 drafts in part
    dpo       what the reader truly thinks of greedy drafts (in standard deviations of drafts), against SFT: 40 rankings of four drafts,
              made with the reader's usual noise; and with a second round that a taste head labels, learnt on these
    kto       the same, from 320 verdicts on single drafts

All recipes are those of `--effort quick`. Every reader's figures are kept in results/methods.json as soon as they are there, and a second
run goes on. The table has the mean change over readers with a 90 % bootstrap interval over readers.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from notewright.settings import silence_telemetry

silence_telemetry()

from taste import read_prompts  # noqa: E402

from notewright.evaluation.readers import Item, Judge, candidates, draw_reader, home_style, near  # noqa: E402
from notewright.feedback.hunks import hunks  # noqa: E402
from notewright.prompts import build_messages  # noqa: E402
from notewright.records import Prompt  # noqa: E402
from notewright.seedling.styles import write  # noqa: E402
from notewright.text import edit_distance  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "methods.json"
FAMILIES = ("format", "voice", "content", "mixed")
OWN, STEERING, FRESH, TEST = 32, 6, 40, 12
SAMPLES, RANKED = 8, 4
LONGEST = 256
CHANGED, MADE, NUISANCE = 0.35, 0.6, 0.3  # share of ways that changed; of changes that the reader makes; of edits that add a fact
Row = dict[str, Any]


@dataclass
class World:
    """One reader's texts and prompts."""

    name: str
    home: Any
    later: Any
    own: list[Prompt]
    steering: list[Prompt]
    fresh: list[Prompt]
    test: list[Prompt]
    judge_of: Callable[[Sequence[Item]], Judge]
    rng: random.Random


def some(prompts: Sequence[Prompt], rng: random.Random) -> Prompt:
    """A prompt with two or three of a chapter's highlights."""
    prompt = rng.choice(prompts)
    kept = sorted(rng.sample(range(len(prompt.highlights)), rng.randint(2, 3)))
    return Prompt(prompt.source, tuple(prompt.highlights[place] for place in kept), chapter=prompt.chapter)


def build(number: int, prompts: tuple[list[Prompt], list[Prompt]]) -> World:
    family = FAMILIES[number % len(FAMILIES)]
    reader = draw_reader(family, number)
    rng = random.Random(f"methods|{number}")
    home = home_style(reader, [some(prompts[0], rng) for _ in range(4)], rng)
    later = home
    tried = some(prompts[0], rng)
    while write(later, tried) == write(home, tried):
        later = near(home, rng, CHANGED)
    parts = [[some(prompts[side], rng) for _ in range(count)] for side, count in ((0, OWN), (0, STEERING), (0, FRESH), (1, TEST))]
    return World(reader.name, home, later, *parts, judge_of=lambda pool: Judge(reader, pool), rng=rng)


def sft_row(world: World, prompt: Prompt, *, examples: int) -> Row:
    """The passage, and as many earlier notes of other sources in its prompt."""
    others = [other for other in world.own if other.source.id != prompt.source.id]
    shown = world.rng.sample(others, min(examples, len(others)))
    messages = build_messages(prompt, [(other, write(world.home, other)) for other in shown])
    passage = {"role": "assistant", "content": write(world.home, prompt)}
    return {"prompt": messages, "completion": [passage], "source_id": prompt.source.id, "weight": 1.0}


class Trainer:
    """Trains in this process, and writes with what was trained."""

    def __init__(self, base: str, folder: Path) -> None:
        from notewright.models import bases
        from notewright.models.engine import Engine

        self.found, self.folder = bases.fetch_base(base), folder
        self.parameters = bases.parameter_count(bases.read_config(self.found.folder), self.found.folder)
        self.engine = Engine(self.found.folder, device="cpu")

    def __call__(
        self, name: str, method: str, parts: dict[str, list[Row]], *, start: Path | None = None, files: dict[str, str] | None = None,
        **overrides: Any,
    ) -> tuple[Path, dict[str, Any]]:  # fmt: skip
        """(adapter, metrics with the seconds it took) of a training with the recipe of `--effort quick`."""
        from notewright.training import recipes, runs
        from notewright.training.worker import Reporter

        place = self.folder / name
        (place / "data").mkdir(parents=True)
        for split, rows in parts.items():
            (place / "data" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        for file, text in (files or {}).items():
            (place / file).write_text(text, encoding="utf-8")
        resolved = recipes.resolve(method, parameters=self.parameters, rows=len(parts["train"]), effort="quick", overrides=overrides)
        job = runs.Job(
            method, resolved.values(), {}, self.found.name, str(self.found.folder), "", str(start or ""), "", "", str(place / "data"), "",
            device="cpu",
        )  # fmt: skip
        started = time.monotonic()
        metrics = importlib.import_module(f"notewright.training.{method}").run(job, place, Reporter(place))
        return place / "adapter", {**metrics, "took": round(time.monotonic() - started, 1)}

    def write(
        self, adapter: Path | None, messages: Sequence[Any], *, n: int = 1, temperature: float = 0.0, seed: int = 0
    ) -> list[list[str]]:
        """n drafts for each prompt; the first ones greedy at temperature 0."""
        import torch

        from notewright.models import chat
        from notewright.models.generation import sample

        self.engine.use_adapter(adapter)
        tokenizer = self.engine.tokenizer
        prompts = [chat.encode_prompt(tokenizer, item) for item in messages]
        order, found = sorted(range(len(prompts)), key=lambda place: len(prompts[place])), [[""]] * len(prompts)
        size = max(1, 32 // n)
        for start in range(0, len(order), size):
            part = order[start : start + size]
            with torch.inference_mode():
                ids = sample(
                    self.engine._bare, [prompts[place] for place in part], seeds=[seed + n * place + i for place in part for i in range(n)],
                    stops=self.engine._stops, pad=tokenizer.pad_token_id, max_new_tokens=LONGEST, temperature=temperature,
                )  # fmt: skip
            for turn, place in enumerate(part):
                found[place] = [chat.decode(tokenizer, row) for row in ids[turn * n : (turn + 1) * n]]
        return found


def distance(drafts: Sequence[str], passages: Sequence[str]) -> float:
    return round(statistics.fmean(edit_distance(a.strip(), b.strip()) for a, b in zip(drafts, passages, strict=True)), 5)


def measure(
    number: int, prompts: tuple[list[Prompt], list[Prompt]], base: str, folder: Path, keep: Callable[[dict[str, Any]], None]
) -> None:
    """All figures of one reader."""
    world = build(number, prompts)
    train = Trainer(base, folder)
    found: dict[str, Any] = {"reader": world.name, "seconds": {}}
    plain = [build_messages(prompt) for prompt in world.test]
    passages = [write(world.home, prompt) for prompt in world.test]
    with_examples = [sft_row(world, prompt, examples=2)["prompt"] for prompt in world.test]

    def greedy(adapter: Path | None, messages: Sequence[Any] = plain) -> list[str]:
        return [drafts[0] for drafts in train.write(adapter, messages)]

    def far(adapter: Path | None, messages: Sequence[Any] = plain) -> float:
        return distance(greedy(adapter, messages), passages)

    found["base"], found["base, examples"] = far(None), far(None, with_examples)
    bare = {"train": [sft_row(world, prompt, examples=0) for prompt in world.own]}
    mixed = {"train": [sft_row(world, prompt, examples=world.rng.choice((0, 0, 1, 2))) for prompt in world.own]}
    valid = [sft_row(world, prompt, examples=0) for prompt in world.steering]
    off = {"early_stop": "off", "rate_check": "off", "source_balance": 0.0}
    for name, parts, options in (
        ("sft, no examples", bare, off), ("sft, plain", mixed, off), ("sft", {**mixed, "valid": valid}, {"rate_check": "on"}),
    ):  # fmt: skip
        adapter, told = train(name.replace(", ", "-").replace(" ", "-"), "sft", parts, seed=number, **options)
        found[name], found[f"{name}, examples"] = far(adapter), far(adapter, with_examples)
        found["seconds"][name] = told["took"]
        if name == "sft":
            found["rate factor"], found["kept step"] = told.get("rate_factor"), told.get("kept_step")
    tuned = adapter
    keep(found)

    adapter, told = train("ditto", "ditto", {**bare, "valid": valid}, start=tuned, seed=number)
    found["ditto"], found["seconds"]["ditto"], found["ditto rounds"] = far(adapter), told["took"], told["distances"]
    keep(found)

    now = [write(world.later, prompt) for prompt in world.test]
    shown = [drafts[0] for drafts in train.write(tuned, [build_messages(prompt) for prompt in world.fresh], temperature=0.7, seed=number)]
    rows = [edited(world, prompt, draft, place) for place, (prompt, draft) in enumerate(zip(world.fresh, shown, strict=True))]
    usable = [row for row in rows if row["hunks"]]
    adapter, told = train("edits", "edits", {"train": usable}, start=tuned, seed=number)
    found["sft, to the new ways"], found["edits, to the new ways"] = distance(greedy(tuned), now), distance(greedy(adapter), now)
    found["seconds"]["edits"], found["edit rows"] = told["took"], len(usable)
    keep(found)

    written = train.write(tuned, [build_messages(prompt) for prompt in world.fresh], n=SAMPLES, temperature=1.0, seed=1000 + number)
    items = [[Item(prompt, text) for text in drafts] for prompt, drafts in zip(world.fresh, written, strict=True)]
    pool = [item for part in items for item in part]
    judge = world.judge_of(pool + [item for prompt in world.fresh for item in candidates(prompt, world.home, world.rng, count=2)])
    values = [judge.utility(item) for item in pool]
    middle, spread = statistics.fmean(values), statistics.pstdev(values) or 1.0

    def liked(adapter: Path | None) -> float:
        thought = [judge.utility(Item(prompt, text)) for prompt, text in zip(world.test, greedy(adapter), strict=True)]
        return round((statistics.fmean(thought) - middle) / spread, 5)

    found["sft, liked"] = liked(tuned)
    rankings, ranked = [], []
    for place, part in enumerate(items):
        some_drafts = part[:RANKED]
        order = [some_drafts[at] for at in judge.rank(some_drafts, world.rng)]
        ranked.append(order)
        rankings += [preference(order[a], order[b], place + 1) for a in range(RANKED) for b in range(a + 1, RANKED)]
    split = {
        "train": [row for row in rankings if row["event_id"] > STEERING],
        "valid": [row for row in rankings if row["event_id"] <= STEERING],
    }
    follow(train, "dpo", "dpo", split, tuned, liked, found, number)
    keep(found)
    files = judged_by_taste(world, ranked)
    follow(train, "dpo, two rounds", "dpo", split, tuned, liked, found, number, files=files, rounds=2, prompts=16, samples=6)
    keep(found)
    verdicts = [
        {"prompt": build_messages(item.prompt), "completion": [{"role": "assistant", "content": item.text}],
         "label": judge.utility(item) / spread + world.rng.gauss(0, 0.5) > middle / spread}
        for item in pool
    ]  # fmt: skip
    follow(train, "kto", "kto", {"train": verdicts}, tuned, liked, found, number)
    found["done"] = True
    keep(found)


def follow(
    train: Trainer, name: str, method: str, parts: dict[str, list[Row]], tuned: Path, liked: Callable[[Path], float], found: dict[str, Any],
    number: int, **options: Any,
) -> None:  # fmt: skip
    """Train from the SFT version and note what the reader thinks of it; a training that a limit refused has changed nothing."""
    from notewright.errors import RunFailed

    try:
        adapter, told = train(name.replace(", ", "-").replace(" ", "-"), method, parts, start=tuned, seed=number, **options)
    except RunFailed as error:
        found[f"{name}, liked"], found[f"{name}, ended"] = found["sft, liked"], error.message
        return
    found[f"{name}, liked"], found["seconds"][name] = liked(adapter), told["took"]
    found[f"{name}, ended"] = told.get("broken", "")


def edited(world: World, prompt: Prompt, draft: str, place: int) -> Row:
    """Most of the changes towards how the reader writes now; some readers add what only they know."""
    texts = [item.text for item in prompt.highlights]
    final = draft
    for change in reversed(hunks(draft, write(world.later, prompt), highlights=texts)):
        if world.rng.random() < MADE:
            final = final[: change.start] + change.after + final[change.start + len(change.before) :]
    if world.rng.random() < NUISANCE:
        final = final.rstrip("\n") + f"\n- Told by Aunt Wilhelmina in {1900 + place}.\n"
    return {
        "prompt": build_messages(prompt), "shown": [{"role": "assistant", "content": draft}],
        "edited": [{"role": "assistant", "content": final}], "hunks": [asdict(hunk) for hunk in hunks(draft, final, highlights=texts)],
        "cost": edit_distance(draft, final), "source_id": prompt.source.id, "event_id": place + 1,
    }  # fmt: skip


def preference(better: Item, worse: Item, event: int) -> Row:
    sides = {"chosen": better.text, "rejected": worse.text}
    said = {side: [{"role": "assistant", "content": text}] for side, text in sides.items()}
    return {"prompt": build_messages(better.prompt), **said, "event_id": event, "kind": "ranking"}


def judged_by_taste(world: World, ranked: Sequence[Sequence[Item]]) -> dict[str, str]:
    """judge.json and prompts.jsonl, as a run has them whose reward may label: the taste head learnt on these rankings."""
    from notewright.reward import Head, fit_scale, measure, ranking

    rows = [[measure(item.text, item.prompt.highlights) for item in items] for items in ranked]
    scale = fit_scale([measure(write(world.home, prompt), prompt.highlights) for prompt in world.own])
    head = Head(scale)
    for number, items in enumerate(rows):
        head.add(str(number), ranking(scale, [[row] for row in items]))
    head = head.fit()
    means = [float(mean) for mean in head.score([row for items in rows for row in items])[0]]
    about = {
        "reward": "taste", "habits": {"passages": 0, "fired": {}, "used": {}},
        "taste": {
            "scale": asdict(head.scale), "mean": head.mean.tolist(), "covariance": head.covariance.tolist(),
            "middle": statistics.fmean(means), "spread": statistics.pstdev(means) or 1.0,
        },
    }  # fmt: skip
    prompts = [
        {"prompt": build_messages(prompt), "reference": write(world.home, prompt),
         "highlights": [asdict(item) for item in prompt.highlights], "known": f"{prompt.source.title}\n{prompt.source.author}"}
        for prompt in world.own
    ]  # fmt: skip
    return {"judge.json": json.dumps(about), "prompts.jsonl": "".join(json.dumps(row) + "\n" for row in prompts), "prompts-valid.jsonl": ""}


COMPARED = (  # what, before, after, whether less is better
    ("sft against the base, distance", "base", "sft", True),
    ("sft as a product against a plain one, distance", "sft, plain", "sft", True),
    (
        "examples in the prompt: a training with some against one without, distance",
        "sft, no examples, examples",
        "sft, plain, examples",
        True,
    ),
    ("examples in the prompt of the product, distance", "sft", "sft, examples", True),
    ("ditto against sft, distance", "sft", "ditto", True),
    ("edits against sft, distance to the new ways", "sft, to the new ways", "edits, to the new ways", True),
    ("dpo on lists against sft, liked", "sft, liked", "dpo, liked", False),
    ("dpo in two rounds against sft, liked", "sft, liked", "dpo, two rounds, liked", False),
    ("kto against sft, liked", "sft, liked", "kto, liked", False),
)


def table(readers: Sequence[dict[str, Any]]) -> list[str]:
    from notewright.evaluation.report import interval

    lines = ["| what | readers | before | after | change (90 %) | better in |", "|---|---|---|---|---|---|"]
    for title, before, after, less in COMPARED:
        both = [(item[before], item[after]) for item in readers if before in item and after in item]
        if both:
            changes = [b - a for a, b in both]
            low, high = interval(changes)
            better = sum((change < 0) == less and change != 0 for change in changes)
            first, second = (statistics.fmean(side) for side in zip(*both, strict=True))
            change = f"{statistics.fmean(changes):+.3f} ({low:+.3f} to {high:+.3f})"
            lines.append(f"| {title} | {len(both)} | {first:.3f} | {second:.3f} | {change} | {better} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=6)
    parser.add_argument("--only", type=int, nargs="*", help="these readers by number, for several processes side by side")
    parser.add_argument("--base", default="seedling")
    parser.add_argument("--table", action="store_true", help="only print what there is")
    given = parser.parse_args()
    from notewright.models import bases

    weights = bases.fetch_base(given.base).folder / "model.safetensors"
    version = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]

    def known() -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        return kept if kept.get("version") == version else {"base": Path(given.base).name, "version": version, "readers": {}}

    for number in () if given.table else given.only or range(given.readers):
        if known()["readers"].get(str(number), {}).get("done"):
            continue
        started = time.monotonic()

        def keep(found: dict[str, Any], number: int = number, started: float = started) -> None:
            kept = known()
            kept["readers"][str(number)] = {**found, "took": round(time.monotonic() - started)}
            kept["readers"] = dict(sorted(kept["readers"].items(), key=lambda item: int(item[0])))
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            print(f"{number} {found['reader']} {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

        with tempfile.TemporaryDirectory() as folder:
            measure(number, read_prompts(), given.base, Path(folder), keep)
    print("\n".join(table(list(known()["readers"].values()))))


if __name__ == "__main__":
    main()
