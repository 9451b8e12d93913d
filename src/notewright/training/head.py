"""A faster forward pass for training: the head over trained tokens only, and attention without a mask.

TRL's fused head scores every position on the CPU, prompt and padding included, and computes the scores again for the backward pass. Here
only the positions with a label are scored, once. On CUDA TRL's own kernel already does so, and it stays.

Rows are padded on the right, where causal attention never looks: without the padding mask the attention kernels skip the upper triangle,
which is half of their work, and the result for real tokens is the same.
"""

from __future__ import annotations

import functools
import types
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from trl.trainer.utils import FusedCausalLMOutput

CHUNK = 1 << 26  # scores held at once; more are computed again in the backward pass, chunk by chunk
SPECIAL_HEADS = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier", "output_multiplier")


def use_compact_head(model: Any) -> bool:
    """Patch a causal model that TRL's trainer patched before; False where its head does more than a matrix product, and TRL's stays."""
    config = model.config.get_text_config()
    if any(getattr(config, name, None) not in (None, 1.0) for name in SPECIAL_HEADS):
        return False
    if getattr(config, "output_router_logits", None) is not None:
        return False
    patched = model.forward
    on_cuda = next(model.parameters()).device.type == "cuda"

    @functools.wraps(type(model).forward)
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: torch.Tensor | None = None, **options: Any) -> Any:
        if not fused_lm_head or labels is None:
            return patched(*args, **options) if labels is None else patched(*args, labels=labels, **options)
        options["use_cache"] = False
        mask = options.get("attention_mask")
        if mask is not None and mask.ndim == 2 and bool((mask[:, :-1] >= mask[:, 1:]).all()):
            options["attention_mask"] = None
        if on_cuda:
            return patched(*args, fused_lm_head=True, labels=labels, **options)
        hidden = self.base_model(*args, **options).last_hidden_state[:, :-1]
        labels = labels[:, 1:]
        trained = labels != -100
        wanted, targets, head = hidden[trained], labels[trained], self.get_output_embeddings()
        size = max(1, CHUNK // head.weight.shape[0])
        parts = []
        for start in range(0, max(1, len(targets)), size):
            piece = (wanted[start : start + size], head.weight, head.bias, targets[start : start + size])
            parts.append(checkpoint(_score, *piece, use_reentrant=False) if len(targets) > size else _score(*piece))
        columns = [torch.cat(column) for column in zip(*parts, strict=True)]
        spread = [column.new_zeros(trained.shape).masked_scatter(trained, column) for column in columns]
        log_probs, entropy, mean_logits, is_top1 = spread
        return FusedCausalLMOutput(
            loss=-log_probs.sum() / trained.sum().clamp(min=1), log_probs=log_probs, entropy=entropy, mean_logits=mean_logits,
            is_top1=is_top1, label_mask=trained,
        )  # fmt: skip

    model.forward = types.MethodType(forward, model)
    return True


def _score(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, labels: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Per position: log-probability of its label; without gradient entropy, mean score, and whether the label is the best token."""
    scores = functional.linear(hidden, weight, bias).float()
    total = scores.logsumexp(-1)
    log_probs = scores.gather(1, labels[:, None])[:, 0] - total
    with torch.no_grad():
        entropy = total - ((scores - total[:, None]).exp() * scores).sum(-1)
        return log_probs, entropy, scores.mean(-1), scores.argmax(-1) == labels
