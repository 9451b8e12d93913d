"""The neural reward model in memory: one, whoever asks for it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

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
