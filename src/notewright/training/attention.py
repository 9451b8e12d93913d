"""Attention in shared rows (`batches`), part by part: prompts look at themselves, texts at their prompt and themselves.

With a mask the kernels multiply every token with every other one of its row, though a text sees nothing of the texts beside it: of a prompt
of 400 tokens with four texts of 200 a third of that is wanted. Here every text becomes a row of its own, behind a copy of its prompt's keys
and values, for the time of the product only. Same results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from ..models import sharing

NAME = "notewright_parts"

Layout = dict[str, torch.Tensor]


def prepare(model: Any) -> None:
    """Let a model's attention read shared rows part by part, where its family can."""
    sharing.use(model, NAME, attention)


def layout_of(prompts: Sequence[int], texts: Sequence[tuple[int, int, int]], width: int) -> Layout:
    """Of rows of `width` tokens that begin with `prompts` tokens of prompt; `texts` are (row, start, end).

    Tokens are named by their place in all rows one after the other. `prompts` (rows, longest prompt) and `texts` (texts, longest text) are
    the places whose queries are asked, `keys` (texts, longest prompt + longest text) those that a text may see, `mask` (texts, 1, longest
    text, the same) those that each of its tokens does see; `back` (rows x width) says where each token's answer lies among those of
    `prompts` and then `texts`.
    """
    far, near = max(1, *prompts), max(end - start for _, start, end in texts)
    asked = torch.arange(len(prompts))[:, None] * width + torch.arange(far)  # what pads a prompt is whatever follows it in its row
    starts = torch.tensor([row * width + start for row, start, _ in texts])
    places = (starts[:, None] + torch.arange(near)).clamp(max=len(prompts) * width - 1)
    of = torch.tensor([row for row, _, _ in texts])
    lengths = torch.tensor(prompts)[of]
    seen = (torch.arange(far) < lengths[:, None])[:, None].expand(-1, near, -1)
    own = torch.ones(near, near, dtype=torch.bool).tril().expand(len(texts), -1, -1)
    back = torch.zeros(len(prompts) * width, dtype=torch.long)  # padding takes the first answer
    for row, length in enumerate(prompts):
        back[row * width : row * width + length] = row * far + torch.arange(length)
    for number, (row, start, end) in enumerate(texts):
        back[row * width + start : row * width + end] = len(prompts) * far + number * near + torch.arange(end - start)
    keys = torch.cat([asked[of], places], 1)
    return {"prompts": asked, "texts": places, "keys": keys, "mask": torch.cat([seen, own], 2)[:, None], "back": back}


def attention(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: torch.Tensor | None,
    *, layout: Layout | None = None, **rest: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """torch's own attention; of shared rows by their `layout`, and without looking at the mask, which says the same."""
    if layout is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **rest)
    queries, keys, values = (states.transpose(1, 2).flatten(0, 1) for states in (query, key, value))

    def at(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        return states.index_select(0, places.flatten()).unflatten(0, places.shape).transpose(1, 2)

    first, more = layout["prompts"], layout["keys"]
    of_prompts, _ = sdpa_attention_forward(module, at(queries, first), at(keys, first), at(values, first), None, **rest)
    of_texts, _ = sdpa_attention_forward(module, at(queries, layout["texts"]), at(keys, more), at(values, more), layout["mask"], **rest)
    found = torch.cat([of_prompts.flatten(0, 1), of_texts.flatten(0, 1)]).index_select(0, layout["back"])
    return found.view(query.shape[0], query.shape[2], *found.shape[1:]), None
