"""Batches of units: one row a text, or one row a unit in which the prompt is read once for all of its texts.

    text by text    prompt text-1                     shared    prompt' | last text-1 | last text-2
                    prompt text-2

In a shared row every text begins with a copy of the prompt's `last` token, has the places that it would have in a row of its own, and sees
the rest of the prompt (`prompt'`) and itself only: the log-probabilities are the same, and a ranking of four drafts costs about half.
Where texts are long beside their prompt, rows of their own are cheaper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from . import attention
from .data import IGNORED

# Their attention takes a mask of any shape and the places of tokens as given; tests compare both kinds of rows for each.
SHARING = frozenset({"llama", "mistral", "qwen2", "qwen3", "gptj"})
WORTH_IT = 0.9  # a shared batch has at most this share of the other's tokens
WITH_A_MASK = 0.7  # where the mask has to be spelled out, which costs attention as much as if every token saw all others


@dataclass(slots=True)
class Unit:
    """`texts` are answers to `prompt`, all as token ids. `levels` say which text beats which. `marks`, where a method uses them, are
    (number of a text, one weight for each of its tokens). `reference` are the log-probabilities under the reference, of each mark or else
    of each text."""

    prompt: list[int]
    texts: list[list[int]]
    levels: list[int] = field(default_factory=list)
    marks: list[tuple[int, list[float]]] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    margin: float = 0.0

    @property
    def longest(self) -> int:
        return len(self.prompt) + max(map(len, self.texts))

    @property
    def tokens(self) -> int:
        """Of all texts, each with its prompt."""
        return sum(len(self.prompt) + len(text) for text in self.texts)

    @property
    def shared(self) -> int:
        """Tokens of a row in which the prompt stands once."""
        return len(self.prompt) - 1 + sum(1 + len(text) for text in self.texts)


def can_share(model: Any, longest: int) -> bool:
    """Whether a model of transformers, which no text of more than `longest` tokens is shown to, can read shared rows."""
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    return (
        config.model_type in SHARING
        and config._attn_implementation in ("sdpa", "eager", attention.NAME)
        and (window is None or window >= longest or not getattr(config, "use_sliding_window", True))
    )


def worth_sharing(units: Sequence[Unit], sharing: str) -> bool:
    most = WORTH_IT if sharing == attention.NAME else WITH_A_MASK
    return bool(sharing) and sum(unit.shared for unit in units) <= most * sum(unit.tokens for unit in units)


def collate(units: Sequence[Unit], pad: int, *, sharing: str = "") -> dict[str, Any]:
    """A batch, padded on the right; only the texts have labels. `sharing` names the attention that may read shared rows ("": none)."""
    if worth_sharing(units, sharing):
        return shared_rows(units, pad, sharing)
    rows = [(unit.prompt, text) for unit in units for text in unit.texts]
    width = max(len(prompt) + len(text) for prompt, text in rows)
    ids, labels, mask = [], [], []
    for prompt, text in rows:
        rest = width - len(prompt) - len(text)
        ids.append(prompt + text + [pad] * rest)
        labels.append([IGNORED] * len(prompt) + text + [IGNORED] * rest)
        mask.append([1] * (width - rest) + [0] * rest)
    numbers = iter(range(len(rows)))
    starts = [[(next(numbers), len(unit.prompt)) for _ in unit.texts] for unit in units]
    inputs = {"input_ids": torch.tensor(ids), "labels": torch.tensor(labels), "attention_mask": torch.tensor(mask)}
    return {**inputs, "units": list(units), "starts": starts}


def shared_rows(units: Sequence[Unit], pad: int, sharing: str) -> dict[str, Any]:
    """A batch of one row a unit, whether or not that takes less time, for the attention of this name."""
    width = max(unit.shared for unit in units)
    ids = torch.full((len(units), width), pad)
    labels, places = torch.full_like(ids, IGNORED), torch.zeros_like(ids)
    of = torch.full_like(ids, -1)  # 0: the prompt, 1..: the texts, -1: padding
    starts, spans = [], []
    for row, unit in enumerate(units):
        common, last = unit.prompt[:-1], unit.prompt[-1:]
        at, found = len(common), []
        ids[row, :at], places[row, :at], of[row, :at] = torch.tensor(common, dtype=ids.dtype), torch.arange(at), 0
        for number, text in enumerate(unit.texts, 1):
            end = at + 1 + len(text)
            ids[row, at:end], of[row, at:end] = torch.tensor(last + text), number
            places[row, at:end] = torch.arange(len(common), len(common) + 1 + len(text))
            labels[row, at + 1 : end] = torch.tensor(text, dtype=ids.dtype)
            found.append((row, at + 1))
            spans.append((row, at, end))
            at = end
        starts.append(found)
    before = torch.ones(width, width, dtype=torch.bool).tril()
    seen = before & ((of[:, None, :] == 0) | (of[:, None, :] == of[:, :, None]))  # padding sees padding: no row of the softmax is empty
    mask = seen[:, None]
    if sharing == "eager":
        mask = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
    inputs: dict[str, Any] = {"input_ids": ids, "labels": labels, "attention_mask": mask, "position_ids": places}
    if sharing == attention.NAME:
        inputs["layout"] = attention.layout_of([len(unit.prompt) - 1 for unit in units], spans, width)
    return {**inputs, "units": list(units), "starts": starts}


def inputs_of(batch: dict[str, Any]) -> dict[str, Any]:
    """What a model is given to read."""
    return {name: batch[name] for name in ("input_ids", "attention_mask", "position_ids", "layout") if name in batch}


def per_text(model: Any, batch: dict[str, Any]) -> Iterator[list[torch.Tensor]]:
    """For each unit of a batch the log-probabilities of its texts' tokens."""
    found = model(**inputs_of(batch), labels=batch["labels"], use_cache=False, fused_lm_head=True).log_probs
    for unit, starts in zip(batch["units"], batch["starts"], strict=True):
        # The token at place t is predicted at t - 1.
        yield [found[row, at - 1 : at - 1 + len(text)] for (row, at), text in zip(starts, unit.texts, strict=True)]
