"""Adapters computed in one product with their base: the numbers are those of PEFT's own layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_models

pytestmark = pytest.mark.slow
IDS = [[5 + (7 * place) % 400 for place in range(160)]]


def adapted(base: Path, **options: Any) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    lora = LoraConfig(r=4, lora_alpha=12, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False, **options)
    return get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora)


def scores_and_slopes(model: Any) -> tuple[Any, dict[str, Any]]:
    import torch

    model.zero_grad()
    for _ in range(2):  # passes add up
        scores = model(input_ids=torch.tensor(IDS), labels=torch.tensor(IDS), use_cache=False)
        scores.loss.backward()
    return scores.logits.detach(), {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_scores_and_gradients_are_those_of_peft(shape: str, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from notewright.training import lora

    model = adapted(tiny(shape))
    theirs, their_slopes = scores_and_slopes(model)
    with model.disable_adapter(), torch.no_grad():
        plain = model(input_ids=torch.tensor(IDS)).logits
    products = []
    product = lora._Product.apply
    monkeypatch.setattr(lora._Product, "apply", lambda *given: products.append(given) or product(*given))
    lora.fold(model, 1000)
    ours, slopes = scores_and_slopes(model)
    layers = sum(hasattr(layer, "lora_A") for layer in model.modules())
    assert len(products) == 2 * layers
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert float((ours - plain).abs().max()) > 0.01
    assert slopes.keys() == their_slopes.keys()
    assert len(slopes) == 2 * layers
    for name, slope in their_slopes.items():
        assert torch.allclose(slope, slopes[name], rtol=1e-3, atol=1e-3 * float(slope.abs().max())), name


def test_what_is_no_plain_adapter_stays_as_peft_computes_it(tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from notewright.models.merging import merged
    from notewright.training import lora
    from notewright.training.recipes import TINY

    monkeypatch.setattr(lora._Product, "apply", None)
    ids = torch.tensor(IDS)
    model = adapted(tiny("llama"))
    lora.fold(model, TINY + 1)
    model(input_ids=ids)  # the base is not tiny
    lora.fold(model, 1000)
    with pytest.raises(TypeError):
        model(input_ids=ids)
    with torch.no_grad(), model.disable_adapter():
        model(input_ids=ids)
    with torch.no_grad(), merged(model):
        model(input_ids=ids)
    model(input_ids=ids[:, : lora.FEW])
    with torch.autocast("cpu", torch.bfloat16):
        model(input_ids=ids)
    for options in ({"lora_dropout": 0.1}, {"use_dora": True}):
        other = adapted(tiny("llama"), **options)
        lora.fold(other, 1000)
        other(input_ids=ids)
