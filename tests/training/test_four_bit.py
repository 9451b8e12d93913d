"""4-bit bases learn by every method. On a processor, where bitsandbytes has kernels too: what `gpu` tests do on a card, without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import tiny_models
from notewright.library import Library
from notewright.records import Dataset
from tiny_training import in_process, same, weights

pytest.importorskip("bitsandbytes", reason="needs bitsandbytes (the extra quantization)")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")]
MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]


@pytest.fixture(autouse=True)
def without_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product asks for a card, as this is slow without; the same configuration is used here."""
    from notewright.models import quantization
    from notewright.training import session

    as_on_a_card = session.four_bit
    monkeypatch.setattr(session, "four_bit", lambda _, family: as_on_a_card("cuda", family))
    monkeypatch.setattr(quantization, "native_bf16", lambda _: True)


# Bases whose layers have biases (Qwen 2, GPT-J) fail inside bitsandbytes' kernels for processors, which add them in place.
@pytest.mark.parametrize("shape", ["llama", "mistral"])
def test_demonstrations_and_then_choices(shape: str, library: Library, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path) -> None:
    passages = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    choices = library.home / make_dataset("preference", tiny_models.preference_rows(40)).path
    quick = {"max_steps": 30, "learning_rate": 1e-2, "early_stop": "off", "rate_check": "off"}
    sft = in_process("sft", tmp_path / "sft", base=tiny(shape), dataset=passages, quantize="4bit", **quick)
    assert sft["loss"] < sft["first_loss"] - 0.5
    start = tmp_path / "sft" / "adapter"
    in_process("dpo", tmp_path / "dpo", base=tiny(shape), dataset=choices, start=start, max_steps=6, quantize="4bit")
    assert not same(weights(start), weights(tmp_path / "dpo" / "adapter"))


@pytest.mark.parametrize("method", ["ppo", "grpo", "rloo"])
def test_a_policy_learns_from_its_own_drafts(method: str, library: Library, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path) -> None:
    passages = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    small = {"max_steps": 3, "batch_size": 8, "max_new_tokens": 16, "learning_rate": 1e-3}
    metrics = in_process(method, tmp_path / "run", base=tiny("llama"), dataset=passages, quantize="4bit", **small)
    assert metrics["steps"] == 3
    assert all(torch.isfinite(weight).all() for weight in weights(tmp_path / "run" / "adapter").values())


def test_a_reward_model_learns(library: Library, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path) -> None:
    choices = library.home / make_dataset("preference", tiny_models.preference_rows(40)).path
    small = {"max_steps": 10, "learning_rate": 5e-3, "members": 2}
    metrics = in_process("reward", tmp_path / "run", base=tiny("llama"), dataset=choices, quantize="4bit", **small)
    assert metrics["loss"] < metrics["first_loss"]


def test_a_reward_model_judges_on_the_base_that_it_learnt_on(
    library: Library, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held-out choices are judged as its training judged them."""
    from notewright.models import quantization
    from notewright.reward import neural

    as_on_a_card = quantization.four_bit
    rows = tiny_models.preference_rows(40)
    choices = library.home / make_dataset("preference", rows).path
    in_process(
        "reward", tmp_path / "run", base=tiny("llama"), dataset=choices, quantize="4bit", max_steps=10, learning_rate=5e-3, members=2
    )
    about = json.loads((tmp_path / "run" / "adapter" / "reward.json").read_text())
    monkeypatch.setattr(quantization, "four_bit", lambda _, family: as_on_a_card("cuda", family))
    monkeypatch.setattr(neural, "in_four_bits", lambda about, _: about["quantize"] == "4bit")
    judge = neural.NeuralReward(tmp_path / "run" / "adapter", base=tiny("llama"), device="cpu")
    for row, check in zip(rows[-3:], about["held_out"], strict=True):
        found = judge.opinions([(row["prompt"], row[side][0]["content"]) for side in ("chosen", "rejected")])
        gaps = {part: sum(member[0] - member[1] for member in opinions) / 2 for part, opinions in found.items()}
        assert gaps == pytest.approx({part: check[part] for part in gaps}, abs=0.02)


def test_a_base_too_large_for_the_card_writes(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import quantization
    from notewright.models.engine import Engine

    as_on_a_card = quantization.four_bit
    monkeypatch.setattr(quantization, "four_bit", lambda _, family: as_on_a_card("cuda", family))
    monkeypatch.setattr(Engine, "_needs_four_bits", lambda *_: True)
    engine = Engine(tiny("llama"), device="cpu")
    assert any(type(module).__name__ == "Linear4bit" for module in engine._bare.modules())
    messages = [{"role": "user", "content": "1. A fact."}]
    drafts = engine.generate(messages, n=3, seed=4, max_new_tokens=12)
    assert [item.text for item in engine.generate(messages, n=3, seed=4, max_new_tokens=12)] == [item.text for item in drafts]
    ids = engine.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    written = engine._bare.generate(**ids, max_new_tokens=12, do_sample=False)[0, ids["input_ids"].shape[1] :]
    assert drafts[0].greedy
    assert drafts[0].text.strip() == engine.tokenizer.decode(written, skip_special_tokens=True).strip()
    engine.close()
