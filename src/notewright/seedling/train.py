"""Train the seedling: `python -m notewright.seedling.train [--device cpu|cuda] [--minutes N] [--resume]`.

Stage A (copying) lasts `--copy-tokens`, stage B (notes) the rest of the budget. The rate falls linearly over the last 70 % of the minutes,
so a run may be given any length. Checkpoints are written whole and then renamed; SIGTERM writes one and stops.
A budget counts training time over all resumes. Which batch comes next depends on (seed, step) and, for lengths, on progress.
`--workers N` makes batches in N processes, which a GPU needs (one makes some 300,000 tokens/s); `--long` draws rows of up to 4,096 tokens.
`--many SHARE` of the long notes' rows lead up to many highlights, with long rows from the start.
`--start FOLDER` begins from an exported seedling instead of random weights (with `--copy-tokens 0`, as it can copy already).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import signal
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_model
from torch._dynamo import config as dynamo
from torch._inductor import config as inductor

from ..files import whole
from . import corpora, tokenizer
from .batches import Batch, make_batch
from .chat import Encoder
from .network import autocast, build, losses, optimizers

DECAY = 0.7
COMPILED_LENGTH = 1024  # longer rows are too few to pay for compiling


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what a run computes, but the time it is given."""

    shape: str = "first"
    seed: int = 0
    tokens_per_step: int = 4096
    matrix_rate: float = 6e-3
    other_rate: float = 3e-3
    warmup_steps: int = 100
    copy_tokens: int = 3_000_000
    clip: float = 1.0
    long: bool = False  # rows of up to 4,096 tokens
    many: float = 0.0  # the share of long rows that lead up to many highlights
    started_from: str = ""  # sha256 of the weights that a run began with


@dataclass(slots=True)
class Progress:
    """Where a run stands. `notes_from` is the elapsed time at which stage B began (None before)."""

    step: int = 0
    tokens: int = 0
    elapsed: float = 0.0
    notes_from: float | None = None


class Threads:
    """One or all threads, whichever is faster now: on a machine with other work, two threads waiting for each other lose to one.

    `tell` takes the seconds per token of a step; now and then the slower choice is tried again.
    """

    def __init__(self, most: int) -> None:
        self.choices = (1, most) if most > 1 else (1,)
        self.cost: dict[int, float] = {}
        self.now, self.steps = most, 0
        torch.set_num_threads(most)

    def tell(self, cost: float) -> None:
        self.steps += 1
        if self.steps % 30 not in (1, 5):  # the first step after a switch doesn't count
            known = self.cost.get(self.now)
            self.cost[self.now] = cost if known is None else 0.6 * known + 0.4 * cost
        best = min(self.cost, key=self.cost.__getitem__, default=self.now)
        other = next((c for c in self.choices if c != best), best)
        choice = other if self.steps % 30 < 5 else best
        if choice != self.now:
            self.now = choice
            torch.set_num_threads(choice)


class Maker:
    """Makes batches, in this process or in others: `made` needs nothing but what it was built from."""

    def __init__(self, vocabulary: Path, corpus: Path | None, recipe: Recipe) -> None:
        self.encoder, self.corpus, self.recipe = Encoder(tokenizer.load(vocabulary)), corpora.load(corpus), recipe

    def __call__(self, step: int, stage: str, progress: float) -> tuple[Batch, str]:
        recipe = self.recipe
        batch = make_batch(
            self.encoder, self.corpus, seed=recipe.seed, step=step, stage=stage, progress=progress, tokens=recipe.tokens_per_step,
            long=recipe.long, many=recipe.many,
        )  # fmt: skip
        return batch, stage


_maker: Maker


def _begin_worker(vocabulary: Path, corpus: Path | None, recipe: Recipe) -> None:
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer decides when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    _maker = Maker(vocabulary, corpus, recipe)


def _make(step: int, stage: str, progress: float) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], str]:
    batch, stage = _maker(step, stage, progress)
    return batch.ids.numpy().astype(np.int32), batch.weights.numpy(), batch.kinds, stage  # tensors would travel as open files


def _received(made: tuple) -> tuple[Batch, str]:
    if len(made) == 2:
        return made
    ids, weights, kinds, stage = made
    return Batch(torch.from_numpy(ids).long(), torch.from_numpy(weights), kinds), stage


class Trainer:
    """One run in one folder: `checkpoint.pt`, `log.jsonl`, `loss.png`, `recipe.json`."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        *,
        device: str,
        minutes: float,
        corpus: Path | None,
        compiled: bool,
        threads: Threads | None = None,
        start: Path | None = None,
        workers: int = 0,
    ) -> None:
        self.folder, self.recipe, self.device, self.budget = folder, recipe, device, minutes * 60
        self.corpus, self.workers = corpus, workers
        vocabulary = folder / "tokenizer"
        if start:
            vocabulary.mkdir(parents=True, exist_ok=True)
            shutil.copy(start / "tokenizer.json", vocabulary)
            if (start / "training.json").exists():
                shutil.copy(start / "training.json", folder / "before.json")  # for the card of what comes of it
            self.recipe = recipe = replace(recipe, started_from=hashlib.sha256((start / "model.safetensors").read_bytes()).hexdigest())
        elif not (vocabulary / "tokenizer.json").exists():
            tokenizer.save(tokenizer.train(corpus, 0), vocabulary)
        self.vocabulary = vocabulary
        self.model = build(recipe.shape, recipe.seed)
        if start:
            load_model(self.model, start / "model.safetensors", strict=False)  # the tied head is not stored
        torch.nn.Module.to(self.model, device)
        self.body = self.model.model
        if compiled and device == "cuda":
            dynamo.recompile_limit = 64  # one graph for every length of row
            for layer in self.model.model.layers:
                layer.compile(dynamic=False)
        elif compiled:
            self.body = torch.compile(self.model.model, dynamic=False)
        self.threads = threads
        self.optimizers = optimizers(self.model, recipe.matrix_rate, recipe.other_rate)
        self.rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        self.progress = Progress()
        self.stopping = False
        folder.mkdir(parents=True, exist_ok=True)

    def _plan(self, ahead: int) -> tuple[int, str, float]:
        """The step `ahead` steps from now, its stage, and the progress (0-1) within it: by tokens for copying, by time for notes."""
        step, tokens = self.progress.step + ahead, self.progress.tokens + ahead * self.recipe.tokens_per_step
        if tokens < self.recipe.copy_tokens:
            return step, "copying", tokens / self.recipe.copy_tokens
        if self.progress.notes_from is None:
            self.progress.notes_from = self.progress.elapsed
        return step, "notes", (self.progress.elapsed - self.progress.notes_from) / max(1.0, self.budget - self.progress.notes_from)

    def rate_factor(self) -> float:
        warm = min(1.0, (self.progress.step + 1) / self.recipe.warmup_steps)
        left = (1 - self.progress.elapsed / self.budget) / DECAY
        return max(0.0, min(warm, left))

    def _makers(self) -> tuple[Executor, Callable[[int], Future]]:
        """Where batches are made, and what asks for the one `ahead` steps from now."""
        made = (self.vocabulary, self.corpus, self.recipe)
        if self.workers:
            pool: Executor = ProcessPoolExecutor(self.workers, get_context("spawn"), _begin_worker, made)
            return pool, lambda ahead: pool.submit(_make, *self._plan(ahead))
        pool, maker = ThreadPoolExecutor(1), Maker(*made)
        return pool, lambda ahead: pool.submit(maker, *self._plan(ahead))

    def step(self, batch: Batch) -> dict[str, list[float]]:
        """One update; returns per kind of row the sum of losses and the number of targets."""
        ids, weights = batch.ids.to(self.device), batch.weights.to(self.device)
        factor = self.rate_factor()
        for optimizer, rates in zip(self.optimizers, self.rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        with autocast(self.device):
            compiled = self.device == "cuda" or ids.shape[1] <= COMPILED_LENGTH
            body = self.body if compiled else self.model.model
            loss, sums = losses(self.model, body, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.tokens += ids.numel()
        found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for kind, (total, count) in zip(batch.kinds, sums.tolist(), strict=True):
            found[kind][0] += total
            found[kind][1] += count
        return found

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "progress": asdict(self.progress),
            "recipe": asdict(self.recipe),
        }
        with whole(self.folder / "checkpoint.pt") as part:
            torch.save(state, part)

    def load(self) -> None:
        state = torch.load(self.folder / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        known = Progress.__dataclass_fields__
        self.progress = Progress(**{name: value for name, value in state["progress"].items() if name in known})
        self.recipe = replace(self.recipe, started_from=state["recipe"]["started_from"])

    def run(self, *, max_steps: int | None = None, log_every: int = 20, save_every: float = 240.0) -> list[float]:
        """Train until the budget, `max_steps` or SIGTERM; returns the loss of every logged stretch."""
        told = {**asdict(self.recipe), "minutes": self.budget / 60}
        (self.folder / "recipe.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        logged: list[float] = []
        stretch: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        saved = time.monotonic()
        last, since = time.monotonic(), (time.monotonic(), self.progress.tokens)

        def tell() -> None:
            speed = (self.progress.tokens - since[1]) / max(1e-9, last - since[0])
            means = {kind: round(total / max(1.0, count), 4) for kind, (total, count) in stretch.items()}
            logged.append(sum(t for t, _ in stretch.values()) / max(1.0, sum(c for _, c in stretch.values())))
            self._log(stage=stage, length=batch.ids.shape[1], losses=means, speed=round(speed), rate=round(self.rate_factor(), 3))
            stretch.clear()

        pool, ask = self._makers()
        ahead = max(1, 3 * self.workers)
        with pool:
            coming = deque(ask(number) for number in range(ahead))
            while self.progress.elapsed < self.budget and not self.stopping and (max_steps is None or self.progress.step < max_steps):
                batch, stage = _received(coming.popleft().result())
                coming.append(ask(ahead))
                for kind, (total, count) in self.step(batch).items():
                    stretch[kind][0] += total
                    stretch[kind][1] += count
                now = time.monotonic()
                self.progress.elapsed += now - last
                if self.threads:
                    self.threads.tell((now - last) / batch.ids.numel())
                last = now
                if self.progress.step % log_every == 0:
                    tell()
                    since = (now, self.progress.tokens)
                if now - saved > save_every:
                    self.save()
                    saved = time.monotonic()
            pool.shutdown(cancel_futures=True)
        if stretch:
            tell()
        self.save()
        return logged

    def _log(self, **entry: object) -> None:
        entry = {"step": self.progress.step, "tokens": self.progress.tokens, "elapsed": round(self.progress.elapsed, 1), **entry}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def plot(folder: Path, out: Path) -> None:
    """Loss per kind of row against tokens, from log.jsonl."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        for kind, loss in entry["losses"].items():
            lines[kind][0].append(entry["tokens"] / 1e6)
            lines[kind][1].append(loss)
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for kind, (tokens, values) in sorted(lines.items()):
        axes.plot(tokens, values, label=kind, linewidth=1)
    axes.set(xlabel="million tokens", ylabel="nats per target token", yscale="log", title="Seedling: training loss")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(out, dpi=100)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(".seedling-train/run"))
    parser.add_argument("--corpora", type=Path, default=None, help="folder of .txt books and markdown/ (default: ../shared/data/corpora)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--minutes", type=float, default=80.0, help="training time over all resumes")
    parser.add_argument("--steps", type=int, default=None, help="stop after so many steps")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", type=Path, default=None, help="an exported folder to begin from")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches (0: a thread)")
    parser.add_argument("--long", action="store_true", help="rows of up to 4,096 tokens")
    settings = {name: default for name, default in asdict(Recipe()).items() if name not in ("started_from", "long")}
    for name, default in settings.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    inductor.cpp.dynamic_threads = True
    asked = {name: value for name, value in vars(given).items() if name in settings} | ({"long": True} if given.long else {})
    recipe = replace(Recipe(), **asked)
    if given.resume:
        begun = json.loads((given.out / "recipe.json").read_text(encoding="utf-8"))
        recipe = Recipe(**{name: value for name, value in begun.items() if name in Recipe.__dataclass_fields__})
        if other := [name for name, value in asked.items() if value != getattr(recipe, name)] + (["start"] if given.start else []):
            parser.error(f"a resumed run goes on with what it began with; leave out: {', '.join(other)}")
    trainer = Trainer(
        given.out,
        recipe,
        device=given.device,
        minutes=given.minutes,
        corpus=given.corpora,
        compiled=not given.no_compile,
        threads=Threads(given.threads) if given.device == "cpu" else None,
        start=given.start,
        workers=given.workers,
    )
    if given.resume:
        trainer.load()

    def stop(*_: object) -> None:
        trainer.stopping = True

    signal.signal(signal.SIGTERM, stop)
    trainer.run(max_steps=given.steps)
    if (given.out / "log.jsonl").exists():
        plot(given.out, given.out / "loss.png")
    print(f"{trainer.progress.step} steps, {trainer.progress.tokens} tokens, {trainer.progress.elapsed / 60:.1f} minutes -> {given.out}")


if __name__ == "__main__":
    main()
