"""Attention of all candidates to one prompt: its keys and values are kept once and read once a step, not copied for each of them.

Juravsky et al. 2024 (arXiv:2402.05099, "Hydragen"): the queries of all candidates meet the prompt in one product of matrices, and meet
what each candidate has written itself in small ones; one softmax goes over both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "notewright_sharing"
FAMILIES = ("llama", "mistral", "qwen2", "qwen3")  # which hand a forward call's own arguments on to their attention

Prompt = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values of each layer, (1, key-value heads, tokens, head size)."""


def prepare(model: Any) -> bool:
    """Let a model's attention share a prompt where its family can; whether it can."""
    return use(model, NAME, attention)


def use(model: Any, name: str, attention: Callable[..., Any]) -> bool:
    """Put an attention, which falls back to torch's own, in the place of torch's own, where the model's family hands it what its forward
    call was given; whether it does."""
    if model.config.model_type not in FAMILIES or model.config._attn_implementation != "sdpa":
        return False
    AttentionInterface.register(name, attention)
    AttentionMaskInterface.register(name, sdpa_mask)
    model.set_attn_implementation(name)
    return True


def prompt_of(cache: DynamicCache) -> Prompt:
    """What a cache holds after the prompt was read."""
    return [(layer.keys, layer.values) for layer in cache.layers]  # type: ignore[misc, union-attr]


def attention(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: torch.Tensor | None,
    *, prompt: Prompt | None = None, scaling: float | None = None, **rest: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """`query` (rows, heads, tokens, head size) looks at `prompt` and at the row's own `key` and `value`, those that `attention_mask`
    (rows, 1, tokens, own tokens; True: seen) allows. Without a prompt it is torch's own attention."""
    if prompt is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **rest)
    assert attention_mask is not None
    far_key, far_value = (part[0] for part in prompt[module.layer_idx])
    rows, heads, tokens, size = query.shape
    kinds, far = key.shape[1], far_key.shape[1]
    scale = size**-0.5 if scaling is None else scaling
    asked = (query * scale).reshape(rows, kinds, -1, size)  # the heads that share a key lie side by side
    to_far = asked.transpose(0, 1).reshape(kinds, -1, size) @ far_key.mT
    to_own = (asked @ key.mT).view(rows, kinds, heads // kinds, tokens, -1)  # by rows, as the cache lies: it is not copied
    to_own = to_own.masked_fill(~attention_mask[:, None], -torch.inf).view(rows, kinds, asked.shape[2], -1)
    weights = torch.cat([to_far.view(kinds, rows, -1, far), to_own.transpose(0, 1)], -1)
    weights = weights.softmax(-1, dtype=torch.float32).to(query.dtype)
    found = (weights[..., :far].reshape(kinds, -1, far) @ far_value).view(kinds, rows, -1, size)
    found = found + (weights[..., far:].transpose(0, 1) @ value).transpose(0, 1)
    return found.reshape(kinds, rows, heads // kinds, tokens, size).permute(1, 3, 0, 2, 4).reshape(rows, tokens, heads, size), None
