"""An adapter added into the weights of a small base, which writes faster than both side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer

from . import splitting

MERGED = 300_000_000  # parameters; up to here it is done, for the plain weights are kept beside the sums


def add_into_weights(model: Any, name: str, plain: dict[str, torch.Tensor]) -> None:
    """Base weights + the adapter's product (`""`: the base weights alone). `plain` keeps the base weights, so nothing drifts."""
    for place, layer in model.named_modules():
        if isinstance(layer, LoraLayer):
            adapted: Any = layer
            weight = adapted.get_base_layer().weight
            kept = plain.setdefault(place, weight.detach().clone())
            weight.data.copy_(kept + adapted.get_delta_weight(name) if name in adapted.lora_A else kept)


@contextmanager
def merged(model: Any) -> Iterator[None]:
    """While it lasts, a small model's active adapter is added into the weights, which is faster; then they are as before, to the bit.

    Where adapters are disabled, and into a base that is split among processes, nothing is added.
    """
    size = sum(parameter.numel() for parameter in model.parameters())
    quantised = getattr(model, "is_loaded_in_4bit", False)
    if model.dtype != torch.float32 or size > MERGED or quantised or splitting.is_split(model) or _disabled(model):
        yield
        return
    plain: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        add_into_weights(model, model.active_adapter, plain)
        try:
            with model.disable_adapter():
                yield
        finally:
            add_into_weights(model, "", plain)


def _disabled(model: Any) -> bool:
    """Is the plain base in use?"""
    return next((layer.disable_adapters for layer in model.modules() if isinstance(layer, BaseTunerLayer)), True)
