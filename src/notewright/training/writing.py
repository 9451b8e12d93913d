"""A policy writes drafts for the person's prompts and learns what they earn: what GRPO, RLOO and PPO share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from ..errors import Invalid, RunFailed
from ..library.rows import read_rows
from ..models import bases, chat, splitting
from ..models.generation import sample
from ..models.letters import letters_of
from ..models.merging import merged
from ..reward.neural import GuestReward, NeuralReward, in_four_bits, read_about
from . import processes
from .data import Rows
from .judging import Earned, Judge, read_judge, require_something_to_earn
from .recipes import MINIMUM_ROWS, SamplingRecipe
from .runs import last_good
from .session import Session, check_memory

HELD_OUT = 16  # prompts of the check on held-out work
AT_ONCE = 64  # drafts written side by side


@dataclass(slots=True)
class Drafted:
    """Drafts of some prompts: `rows` are the frozen prompts, one a draft."""

    rows: list[dict[str, Any]]
    prompts: list[list[int]]
    ids: list[list[int]]
    texts: list[str]
    finished: list[bool]
    earned: list[Earned]


class Desk:
    """Where the policy of a session writes: its prompts that leave room for a draft, the judge, the engine."""

    def __init__(self, session: Session, adapter: str = "default") -> None:
        self.session, self.recipe, self.adapter = session, session.recipe, adapter
        assert isinstance(self.recipe, SamplingRecipe)
        self.stops = chat.stop_tokens(session.tokenizer, session.model.generation_config.eos_token_id)
        self.prompts, self.rows, too_long = self._read("prompts")
        self._refuse_too_few(too_long)
        _, self.held_out, _ = self._read("prompts-valid")
        about = read_judge(session.folder)
        require_something_to_earn(self.rows, about, self.recipe)
        self.judge = Judge(about, self.recipe, self._open_reward(about), warn=session.reporter.warn)

    def _read(self, name: str) -> tuple[list[list[int]], list[dict[str, Any]], int]:
        rows = read_rows(self.session.folder / f"{name}.jsonl")
        encoded = [chat.encode_prompt(self.session.tokenizer, row["prompt"]) for row in rows]
        room = self.session.max_length - self.recipe.max_new_tokens
        fitting = [place for place, prompt in enumerate(encoded) if len(prompt) <= room]
        return [encoded[place] for place in fitting], [rows[place] for place in fitting], len(rows) - len(fitting)

    def _refuse_too_few(self, too_long: int) -> None:
        method, recipe = self.session.job.method, self.recipe
        left_out = f" ({too_long} more leave no room for {recipe.max_new_tokens} new tokens)" if too_long else ""
        if len(self.prompts) < MINIMUM_ROWS[method]:
            raise Invalid(
                f"There are {len(self.prompts)} usable prompts{left_out}; {method} needs at least {MINIMUM_ROWS[method]}.",
                "Accept more pairs (notewright pairs), then build the dataset again: notewright dataset sft",
            )
        if too_long:
            self.session.reporter.warn(f"{too_long} prompts leave no room for {recipe.max_new_tokens} new tokens and were left out.")

    def _open_reward(self, about: dict[str, Any]) -> NeuralReward | None:
        """The reward model: on the base that is in memory where it is the same one."""
        if "folder" not in about:
            return None
        session, base = self.session, bases.fetch_base(about["base"], revision=about["revision"])
        alone = self.recipe.quantize or in_four_bits(read_about(Path(about["folder"])), session.device)
        if str(base.folder) == session.job.base_folder and not alone:
            return GuestReward(Path(about["folder"]), model=session.model, tokenizer=session.tokenizer)
        return NeuralReward(Path(about["folder"]), base=base.folder, device=session.device)

    def check_memory(self, at_once: int) -> None:
        """As `session.check_memory`; a pass is over `at_once` of an update's drafts, of all processes."""
        drafts, new = self.recipe.batch_size, self.recipe.max_new_tokens
        rows = Rows(None, [max(map(len, self.prompts)) + new] * drafts, 0, drafts * new)
        check_memory(self.session, rows, texts=1, at_once=at_once, written=min(AT_ONCE, drafts))

    @property
    def judged(self) -> dict[str, Any]:
        """By what drafts are judged, for the metrics: `judged_by`, the `reward_model` where one takes part, and how many drafts
        of this part of the run were `too_long_for_reward`."""
        about = self.judge.about
        unseen: dict[str, Any] = {"too_long_for_reward": self.judge.unseen} if self.judge.unseen else {}
        return {"judged_by": about["reward"] or "similarity", **({"reward_model": about["model"]} if "model" in about else {}), **unseen}

    def close(self) -> None:
        """Send the reward model away."""
        if self.judge.neural:
            self.judge.neural.close()

    def write(self, places: Sequence[int], seeds: Sequence[int]) -> Drafted:
        """`len(seeds) / len(places)` judged drafts of each of the training prompts at `places`."""
        each = len(seeds) // len(places)
        ids = self.sample([self.prompts[place] for place in places], seeds, temperature=self.recipe.temperature)
        spread = [place for place in places for _ in range(each)]
        return self._judged([self.rows[place] for place in spread], [self.prompts[place] for place in spread], ids)

    def sample(self, prompts: Sequence[list[int]], seeds: Sequence[int], *, temperature: float) -> list[list[int]]:
        """Drafts by the adapter in use, a number of prompts at a time."""
        each, model, found = len(seeds) // len(prompts), self.session.model, []
        training, step = model.training, max(1, AT_ONCE // each)
        model.eval()
        with merged(model):
            for start in range(0, len(prompts), step):
                part, own = prompts[start : start + step], seeds[start * each : (start + step) * each]
                found += sample(
                    model.get_base_model(), part, seeds=own, stops=self.stops, pad=self.session.tokenizer.pad_token_id,
                    max_new_tokens=self.recipe.max_new_tokens, temperature=temperature,
                    letters=letters_of(self.session.tokenizer, model), memory=self.session.memory,
                )  # fmt: skip
        model.train(training)
        return found

    def _judged(self, rows: list[dict[str, Any]], prompts: list[list[int]], ids: list[list[int]]) -> Drafted:
        texts = [chat.decode(self.session.tokenizer, written) for written in ids]
        finished = [bool(written) and written[-1] in self.stops for written in ids]
        return Drafted(rows, prompts, ids, texts, finished, self.pay(rows, texts, finished))

    def pay(self, rows: Sequence[dict[str, Any]], texts: Sequence[str], finished: Sequence[bool]) -> list[Earned]:
        """What drafts earn; the policy's adapter is in use again afterwards."""
        model = self.session.model
        training = model.training
        model.eval()
        earned = self._judge_all(rows, texts, finished) if self._together else self.judge(rows, texts, finished)
        model.set_adapter(self.adapter)
        model.train(training)
        return earned

    @property
    def _together(self) -> bool:
        """Whether the reward model is a guest of a base that no process can read with alone."""
        return splitting.is_split(self.session.model) and isinstance(self.judge.neural, GuestReward)

    def _judge_all(self, rows: Sequence[dict[str, Any]], texts: Sequence[str], finished: Sequence[bool]) -> list[Earned]:
        """Judge the drafts of all processes in each of them, so that all take the same passes through the base; this process's part."""
        parts = processes.gather((list(rows), list(texts), list(finished)))
        everything: list[list[Any]] = [sum(column, []) for column in zip(*parts, strict=True)]
        first = sum(len(part[1]) for part in parts[: processes.rank()])
        return self.judge(*everything)[first : first + len(texts)]

    def measure(self, start: Any) -> dict[str, Any]:
        """Greedy drafts of held-out prompts: what the policy earns now, and what it did at its start (`start()`: while that is in use)."""
        rows = self.held_out[:HELD_OUT]
        if not rows:
            return {}
        prompts = [chat.encode_prompt(self.session.tokenizer, row["prompt"]) for row in rows]
        found: dict[str, Any] = {}
        for name, context in (("valid", _nothing), ("valid_start", start)):
            with context():
                drafted = self._judged(rows, prompts, self.sample(prompts, [0] * len(rows), temperature=0.0))
            found |= {f"{name}_{key}": value for key, value in figures(drafted.earned).items()}
        return found


def figures(earned: Sequence[Earned]) -> dict[str, float]:
    """Means of what some drafts earned, and the share that a gate blocked."""
    likeness = [one.similarity for one in earned if one.similarity is not None]
    found = {"reward": fmean(one.total for one in earned), "blocked": fmean(bool(one.problems) for one in earned)}
    return {name: round(value, 5) for name, value in {**found, **({"similarity": fmean(likeness)} if likeness else {})}.items()}


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def without_dropout(model: torch.nn.Module) -> None:
    """A draft must be as likely when it is learnt from as when it was written."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def ran_away(session: Session, kl: float, *, step: int) -> RunFailed:
    """The error of a policy that is `kl` nats a draft away from its start, more than its recipe allows."""
    recipe = session.recipe
    return RunFailed(
        f"The policy is {kl:.0f} nats a draft away from its start at step {step} (kl_limit = {recipe.kl_limit:g});"
        f" {last_good(session.folder)}.",
        f"Try a lower rate (now {recipe.learning_rate:g}) or a higher kl (now {recipe.kl:g}).",
    )
