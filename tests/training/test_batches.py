"""A prompt that is read once for all its texts: to the model it must make no difference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_models

PROMPT, OTHER = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], [20, 21, 22, 23, 24, 25, 26, 27]
pytestmark = pytest.mark.slow


def units() -> list[Any]:
    from notewright.training.batches import Unit

    return [
        Unit(PROMPT, [[31, 32, 33], [41, 42], [51, 52, 53, 54]]), Unit(OTHER, [[61], [71, 72, 73, 74]]), Unit([30], [[81, 82], [91]])
    ]  # fmt: skip


@pytest.fixture(params=[*tiny_models.SHAPES, "qwen3"])
def model(request: pytest.FixtureRequest, tiny: Callable[[str], Path]) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, Qwen3Config, Qwen3ForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    from notewright.training.head import use_compact_head

    torch.manual_seed(0)
    if request.param == "qwen3":
        sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
        found = Qwen3ForCausalLM(Qwen3Config(vocab_size=512, head_dim=16, max_position_embeddings=128, **sizes))
    else:
        found = AutoModelForCausalLM.from_pretrained(tiny(request.param))
    for weight in found.parameters():  # a fresh model's attention is nearly even: nothing would show that it looks at the wrong tokens
        torch.nn.init.normal_(weight, std=0.3) if weight.ndim > 1 else None
    add_fused_lm_head(found)
    assert use_compact_head(found)
    return found


def test_shared_rows_give_the_same_likelihoods_and_gradients(model: Any) -> None:
    import torch

    from notewright.training import attention
    from notewright.training.batches import can_share, collate, per_text

    found = []
    for way in ("rows of their own", "shared", "by parts"):
        if way == "by parts":
            attention.prepare(model)
        assert can_share(model, 64)
        batch = collate(units(), 0, sharing="" if way == "rows of their own" else model.config._attn_implementation)
        assert len(batch["input_ids"]) == (7 if way == "rows of their own" else 3)
        assert ("layout" in batch) == (way == "by parts" and model.config.model_type != "gptj")
        texts = list(per_text(model, batch))
        assert [[len(text) for text in unit] for unit in texts] == [[3, 2, 4], [1, 4], [2, 1]]
        model.zero_grad()
        sum(text.sum() * (number + 1) for unit in texts for number, text in enumerate(unit)).backward()
        gradients = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
        found.append((torch.cat([text.detach() for unit in texts for text in unit]), gradients))
    alone, by_rows = found[0]
    assert alone.std() > 0.5
    for together, by_sharing in found[1:]:
        assert torch.allclose(alone, together, atol=2e-4)
        for name, gradient in by_rows.items():
            assert torch.allclose(gradient, by_sharing[name], rtol=1e-3, atol=1e-3 * float(gradient.abs().max())), name


def test_attention_by_parts_does_not_look_at_the_mask(tiny: Callable[[str], Path]) -> None:
    """Else it would have saved nothing."""
    import torch
    from transformers import AutoModelForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    from notewright.training import attention
    from notewright.training.batches import collate, per_text
    from notewright.training.head import use_compact_head

    model = AutoModelForCausalLM.from_pretrained(tiny("llama"))
    add_fused_lm_head(model)
    use_compact_head(model)
    attention.prepare(model)
    batch = collate(units(), 0, sharing=attention.NAME)
    with torch.no_grad():
        right = torch.cat([text for unit in per_text(model, batch) for text in unit])
        batch["attention_mask"] = torch.ones_like(batch["attention_mask"])
        assert torch.equal(right, torch.cat([text for unit in per_text(model, batch) for text in unit]))


def test_long_texts_get_rows_of_their_own() -> None:
    from notewright.training import attention
    from notewright.training.batches import Unit, collate

    batch = collate([Unit([5, 6, 7], [[8] * 30, [9] * 20])], 0, sharing=attention.NAME)
    assert batch["input_ids"].shape == (2, 33)
    assert batch["attention_mask"].sum() == 56
    assert len(collate([Unit([5] * 20, [[8] * 30, [9] * 20])], 0, sharing=attention.NAME)["input_ids"]) == 1
    assert len(collate([Unit([5] * 20, [[8] * 30, [9] * 20])], 0, sharing="sdpa")["input_ids"]) == 2


def test_a_window_smaller_than_the_texts_is_not_shared(tiny: Callable[[str], Path]) -> None:
    from transformers import AutoModelForCausalLM

    from notewright.training.batches import can_share

    model = AutoModelForCausalLM.from_pretrained(tiny("mistral"))
    model.config.sliding_window = 100
    assert can_share(model, 100)
    assert not can_share(model, 101)
    model.config.model_type = "another"
    assert not can_share(model, 100)
