"""Direct preference optimisation: the current model learns which of two passages the person preferred.

TRL's DPOTrainer on the current adapter; its start is the frozen reference (an adapter `ref` beside it, one base in memory). The loss is
the sigmoid loss plus `sft_weight` times the chosen passage's mean loss, so that the chosen one does not become less likely too.
Reference log-probabilities are computed once, before the first step.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from trl import DPOConfig, DPOTrainer

from . import session as sessions
from .data import LengthSampler, encode_preferences, read_rows, require_rows
from .head import use_compact_head
from .recipes import MINIMUM_ROWS, total_steps
from .runs import Job
from .session import Counting, Keeper
from .worker import Reporter


class Trainer(Counting, DPOTrainer):
    """TRL's, on rows that are encoded already, with our row order and token count."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe = session.recipe
    rows = encode_preferences(read_rows(Path(job.dataset_folder) / "train.jsonl"), session.tokenizer, session.max_length)
    valid = encode_preferences(read_rows(Path(job.dataset_folder) / "valid.jsonl"), session.tokenizer, session.max_length)
    require_rows(rows, MINIMUM_ROWS["dpo"], max_length=session.max_length)
    if rows.too_long:
        reporter.warn(f"{rows.too_long} preferences are longer than {session.max_length} tokens and were not trained on (max_length).")
    sessions.check_memory(session, rows)

    preference = "robust" if recipe.label_smoothing else "sigmoid"
    settings = DPOConfig(
        **sessions.arguments(session, total_steps(recipe, len(rows.lengths))),
        max_length=session.max_length,
        beta=recipe.beta,
        loss_type=[preference, "sft"] if recipe.sft_weight else [preference],
        loss_weights=[1.0, recipe.sft_weight] if recipe.sft_weight else [1.0],
        label_smoothing=recipe.label_smoothing,
        precompute_ref_log_probs=True,
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
    last = next((entry for entry in reversed(trainer.state.log_history) if "rewards/accuracies" in entry), {})
    metrics |= {"margin": last.get("rewards/margins"), "accuracy": last.get("rewards/accuracies")}
    if valid.lengths:
        held_out = trainer.evaluate()
        metrics |= {"valid_accuracy": held_out["eval_rewards/accuracies"], "valid_margin": held_out["eval_rewards/margins"]}
    return metrics
