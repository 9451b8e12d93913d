"""Supervised fine-tuning: the base learns to write the person's passages from their prompts.

TRL's SFTTrainer with a LoRA on all linear layers, on rows that we encode ourselves (so that training and drafting agree to the token),
in batches of similar length, with the head over the passage's tokens only.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from trl import SFTConfig, SFTTrainer

from . import session as sessions
from .data import LengthSampler, encode_sft, read_rows, require_rows
from .head import use_compact_head
from .recipes import MINIMUM_ROWS, total_steps
from .runs import Job
from .session import Counting, Keeper
from .worker import Reporter

FEW_ROWS = 30


class Trainer(Counting, SFTTrainer):
    """TRL's, with our row order and token count."""


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe = session.recipe
    rows = encode_sft(read_rows(Path(job.dataset_folder) / "train.jsonl"), session.tokenizer, session.max_length)
    valid = encode_sft(read_rows(Path(job.dataset_folder) / "valid.jsonl"), session.tokenizer, session.max_length)
    require_rows(rows, MINIMUM_ROWS["sft"], max_length=session.max_length)
    if rows.too_long:
        reporter.warn(f"{rows.too_long} rows are longer than {session.max_length} tokens and were not trained on (max_length).")
    if len(rows.lengths) < FEW_ROWS:
        reporter.warn(f"Only {len(rows.lengths)} rows: a style needs {FEW_ROWS} or more to settle. Accept more pairs when you can.")
    sessions.check_memory(session, rows)

    settings = SFTConfig(
        **sessions.arguments(session, total_steps(recipe, len(rows.lengths))),
        max_length=session.max_length,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    keeper = Keeper(session)
    trainer = Trainer(
        model=session.model, args=settings, train_dataset=rows.dataset, eval_dataset=valid.dataset if valid.lengths else None,
        processing_class=session.tokenizer, callbacks=[keeper],
    )  # fmt: skip
    trainer.keeper = keeper
    trainer.sampler = LengthSampler(rows.lengths, recipe.batch_size, recipe.seed, grouping=recipe.length_grouping)
    use_compact_head(session.model.get_base_model())

    started = time.monotonic()
    if not sessions.train(session, trainer, keeper):
        return None
    elapsed = time.monotonic() - started
    sessions.save_adapter(session)
    metrics = sessions.common_metrics(session, keeper, rows, elapsed)
    if valid.lengths:
        metrics["valid_loss"] = round(trainer.evaluate()["eval_loss"], 5)
        with session.model.disable_adapter():
            metrics["valid_loss_base"] = round(trainer.evaluate()["eval_loss"], 5)
    return metrics
