"""GRPO and RLOO: the policy writes several drafts of each prompt, and one is worth how much more it earns than the others.

TRL's trainers on the current adapter (Shao et al., DeepSeekMath, arXiv:2402.03300; Ahmadian et al., Back to Basics, arXiv:2402.14740), with
our encoding of prompts, our engine (one reading of each prompt for all its drafts, own random numbers for each) and our judge. The frozen
start is the reference (an adapter `ref` beside it, one base in memory); `kl` is the price of the distance from it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from ..errors import Invalid
from ..models import chat
from . import processes, writing
from . import session as sessions
from .data import Rows
from .recipes import GroupRecipe, total_steps
from .runs import Job
from .session import Keeper, Session
from .worker import Reporter

POLICY, REFERENCE = "default", "ref"


class Writing(processes.Averaging):
    """A mixin for both trainers: prompts by number, drafts by our engine. Seeds depend on the step and the place in the batch only."""

    desk: writing.Desk
    keeper: Keeper

    def _tokenize_prompts(self, prompts: Sequence[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return [self.desk.prompts[int(number)] for number in prompts], None, {}

    def _drafts(self, prompts: Sequence[list[int]]) -> list[list[int]]:
        recipe, step = self.desk.recipe, self.state.global_step  # type: ignore[attr-defined]
        first = (recipe.seed * 1_000_003 + step * processes.count() + processes.rank()) * len(prompts)
        seeds = range(first, first + len(prompts))
        return self.desk.sample(prompts[:: recipe.candidates], seeds, temperature=recipe.temperature)

    def _get_train_sampler(self, *args: Any) -> Any:
        """TRL's, with an order that each epoch's number decides: a training that goes on must not begin with the first one's."""
        sampler = super()._get_train_sampler(*args)  # type: ignore[misc]
        sampler.set_epoch = lambda epoch: sampler.generator.manual_seed(self.desk.recipe.seed * 1_000_003 + epoch)
        return sampler

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **options: Any) -> Any:
        self.keeper.tokens += int(inputs["completion_mask"].sum()) * processes.count()
        return super().compute_loss(model, inputs, *args, **options)  # type: ignore[misc]

    def create_model_card(self, *_: Any, **__: Any) -> None:
        return None


class Grpo(Writing, GRPOTrainer):
    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[list[list[int]], None]:
        return self._drafts(prompt_ids), None


class Rloo(Writing, RLOOTrainer):
    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> list[list[int]]:
        return self._drafts(prompt_ids)


class Leash(TrainerCallback):
    """Stops a policy that has run away from its start, and keeps the series of what was earned."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rewards: list[float] = []
        self.kls: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Of a training that goes on: the series of all of its updates."""
        told = [log for log in state.log_history if "reward" in log]
        self.rewards, self.kls = [float(log["reward"]) for log in told], [_by_draft(log) for log in told]

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if not logs or "reward" not in logs:
            return
        kl = logs["kl"] = _by_draft(logs)
        self.rewards.append(float(logs["reward"]))
        self.kls.append(kl)
        if kl > self.session.recipe.kl_limit:
            raise writing.ran_away(self.session, kl, step=state.global_step // args.logging_steps)  # once an update


def _by_draft(logs: dict[str, Any]) -> float:
    """The distance from the start in nats a draft; TRL tells it by token, as None where it is no number."""
    told = logs.get("kl", 0.0)
    return math.nan if told is None else float(told) * float(logs["completions/mean_length"])


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe: GroupRecipe = session.recipe
    own = processes.share(recipe.batch_size, what="batch_size")
    part = recipe.minibatch or recipe.batch_size  # 0: a run of an earlier version
    if recipe.candidates < 2 or own % recipe.candidates or recipe.accumulation != 1:
        raise Invalid(
            f"{job.method} compares the drafts of one prompt: {recipe.candidates} candidates, {own} drafts a process and update, "
            f"accumulation {recipe.accumulation} do not fit.",
            "Set candidates to 2 or more, batch_size to a multiple of it (for each process), accumulation to 1.",
        )
    if recipe.batch_size % part or part % processes.count():
        raise Invalid(
            f"The {recipe.batch_size} drafts of an update cannot be learnt from in steps of {part} (processes: {processes.count()}).",
            "Set minibatch to a divisor of batch_size and a multiple of the number of processes.",
        )
    writing.without_dropout(session.model)
    desk = writing.Desk(session, POLICY)
    desk.check_memory(part)
    parts, updates = recipe.batch_size // part, total_steps(recipe, len(desk.prompts))
    keeper, leash = Keeper(session, each=parts * recipe.iterations), Leash(session)
    trainer = _trainer(session, desk, parts, updates * keeper.each, [leash, keeper])
    trainer.desk, trainer.keeper = desk, keeper
    if job.start_adapter and REFERENCE not in session.model.peft_config:
        session.model.load_adapter(job.start_adapter, REFERENCE, is_trainable=False)
        session.model.set_adapter(POLICY)

    session.began = time.monotonic()
    if not sessions.train(session, trainer, keeper):
        return None
    seconds = session.seconds()
    sessions.save_adapter(session)
    metrics = sessions.common_metrics(session, keeper, Rows(None, [0] * len(desk.prompts), 0, 0), seconds)
    for name, series in (("reward", leash.rewards), ("kl", leash.kls)):
        tenth = max(1, len(series) // 10)
        metrics |= {name: round(sum(series[-tenth:]) / tenth, 5), f"first_{name}": round(sum(series[:tenth]) / tenth, 5)}
    return metrics | desk.judged | desk.measure(partial(_start, session))


def _start(session: Session) -> AbstractContextManager[Any]:
    """While it lasts, the model is what it was when the training began."""
    if session.job.start_adapter:
        return sessions.in_use(session.model, REFERENCE, back=POLICY)
    return session.model.disable_adapter()  # type: ignore[no-any-return]


def _trainer(session: Session, desk: writing.Desk, parts: int, steps: int, callbacks: list[TrainerCallback]) -> Any:
    """TRL's trainer, which takes `steps` optimizer steps: each on one of the equal parts of the drafts of an update."""
    recipe: GroupRecipe = session.recipe
    shared: dict[str, Any] = {
        **sessions.arguments(session, steps), "max_steps": steps, "num_generations": recipe.candidates, "beta": recipe.kl,
        "max_completion_length": recipe.max_new_tokens, "temperature": recipe.temperature, "disable_dropout": True,
        "per_device_train_batch_size": processes.share(recipe.batch_size, what="batch_size") // parts, "steps_per_generation": parts,
        "num_iterations": recipe.iterations, "logging_steps": parts * recipe.iterations,  # once an update
    }  # fmt: skip
    numbers = Dataset.from_dict({"prompt": [str(number) for number in range(len(desk.prompts))]})
    given: dict[str, Any] = {
        "model": session.model, "reward_funcs": partial(_earn, desk), "train_dataset": numbers, "processing_class": session.tokenizer,
        "callbacks": callbacks,
    }  # fmt: skip
    with sessions.unrounded(session.model):
        if session.job.method == "rloo":
            return Rloo(args=RLOOConfig(**shared), **given)
        return Grpo(args=GRPOConfig(**shared, scale_rewards="batch"), **given)


def _earn(desk: writing.Desk, *, prompts: Sequence[str], completion_ids: Sequence[list[int]], log_metric: Any, **_: Any) -> list[float]:
    """What each draft earns; TRL asks for it."""
    rows = [desk.rows[int(number)] for number in prompts]
    texts = [chat.decode(desk.session.tokenizer, ids) for ids in completion_ids]
    earned = desk.pay(rows, texts, [bool(ids) and ids[-1] in desk.stops for ids in completion_ids])
    for name, value in writing.figures(earned).items():
        if name != "reward":
            log_metric(name, value)
    return [one.total for one in earned]
