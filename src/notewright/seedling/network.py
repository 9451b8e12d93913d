"""The model's shape, its optimizers and its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from .tokenizer import VOCABULARY

CONTEXT = 4096
SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2},
    "first": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 5, "num_attention_heads": 8},
    "deep": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 7, "num_attention_heads": 4},
    "wide": {"hidden_size": 320, "intermediate_size": 832, "num_hidden_layers": 7, "num_attention_heads": 5},
}


def build(shape: str, seed: int) -> LlamaForCausalLM:
    """A fresh model; residual outputs start smaller the deeper it is. Ids 0 and 1 are padding and end (see `tokenizer.SPECIAL`)."""
    torch.manual_seed(seed)
    sizes = SHAPES[shape]
    config = LlamaConfig(
        **sizes,
        vocab_size=VOCABULARY,
        num_key_value_heads=sizes["num_attention_heads"],
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 50_000.0},
        tie_word_embeddings=True,
        rms_norm_eps=1e-5,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    model = LlamaForCausalLM(config)
    scale = (2 * config.num_hidden_layers) ** -0.5
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.mul_(scale)
    return model


def optimizers(model: LlamaForCausalLM, matrix_rate: float, other_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for embeddings and norms."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "layers." in name]
    others = [p for name, p in model.named_parameters() if not (p.ndim == 2 and "layers." in name)]
    return [
        torch.optim.Muon(matrices, lr=matrix_rate, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def autocast(device: str) -> torch.autocast:
    """To bfloat16, but on processors that only emulate it, several times slower than float32 is."""
    native = device != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device, dtype=torch.bfloat16, enabled=native)


def losses(
    model: LlamaForCausalLM, body: Callable[..., Any], ids: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted mean loss, and per row (sum of losses, number of targets) without gradient. Logits only where there is a target."""
    hidden = body(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    weights = weights[:, 1:]
    rows, columns = weights.nonzero(as_tuple=True)
    logits = model.lm_head(hidden[rows, columns])
    each = functional.cross_entropy(logits.float(), ids[:, 1:][rows, columns], reduction="none")
    weight = weights[rows, columns]
    sums = torch.zeros(len(ids), 2, device=ids.device)
    sums.index_add_(0, rows, torch.stack([each.detach(), torch.ones_like(each)], dim=1))
    return (each * weight).sum() / weight.sum().clamp(min=1e-6), sums
