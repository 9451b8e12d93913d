"""Learning from edits, token by token: what the person put in becomes likelier, what they struck out less likely, the rest stays as it is.

An edit is three things at once (Misra et al., arXiv:2601.19055): a text to learn (SFT), a preference of the edited text over the shown one,
and a cost. Accordingly the loss of one edit has three parts:

    likelihood      of the edited text; tokens of changes weigh `inserted`, shared ones `shared` (SALT, arXiv:2310.05857)
    unlikelihood    of the struck-out tokens, `deleted` (off: see the recipe)
    preference      of the edited text over the shown one, judged on the changed tokens only, by a margin that grows with the edit's cost;
                    with `links` above 1 a chain, draft -> + first changes -> ... -> edited text, each step over the one before

Changes that add facts from outside the highlights are context, never a target: the policy cannot know them. Typos count as shared text.
Plain DPO on two texts that are nearly the same lowers the likelihood of both (arXiv:2410.08847); the first part holds them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..library.rows import read_rows
from ..models import chat
from . import policy
from . import session as sessions
from .babble import undone
from .batches import Unit
from .changed import Span, weights
from .data import require_rows
from .guard import EditGuard
from .losses import likelihood, offset_sigmoid, unlikelihood
from .recipes import MINIMUM_ROWS, EditsRecipe, total_steps
from .runs import Job
from .session import Keeper
from .watch import wanted
from .worker import Reporter

TASTE = ("format", "style", "selection")
FACT = "added fact"


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe: EditsRecipe = session.recipe
    units, too_long = encode(read_rows(Path(job.dataset_folder) / "train.jsonl"), session.tokenizer, session.max_length, recipe)
    valid, _ = encode(read_rows(Path(job.dataset_folder) / "valid.jsonl"), session.tokenizer, session.max_length, recipe)
    rows = policy.as_rows(units, too_long)
    require_rows(rows, MINIMUM_ROWS["edits"], max_length=session.max_length)
    if too_long:
        reporter.warn(f"{too_long} edits are longer than {session.max_length} tokens and were not trained on (max_length).")
    sessions.check_memory(session, rows, texts=policy.texts_at_once(session, units))
    session.began, keeper, begun = time.monotonic(), Keeper(session), policy.copied(session)
    policy.refer(session, [*units, *valid])
    steps = total_steps(recipe, len(units))
    guard = EditGuard(session, valid, units, steps) if wanted(recipe, steps) else None
    done, _ = policy.train(session, units, loss_of(recipe), keeper, steps=steps, callbacks=[guard] if guard else [])
    if not done:
        return None
    seconds = session.seconds()
    metrics = sessions.common_metrics(session, keeper, rows, seconds)
    if guard:
        guard.restore()
    made_up = undone(session, begun)
    if made_up:
        metrics |= made_up
    elif guard:
        assert guard.kept
        metrics |= {"checks": guard.checks, "kept_step": guard.kept}
        if guard.judges:
            metrics |= {"distance": dict(guard.checks)[guard.kept]["distance"], "distance_before": guard.before["distance"]}
            if metrics["distance"] >= metrics["distance_before"]:
                reporter.warn("No state brought drafts of held-out prompts nearer to what you made of them: compare before you use it.")
    sessions.save_adapter(session)
    for name, part in (("", units), ("valid_", valid)):
        metrics |= {name + key: value for key, value in _leads(session, part).items()}
    return metrics


def _leads(session: Any, units: Sequence[Unit]) -> dict[str, float]:
    """How much the policy now prefers each step of the chains over the one before, in nats, beyond what the reference did."""
    gaps = []
    for unit, sums in zip(units, policy.log_probs(session, units), strict=True):
        ratios = [now - before for now, before in zip(sums, unit.reference, strict=True)][2:]
        gaps += [better - worse for better, worse in zip(ratios[::2], ratios[1::2], strict=True)]
    if not gaps:
        return {}
    return {"margin": round(sum(gaps) / len(gaps), 4), "accuracy": round(sum(gap > 0 for gap in gaps) / len(gaps), 4)}


def loss_of(recipe: EditsRecipe) -> policy.Loss:
    def loss(texts: list[torch.Tensor], unit: Unit) -> tuple[torch.Tensor, dict[str, float]]:
        weights = [torch.tensor(mark, device=texts[place].device) for place, mark in unit.marks]
        total = likelihood(texts[unit.marks[0][0]], weights[0])
        if recipe.deleted and float(weights[1].sum()):
            total = total + recipe.deleted * unlikelihood(texts[unit.marks[1][0]], weights[1])
        scores = [
            (texts[place] * weight).sum() - reference
            for (place, _), weight, reference in zip(unit.marks, weights, unit.reference, strict=True)
        ][2:]
        leads = [better - worse for better, worse in zip(scores[::2], scores[1::2], strict=True)]
        if recipe.preference and leads:
            preferred = torch.stack([offset_sigmoid(recipe.beta * lead, recipe.cost_margin * unit.margin / len(leads)) for lead in leads])
            total = total + recipe.preference * preferred.mean()
        return total, {"margin": float(leads[0].detach()) if leads else 0.0}

    return loss


def encode(rows: Sequence[dict[str, Any]], tokenizer: Any, max_length: int, recipe: EditsRecipe) -> tuple[list[Unit], int]:
    """One unit for each edit that fits, and how many did not.

    The unit's texts are the chain's steps; its marks are token weights: first the likelihood's on the edited text, then the unlikelihood's
    on the shown one, then for each step the changed tokens of the better and of the worse text.
    """
    found = []
    for row in rows:
        shown, hunks = row["shown"][0]["content"], row["hunks"]
        links = chain(hunks, recipe.links)
        steps = [laid(shown, hunks, sum(links[:number], [])) for number in range(1, len(links) + 1)]
        assert steps[-1][0] == row["edited"][0]["content"], "the changes must lead to the edited text"
        prompt = chat.encode_prompt(tokenizer, row["prompt"])
        coded = [with_places(tokenizer, text) for text, _ in steps]
        if len(prompt) + max(len(ids) for ids, _ in coded) > max_length:
            continue
        taste = sum(links[1:], [])
        facts = [place for place, hunk in enumerate(hunks) if hunk["kind"] == FACT]
        edited, first = steps[-1][1], steps[0][1]
        target = weights(coded[-1][1], [edited[place] for place in taste], recipe.inserted, rest=recipe.shared)
        known = weights(coded[-1][1], [edited[place] for place in facts], 1.0, edges=False)
        target = [0.0 if fact else weight for fact, weight in zip(known, target, strict=True)]
        struck = weights(coded[0][1], [first[place] for place in taste], 1.0, edges=False)
        marks = [(len(steps) - 1, target), (0, struck)]
        for number in range(1, len(steps)):
            marks += [  # the better one first
                (side, weights(coded[side][1], [steps[side][1][place] for place in links[number]], 1.0)) for side in (number, number - 1)
            ]
        found.append(Unit(prompt, [ids for ids, _ in coded], marks=marks, margin=float(row.get("cost", 0.0))))
    return found, len(rows) - len(found)


def chain(hunks: Sequence[dict[str, Any]], most: int) -> list[list[int]]:
    """Numbers of the changes made by each step: first those that do not teach taste, then the others in order, in at most so many links."""
    taste = [place for place, hunk in enumerate(hunks) if hunk["kind"] in TASTE]
    count = min(most, len(taste))
    links = [taste[number * len(taste) // count : (number + 1) * len(taste) // count] for number in range(count)]
    return [[place for place in range(len(hunks)) if place not in taste], *links]


def laid(shown: str, hunks: Sequence[dict[str, Any]], applied: Sequence[int]) -> tuple[str, list[Span]]:
    """The text with some of the changes made, and where in it each change stands, made or not."""
    parts, spans, at, length = [], [], 0, 0
    for place, hunk in enumerate(hunks):
        piece = hunk["after"] if place in applied else hunk["before"]
        kept = shown[at : hunk["start"]]
        spans.append((length + len(kept), length + len(kept) + len(piece)))
        parts += [kept, piece]
        length += len(kept) + len(piece)
        at = hunk["start"] + len(hunk["before"])
    return "".join([*parts, shown[at:]]), spans


def with_places(tokenizer: Any, text: str) -> tuple[list[int], list[Span]]:
    """A text's ids as `chat.encode_completion` gives them, each with the characters that it stands for (the end: none)."""
    coded = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    return [*coded["input_ids"], chat.turn_end(tokenizer)], [*map(tuple, coded["offset_mapping"]), (len(text), len(text))]
