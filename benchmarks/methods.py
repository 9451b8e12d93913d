"""What each training method does for simulated readers with hidden preferences, on work that nothing was trained on.

    python benchmarks/methods.py [--readers 6] [--part few light …] [--only 0 1] [--base seedling] [--table]

A reader (`evaluation.readers`) has a style, two quirks that no style of the seedling's training has, and hidden wants. 12 passages of
sources that nothing else comes from measure. What a method should improve was fixed before the first figure:

    few       10 passages, 6 more to steer by. SFT: distance of greedy drafts to the reader's own passages, against the base. DITTO: the
              same, against SFT. Edits: distance to how the reader writes now: a third of their ways has changed, and they changed 24 drafts
              in part; every sixth of these edits is held out to steer by
    light     DITTO where SFT has not had its fill, as its authors use it: from an SFT of 12 updates of four of 10 passages; distance of
              greedy drafts, with the recipe (`--only 12 13 ... 23`) and with rounds of 30 updates at three times its rate, as most of the
              learning is to be DITTO's there (`--only 24 25 ... 35`): readers of whom nothing had been seen when each was settled
    taste     a reader whose 24 passages vary in style. DPO: what they truly think of greedy drafts (in standard deviations of drafts),
              against SFT, from 24 rankings of four drafts with the reader's usual noise; with a second round that a taste head labels,
              learnt on these; KTO: the same, from 312 verdicts on single drafts
    halved    as taste, other readers (`--only 12 13 ...`): DPO with updates of two rankings against as many updates of four, which read
              twice as much
    differing as taste, other readers (`--only 36 37 ... 47`) and 8 rankings, as in somebody's first week: DPO that compares two drafts
              by what differs between them against DPO on whole drafts; beside what the reader thinks of greedy drafts, the share of
              these that no gate blocks
    paid      GRPO, RLOO and PPO on the short notes of ppo.py, 16 updates of 16 drafts; a number is a seed here, not a reader. What drafts
              of 16 held-out prompts earn (four each at temperature 1, as they are what is learnt from), against where all began
    earned    GRPO and RLOO, paid by likeness to 24 passages of which SFT had seen 10: distance of drafts at temperature 1 (four for each
              passage), against SFT
    product   32 passages. SFT with early stop, rate check and examples in half of the prompts against a plain training of the same rows;
              with examples in the prompt, against a training without any

All recipes are those of `--effort quick`. Every reader's figures are kept in results/methods.json as soon as they are there, and a second
run goes on. The table has the mean change over readers with a 90 % bootstrap interval over readers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
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

import in_process  # noqa: E402
from taste import read_prompts  # noqa: E402

from notewright import gates  # noqa: E402
from notewright.datasets.edits import TASTE  # noqa: E402
from notewright.errors import NotewrightError  # noqa: E402
from notewright.evaluation.readers import Item, Judge, candidates, draw_reader, home_style, near  # noqa: E402
from notewright.feedback.hunks import hunks  # noqa: E402
from notewright.models import bases  # noqa: E402
from notewright.prompts import build_messages  # noqa: E402
from notewright.records import Prompt  # noqa: E402
from notewright.seedling.styles import write  # noqa: E402
from notewright.text import edit_distance  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "methods.json"
FAMILIES = ("format", "voice", "content", "mixed")
PARTS = ("few", "light", "taste", "halved", "differing", "paid", "earned", "product")
FEW, MANY, VARIED, STEERING, FRESH, TEST = 10, 32, 24, 6, 24, 12
SAMPLES, RANKED, FIRST_WEEK = 13, 4, 8
LONGEST = 256
CHANGED, MADE, NUISANCE = 0.35, 0.6, 0.3  # share of ways that changed; of changes that the reader makes; of edits that add a fact
Row = dict[str, Any]
Found = dict[str, Any]

QUIRKS: dict[str, Callable[[str, Prompt], str]] = {
    "footer": lambda text, prompt: f"{text.rstrip()}\n\n~ {(prompt.source.author or 'anon').split()[-1]}, {len(prompt.highlights)} marks\n",
    "arrows": lambda text, _: re.sub(r"(?m)^(\s*(?:[-*+]|\d+\.) )(?!\[)", r"\1→ ", text),
    "marked headings": lambda text, _: re.sub(r"(?m)^(#+ .*)$", r"\1 §", text),
    "no full stops": lambda text, _: re.sub(r"(?m)\.$", " ;", text),
    "underlined": lambda text, _: re.sub(r"\*\*([^*\n]+)\*\*", r"__\1__", text),
}


def some(prompts: Sequence[Prompt], rng: random.Random) -> Prompt:
    """A prompt with two or three of a chapter's highlights."""
    prompt = rng.choice(prompts)
    kept = sorted(rng.sample(range(len(prompt.highlights)), rng.randint(2, 3)))
    return Prompt(prompt.source, tuple(prompt.highlights[place] for place in kept), chapter=prompt.chapter)


class World:
    """One reader: their style, quirks and judgement; prompts to learn on and to measure on."""

    def __init__(self, number: int, part: str, prompts: tuple[list[Prompt], list[Prompt]]) -> None:
        self.reader = draw_reader(FAMILIES[number % len(FAMILIES)], number)
        self.rng = random.Random(f"methods|{part}|{number}")
        self.prompts = prompts
        self.home = home_style(self.reader, self.some(4), self.rng)
        self.quirks = self.rng.sample(sorted(QUIRKS), 2)
        self.later, tried = self.home, self.some(1)[0]
        while write(self.later, tried) == write(self.home, tried):
            self.later = near(self.home, self.rng, CHANGED)
        self.test = self.some(TEST, side=1)

    def some(self, count: int, *, side: int = 0) -> list[Prompt]:
        return [some(self.prompts[side], self.rng) for _ in range(count)]

    def passage(self, prompt: Prompt, style: Any = None) -> str:
        """What the reader writes, in their own style or another one of theirs."""
        text = write(style or self.home, prompt)
        for quirk in self.quirks:
            text = QUIRKS[quirk](text, prompt)
        return text

    def row(self, prompt: Prompt, others: Sequence[Prompt] = (), *, examples: int = 0, style: Any = None) -> Row:
        """The passage, and as many earlier notes of other sources in its prompt."""
        usable = [other for other in others if other.source.id != prompt.source.id]
        shown = self.rng.sample(usable, min(examples, len(usable)))
        messages = build_messages(prompt, [(other, self.passage(other)) for other in shown])
        written = {"role": "assistant", "content": self.passage(prompt, style)}
        return {"prompt": messages, "completion": [written], "source_id": prompt.source.id, "weight": 1.0}


class Trainer:
    """Trains in this process, and writes with what was trained."""

    def __init__(self, base: str, folder: Path) -> None:
        from notewright.models.engine import Engine

        self.found, self.folder = bases.fetch_base(base), folder
        self.engine = Engine(self.found.folder, device="cpu")

    def __call__(
        self, name: str, method: str, parts: dict[str, list[Row]], *, start: Path | None = None, files: dict[str, str] | None = None,
        **overrides: Any,
    ) -> tuple[Path, float, dict[str, Any]]:  # fmt: skip
        """(adapter, seconds it took, metrics) of a training with the recipe of `--effort quick`."""
        return in_process.train(self.found, self.folder / name, method, parts, start=start, files=files, **overrides)

    def greedy(self, adapter: Path | None, messages: Sequence[Any]) -> list[str]:
        return [drafts[0] for drafts in self.write(adapter, messages)]

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
                    letters=self.engine._letters,
                )  # fmt: skip
            for turn, place in enumerate(part):
                found[place] = [chat.decode(tokenizer, row) for row in ids[turn * n : (turn + 1) * n]]
        return found


def distance(drafts: Sequence[str], passages: Sequence[str]) -> float:
    return round(statistics.fmean(edit_distance(a.strip(), b.strip()) for a, b in zip(drafts, passages, strict=True)), 5)


def few(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    plain, passages = [build_messages(prompt) for prompt in world.test], [world.passage(prompt) for prompt in world.test]
    parts = {"train": [world.row(prompt) for prompt in world.some(FEW)], "valid": [world.row(prompt) for prompt in world.some(STEERING)]}
    found["base"] = distance(train.greedy(None, plain), passages)
    tuned, found["seconds"]["sft"], _ = train("sft", "sft", parts, seed=number, rate_check="off")
    found["sft"] = distance(train.greedy(tuned, plain), passages)
    keep()
    adapter, found["seconds"]["ditto"], told = train("ditto", "ditto", parts, start=tuned, seed=number)
    found["ditto"], found["ditto rounds"] = distance(train.greedy(adapter, plain), passages), told["distances"]
    keep()
    fresh = world.some(FRESH)
    shown = [drafts[0] for drafts in train.write(tuned, [build_messages(prompt) for prompt in fresh], temperature=0.7, seed=number)]
    rows = [edited(world, prompt, draft, place) for place, (prompt, draft) in enumerate(zip(fresh, shown, strict=True))]
    usable = [row for row in rows if any(hunk["kind"] in TASTE for hunk in row["hunks"])]
    split = {"train": [row for place, row in enumerate(usable) if place % 6], "valid": usable[::6]}
    now = [world.passage(prompt, world.later) for prompt in world.test]
    found["sft, to the new ways"] = found["edits, to the new ways"] = distance(train.greedy(tuned, plain), now)
    found["edit rows"] = len(usable)
    try:
        adapter, found["seconds"]["edits"], told = train("edits", "edits", split, start=tuned, seed=number)
    except NotewrightError as error:  # a limit refused it: it has changed nothing
        found["edits, ended"] = error.message
        return
    found["edits kept step"], found["edits checks"] = told.get("kept_step"), told.get("checks")
    found["edits, to the new ways"] = distance(train.greedy(adapter, plain), now)


def light(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    plain, passages = [build_messages(prompt) for prompt in world.test], [world.passage(prompt) for prompt in world.test]
    parts = {"train": [world.row(prompt) for prompt in world.some(FEW)], "valid": [world.row(prompt) for prompt in world.some(STEERING)]}
    options = {"rate_check": "off", "early_stop": "off", "max_steps": 12, "batch_size": 4}
    tuned, found["seconds"]["sft"], _ = train("sft", "sft", parts, seed=number, **options)
    found["light sft"] = distance(train.greedy(tuned, plain), passages)
    name, longer = ("longer ditto", {"max_steps": 30, "learning_rate": 3e-4}) if number >= 24 else ("light ditto", {})
    adapter, found["seconds"]["ditto"], told = train("ditto", "ditto", parts, start=tuned, seed=number, **longer)
    found[name], found["ditto rounds"] = distance(train.greedy(adapter, plain), passages), told["distances"]
    found["kept round"] = told["kept_round"]


@dataclass(frozen=True)
class Taught:
    """A reader whose passages vary, an SFT on these, and what they think of its drafts."""

    own: list[Prompt]
    tuned: Path
    pool: list[Item]
    rankings: dict[str, list[Row]]
    ranked: list[list[Item]]
    judge: Judge
    middle: float
    spread: float
    liked: Callable[[Path | None, str], None]


def varied(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> Taught:
    own, fresh, steering = world.some(VARIED), world.some(FRESH), world.some(STEERING)
    rows = [[world.row(prompt, style=near(world.home, world.rng, 0.4)) for prompt in part] for part in (own, steering)]
    tuned, found["seconds"]["varied sft"], _ = train("varied", "sft", dict(zip(("train", "valid"), rows, strict=True)), rate_check="off")
    written = train.write(tuned, [build_messages(prompt) for prompt in fresh], n=SAMPLES, temperature=1.0, seed=1000 + number)
    items = [[Item(prompt, text) for text in drafts] for prompt, drafts in zip(fresh, written, strict=True)]
    pool = [item for part in items for item in part]
    judge = Judge(world.reader, pool + [item for prompt in fresh for item in candidates(prompt, world.home, world.rng, count=2)])
    values = [judge.utility(item) for item in pool]
    middle, spread = statistics.fmean(values), statistics.pstdev(values) or 1.0

    def liked(adapter: Path | None, name: str) -> None:
        """Of greedy drafts, which is what was to be improved, and beside it of four drafts at temperature 1."""
        prompts = [build_messages(prompt) for prompt in world.test]
        greedy, sampled = train.write(adapter, prompts), train.write(adapter, prompts, n=4, temperature=1.0, seed=3000 + number)
        for what, written in (("liked", greedy), ("liked, sampled", sampled)):
            thought = [judge.utility(Item(prompt, text)) for prompt, texts in zip(world.test, written, strict=True) for text in texts]
            found[f"{name}, {what}"] = round((statistics.fmean(thought) - middle) / spread, 5)
        blocked = [
            gates.problems(gates.check(text, highlights=prompt.highlights)) for prompt, (text,) in zip(world.test, greedy, strict=True)
        ]
        found[f"{name}, sound"] = statistics.fmean(not item for item in blocked)

    liked(tuned, "varied sft")
    keep()
    rankings, ranked = [], []
    for place, part in enumerate(items):
        drafts = list({item.text: item for item in part}.values())[:RANKED]
        order = [drafts[at] for at in judge.rank(drafts, world.rng)]
        ranked.append(order)
        rankings += [preference(better, worse, place + 1) for at, better in enumerate(order) for worse in order[at + 1 :]]
    found["ranked drafts"] = sum(map(len, ranked))
    split = {"train": [row for row in rankings if row["event_id"] > 4], "valid": [row for row in rankings if row["event_id"] <= 4]}
    return Taught(own, tuned, pool, split, ranked, judge, middle, spread, liked)


def taste(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    start = varied(world, train, found, keep, number)
    follow(train, "dpo", "dpo", start.rankings, start, found, number)
    keep()
    verdicts = [
        {"prompt": build_messages(item.prompt), "completion": [{"role": "assistant", "content": item.text}],
         "label": (start.judge.utility(item) - start.middle) / start.spread + world.rng.gauss(0, 0.5) > 0}
        for item in start.pool
    ]  # fmt: skip
    follow(train, "kto", "kto", {"train": verdicts}, start, found, number)
    keep()
    files = judged_by_taste(world, start.own, start.ranked)
    follow(train, "dpo, two rounds", "dpo", start.rankings, start, found, number, files=files, rounds=2, prompts=12, samples=6)


def halved(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    start = varied(world, train, found, keep, number)
    for batch in (4, 2):
        follow(train, f"dpo by {batch}", "dpo", start.rankings, start, found, number, batch_size=batch, max_steps=30)
        keep()


def differing(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    start = varied(world, train, found, keep, number)
    few = {**start.rankings, "train": [row for row in start.rankings["train"] if row["event_id"] <= 4 + FIRST_WEEK]}
    for name, shared in (("dpo on whole drafts", 1.0), ("dpo on what differs", 0.0)):
        follow(train, name, "dpo", few, start, found, number, shared=shared)
        keep()


def paid(train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    import ppo

    place = train.folder / "start"
    place.mkdir()
    ppo.start(place)
    found["start, pay"] = round(ppo.measure(place, None)["held_out_reward"], 5)
    on_start = Trainer(str(place / "base"), train.folder)
    frozen = {name: (place / name).read_text(encoding="utf-8") for name in ("prompts.jsonl", "judge.json")}
    options = {"batch_size": ppo.DRAFTS, "max_new_tokens": ppo.NEW, "max_steps": 16, "max_length": 1024, "precision": "float32"}
    rows = {"train": [json.loads(line) for line in frozen["prompts.jsonl"].splitlines()]}
    for method in ("grpo", "rloo", "ppo"):
        files = {**frozen, "prompts-valid.jsonl": ""}
        adapter, found["seconds"][method], _ = on_start(method, method, rows, files=files, seed=number, **options)
        found[f"{method}, pay"] = round(ppo.measure(place, adapter)["held_out_reward"], 5)
        keep()


def earned(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    own = world.some(VARIED)
    plain, passages = [build_messages(prompt) for prompt in world.test], [world.passage(prompt) for prompt in world.test]
    parts = {"train": [world.row(prompt) for prompt in own[:FEW]], "valid": [world.row(prompt) for prompt in world.some(STEERING)]}
    tuned, found["seconds"]["sft"], _ = train("sft", "sft", parts, seed=number, rate_check="off")
    references = [world.passage(prompt) for prompt in own]
    about = {"reward": "", "habits": {"passages": 0, "fired": {}, "used": {}}}
    files = {"judge.json": json.dumps(about), "prompts.jsonl": frozen(own, references), "prompts-valid.jsonl": ""}

    def measure(name: str, adapter: Path) -> None:
        written = train.write(adapter, plain, n=4, temperature=1.0, seed=2000 + number)
        found[name] = distance([text for drafts in written for text in drafts], [text for text in passages for _ in range(4)])
        found[f"{name}, greedy"] = distance(train.greedy(adapter, plain), passages)
        keep()

    measure("sft, sampled", tuned)
    drafts: dict[str, Any] = {"batch_size": 16, "max_new_tokens": 160, "max_steps": 24}
    for method in ("grpo", "rloo"):
        adapter, found["seconds"][method], _ = train(method, method, parts, start=tuned, files=files, seed=number, **drafts)
        measure(f"{method}, sampled", adapter)


def product(world: World, train: Trainer, found: Found, keep: Callable[[], None], number: int) -> None:
    own = world.some(MANY)
    plain, passages = [build_messages(prompt) for prompt in world.test], [world.passage(prompt) for prompt in world.test]
    shown = [world.row(prompt, own, examples=2)["prompt"] for prompt in world.test]
    found["base, examples"] = distance(train.greedy(None, shown), passages)
    bare = {"train": [world.row(prompt) for prompt in own]}
    mixed = {"train": [world.row(prompt, own, examples=world.rng.choice((0, 0, 1, 2))) for prompt in own]}
    whole = {**mixed, "valid": [world.row(prompt) for prompt in world.some(STEERING)]}
    off = {"early_stop": "off", "rate_check": "off", "source_balance": 0.0}
    for name, parts, options in (("no examples", bare, off), ("plain", mixed, off), ("product", whole, {"rate_check": "on"})):
        adapter, found["seconds"][name], told = train(name.replace(" ", "-"), "sft", parts, seed=number, **options)
        found[name] = distance(train.greedy(adapter, plain), passages)
        found[f"{name}, examples"] = distance(train.greedy(adapter, shown), passages)
        if name == "product":
            found["rate factor"], found["kept step"] = told.get("rate_factor"), told.get("kept_step")
        keep()


def follow(
    train: Trainer, name: str, method: str, parts: dict[str, list[Row]], start: Taught, found: Found, number: int, **options: Any,
) -> None:  # fmt: skip
    """Train from the SFT version and note what the reader thinks of it; a training that a limit refused has changed nothing."""
    try:
        adapter, seconds, told = train(name.replace(", ", "-").replace(" ", "-"), method, parts, start=start.tuned, seed=number, **options)
    except NotewrightError as error:
        for what in ("liked", "liked, sampled", "sound"):
            found[f"{name}, {what}"] = found[f"varied sft, {what}"]
        found[f"{name}, ended"] = error.message
        return
    start.liked(adapter, name)
    found["seconds"][name], found[f"{name}, ended"] = seconds, told.get("broken", "")


def edited(world: World, prompt: Prompt, draft: str, place: int) -> Row:
    """Most of the changes towards how the reader writes now; some readers add what only they know."""
    texts = [item.text for item in prompt.highlights]
    final = draft
    for change in reversed(hunks(draft, world.passage(prompt, world.later), highlights=texts)):
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


def judged_by_taste(world: World, own: Sequence[Prompt], ranked: Sequence[Sequence[Item]]) -> dict[str, str]:
    """judge.json and prompts.jsonl, as a run has them whose reward may label: the taste head learnt on these rankings."""
    from notewright.reward import Head, fit_scale, measure, ranking

    rows = [[measure(item.text, item.prompt.highlights) for item in items] for items in ranked]
    scale = fit_scale([measure(world.passage(prompt), prompt.highlights) for prompt in own])
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
    return {"judge.json": json.dumps(about), "prompts.jsonl": frozen(own, [""] * len(own)), "prompts-valid.jsonl": ""}


def frozen(prompts: Sequence[Prompt], references: Sequence[str]) -> str:
    """Prompts as a run keeps them."""
    rows = [
        {"prompt": build_messages(prompt), "reference": reference,
         "highlights": [asdict(item) for item in prompt.highlights], "known": f"{prompt.source.title}\n{prompt.source.author}"}
        for prompt, reference in zip(prompts, references, strict=True)
    ]  # fmt: skip
    return "".join(json.dumps(row) + "\n" for row in rows)


COMPARED = (  # part, what, before, after, whether less is better
    ("few", "SFT on 10 passages against the base: distance", "base", "sft", True),
    ("few", "DITTO against SFT: distance", "sft", "ditto", True),
    ("few", "edits against SFT: distance to the new ways", "sft, to the new ways", "edits, to the new ways", True),
    ("light", "DITTO against an SFT of 12 updates: distance", "light sft", "light ditto", True),
    ("light", "DITTO in longer rounds against an SFT of 12 updates: distance", "light sft", "longer ditto", True),
    ("taste", "DPO on rankings against SFT: liked", "varied sft, liked", "dpo, liked", False),
    ("taste", "DPO in two rounds against SFT: liked", "varied sft, liked", "dpo, two rounds, liked", False),
    ("taste", "KTO against SFT: liked", "varied sft, liked", "kto, liked", False),
    ("halved", "DPO, two rankings an update, against SFT: liked", "varied sft, liked", "dpo by 2, liked", False),
    ("halved", "DPO, two rankings an update, against four: liked", "dpo by 4, liked", "dpo by 2, liked", False),
    ("halved", "the same, sampled drafts", "dpo by 4, liked, sampled", "dpo by 2, liked, sampled", False),
    ("differing", "DPO on whole drafts against SFT: liked", "varied sft, liked", "dpo on whole drafts, liked", False),
    ("differing", "DPO on what differs against SFT: liked", "varied sft, liked", "dpo on what differs, liked", False),
    ("differing", "on what differs against whole drafts: liked", "dpo on whole drafts, liked", "dpo on what differs, liked", False),
    ("differing", "the same, sampled drafts", "dpo on whole drafts, liked, sampled", "dpo on what differs, liked, sampled", False),
    ("differing", "the same, drafts that no gate blocks", "dpo on whole drafts, sound", "dpo on what differs, sound", False),
    ("differing", "DPO on what differs against SFT: drafts that no gate blocks", "varied sft, sound", "dpo on what differs, sound", False),
    ("paid", "GRPO: pay of drafts of other prompts", "start, pay", "grpo, pay", False),
    ("paid", "RLOO: the same", "start, pay", "rloo, pay", False),
    ("paid", "PPO: the same", "start, pay", "ppo, pay", False),
    ("earned", "GRPO against SFT: distance of sampled drafts", "sft, sampled", "grpo, sampled", True),
    ("earned", "RLOO against SFT: distance of sampled drafts", "sft, sampled", "rloo, sampled", True),
    ("taste", "DPO on rankings against SFT: liked, sampled drafts", "varied sft, liked, sampled", "dpo, liked, sampled", False),
    (
        "taste",
        "DPO in two rounds against SFT: liked, sampled drafts",
        "varied sft, liked, sampled",
        "dpo, two rounds, liked, sampled",
        False,
    ),
    ("taste", "KTO against SFT: liked, sampled drafts", "varied sft, liked, sampled", "kto, liked, sampled", False),
    ("product", "SFT as a product against a plain training: distance", "plain", "product", True),
    ("product", "examples shown: trained with some against without: distance", "no examples, examples", "plain, examples", True),
    ("product", "the product with examples shown against without: distance", "product", "product, examples", True),
)


def table(parts: dict[str, dict[str, Found]]) -> list[str]:
    from notewright.evaluation.report import interval

    lines = ["| what | readers | before | after | change (90 %) | better in |", "|---|---|---|---|---|---|"]
    for part, title, before, after, less in COMPARED:
        both = [(item[before], item[after]) for item in parts.get(part, {}).values() if before in item and after in item]
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
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--only", type=int, nargs="*", help="these readers by number, for several processes side by side")
    parser.add_argument("--base", default="seedling")
    parser.add_argument("--table", action="store_true", help="only print what there is")
    given = parser.parse_args()
    weights = bases.fetch_base(given.base).folder / "model.safetensors"
    version = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]

    def known() -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        return kept if kept.get("version") == version else {"base": Path(given.base).name, "version": version, "parts": {}}

    work = [(part, number) for part in given.part for number in given.only or range(given.readers)]
    for part, number in () if given.table else work:
        if known()["parts"].get(part, {}).get(str(number), {}).get("done"):
            continue
        world, started = None if part == "paid" else World(number, part, read_prompts()), time.monotonic()
        about = {"reader": world.reader.name, "quirks": world.quirks} if world else {"reader": f"seed {number}"}
        found: Found = {**about, "seconds": {}}

        def keep(part: str = part, number: int = number, found: Found = found, started: float = started) -> None:
            kept = known()
            kept["parts"].setdefault(part, {})[str(number)] = {**found, "took": round(time.monotonic() - started)}
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            print(f"{part} {number} {found['reader']} {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(given.base, Path(folder))
            if world:
                {
                    "few": few,
                    "light": light,
                    "taste": taste,
                    "halved": halved,
                    "differing": differing,
                    "earned": earned,
                    "product": product,
                }[part](world, trainer, found, keep, number)
            else:
                paid(trainer, found, keep, number)
        found["done"] = True
        keep()
    print("\n".join(table(known()["parts"])))


if __name__ == "__main__":
    main()
