"""What several processes must agree on, each test being one of them."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist

from notewright.training import processes


@pytest.mark.parametrize(("local", "world"), [("1", "2"), ("0", "2"), ("", "1")])
def test_each_process_takes_a_card_of_its_own_before_it_meets_the_others(local: str, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setenv("WORLD_SIZE", world)
    if local:
        monkeypatch.setenv("LOCAL_RANK", local)
    else:
        monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setattr(torch.cuda, "set_device", seen.append)
    monkeypatch.setattr(dist, "init_process_group", seen.append)
    processes.join("cuda")
    assert seen == [int(local or 0), *(["nccl"] if world == "2" else [])]


def test_processes_on_a_processor_take_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "set_device", seen.append)
    monkeypatch.setattr(dist, "init_process_group", seen.append)
    processes.join("cpu")
    assert seen == ["gloo"]
