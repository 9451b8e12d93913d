"""What the methods with losses of their own share: prompts with several texts each, their log-probabilities, one trainer.

A `Unit` is one prompt with the texts that are learnt together: a draft and what became of it, or a whole ranking. A batch (`batches`) holds
all texts of its units; the loss gets the log-probability of every token of every text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import transformers
from accelerate.utils import send_to_device
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from trl.trainer.utils import add_fused_lm_head

from ..files import whole
from . import attention
from . import session as sessions
from .batches import Unit, can_share, collate, per_text, worth_sharing
from .data import LengthSampler, Rows
from .head import use_compact_head
from .session import Counting, Keeper, Session

COPIED = 0.1  # of what a token takes is its keys and values, which each text has of its prompt once more (`attention`)
Loss = Callable[[list[torch.Tensor], Unit], tuple[torch.Tensor, dict[str, float]]]


def as_rows(units: Sequence[Unit], too_long: int) -> Rows:
    """For `require_rows`, `check_memory` and the metrics."""
    return Rows(list(units), [unit.longest for unit in units], too_long, sum(len(text) for unit in units for text in unit.texts))


def prepare(session: Session) -> None:
    """Give the model the head that scores the texts' tokens only; once for a session."""
    model = session.model.get_base_model()
    if not getattr(model, "_notewright_head", False):
        add_fused_lm_head(model)
        use_compact_head(model)
        model._notewright_head = True


@torch.no_grad()
def log_probs(session: Session, units: Sequence[Unit]) -> list[list[float]]:
    """Summed log-probability of every text of every unit, or of its marks by their weights, by the adapter that is active now."""
    prepare(session)
    was = session.model.training
    session.model.eval()
    found: list[list[float]] = [[] for _ in units]
    order = sorted(range(len(units)), key=lambda place: units[place].longest)
    size = session.recipe.batch_size
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    passes = [(batch, places) for batch in batches for places in session.passes([units[place].shared for place in batch])]
    for part in [[batch[at] for at in places] for batch, places in passes]:
        batch = on_device(session, collate([units[place] for place in part], session.tokenizer.pad_token_id, sharing=sharing(session)))
        with session.autocast():
            for place, texts in zip(part, per_text(session.model, batch), strict=True):
                marks = units[place].marks or [(number, [1.0] * len(text)) for number, text in enumerate(texts)]
                found[place] = [
                    float((texts[number].float() * torch.tensor(weights, device=session.device)).sum()) for number, weights in marks
                ]
    session.model.train(was)
    return found


def sharing(session: Session) -> str:
    """The attention that reads rows in which a prompt stands once for all its texts; empty: this model's cannot."""
    model = session.model.get_base_model()
    return str(model.config.get_text_config()._attn_implementation) if can_share(model, session.max_length) else ""


def texts_at_once(session: Session, units: Sequence[Unit]) -> float:
    """For `check_memory`: as many of the longest text as the largest unit's row holds tokens, and copies of them."""
    way = sharing(session)

    def held(unit: Unit) -> float:
        if not worth_sharing([unit], way):
            return unit.tokens
        return unit.shared + (COPIED * len(unit.prompt) * len(unit.texts) if way == attention.NAME else 0)

    return max(map(held, units)) / max(unit.longest for unit in units)


def on_device(session: Session, batch: dict[str, Any]) -> dict[str, Any]:
    return send_to_device(batch, session.device)  # type: ignore[no-any-return]


def refer(session: Session, units: Sequence[Unit]) -> None:
    """Note what the reference thinks of every text."""
    with as_reference(session):
        for unit, sums in zip(units, log_probs(session, units), strict=True):
            unit.reference = sums


@contextmanager
def as_reference(session: Session) -> Iterator[None]:
    """The adapter that the training began with (the plain base where it began with none), in the same memory as the trained one."""
    if not session.job.start_adapter:
        with session.model.disable_adapter():
            yield
        return
    if "ref" not in session.model.peft_config:
        session.model.load_adapter(session.job.start_adapter, adapter_name="ref", is_trainable=False)
    session.model.set_adapter("ref")
    try:
        yield
    finally:
        session.model.set_adapter("default")


def weights(session: Session) -> dict[str, torch.Tensor]:
    """The trained adapter's tensors."""
    return get_peft_model_state_dict(session.model)  # type: ignore[no-any-return]


def copied(session: Session) -> dict[str, torch.Tensor]:
    """These as they are now, whatever becomes of the model."""
    return {name: tensor.detach().clone() for name, tensor in weights(session).items()}


def set_weights(session: Session, tensors: dict[str, torch.Tensor]) -> None:
    set_peft_model_state_dict(session.model, tensors)


def save_weights(session: Session, path: Path) -> None:
    """The trained adapter's tensors in one file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights(session).items()}, part)


def load_weights(session: Session, path: Path) -> None:
    set_weights(session, load_file(path))


def in_parts(session: Session, units: Sequence[Unit]) -> dict[str, Any]:
    """A batch as `parts`, each to be read in one pass, which say `of` how many units it is."""
    pad, attention = session.tokenizer.pad_token_id, sharing(session)
    parts = [[units[place] for place in places] for places in session.passes([unit.shared for unit in units])]
    return {"parts": [{**collate(part, pad, sharing=attention), "of": len(units)} for part in parts]}


class Trainer(Counting, transformers.Trainer):  # type: ignore[misc]
    """transformers' trainer on units: the loss is the mean over a batch's units."""

    loss: Loss

    def parts(self, inputs: Any) -> list[Any]:
        return list(inputs["parts"])

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        self.keeper.tokens += sum(unit.tokens for unit in inputs["units"])
        total = torch.zeros((), device=inputs["input_ids"].device)
        figures: dict[str, list[float]] = {}
        for unit, texts in zip(inputs["units"], per_text(model, inputs), strict=True):
            loss, told = self.loss([text.float() for text in texts], unit)
            total = total + loss
            for name, value in told.items():
                figures.setdefault(name, []).append(value)
        self.figures = {name: fmean(values) for name, values in figures.items()}
        return total / inputs["of"]


def train(
    session: Session, units: Sequence[Unit], loss: Loss, keeper: Keeper, *, steps: int, seed: int = 0, callbacks: Sequence[Any] = ()
) -> tuple[bool, Trainer]:
    """Train on the units for so many steps, from the newest checkpoint or the start; False when stopped before the end."""
    recipe = session.recipe
    prepare(session)
    settings = transformers.TrainingArguments(
        **{**sessions.arguments(session, steps), "max_steps": steps, "seed": recipe.seed + seed, "remove_unused_columns": False}
    )
    trainer = Trainer(
        model=session.model, args=settings, train_dataset=list(units), callbacks=[keeper, *callbacks],
        data_collator=lambda units: in_parts(session, units),
    )  # fmt: skip
    trainer.model_accepts_loss_kwargs = False  # our loss is a mean already
    trainer.loss, trainer.keeper = loss, keeper
    trainer.sampler = LengthSampler(
        [unit.longest for unit in units], recipe.batch_size, recipe.seed + seed, grouping=recipe.length_grouping
    )
    return sessions.train(session, trainer, keeper), trainer
