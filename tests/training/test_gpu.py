"""On an NVIDIA card: 4-bit bases learn by every method, and the card computes what the processor computes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny_models
from notewright.library import Library
from notewright.records import Dataset
from tiny_training import in_process, same, weights

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]
four_bit = pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs bitsandbytes")
MakeDataset = Callable[[str, list[dict]], Dataset]
CUDA: dict[str, Any] = {"job": {"device": "cuda"}}
QUICK: dict[str, Any] = {"early_stop": "off", "rate_check": "off"}


@pytest.fixture
def passages(library: Library, make_dataset: MakeDataset) -> Path:
    return library.home / make_dataset("sft", tiny_models.sft_rows(20)).path


@pytest.fixture
def choices(library: Library, make_dataset: MakeDataset) -> Path:
    return library.home / make_dataset("preference", tiny_models.preference_rows(40)).path


@pytest.mark.parametrize("quantize", ["", pytest.param("4bit", marks=four_bit)])
def test_demonstrations_and_then_choices(quantize: str, passages: Path, choices: Path, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    options: dict[str, Any] = {"base": tiny("llama"), "quantize": quantize, **CUDA}
    sft = in_process("sft", tmp_path / "sft", dataset=passages, max_steps=30, learning_rate=1e-2, **QUICK, **options)
    assert sft["loss"] < sft["first_loss"] - 0.5
    assert sft["device"] == "cuda"
    assert sft["peak_memory"] > 0
    dpo = in_process("dpo", tmp_path / "dpo", dataset=choices, start=tmp_path / "sft" / "adapter", max_steps=6, **options)
    assert dpo["first_loss"] is not None
    assert not same(weights(tmp_path / "sft" / "adapter"), weights(tmp_path / "dpo" / "adapter"))


@pytest.mark.parametrize("method", ["ppo", "grpo", "rloo"])
@pytest.mark.parametrize("quantize", ["", pytest.param("4bit", marks=four_bit)])
def test_a_policy_learns_from_its_own_drafts(
    method: str, quantize: str, passages: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    options = {"max_steps": 3, "batch_size": 8, "max_new_tokens": 16, "learning_rate": 1e-3, "quantize": quantize}
    metrics = in_process(method, tmp_path / "run", base=tiny("llama"), dataset=passages, **options, **CUDA)
    assert metrics["steps"] == 3
    assert all(torch.isfinite(weight).all() for weight in weights(tmp_path / "run" / "adapter").values())


def test_a_reward_model_learns(choices: Path, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    metrics = in_process(
        "reward", tmp_path / "run", base=tiny("llama"), dataset=choices, max_steps=10, learning_rate=5e-3, members=2, **CUDA
    )
    assert metrics["loss"] < metrics["first_loss"]


def test_the_card_computes_what_the_processor_computes(passages: Path, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    from notewright.models.engine import Engine

    rows = tiny_models.sft_rows(4)
    found = [
        [
            Engine(tiny("llama"), device=device, dtype=torch.float32).logprob(row["prompt"], row["completion"][0]["content"])[0]
            for row in rows
        ]
        for device in ("cpu", "cuda")
    ]
    assert found[1] == pytest.approx(found[0], rel=1e-3)
    drafts = [Engine(tiny("llama"), device="cuda").generate(rows[0]["prompt"], n=n, max_new_tokens=12, seed=3) for n in (1, 4)]
    assert drafts[0][0].text == drafts[1][0].text
