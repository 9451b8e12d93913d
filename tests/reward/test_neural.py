"""The neural reward model in memory: one, whoever asks for it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

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


def test_two_who_ask_one_at_once_each_get_the_opinions_of_its_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which member answers is a state of the model, that another thread would change in between."""
    about = {"members": ["member-1", "member-2"], "max_length": 9, "scales": {"ensemble": [[0, 1], [0, 1]], "embedding": [[0, 1]]}}
    monkeypatch.setattr(neural, "read_about", lambda _: about)
    monkeypatch.setattr(neural, "load_file", lambda _: {})
    monkeypatch.setattr(neural, "encode", lambda *_: ([1], 0))
    monkeypatch.setattr(neural, "embeddings", lambda *_: torch.zeros(1, 1))
    monkeypatch.setattr(neural, "linear", lambda *_: torch.zeros(1, 1))
    begun: list[str] = []
    second, between = threading.Event(), threading.Event()

    class Adapters:
        def set_adapter(self, name: str) -> None:
            self.name = name
            if name == "member-2":
                between.set()
                return
            begun.append(name)
            if len(begun) == 1:
                second.wait(0.3)  # until the other thread has begun, too, if nothing keeps it
            else:
                second.set()
                between.wait(9)  # and that one goes on when this one is at its second member

        disable_adapter, get_base_model = staticmethod(nullcontext), staticmethod(lambda: None)

    def rewards(model: Any, *_: object) -> torch.Tensor:
        return torch.tensor([float(model.name.removeprefix("member-"))])

    monkeypatch.setattr(neural, "rewards", rewards)
    judge = neural.NeuralReward.__new__(neural.NeuralReward)
    judge._read(Path())
    judge.model, judge.tokenizer = Adapters(), None
    with ThreadPoolExecutor(2) as threads:
        found = [*threads.map(lambda _: judge.opinions([((), "text")])["ensemble"], range(2))]
    assert found == [[[1.0], [2.0]]] * 2
