"""What is trained stays in float32, whatever the base is in; small steps would not move it otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch

import tiny_models
from notewright.errors import RunFailed
from notewright.library import Library
from notewright.models import bases
from notewright.records import Dataset
from notewright.training.session import Keeper
from tiny_training import in_process, weights

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")]
MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]


FLOAT32, HALF, BRAIN = torch.float32, torch.float16, torch.bfloat16


@pytest.mark.parametrize(
    ("device", "native", "big", "precision", "quantised", "weights", "half"),
    [
        ("cuda", True, True, "auto", False, BRAIN, BRAIN),
        ("cuda", True, False, "auto", False, FLOAT32, BRAIN),
        ("cuda", True, True, "float32", False, BRAIN, None),
        # Cards that only emulate bfloat16 (T4, V100): what is in float16 is computed by autocast, beside which losses are scaled.
        ("cuda", False, True, "auto", False, HALF, HALF),
        ("cuda", False, False, "auto", False, FLOAT32, None),
        ("cuda", False, True, "float32", False, FLOAT32, None),
        ("cuda", False, True, "bfloat16", False, BRAIN, BRAIN),
        ("cuda", False, True, "float32", True, HALF, HALF),
        ("cuda", False, False, "auto", True, FLOAT32, HALF),
        ("cpu", False, True, "auto", False, BRAIN, None),
        ("cpu", True, False, "auto", False, FLOAT32, BRAIN),
        # Metal scales nothing; "native" stands for a system that knows bfloat16 there.
        ("mps", True, True, "auto", False, BRAIN, None),
        ("mps", False, True, "auto", False, FLOAT32, None),
        ("mps", True, False, "bfloat16", False, FLOAT32, None),
    ],
)
def test_what_a_base_is_trained_beside_and_computed_in(
    device: str, native: bool, big: bool, precision: str, quantised: bool, weights: torch.dtype, half: torch.dtype | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from notewright.models import precision as chosen

    monkeypatch.setattr(chosen, "native_bf16", lambda _: native)
    monkeypatch.setattr(bases, "free_memory", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *_: native)
    size = 2000 if big else 1000
    assert chosen.training_dtypes(size, device, precision, "llama", quantised=quantised) == (weights, half)
    over = device == "cuda" and not native and (quantised or precision == "auto")  # what would be computed in float16
    found = chosen.training_dtypes(size, device, precision, "gemma3_text", quantised=quantised)
    assert found == ((FLOAT32, None) if over else (weights, half))


@pytest.mark.parametrize(
    ("device", "native", "written"), [("cuda", True, BRAIN), ("cuda", False, HALF), ("mps", False, HALF), ("cpu", False, BRAIN)]
)
def test_what_a_large_base_drafts_in(device: str, native: bool, written: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import precision as chosen

    monkeypatch.setattr(chosen, "native_bf16", lambda _: native)
    monkeypatch.setattr(bases, "free_memory", lambda: 0)
    assert chosen.pick_dtype(2000, device, "llama") == written
    assert chosen.pick_dtype(2000, device, "gemma2") == (FLOAT32 if written == HALF else written)
    assert chosen.pick_dtype(1000, device, "llama") == FLOAT32


def test_a_processor_that_emulates_bfloat16_computes_in_float32_where_it_has_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import precision as chosen

    monkeypatch.setattr(chosen, "native_bf16", lambda _: False)
    monkeypatch.setattr(bases, "free_memory", lambda: 20_000)
    assert chosen.pick_dtype(2000, "cpu", "llama") == FLOAT32
    assert chosen.training_dtypes(2000, "cpu", "auto", "llama") == (FLOAT32, None)
    assert chosen.pick_dtype(2001, "cpu", "llama") == BRAIN, "four bytes each of two fifths"
    assert chosen.training_dtypes(2001, "cpu", "auto", "llama") == (BRAIN, None)
    assert chosen.pick_dtype(2000, "cuda", "llama") == HALF


def test_a_processor_with_bfloat16_of_its_own_computes_in_it_but_for_tiny_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import precision as chosen

    monkeypatch.setattr(chosen, "native_bf16", lambda _: True)
    monkeypatch.setattr(chosen, "TINY", 500)
    for size, written in ((500, FLOAT32), (501, BRAIN), (2000, BRAIN)):
        assert chosen.pick_dtype(size, "cpu", "llama") == written
        assert chosen.training_dtypes(size, "cpu", "auto", "llama") == (written, BRAIN)
    assert chosen.training_dtypes(1000, "cpu", "float32", "llama") == (FLOAT32, None), "as it was asked for"


@pytest.mark.parametrize(
    ("native", "family", "computed"), [(True, "gemma2", BRAIN), (False, "llama", HALF), (False, "gemma2", FLOAT32)]
)  # fmt: skip
def test_what_four_bits_are_computed_in(native: bool, family: str, computed: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import quantization

    monkeypatch.setattr(quantization, "native_bf16", lambda _: native)
    monkeypatch.setattr(quantization, "at_hand", lambda: True)
    assert quantization.four_bit("cuda", family).bnb_4bit_compute_dtype == computed


def test_who_is_trained_in_float32_for_the_familys_sake_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import precision as chosen
    from notewright.training.session import tell_of_float32

    monkeypatch.setattr(chosen, "native_bf16", lambda _: False)
    said = Mock()
    for family, device, dtype in (("llama", "cuda", FLOAT32), ("gemma", "cpu", FLOAT32), ("gemma", "cuda", BRAIN)):
        tell_of_float32(said, family, device, dtype)
    said.warn.assert_not_called()
    tell_of_float32(said, "gemma", "cuda", FLOAT32)
    assert "computed in float32" in said.warn.call_args[0][0]


def test_ppo_scales_what_it_computes_in_float16_and_goes_on_to_the_same_adapter(
    library: Library, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor, which is said to be such a card."""
    from notewright.models import precision as chosen

    scaled: list[float] = []
    scale = torch.amp.GradScaler.scale
    monkeypatch.setattr(torch.amp.GradScaler, "scale", lambda self, loss: scaled.append(self.get_scale()) or scale(self, loss))
    dataset = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": dataset, "max_steps": 2, "batch_size": 8, "max_new_tokens": 8}
    found = {}
    for name, dtypes, more in (
        ("float32", (FLOAT32, None), {}), ("float16", (HALF, HALF), {}), ("stopped", (HALF, HALF), {"stop_at": 1}),
    ):  # fmt: skip
        monkeypatch.setattr(chosen, "training_dtypes", lambda *_, dtypes=dtypes, **__: dtypes)
        in_process("ppo", tmp_path / name, **options, **more)
        found[name] = weights(tmp_path / name / "adapter")
    assert max(scaled) == 65536.0
    assert {weight.dtype for weight in found["float16"].values()} == {torch.float32}
    moved = max(float(weight.abs().max()) for name, weight in found["float16"].items() if "lora_B" in name)
    assert 0 < moved < 10 * max(float(weight.abs().max()) for name, weight in found["float32"].items() if "lora_B" in name)
    assert all(torch.equal(weight, found["stopped"][name]) for name, weight in found["float16"].items())


@pytest.mark.parametrize(("scaled", "norms", "ends"), [(True, 17, False), (True, 18, True), (False, 1, True)])
def test_a_scaled_step_may_run_over_and_not_for_ever(scaled: bool, norms: int, ends: bool, tmp_path: Path) -> None:
    session: Any = SimpleNamespace(
        scaled=scaled, folder=tmp_path, recipe=SimpleNamespace(learning_rate=1e-3), reporter=Mock(), seconds=lambda: 0.0
    )
    keeper, state = Keeper(session), SimpleNamespace(global_step=1, max_steps=100)
    keeper.on_log(None, state, None, {"loss": 1.0, "grad_norm": 1.0})
    with pytest.raises(RunFailed, match="gradient is no longer a number") if ends else contextlib.nullcontext():
        for _ in range(norms):
            keeper.on_log(None, state, None, {"loss": 1.0, "grad_norm": float("inf")})


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
    own: dict[str, Any] = {"sft": {"early_stop": "off", "rate_check": "off"}, "kto": {}}.get(
        method, {"batch_size": 8, "max_new_tokens": 16}
    )
    dataset = library.home / make_dataset("sft", rows).path
    in_process(method, tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=2, precision=precision, **own)
    trained = weights(tmp_path / "run" / "adapter")
    assert {weight.dtype for weight in trained.values()} == {torch.float32}
    assert any(weight.any() for name, weight in trained.items() if "lora_B" in name)
    assert any((weight != weight.bfloat16()).any() for name, weight in trained.items() if "lora_A" in name)  # it was never rounded
