"""Proximal policy optimisation: the current model writes drafts of the person's prompts and learns from what each draft earned.

One base in memory carries every part as an adapter: the policy pi (`default`), its frozen start pi_ref (`ref`), the value function V
(`value`, with a linear head) and, where it judges, the reward model. One update:

    1. rollout      y ~ pi(. | x), written with one reading of each prompt
    2. rewards      r_t = -beta (log pi(y_t) - log pi_ref(y_t)), and what the draft earns at its last token
    3. advantages   GAE: A_t = sum_l (gamma lambda)^l delta_t+l with delta_t = r_t + gamma V_t+1 - V_t, then whitened; returns A_t + V_t
    4. epochs over minibatches of drafts: the clipped objective for pi, the clipped squared error for V
    5. beta adapts so that the distance from the start stays near `kl_target`

Schulman et al., Proximal Policy Optimization Algorithms, arXiv:1707.06347 (objective); High-Dimensional Continuous Control Using
Generalized Advantage Estimation, arXiv:1506.02438; Ziegler et al., Fine-Tuning Language Models from Human Preferences, arXiv:1909.08593
(token rewards, adaptive beta, whitening); Huang et al., The N+ Implementation Details of RLHF with PPO, arXiv:2403.17031.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from transformers import TrainerControl, TrainerState, TrainingArguments, get_scheduler
from transformers.integrations import get_reporting_integration_callbacks

from ..errors import Invalid
from ..files import whole_folder
from ..models import splitting
from . import processes, writing
from . import session as sessions
from .data import Rows
from .recipes import PpoRecipe, total_steps
from .runs import Job
from .session import Keeper, Session
from .worker import Reporter

POLICY, REFERENCE, VALUE = "default", "ref", "value"
KL_ERROR = 0.2  # beta sees no larger relative error than this (Ziegler et al., section 2.2)
ADAM_EPSILON = 1e-5  # Huang et al., detail 9


# -- The formulas. All tensors are (drafts, tokens); `mask` is 1 on a draft's own tokens, its end included.


def token_rewards(pay: torch.Tensor, logp: torch.Tensor, ref: torch.Tensor, mask: torch.Tensor, beta: float) -> torch.Tensor:
    """r_t: the price of the distance from the start at every token, and the draft's `pay` (drafts) at its last one."""
    rewards = -beta * (logp - ref) * mask
    last = mask.sum(1).long() - 1
    rewards[torch.arange(len(pay), device=pay.device), last] += pay
    return rewards


def advantages(rewards: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, gamma: float, lam: float) -> torch.Tensor:
    """GAE. A draft's end is the end of the episode: nothing is expected after it."""
    found, following, after = torch.zeros_like(rewards), torch.zeros_like(rewards[:, 0]), torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + gamma * after - values[:, t]
        following = (delta + gamma * lam * following) * mask[:, t]
        after = values[:, t] * mask[:, t]
        found[:, t] = following
    return found


def whiten(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean 0 and deviation 1 over the tokens of all drafts, those of other processes too."""
    count, first, second = processes.total(torch.stack([mask.sum(), (values * mask).sum(), (values.square() * mask).sum()]))
    mean = first / count
    return (values - mean) * (second / count - mean.square()).clamp(min=0).add(1e-8).rsqrt() * mask


def policy_loss(logp: torch.Tensor, old: torch.Tensor, advantage: torch.Tensor, mask: torch.Tensor, clip: float) -> torch.Tensor:
    """-min(ratio A, clip(ratio, 1 - clip, 1 + clip) A), summed over the tokens."""
    ratio = (logp - old).exp()
    return (torch.maximum(-advantage * ratio, -advantage * ratio.clamp(1 - clip, 1 + clip)) * mask).sum()


def value_loss(value: torch.Tensor, old: torch.Tensor, returns: torch.Tensor, mask: torch.Tensor, clip: float) -> torch.Tensor:
    """Half the squared error, the larger one of V and V held within `clip` of what it was, summed over the tokens."""
    held = old + (value - old).clamp(-clip, clip)
    return 0.5 * (torch.maximum((value - returns).square(), (held - returns).square()) * mask).sum()


def adapted(beta: float, kl: float, target: float, drafts: int, horizon: int) -> float:
    """The next beta: dearer when the policy is further from its start than `target` nats a draft, else cheaper."""
    if not target:
        return beta
    return beta * (1 + max(-KL_ERROR, min(KL_ERROR, kl / target - 1)) * drafts / horizon)


# -- The parts in memory.


class Parts:
    """Policy, reference and value function as adapters of one model."""

    def __init__(self, session: Session) -> None:
        recipe: PpoRecipe = session.recipe
        self.model, self.recipe, self.device = session.model, recipe, session.device
        torch.manual_seed(recipe.seed)
        self.model.add_adapter(VALUE, self.model.peft_config[POLICY])
        self.has_reference = bool(session.job.start_adapter)
        if self.has_reference:
            self.model.load_adapter(session.job.start_adapter, REFERENCE, is_trainable=False)
        self.head = torch.nn.Linear(self.model.config.get_text_config().hidden_size, 1, device=session.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)
        named = list(self.model.named_parameters())
        self.policy_weights = [weight for name, weight in named if f".{POLICY}." in name]
        self.value_weights = [*(weight for name, weight in named if f".{VALUE}." in name), *self.head.parameters()]
        self.autocast = session.autocast()

    def reference(self) -> AbstractContextManager[Any]:
        """While it lasts, the model is what it was when the training began."""
        return sessions.in_use(self.model, REFERENCE, back=POLICY) if self.has_reference else self.model.disable_adapter()

    def logp(self, batch: Batch) -> torch.Tensor:
        """log pi of each draft's tokens, by the adapter in use, at the sampling temperature."""
        with self.autocast:
            scores = self.model.get_output_embeddings()(self._states(batch)[batch.mask.bool()])
        scores = scores.float() / self.recipe.temperature
        return batch.spread(scores.gather(1, batch.tokens[batch.mask.bool()][:, None])[:, 0] - scores.logsumexp(-1))

    def values(self, batch: Batch) -> torch.Tensor:
        """V before each of a draft's tokens."""
        with self.autocast:
            states = self._states(batch)[batch.mask.bool()]
        return batch.spread(self.head(states.float())[:, 0])

    def _states(self, batch: Batch) -> torch.Tensor:
        """The last states from which each token was written. Rows are padded on the right, where causal attention never looks."""
        states = self.model.get_base_model().base_model(input_ids=batch.ids, use_cache=False).last_hidden_state
        return states.gather(1, batch.places[..., None].expand(-1, -1, states.shape[-1]))


@dataclass(frozen=True, slots=True)
class Batch:
    """Drafts as tensors: `ids` (drafts, prompt and draft), the rest (drafts, tokens); `places` is where each token is predicted."""

    ids: torch.Tensor
    tokens: torch.Tensor
    mask: torch.Tensor
    places: torch.Tensor

    @classmethod
    def of(cls, prompts: Sequence[list[int]], drafts: Sequence[list[int]], pad: int, device: str) -> Batch:
        width, longest = max(len(p) + len(d) for p, d in zip(prompts, drafts, strict=True)), max(map(len, drafts))
        ids = [[*p, *d, *[pad] * (width - len(p) - len(d))] for p, d in zip(prompts, drafts, strict=True)]
        tokens = [[*d, *[pad] * (longest - len(d))] for d in drafts]
        mask = [[1.0] * len(d) + [0.0] * (longest - len(d)) for d in drafts]
        places = [[min(len(p) - 1 + t, width - 1) for t in range(longest)] for p in prompts]
        return cls(*(torch.tensor(table, device=device) for table in (ids, tokens, mask, places)))

    def rows(self, chosen: Sequence[int]) -> Batch:
        """Some of the drafts, cut to the longest of them."""
        longest = int(self.mask[chosen].sum(1).max())
        width = int(self.places[chosen, longest - 1].max()) + 2
        return Batch(self.ids[chosen, :width], self.tokens[chosen, :longest], self.mask[chosen, :longest], self.places[chosen, :longest])

    def spread(self, values: torch.Tensor) -> torch.Tensor:
        """One value for each of the drafts' tokens, back in its place."""
        return values.new_zeros(self.mask.shape).masked_scatter(self.mask.bool(), values)


# -- The training.


class Learner:
    """Everything that a checkpoint holds, and one update of it."""

    def __init__(self, session: Session, desk: writing.Desk, steps: int) -> None:
        recipe: PpoRecipe = session.recipe
        self.session, self.desk, self.recipe, self.parts = session, desk, recipe, Parts(session)
        groups = [(self.parts.policy_weights, recipe.learning_rate), (self.parts.value_weights, recipe.value_rate)]
        self.optimizer = torch.optim.AdamW(
            [{"params": weights, "lr": rate} for weights, rate in groups], betas=(0.9, recipe.adam_beta2), eps=ADAM_EPSILON,
            weight_decay=recipe.weight_decay,
        )  # fmt: skip
        self.scaler = torch.amp.GradScaler(session.device, enabled=session.scaled)  # else it does nothing
        # Its scale is made at the first loss, which this process may not have: the first minibatch's drafts may all be another's.
        self.scaler.scale(torch.zeros((), device=session.device))
        self.scheduler = get_scheduler(recipe.scheduler, self.optimizer, math.ceil(recipe.warmup * steps), steps)
        self.beta, self.step, self.tokens = recipe.kl, 0, 0
        self.history: list[dict[str, float]] = []

    def rollout(self) -> writing.Drafted:
        """This process's drafts of the update's prompts. Seeds depend on the place in the training only."""
        recipe, prompts = self.recipe, self.recipe.batch_size // self.recipe.candidates
        own = prompts // processes.count()
        first, order = self.step * prompts + processes.rank() * own, _prompt_order(len(self.desk.prompts), recipe.seed)
        seed = recipe.seed * 1_000_003 + first * recipe.candidates
        return self.desk.write([order(first + number) for number in range(own)], range(seed, seed + own * recipe.candidates))

    def update(self) -> dict[str, float]:
        """One rollout and the epochs over it; returns what is logged. Raises RunFailed when the policy has run away from its start."""
        self.parts.model.set_adapter(POLICY)
        drafted = self.rollout()
        batch = Batch.of(drafted.prompts, drafted.ids, self.session.tokenizer.pad_token_id, self.session.device)
        pay = torch.tensor([one.total for one in drafted.earned], device=self.session.device)
        old, ref, values = self._judge_tokens(batch)
        rewards = token_rewards(pay, old, ref, batch.mask, self.beta)
        gained = advantages(rewards, values, batch.mask, self.recipe.discount, self.recipe.gae_lambda)
        returns, gained = gained + values, whiten(gained, batch.mask)
        earned = [one for part in processes.gather(drafted.earned) for one in part]
        kl = sum(processes.gather(float(((old - ref) * batch.mask).sum()))) / len(earned)
        if kl > self.recipe.kl_limit:
            raise writing.ran_away(self.session, kl, step=self.step)
        logs = self._learn(batch, old, values, gained, returns)
        logs |= {**writing.figures(earned), "kl": kl, "kl_price": self.beta, "learning_rate": self.scheduler.get_last_lr()[0]}
        self.beta = adapted(self.beta, kl, self.recipe.kl_target, len(earned), self.recipe.kl_horizon)
        self.scheduler.step()
        self.step += 1
        self.tokens += int(batch.mask.sum()) * processes.count()
        self.history.append({name: logs[name] for name in ("reward", "kl", "loss")})
        return logs

    @torch.no_grad()
    def _judge_tokens(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """log pi, log pi_ref and V of all drafts, a minibatch at a time."""
        found: list[torch.Tensor] = [torch.zeros_like(batch.mask) for _ in range(3)]
        for start in range(0, len(batch.ids), self.recipe.minibatch):
            chosen = list(range(start, min(start + self.recipe.minibatch, len(batch.ids))))
            part = batch.rows(chosen)
            self.parts.model.set_adapter(POLICY)
            found[0][chosen, : part.mask.shape[1]] = self.parts.logp(part)
            with self.parts.reference():
                found[1][chosen, : part.mask.shape[1]] = self.parts.logp(part)
            self.parts.model.set_adapter(VALUE)
            found[2][chosen, : part.mask.shape[1]] = self.parts.values(part)
        return found[0], found[1], found[2]

    def _learn(
        self, batch: Batch, old: torch.Tensor, values: torch.Tensor, gained: torch.Tensor, returns: torch.Tensor
    ) -> dict[str, float]:
        """`ppo_epochs` times over the drafts in minibatches; one optimizer step each. The two losses share no weights."""
        recipe, parts = self.recipe, self.parts
        lengths = [length for part in processes.gather(batch.mask.sum(1).tolist()) for length in part]  # of all processes, by rank
        first = processes.rank() * len(batch.ids)
        sums, steps = torch.zeros(3), 0
        for chosen in self._minibatches(len(lengths)):
            count = sum(lengths[place] for place in chosen)
            mine = [place - first for place in chosen if first <= place < first + len(batch.ids)]
            self.optimizer.zero_grad()
            losses = torch.zeros(2)
            idle = not mine and splitting.is_split(parts.model)  # then it goes along for the others' sake
            if mine or idle:
                mine = mine or [0]
                part = batch.rows(mine)
                width = part.mask.shape[1]
                was, expected, gain, target = (table[mine, :width] for table in (old, values, gained, returns))
                parts.model.set_adapter(POLICY)
                policy = policy_loss(parts.logp(part), was, gain, part.mask, recipe.clip_range) / count * (not idle)
                self.scaler.scale(policy).backward()
                parts.model.set_adapter(VALUE)
                value = value_loss(parts.values(part), expected, target, part.mask, recipe.value_clip) / count * (not idle)
                self.scaler.scale(value).backward()
                losses = torch.stack([policy.detach(), value.detach()]).cpu()
            processes.sum_gradients([*parts.policy_weights, *parts.value_weights])
            self.scaler.unscale_(self.optimizer)
            norms = [
                torch.nn.utils.clip_grad_norm_(weights, recipe.clip or math.inf) for weights in (parts.policy_weights, parts.value_weights)
            ]
            self.scaler.step(self.optimizer)
            self.scaler.update()
            sums += torch.cat([losses, torch.stack(norms).max()[None].cpu()])
            steps += 1
        policy_mean, value_mean = (sums[:2] if processes.count() == 1 else sum(processes.gather(sums[:2]))) / steps
        parts.model.set_adapter(POLICY)
        return {"loss": float(policy_mean + value_mean), "value_loss": float(value_mean), "grad_norm": float(sums[2]) / steps}

    def _minibatches(self, drafts: int) -> Iterator[list[int]]:
        for epoch in range(self.recipe.ppo_epochs):
            random = torch.Generator().manual_seed((self.recipe.seed * 1_000_003 + self.step) * 64 + epoch)
            order = torch.randperm(drafts, generator=random).tolist()
            yield from (order[start : start + self.recipe.minibatch] for start in range(0, drafts, self.recipe.minibatch))

    def save(self, folder: Path) -> None:
        """A checkpoint, whole or not at all; the two newest stay."""
        if processes.is_first():
            state = {name: get_peft_model_state_dict(self.parts.model, adapter_name=name) for name in (POLICY, VALUE)}
            state |= {
                "head": self.parts.head.state_dict(), "optimizer": self.optimizer.state_dict(), "scheduler": self.scheduler.state_dict(),
                "scaler": self.scaler.state_dict(), "beta": self.beta, "step": self.step, "tokens": self.tokens, "history": self.history,
            }  # fmt: skip
            with whole_folder(folder / f"checkpoint-{self.step}") as part:
                torch.save(state, part / "state.pt")
            saved = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
            for old in saved[:-2]:
                shutil.rmtree(old)

    def load(self, folder: Path) -> None:
        state = torch.load(folder / "state.pt", map_location=self.session.device, weights_only=True)
        for name in (POLICY, VALUE):
            set_peft_model_state_dict(self.parts.model, state[name], adapter_name=name)
        self.parts.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.scaler.load_state_dict(state.get("scaler", {}))
        self.beta, self.step, self.tokens, self.history = (state[name] for name in ("beta", "step", "tokens", "history"))


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe: PpoRecipe = session.recipe
    if recipe.batch_size < recipe.candidates:
        raise Invalid(
            f"An update of {recipe.batch_size} drafts has no room for the {recipe.candidates} candidates of one prompt.",
            "Set batch_size to a multiple of candidates, or fewer candidates.",
        )
    processes.share(recipe.batch_size // recipe.candidates, what="batch_size / candidates")
    desk = writing.Desk(session, POLICY)
    # A minibatch is drawn from the drafts of all cards, and may be of one card's alone.
    desk.check_memory(min(recipe.minibatch * (processes.count() if session.device == "cuda" else 1), recipe.batch_size))
    steps = total_steps(recipe, len(desk.prompts))
    learner = Learner(session, desk, steps)
    writing.without_dropout(session.model)  # the value function's and the reference's adapters too
    if session.checkpointing:
        session.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    session.model.train()
    newest = sessions.clear_checkpoints(folder)
    if newest:
        learner.load(newest)
    session.began, keeper = time.monotonic(), Keeper(session)
    keeper.tokens = learner.tokens
    if not _train(learner, keeper, folder / "checkpoints", steps):
        return None
    seconds = session.seconds()
    sessions.save_adapter(session)
    metrics = sessions.common_metrics(session, keeper, Rows(None, [0] * len(desk.prompts), 0, 0), seconds)
    tenth = max(1, steps // 10)
    for name in ("reward", "kl"):
        series = [update[name] for update in learner.history]
        metrics |= {name: round(sum(series[-tenth:]) / tenth, 5), f"first_{name}": round(sum(series[:tenth]) / tenth, 5)}
    return metrics | {
        **desk.judged,
        "kl_price": learner.beta,
        **desk.measure(learner.parts.reference),
    }


def _train(learner: Learner, keeper: Keeper, folder: Path, steps: int) -> bool:
    """Update after update, watched by the keeper; False when stopped before the end."""
    place, state, control = (
        SimpleNamespace(output_dir=str(folder)),
        TrainerState(
            global_step=learner.step, max_steps=steps, log_history=list(learner.history), is_world_process_zero=processes.is_first()
        ),
        TrainerControl(),
    )
    keeper.on_train_begin(place, state, control)
    trackers = _Trackers(learner.session, steps)
    trackers.tell("on_train_begin", state, control)
    while learner.step < steps:
        logs = learner.update()
        state.global_step, keeper.tokens = learner.step, learner.tokens
        keeper.on_log(place, state, control, logs)
        trackers.tell("on_log", state, control, logs=logs)
        keeper.on_step_end(place, state, control)
        if control.should_save:
            learner.save(folder)
            keeper.on_save(place, state, control)
            control.should_save = False
        if control.should_training_stop:
            break
    trackers.tell("on_train_end", state, control)
    return not control.should_training_stop


class _Trackers:
    """What `--report-to` names is told as much as by the trainers of the other methods."""

    def __init__(self, session: Session, steps: int) -> None:
        names = [name for name in session.job.report_to.split(",") if name not in ("", "none")]
        self.model, self.trackers = session.model, [tracker() for tracker in get_reporting_integration_callbacks(names)] if names else []
        self.arguments = TrainingArguments(**{**sessions.arguments(session, steps), "max_steps": steps}) if names else None

    def tell(self, event: str, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        for tracker in self.trackers:
            getattr(tracker, event)(self.arguments, state, control, model=self.model, **more)


def _prompt_order(count: int, seed: int) -> Any:
    """The n-th prompt of the training: each epoch in an order of its own."""
    orders: dict[int, list[int]] = {}

    def at(number: int) -> int:
        epoch, place = divmod(number, count)
        if epoch not in orders:
            orders[epoch] = torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch)).tolist()
        return orders[epoch][place]

    return at
