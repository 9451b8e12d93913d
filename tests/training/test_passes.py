"""A batch that a processor reads in several passes teaches what it teaches at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from notewright.library import Library
from tiny_training import in_process, weights

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning")]
OPEN = {"max_fall": 0.0, "max_drift": 0.0, "max_invalid": 0.0, "max_kl": 0.0}
METHODS: dict[str, dict[str, Any]] = {
    "sft": {"early_stop": "off", "rate_check": "off", "accumulation": 2},
    "dpo": OPEN,
    "reward": {"members": 2},
}


@pytest.mark.parametrize("method", METHODS)
def test_losses_and_weights_are_the_same(
    method: str, tiny: Callable[[str], Path], tmp_path: Path, library: Library, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from notewright.training import recipes, session

    rows = tiny_models.sft_rows(24) if method == "sft" else tiny_models.preference_rows(24)
    for number, row in enumerate(rows[::3]):  # of different lengths, so that a batch at once has padding
        row["prompt"][-1]["content"] += " The river carries silt." * (3 + 5 * number)
    dataset = make_dataset("sft" if method == "sft" else "preference", rows)
    folder = library.home / dataset.path
    passes: list[list[list[int]]] = []
    cut = session.Session.passes
    monkeypatch.setattr(session.Session, "passes", lambda self, lengths: passes.append(cut(self, lengths)) or passes[-1])
    found = []
    for at_once in (1, 1 << 20):
        monkeypatch.setattr(recipes, "AT_ONCE", at_once)
        metrics = in_process(
            method,
            tmp_path / str(at_once),
            base=tiny("llama"),
            dataset=folder,
            max_steps=4,
            batch_size=4,
            learning_rate=1e-3,
            precision="float32",  # what several passes add up to differs by less than bfloat16 can tell
            **METHODS[method],
        )
        part = "adapter/member-0" if method == "reward" else "adapter"
        events = [json.loads(line) for line in (tmp_path / str(at_once) / "progress.jsonl").read_text().splitlines()]
        found.append((metrics, [event["loss"] for event in events if event["event"] == "step"], weights(tmp_path / str(at_once) / part)))
        assert max(len(places) for item in passes[:-1] for places in item) == (1 if at_once == 1 else 4)
        passes.clear()
    (alone, losses, adapter), (together, their_losses, theirs) = found
    assert losses == pytest.approx(their_losses, abs=1e-4)
    assert alone["tokens"] == together["tokens"]
    for name, weight in adapter.items():
        torch.testing.assert_close(weight, theirs[name], rtol=1e-3, atol=2e-5)
