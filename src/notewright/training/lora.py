"""LoRA in one product: x (W + s B A) in the place of x W + s (x A) B.

For a tiny base W is hardly larger than what passes through it, and the adapter's own thin products, which processors are slow at, cost more
than adding B A to W once a pass. Gradients go to A and B alone, as W is frozen: (g B)ᵀ x and gᵀ (x Aᵀ).
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from peft.tuners.lora import Linear
from torch.nn import functional

from .recipes import TINY

FEW = 128  # tokens in a pass; up to here the thin products are cheaper than the sum


def fold(model: Any, parameters: int) -> None:
    """Let the LoRA layers of a tiny float32 base on the processor compute so, where there is no dropout."""
    if parameters > TINY or next(model.parameters()).device.type != "cpu":
        return
    for layer in model.modules():
        if type(layer) is Linear and type(layer.get_base_layer()) is torch.nn.Linear:
            layer.forward = functools.partial(_forward, layer)  # type: ignore[method-assign]


def _forward(layer: Linear, states: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
    base: Any = layer.get_base_layer()
    active = [name for name in layer.active_adapters if name in layer.lora_A]
    special = args or options or layer.disable_adapters or layer.merged or layer.lora_variant or any(layer.lora_bias.values())
    plain = states.dtype == base.weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    many = states.numel() > FEW * states.shape[-1]
    if special or len(active) != 1 or not (plain and many and type(layer.lora_dropout[active[0]]) is torch.nn.Identity):
        return type(layer).forward(layer, states, *args, **options)
    a, b = layer.lora_A[active[0]].weight, layer.lora_B[active[0]].weight
    product: torch.Tensor = _Product.apply(states, base.weight, base.bias, a, b, layer.scaling[active[0]])  # type: ignore[no-untyped-call]
    return product


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, a: torch.Tensor, b: torch.Tensor, scale: float
    ) -> torch.Tensor:  # fmt: skip
        ctx.save_for_backward(states, weight, a, b)
        ctx.scale = scale
        return functional.linear(states, torch.addmm(weight, b, a, alpha=scale), bias)

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        states, weight, a, b = ctx.saved_tensors
        # The sum is made again rather than kept, which would be a second base in memory.
        of_states = slope @ torch.addmm(weight, b, a, alpha=ctx.scale) if ctx.needs_input_grad[0] else None
        rows, slopes = states.flatten(0, -2), slope.flatten(0, -2)
        of_a = ((slopes @ b).T @ rows).mul_(ctx.scale) if ctx.needs_input_grad[3] else None
        of_b = (slopes.T @ (rows @ a.T)).mul_(ctx.scale) if ctx.needs_input_grad[4] else None
        return of_states, None, None, of_a, of_b, None
