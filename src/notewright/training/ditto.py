"""DITTO (Shaikh et al., arXiv:2406.00888): the person's own passages beat whatever the policy writes for the same highlights.

Each round the policy writes `samples` drafts for the passages it is taught by, and learns from three kinds of comparison: the person's
passage over what it wrote just now, the same over what it wrote in earlier rounds (replay), and a later round's draft over an earlier
one's.
The loss is DPO's with the adapter that the run began with as the reference, and a little of the passage's own likelihood as an anchor.
After each round it writes held-out passages. When they come nearer to the person's own by no more than one standard error of the paired
differences, it ends, and the round before is the result: with a dozen passages a smaller gain is as likely luck. Where fewer than two of
them differ from the person's own, no gain could be as large as that, and no round is begun.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from ..errors import RunFailed
from ..library.rows import read_rows
from ..text import edit_distance
from . import policy, sampling
from . import session as sessions
from .babble import undone
from .batches import Unit
from .data import require_rows
from .losses import leads_of, likelihood, plackett_luce
from .recipes import MINIMUM_ROWS, MINIMUM_WATCHED, DittoRecipe
from .rounds import Rounds, figures_of
from .runs import Job
from .session import Keeper, Session
from .worker import Reporter

Demonstration = tuple[list[int], list[int], str]  # prompt ids, passage ids, passage
Sample = dict[str, Any]  # of: which demonstration; ids; round


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe: DittoRecipe = session.recipe
    rows = read_rows(Path(job.dataset_folder) / "train.jsonl")
    demonstrations = sampling.held_out(session, rows, len(rows))
    encoded = policy.as_rows([Unit(prompt, [passage, passage]) for prompt, passage, _ in demonstrations], len(rows) - len(demonstrations))
    require_rows(encoded, MINIMUM_ROWS["ditto"], max_length=session.max_length)
    sessions.check_memory(session, encoded)
    watched = sampling.held_out(session, read_rows(Path(job.dataset_folder) / "valid.jsonl"), recipe.watch_rows)
    if len(watched) < MINIMUM_WATCHED:
        reporter.warn(f"Only {len(watched)} held-out passages: too few to see when to stop; all {recipe.rounds} rounds are done.")

    session.began, rounds, begun = time.monotonic(), Rounds(session), policy.copied(session)
    prompt, passage, _ = demonstrations[0]
    if not math.isfinite(policy.log_probs(session, [Unit(prompt, [passage])])[0][0]):  # it would write nothing that could be learnt from
        raise RunFailed(
            "The likelihood of your own passages is no longer a number at step 0: the weights are damaged, or too large for the precision.",
            "Try precision = float32, or fetch the base again: notewright bases get",
        )
    if not rounds.finished(0):
        rounds.finish(0, {"losses": [], "tokens": 0, "steps": 0, **_watch(session, watched)})
    before: dict[str, Any] = rounds.finished(0)  # type: ignore[assignment]
    distances, best = [before["distance"]], 0
    reporter.emit("round", round=0, rounds=recipe.rounds, distance=distances[0])
    told: list[dict[str, Any]] = []
    written: list[Sample] = []
    hopeless = len(watched) >= MINIMUM_WATCHED and sum(distance > 0 for distance in before["each"]) < 2  # see `nearer`
    for number in range(1, 1 if hopeless else recipe.rounds + 1):
        rounds.load(number - 1)
        fresh = rounds.samples(number, lambda number=number: _write(session, demonstrations, number))  # type: ignore[misc]
        figures = rounds.finished(number)
        if figures is None:
            fell = len(distances) < 2 or distances[-1] < distances[-2]
            units = comparisons(demonstrations, fresh, written, recipe, number, between=recipe.between if fell else 0.0)
            if not units:
                reporter.warn(f"Round {number}: nothing the policy wrote can be learnt from; it is empty, or the passage already.")
                break
            policy.refer(session, units)
            keeper = Keeper(session, before=sum(item["steps"] for item in told), total=recipe.rounds * recipe.max_steps)
            done, _ = policy.train(session, units, _loss(recipe), keeper, steps=recipe.max_steps, seed=number)
            if not done:
                return None
            figures = rounds.finish(number, figures_of(keeper, comparisons=len(units), **_watch(session, watched)))
        told.append(figures)
        distances.append(figures["distance"])
        written += fresh
        reporter.emit("round", round=number, rounds=recipe.rounds, distance=distances[-1])
        if len(watched) >= MINIMUM_WATCHED and not nearer(before["each"], figures["each"]):
            break
        before, best = figures, number
    if hopeless:
        reporter.warn("Held-out drafts are your own passages already, all but one at most: the adapter is as it was before.")
    elif best == 0:
        reporter.warn("No round brought held-out drafts nearer to the person's own passages: the adapter is as it was before.")
    rounds.load(best)
    made_up = undone(session, begun, "kept_round") if best else {}
    sessions.save_adapter(session)
    whole = Keeper(session)
    whole.losses, whole.tokens = [loss for item in told for loss in item["losses"]], sum(item["tokens"] for item in told)
    metrics = sessions.common_metrics(session, whole, encoded, session.seconds())
    return {**metrics, "distances": distances, "kept_round": best, "held_out_rows": len(watched), **made_up}


def _watch(session: Session, watched: Sequence[Demonstration]) -> dict[str, Any]:
    """The distance of each held-out draft to its passage, and their mean."""
    each = [round(value, 5) for value in sampling.distances(session, watched)] if watched else []
    return {"distance": round(fmean(each), 5) if each else 0.0, "each": each}


def nearer(before: Sequence[float], after: Sequence[float]) -> bool:
    """Whether the same passages came nearer by more than one standard error of their differences, which takes two that did."""
    gains = [old - new for old, new in zip(before, after, strict=True)]
    return fmean(gains) > stdev(gains) / math.sqrt(len(gains))


def _write(session: Session, demonstrations: Sequence[Demonstration], number: int) -> list[Sample]:
    """The policy's own drafts for some of the demonstrations; a draft that did not come to its end has no end to learn from."""
    recipe: DittoRecipe = session.recipe
    rng = random.Random(f"ditto|{recipe.seed}|{number}")
    chosen = sorted(rng.sample(range(len(demonstrations)), min(recipe.prompts, len(demonstrations))))
    prompts = [demonstrations[place][0] for place in chosen]
    longest = [sampling.room(session, *demonstrations[place][:2]) for place in chosen]
    drafts = sampling.write(session, prompts, longest, each=recipe.samples, temperature=recipe.temperature, seed=recipe.seed + number)
    session.reporter.emit("sampled", round=number, drafts=len(drafts))
    found = []
    for number_of, draft in enumerate(drafts):
        place = chosen[number_of // recipe.samples]
        text = sampling.text_of(session, draft)
        near = edit_distance(text.strip(), demonstrations[place][2].strip())
        if near >= recipe.too_near and text.strip():
            found.append({"of": place, "ids": draft, "round": number, "distance": round(near, 4)})
    return found


def comparisons(
    demonstrations: Sequence[Demonstration], fresh: Sequence[Sample], earlier: Sequence[Sample], recipe: DittoRecipe, number: int, *,
    between: float,
) -> list[Unit]:  # fmt: skip
    """As many comparisons as the round's steps take, drawn by the recipe's shares; without earlier samples all are with fresh ones."""
    if not fresh:
        return []
    rng = random.Random(f"comparisons|{recipe.seed}|{number}")
    by_prompt: dict[int, list[Sample]] = {}
    for sample in earlier:
        by_prompt.setdefault(sample["of"], []).append(sample)
    later = [sample for sample in fresh if sample["of"] in by_prompt]
    wanted = recipe.max_steps * recipe.batch_size * recipe.accumulation
    found = []
    for _ in range(wanted):
        draw = rng.random()
        if earlier and draw < recipe.replay:
            sample = rng.choice(earlier)
            better, worse = demonstrations[sample["of"]][1], sample["ids"]
        elif later and draw < recipe.replay + between:
            sample = rng.choice(later)
            better, worse = sample["ids"], rng.choice(by_prompt[sample["of"]])["ids"]
        else:
            sample = rng.choice(fresh)
            better, worse = demonstrations[sample["of"]][1], sample["ids"]
        if better != worse:
            found.append(Unit(demonstrations[sample["of"]][0], [better, worse], [0, 1]))
    return found


def _loss(recipe: DittoRecipe) -> policy.Loss:
    def loss(texts: list[torch.Tensor], unit: Unit) -> tuple[torch.Tensor, dict[str, float]]:
        ratios = torch.stack([text.sum() for text in texts]) - torch.tensor(unit.reference, device=texts[0].device)
        preferred = plackett_luce(leads_of(recipe.beta * ratios), unit.levels)
        anchor = likelihood(texts[0], torch.ones_like(texts[0]))
        return preferred + recipe.sft_weight * anchor, {"margin": float((ratios[0] - ratios[1]).detach())}

    return loss
