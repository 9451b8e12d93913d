"""The neural reward model in memory: one, whoever asks for it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import torch
from safetensors.torch import save_file

from notewright.reward import neural


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was loaded; a loading waits a moment for another one."""
    made: list[object] = []
    second = threading.Event()

    def load(*_: object, **__: object) -> object:
        made.append(object())
        second.set() if len(made) > 1 else second.wait(0.3)
        return made[-1]

    monkeypatch.setattr(neural, "NeuralReward", load)
    monkeypatch.setattr(neural.registry, "adapter_folder", lambda *_: Path("models/model-2"))
    monkeypatch.setattr(neural.bases, "fetch_base", lambda *_, **__: SimpleNamespace(folder=Path("base")))
    monkeypatch.setattr(neural, "_held", {})
    return made


def test_two_who_ask_at_once_get_the_same_one(loaded: list[object]) -> None:
    model: Any = SimpleNamespace(role="reward", base="base", revision="")
    library: Any = None
    with ThreadPoolExecutor(2) as threads:
        found = [*threads.map(lambda _: neural.open_reward(library, model, device="cpu"), range(2))]
    assert found == [loaded[0], loaded[0]]
    assert len(loaded) == 1


def test_a_device_by_another_name_is_the_same_one(loaded: list[object]) -> None:
    model: Any = SimpleNamespace(role="reward", base="base", revision="")
    library: Any = None
    for device in ("auto", neural.engine.pick_device("auto"), "auto"):
        neural.open_reward(library, model, device=device)
    assert len(loaded) == 1


def test_one_at_a_time_is_judged_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The members are adapters of one model, of which one is switched on."""
    about = {"members": ["member-0", "member-1"], "max_length": 99, "scales": {part: [[0.0, 1.0]] * 2 for part in neural.PARTS}}
    (tmp_path / "reward.json").write_text(json.dumps(about))
    save_file({"weights": torch.zeros(2, 3), "centre": torch.zeros(3), "spread": torch.ones(3)}, tmp_path / "heads.safetensors")
    judge = neural.NeuralReward.__new__(neural.NeuralReward)
    judge._read(tmp_path)
    judge.model, judge.tokenizer, on = MagicMock(), None, [""]

    def member(name: str, rows: list[list[int]]) -> torch.Tensor:
        on[0] = name
        time.sleep(0.02)
        return torch.full((len(rows),), float(on[0] == name))

    monkeypatch.setattr(judge, "_member", member)
    monkeypatch.setattr(neural, "encode", lambda *_: ([1], 0))
    monkeypatch.setattr(neural, "embeddings", lambda *_: torch.zeros(1, 3))
    with ThreadPoolExecutor() as threads:
        found = [*threads.map(lambda _: judge.opinions([([], "text")])["ensemble"], range(4))]
    assert found == [[[1.0], [1.0]]] * 4
