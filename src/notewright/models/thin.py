"""Products of weights with few rows, the other way round where that is faster.

MKL's kernels for AVX2 copy the larger matrix of a product first, which for a step of drafting is the weights, and leave all but one thread
idle. The transposed product copies the few rows instead. Not tried with kernels for AVX-512, and not done there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

FEW = 64  # rows


def pays() -> bool:
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


def prepare(model: Any) -> None:
    """Let a float32 model on the processor take its products with few rows that way when no gradient is wanted."""
    if pays():
        for module in model.modules():
            if type(module) is torch.nn.Linear and module.weight.dtype == torch.float32:
                module.forward = Thin(module)  # type: ignore[assignment]


class Thin:
    def __init__(self, layer: torch.nn.Linear) -> None:
        self.layer = layer

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        weight, bias = self.layer.weight, self.layer.bias
        rows = states.numel() // max(1, states.shape[-1])
        plain = states.device.type == "cpu" and states.dtype == weight.dtype and not torch.is_autocast_enabled("cpu")
        if not 1 < rows <= FEW or torch.is_grad_enabled() or not plain:
            return functional.linear(states, weight, bias)
        product = (weight @ states.reshape(rows, -1).T).T.contiguous().view(*states.shape[:-1], -1)
        return product if bias is None else product + bias
