"""KTO (Ethayarajh et al., arXiv:2402.01306): drafts that were accepted or rejected, each by itself, without a rival.

TRL's KTOTrainer on rows that are encoded already; the reference is the adapter that the run began with. The rarer verdict weighs more, so
that both kinds move the policy alike. With fewer labels than a few hundred its estimate of the divergence is noise: such a training is
refused, and the labels go on teaching the rewards instead.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import datasets
from trl import KTOConfig, KTOTrainer

from ..errors import Invalid
from ..library.rows import read_rows
from ..models import chat
from ..vault.pointers import stand_in
from . import processes
from . import session as sessions
from .data import LengthSampler, Rows, require_rows
from .head import use_compact_head
from .recipes import MINIMUM_ROWS, KtoRecipe, total_steps
from .runs import Job
from .session import Counting, Keeper
from .worker import Reporter

FEWEST_REJECTED = 0.15
REWARDS = {"accepted": "rewards/chosen", "rejected": "rewards/rejected"}  # TRL's words


class Trainer(Counting, KTOTrainer):
    """TRL's, on rows that are encoded already, with our row order and token count."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        """Only the mismatched texts are missing, of which TRL estimates the divergence: each row gets its neighbour's."""
        texts = list(dataset["completion_ids"])
        return dataset.add_column("KL_completion_ids", [texts[-1], *texts[:-1]])


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe: KtoRecipe = session.recipe
    if processes.share(recipe.batch_size, what="batch_size") < 2:
        raise Invalid(
            f"KTO judges every draft beside others: batch_size = {recipe.batch_size} leaves each of {processes.count()} processes one.",
            f"Choose a larger multiple: --set batch_size={processes.count() * 4}",
        )
    rows, labels = encode(read_rows(Path(job.dataset_folder) / "train.jsonl"), session.tokenizer, session.max_length)
    require_rows(rows, MINIMUM_ROWS["kto"], max_length=session.max_length)
    require_both(labels)
    if rows.too_long:
        reporter.warn(f"{rows.too_long} labelled drafts are longer than {session.max_length} tokens and were not trained on (max_length).")
    sessions.check_memory(session, rows)
    good = sum(labels)
    bad = len(labels) - good
    settings = KTOConfig(
        **sessions.arguments(session, total_steps(recipe, len(labels))), max_length=session.max_length, beta=recipe.beta,
        desirable_weight=max(1.0, bad / good), undesirable_weight=max(1.0, good / bad),
    )  # fmt: skip
    keeper = Keeper(session)
    with sessions.unrounded(session.model):
        trainer = Trainer(
            model=session.model, args=settings, train_dataset=rows.dataset, processing_class=session.tokenizer, callbacks=[keeper]
        )
    trainer.keeper = keeper
    trainer.sampler = LengthSampler(rows.lengths, recipe.batch_size, recipe.seed, grouping=recipe.length_grouping)
    use_compact_head(session.model.get_base_model())
    session.began = time.monotonic()
    if not sessions.train(session, trainer, keeper):
        return None
    seconds = session.seconds()
    sessions.save_adapter(session)
    metrics = {**sessions.common_metrics(session, keeper, rows, seconds), "accepted": good, "rejected": bad}
    return {**metrics, **{f"reward_{name}": late(trainer.state.log_history, key) for name, key in REWARDS.items()}}


def late(history: list[dict[str, Any]], key: str) -> float | None:
    """Mean of a figure over the last third of the steps; a batch without such drafts has none."""
    steps = [entry for entry in history if "loss" in entry]
    told = [entry[key] for entry in steps[-max(1, len(steps) // 3) :] if isinstance(entry.get(key), float) and math.isfinite(entry[key])]
    return round(fmean(told), 5) if told else None


def encode(rows: list[dict[str, Any]], tokenizer: Any, max_length: int) -> tuple[Rows, list[bool]]:
    """`prompt_ids`, `completion_ids` and `label` of the rows that fit."""
    found: dict[str, list[Any]] = {"prompt_ids": [], "completion_ids": [], "label": []}
    lengths = []
    for row in rows:
        answer = stand_in(row["completion"][0]["content"])
        prompt, text = chat.encode_prompt(tokenizer, row["prompt"]), chat.encode_completion(tokenizer, answer)
        if len(prompt) + len(text) <= max_length:
            for name, value in zip(found, (prompt, text, bool(row["label"])), strict=True):
                found[name].append(value)
            lengths.append(len(prompt) + len(text))
    trained = sum(map(len, found["completion_ids"]))
    return Rows(datasets.Dataset.from_dict(found), lengths, len(rows) - len(lengths), trained), found["label"]


def require_both(labels: list[bool]) -> None:
    """Refuse labels of which hardly any says no (or yes): there is nothing to tell apart."""
    rarer = min(sum(labels), len(labels) - sum(labels))
    needed = round(FEWEST_REJECTED * len(labels))
    if rarer < needed:
        kind = "accepted" if sum(labels) == rarer else "rejected"
        raise Invalid(
            f"Only {rarer} of {len(labels)} judged drafts were {kind}; kto needs at least {needed} of each kind.",
            "Go on judging drafts; rankings teach meanwhile: notewright train dpo",
        )
