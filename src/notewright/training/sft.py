"""Supervised fine-tuning: the base learns to write the person's passages from their prompts.

TRL's SFTTrainer with a LoRA on all linear layers, on rows that we encode ourselves (so that training and drafting agree to the token), in
batches of similar length, with the head over the passage's tokens only. Part of the prompts shows earlier notes of other sources, as
drafting does, so that the tuned policy goes on using them. Sources are balanced, the first training of a base finds its rate (`rates`), and
the result is the state that wrote held-out passages best (`watch`), not the one of the lowest loss.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from ..library.rows import read_rows
from ..text import count
from . import policy, processes, rates, sampling, sources
from . import session as sessions
from .babble import undone
from .data import LengthSampler, Rows, encode_sft, require_rows
from .head import use_compact_head
from .recipes import MINIMUM_ROWS, SftRecipe, total_steps
from .runs import Job
from .session import Counting, Keeper, Session
from .watch import FEWEST, Taught, Watch, wanted
from .worker import Reporter

FEW_ROWS = 30


@dataclass
class Collator(DataCollatorForLanguageModeling):  # type: ignore[misc]
    """TRL's, and each token's weight."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super().torch_call(examples)
        width = batch["input_ids"].shape[1]
        batch["weights"] = torch.tensor([example["weights"] + [0.0] * (width - len(example["weights"])) for example in examples])
        return batch


class Trainer(Counting, SFTTrainer):
    """TRL's, with our row order, token count and weights."""

    def parts(self, inputs: Any) -> list[Any]:
        lengths = inputs["attention_mask"].sum(1).tolist()
        return [
            {name: value[places, : max(lengths[place] for place in places)] for name, value in inputs.items()}
            for places in self.keeper.session.passes(lengths)
        ]

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        weights = inputs.pop("weights")
        if not model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        self.keeper.tokens += int(inputs["attention_mask"].sum())
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        tokens = outputs.label_mask.sum() if num_items_in_batch is None else num_items_in_batch
        # The tokens are those of all processes, and gradients are averaged over processes.
        share = processes.count() / torch.as_tensor(tokens).clamp(min=1)
        return -(outputs.log_probs * weights[:, 1:].to(outputs.log_probs.dtype)).sum() * share


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train as the job says; returns the metrics, or None when stopped before the end."""
    session = sessions.open_session(job, folder, reporter)
    recipe: SftRecipe = session.recipe
    raw = read_rows(Path(job.dataset_folder) / "train.jsonl")
    held_out = read_rows(Path(job.dataset_folder) / "valid.jsonl")
    weights = sources.row_weights(raw, recipe.source_balance, sources.parse(recipe.source_weights))
    rows = encode_sft(raw, session.tokenizer, session.max_length, weights=weights)
    valid = encode_sft(held_out, session.tokenizer, session.max_length)
    require_rows(rows, MINIMUM_ROWS["sft"], max_length=session.max_length)
    _warn(reporter, raw, rows, session.max_length)
    sessions.check_memory(session, rows)

    session.began = time.monotonic()
    watched = sampling.held_out(session, held_out, recipe.watch_rows) if recipe.early_stop != "off" or recipe.rate_check != "off" else []
    begun = policy.copied(session)
    checked = _check_rates(session, rows, watched, begun) if recipe.rate_check == "on" and len(watched) >= FEWEST else {}
    if checked is None:
        return None
    steps = total_steps(recipe, len(rows.lengths))
    watch = _watch(session, watched, raw, steps) if wanted(recipe, steps) else None
    keeper = Keeper(session)
    trainer = _trainer(session, rows, valid, keeper, steps, [watch] if watch else [])
    if not sessions.train(session, trainer, keeper):
        return None
    seconds = session.seconds()
    if watch:
        watch.restore()
    made_up = undone(session, begun) if watch is None or watch.kept != 0 else {}
    sessions.save_adapter(session)
    metrics = {**sessions.common_metrics(session, keeper, rows, seconds), "learning_rate": session.recipe.learning_rate}
    if watch and watch.kept == 0:
        reporter.warn("Nothing surely brought drafts nearer to your own passages: the model writes as it did before this training.")
    if made_up:
        metrics |= made_up
    elif watch and watch.kept is not None:
        metrics |= {"checks": watch.told(), "kept_step": watch.kept, "distance": dict(watch.told())[watch.kept]}
    if checked:
        metrics["rate_check"] = {f"x{factor:g}": value for factor, value in checked.items()}
        metrics["rate_factor"] = rates.choose(checked)
    if valid.lengths:
        metrics["valid_loss"] = round(trainer.evaluate()["eval_loss"], 5)
        with session.model.disable_adapter():
            metrics["valid_loss_base"] = round(trainer.evaluate()["eval_loss"], 5)
    return metrics


def _watch(session: Session, watched: Sequence[Any], teaching: Sequence[dict[str, Any]], steps: int) -> Watch | None:
    """Where too few passages are held out, those that teach are written, before and after alone (`watch.Taught`)."""
    if len(watched) >= FEWEST:
        return Watch(session, watched, steps)
    taught = sampling.held_out(session, teaching, session.recipe.watch_rows)
    return Taught(session, taught, steps) if len(taught) >= FEWEST else None


def _warn(reporter: Reporter, raw: Sequence[dict[str, Any]], rows: Rows, max_length: int) -> None:
    if rows.too_long:
        reporter.warn(f"Longer than {max_length} tokens and not trained on (max_length): {count(rows.too_long, 'row')}.")
    if len(rows.lengths) < FEW_ROWS:
        reporter.warn(f"Only {len(rows.lengths)} rows: a style needs {FEW_ROWS} or more to settle. Accept more pairs when you can.")
    names = [row["source_id"] for row in raw if row.get("source_id")]
    most = max(names.count(name) for name in set(names)) if names else 0
    if most > 0.7 * len(raw) and len(set(names)) > 1:
        reporter.warn(f"{most} of {len(raw)} rows are of one source: its ways will count for most. Pair notes of other sources too.")


def _check_rates(session: Session, rows: Rows, watched: Sequence[Any], begun: dict[str, Any]) -> dict[float, float] | None:
    """Three short trainings from the same start; afterwards the session has the better rate, and the adapter it began with."""
    recipe: SftRecipe = session.recipe
    steps = rates.trial_steps(total_steps(recipe, len(rows.lengths)))

    def attempt(factor: float) -> float | None:
        policy.set_weights(session, begun)
        session.recipe = replace(recipe, learning_rate=factor * recipe.learning_rate, max_steps=steps)
        keeper = Keeper(session, saves=False, what=f"trying rate x{factor:g}: ")
        try:
            _trainer(session, rows, None, keeper, steps, []).train()
        finally:
            session.recipe = recipe
        if keeper.stopped:
            return None
        value = sampling.distance(session, watched)
        session.reporter.emit("rate", factor=factor, distance=round(value, 5))
        return value

    found = rates.try_all(session.folder, attempt)
    policy.set_weights(session, begun)
    if found is not None:
        session.recipe = replace(recipe, learning_rate=rates.choose(found) * recipe.learning_rate)
    return found


def _trainer(session: Session, rows: Rows, valid: Rows | None, keeper: Keeper, steps: int, more: list[Any]) -> Trainer:
    settings = SFTConfig(
        **sessions.arguments(session, steps), max_length=session.max_length, dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
    )  # fmt: skip
    with sessions.unrounded(session.model):
        trainer = Trainer(
            model=session.model, args=settings, train_dataset=rows.dataset,
            eval_dataset=valid.dataset if valid and valid.lengths else None, processing_class=session.tokenizer, callbacks=[keeper, *more],
            data_collator=Collator(session.tokenizer.pad_token_id),
        )  # fmt: skip
    trainer.keeper = keeper
    recipe = session.recipe
    trainer.sampler = LengthSampler(rows.lengths, recipe.batch_size, recipe.seed, grouping=recipe.length_grouping)
    use_compact_head(session.model.get_base_model())
    return trainer
