"""Direct preference optimisation: the policy learns which of its drafts the person preferred; a whole ranking is one unit.

DPO's implicit reward of a text is beta times how much likelier it has become than under the reference, the adapter that the run began
with. The loss asks that these rewards are ordered as the person ordered the texts: Plackett-Luce over the list, LiPO-lambda, or pair by
pair; with two texts that is DPO's sigmoid (Rafailov et al., arXiv:2305.18290). With `shared` below 1 two texts are compared by what differs
between them above all, as segments are weighed in RLHF-V (arXiv:2312.00849). The chosen text's own likelihood is an anchor, and `guard`
ends the training where the policy runs away.

In semi-online rounds the policy writes new drafts of the person's past prompts, a reward that has earned it labels the best and the worst,
and both train together with the person's own choices (Lanchantin et al., arXiv:2506.21495).
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from ..errors import RunFailed
from ..files import put
from ..library.rows import read_rows
from ..models import chat
from ..reward.lists import list_key
from ..vault.pointers import stand_in
from . import policy, processes
from . import session as sessions
from .babble import undone
from .batches import Unit
from .changed import differing
from .data import order, require_rows
from .guard import Guard
from .losses import LISTS, compared, leads_of, likelihood
from .recipes import MINIMUM_ROWS, DpoRecipe, total_steps
from .rounds import Rounds, figures_of
from .runs import Job
from .session import Keeper, Session
from .worker import Reporter

GENTLER = "gentler"  # a file in the run's folder: the first rate was too high


class RanAway(RunFailed):
    """No check of the first round was within limits."""


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe: DpoRecipe = session.recipe
    own, too_long = encode(read_rows(Path(job.dataset_folder) / "train.jsonl"), session.tokenizer, session.max_length, recipe.shared)
    valid, _ = encode(read_rows(Path(job.dataset_folder) / "valid.jsonl"), session.tokenizer, session.max_length, recipe.shared)
    rows = policy.as_rows(own, too_long)
    require_rows(rows, MINIMUM_ROWS["dpo"], max_length=session.max_length)
    if too_long:
        reporter.warn(f"{too_long} lists are longer than {session.max_length} tokens and were not trained on (max_length).")
    sessions.check_memory(session, rows, texts=policy.texts_at_once(session, own))
    session.began, rounds = time.monotonic(), Rounds(session)
    policy.refer(session, [*own, *valid])
    told: list[dict[str, Any]] = []
    begun = policy.copied(session)
    if (folder / GENTLER).exists():
        session.recipe = _gentler(recipe)
    for number in range(1, recipe.rounds + 1):
        if number > 1:
            rounds.load(number - 1)
        units = own if number == 1 else [*own, *_written(session, rounds, number)]
        figures = rounds.finished(number)
        if figures is None:
            before = sum(item["steps"] for item in told)
            try:
                figures = _round(session, rounds, number, units, valid or own, before=before)
            except RanAway as ended:
                if session.recipe != recipe:
                    raise
                reporter.warn(f"{ended} It is tried once more, with a third of the rate.")
                _begin_again(session, begun)
                figures = _round(session, rounds, number, units, valid or own, before=before)
            if figures is None:
                return None
        told.append(figures)
        if figures["broken"]:
            reporter.warn(f"The training ended early: {figures['broken']}. The last good state is kept (step {figures['kept_step']}).")
            break
    rounds.load(len(told))
    made_up = undone(session, begun)
    sessions.save_adapter(session)
    whole = Keeper(session)
    whole.losses, whole.tokens = [loss for item in told for loss in item["losses"]], sum(item["tokens"] for item in told)
    metrics = sessions.common_metrics(session, whole, rows, session.seconds())
    checks = [check for item in told for check in item["checks"]]
    if session.recipe != recipe:
        metrics["gentler_rate"] = session.recipe.learning_rate
    metrics |= {"rounds": len(told), "checks": checks, "broken": told[-1]["broken"], **made_up}
    for name, part in (("", own), ("valid_", valid)):
        metrics |= {name + key: value for key, value in agreement(session, part).items()}
    return metrics


def _gentler(recipe: DpoRecipe) -> DpoRecipe:
    return replace(recipe, learning_rate=recipe.learning_rate / 3)


def _begin_again(session: Session, begun: dict[str, torch.Tensor]) -> None:
    """From where it began, with a gentler rate; a run that is killed from now on goes on with that."""
    processes.wait()
    if processes.is_first():
        for name in ("checkpoints", "watch"):
            shutil.rmtree(session.folder / name, ignore_errors=True)
        put(session.folder / GENTLER, "")
    processes.wait()
    policy.set_weights(session, begun)
    session.recipe = _gentler(session.recipe)


def _round(session: Session, rounds: Rounds, number: int, units: Sequence[Unit], held_out: Sequence[Unit], *, before: int) -> Any:
    """Train one round and keep it; None when stopped. A round that no check found within limits leaves what was before it."""
    recipe: DpoRecipe = session.recipe
    steps = total_steps(recipe, len(units))
    guard = Guard(session, list(held_out)[: recipe.guard_rows], steps, session.folder / "watch" / f"round-{number}")
    limited = [guard] if recipe.max_fall or recipe.max_drift or recipe.max_invalid or recipe.max_kl else []
    keeper = Keeper(session, before=before, total=before + steps * (recipe.rounds - number + 1))
    done, _ = policy.train(session, units, loss_of(recipe), keeper, steps=steps, seed=number - 1, callbacks=limited)
    if not done:
        return None
    if guard.broken and guard.kept is None:
        if number == 1:
            raise RanAway(
                f"The training ran away before its first good check, at step {guard.checks[-1][0]}: {guard.broken}.",
                f"Try a lower rate (now {recipe.learning_rate:g}) or a higher beta (now {recipe.beta:g}); the model it began with is "
                f"as it was. Log: {session.folder / 'log.txt'}",
            )  # fmt: skip
        rounds.load(number - 1)
    guard.restore()
    facts = {"broken": guard.broken, "kept_step": guard.kept or 0, "checks": guard.checks, "lists": len(units)}
    return rounds.finish(number, figures_of(keeper, **facts))


def _written(session: Session, rounds: Rounds, number: int) -> list[Unit]:
    """The round's new lists: what the policy wrote, as the trusted reward ordered it."""
    from .online import write_and_label

    found = rounds.samples(number, lambda: write_and_label(session, number))
    shared = session.recipe.shared
    units = [mark(Unit(item["prompt"], item["texts"], list(range(len(item["texts"])))), shared) for item in found]
    policy.refer(session, units)
    return units


def loss_of(recipe: DpoRecipe) -> policy.Loss:
    ordered = LISTS[recipe.loss]

    def loss(texts: list[torch.Tensor], unit: Unit) -> tuple[torch.Tensor, dict[str, float]]:
        preferred = ordered(recipe.beta * _leads(texts, unit), unit.levels, smoothing=recipe.label_smoothing)
        if not recipe.sft_weight:
            return preferred, {}
        return preferred + recipe.sft_weight * likelihood(texts[0], torch.ones_like(texts[0])), {}

    return loss


def _leads(texts: list[torch.Tensor], unit: Unit) -> torch.Tensor:
    """How much likelier, against the reference, each text has become than each other one; by the marks, where there are any."""
    if not unit.marks:
        return leads_of(torch.stack([text.sum() for text in texts]) - torch.tensor(unit.reference, device=texts[0].device))
    scores = [
        (texts[place] * texts[place].new_tensor(weights)).sum() - before
        for (place, weights), before in zip(unit.marks, unit.reference, strict=True)
    ][len(texts) :]
    leads = texts[0].new_zeros(len(texts), len(texts))
    for (a, b), better, worse in zip(compared(unit.levels), scores[::2], scores[1::2], strict=True):
        leads[a, b], leads[b, a] = better - worse, worse - better
    return leads


def mark(unit: Unit, shared: float) -> Unit:
    """Each text whole, then, of every two that are compared, the better and the worse one with `shared` as the weight of what both have.

    Drafts of one prompt are alike for the most part. Compared whole, the worse one's likelihood falls by what both say, too, above all by
    how they go on and end, which then stands in other drafts' way.
    """
    if shared < 1:
        unit.marks = [(place, [1.0] * len(text)) for place, text in enumerate(unit.texts)]
        for better, worse in compared(unit.levels):
            a, b = unit.texts[better], unit.texts[worse]
            unit.marks += [(better, differing(a, b, shared)), (worse, differing(b, a, shared))]
    return unit


def encode(rows: Sequence[dict[str, Any]], tokenizer: Any, max_length: int, shared: float = 1.0) -> tuple[list[Unit], int]:
    """One unit for everything that was decided at once about one prompt, the best text first; and how many do not fit."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for place, row in enumerate(rows):
        key = list_key(row) if row.get("event_id") else f"row-{place}"
        groups[key, row["prompt"][-1]["content"]].append(row)
    units, too_long = [], 0
    for group in groups.values():
        texts, levels = order([(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in group])
        answers = [chat.encode_completion(tokenizer, stand_in(text)) for text in texts]
        unit = mark(Unit(chat.encode_prompt(tokenizer, group[0]["prompt"]), answers, levels), shared)
        if unit.longest <= max_length:
            units.append(unit)
        else:
            too_long += 1
    return units, too_long


def agreement(session: Session, units: Sequence[Unit]) -> dict[str, float]:
    """Share of pairs that the implicit reward orders as the person did, and by how much on average."""
    gaps = []
    for unit, sums in zip(units, policy.log_probs(session, units), strict=True):
        rewards = [session.recipe.beta * (now - before) for now, before in zip(sums, unit.reference, strict=True)]
        gaps += [rewards[a] - rewards[b] for a, high in enumerate(unit.levels) for b, low in enumerate(unit.levels) if high < low]
    return {"margin": round(fmean(gaps), 4), "accuracy": round(fmean(gap > 0 for gap in gaps), 4)} if gaps else {}
