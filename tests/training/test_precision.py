"""What is trained stays in float32, whatever the base is in; small steps would not move it otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny_models
from notewright.library import Library
from notewright.models import bases
from notewright.records import Dataset
from tiny_training import in_process, weights

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")]
MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny base counts as a large one: its weights are in bfloat16, its activations are computed twice."""
    monkeypatch.setattr(bases, "SMALL", 1000)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", ["sft", "kto", "grpo", "rloo"])
def test_an_adapter_beside_a_four_bit_base_is_trained_in_float32(
    method: str, precision: str, library: Library, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base is only said to be one: that is what TRL goes by."""
    from notewright.training import session as sessions

    opened = sessions.open_session

    def as_if_quantised(*given: Any) -> Any:
        session = opened(*given)
        session.model.is_loaded_in_4bit = True
        return session

    monkeypatch.setattr(sessions, "open_session", as_if_quantised)
    rows = tiny_models.sft_rows(20)
    if method == "kto":
        rows = [{**row, "label": number % 3 > 0} for number, row in enumerate(tiny_models.sft_rows(303))]
    own: dict[str, Any] = {"sft": {"early_stop": "off", "rate_check": "off"}, "kto": {}}.get(method, {"batch_size": 8, "max_new_tokens": 8})
    dataset = library.home / make_dataset("sft", rows).path
    in_process(method, tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=2, precision=precision, **own)
    trained = weights(tmp_path / "run" / "adapter")
    assert {weight.dtype for weight in trained.values()} == {torch.float32}
    assert any(weight.any() for name, weight in trained.items() if "lora_B" in name)
    assert any((weight != weight.bfloat16()).any() for name, weight in trained.items() if "lora_A" in name)  # it was never rounded
