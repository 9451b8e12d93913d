"""Sampling for training: every prompt is read once, and the drafts of many prompts are written side by side.

As in `engine`, each draft has its own random numbers, so that it depends on its prompt and seed; rows that have ended leave the batch.
Tokens are drawn from the whole distribution (no top-p): what a policy learns from must be likely by the very distribution it learns. Only
bytes that are no part of a letter (`letters`) are left out.

Where the base is split among processes, all of them write as long as one does, each its own drafts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from . import splitting
from .cache import roomy_cache
from .letters import Letters

KEPT = 0.75  # the batch shrinks when no more than this share of its rows is still being written


@torch.no_grad()
def sample(
    model: Any,
    prompts: Sequence[list[int]],
    *,
    seeds: Sequence[int],
    stops: set[int],
    pad: int,
    max_new_tokens: int,
    temperature: float = 1.0,
    letters: Letters | None = None,
) -> list[list[int]]:
    """Ids of `len(seeds) / len(prompts)` drafts of each prompt, by prompt; with the token in `stops` that ended it, if one did.

    At temperature 0 the likeliest token is taken. With `letters` no token is that would break a letter.
    """
    with splitting.gathered(model):
        return _sample(model, prompts, seeds, stops, pad, max_new_tokens, temperature, letters)


def _sample(
    model: Any, prompts: Sequence[list[int]], seeds: Sequence[int], stops: set[int], pad: int, max_new_tokens: int, temperature: float,
    letters: Letters | None,
) -> list[list[int]]:  # fmt: skip
    together = splitting.is_split(model)
    device, each = model.device, len(seeds) // len(prompts)
    width = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    mask = torch.ones(len(prompts), width + max_new_tokens, dtype=torch.long, device=device)
    mask[:, :width] = torch.arange(width, device=device)[None] >= width - lengths[:, None]
    cache = roomy_cache(model.config)
    places = (mask[:, :width].cumsum(1) - 1).clamp(min=0)
    options: dict[str, Any] = {"past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
    scores = model(input_ids=ids, attention_mask=mask[:, :width], position_ids=places, **options).logits[:, -1]
    cache.batch_repeat_interleave(each)
    scores, mask, lengths = (part.repeat_interleave(each, 0) for part in (scores, mask, lengths))
    draws = torch.stack([torch.rand(max_new_tokens, generator=torch.Generator().manual_seed(seed)) for seed in seeds]).to(device)
    ends = torch.tensor(sorted(stops), device=device)
    written = torch.full((len(seeds), max_new_tokens), pad, device=device)
    counts = torch.zeros(len(seeds), dtype=torch.long, device=device)
    rows = torch.arange(len(seeds), device=device)  # which draft each row of the batch is
    writing = torch.ones(len(seeds), dtype=torch.bool, device=device)
    begun = torch.zeros_like(counts)  # what each row's last letter still needs
    for step in range(max_new_tokens):
        scores = scores.float()
        if letters:
            scores = scores + letters.masks[begun]
        tokens = _draw(scores, draws[rows, step], temperature)
        if letters:
            begun = letters.next[begun, tokens]
        written[rows[writing], step] = tokens[writing]
        counts[rows[writing]] += 1
        writing = writing & ~torch.isin(tokens, ends)
        left = int(writing.sum())
        if step + 1 == max_new_tokens or not (splitting.any_says(left > 0, device) if together else left):
            break
        if left <= KEPT * len(rows):
            kept = writing.nonzero()[:, 0] if left else rows.new_zeros(1)  # no batch is empty
            cache.batch_select_indices(kept)
            rows, tokens, mask, lengths, writing, begun = (part[kept] for part in (rows, tokens, mask, lengths, writing, begun))
        at = (lengths + step)[:, None]
        scores = model(input_ids=tokens[:, None], attention_mask=mask[:, : width + step + 1], position_ids=at, **options).logits[:, -1]
    return [row[:count] for row, count in zip(written.tolist(), counts.tolist(), strict=True)]


def _draw(scores: torch.Tensor, draws: torch.Tensor, temperature: float) -> torch.Tensor:
    """One token a row, where its random number falls in the cumulative distribution."""
    if temperature <= 0:
        return scores.argmax(-1)
    sums = torch.softmax(scores / temperature, -1).cumsum(-1)
    return torch.searchsorted(sums, (draws * sums[:, -1])[:, None], right=True)[:, 0].clamp(max=scores.shape[-1] - 1)
