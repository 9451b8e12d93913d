"""What several processes must agree on, each test being one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import pytest
import torch
import torch.distributed as dist

from notewright.training import processes, rates


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


MEETS = """
import json, os, sys
import torch.distributed as dist
from notewright.training import processes
dist.init_process_group("gloo", init_method=f"file://{sys.argv[1]}", rank=processes.rank(), world_size=2)
print(json.dumps(processes.first({"distance": 0.5 + processes.rank()})), flush=True)
os._exit(0)
"""


def test_the_first_process_has_the_last_word(tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", MEETS, str(tmp_path / "meeting")],
            env=os.environ | {"RANK": rank, "WORLD_SIZE": "2"},
            stdout=subprocess.PIPE,
        )
        for rank in ("0", "1")
    ]
    assert [json.loads(one.communicate(timeout=300)[0]) for one in both] == [{"distance": 0.5}] * 2


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """This process is the second of two; the argument is what the first one says."""
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")

    def says(item: Any) -> None:
        monkeypatch.setattr(processes, "gather", lambda own: [item, own])

    return says


def test_a_rate_is_chosen_and_kept_by_the_first_process(second: Callable[[Any], None], tmp_path: Path) -> None:
    second(0.25)
    assert rates.try_all(tmp_path, lambda factor: factor) == dict.fromkeys(rates.FACTORS, 0.25)
    assert not list(tmp_path.iterdir())  # both would write the same file


@pytest.mark.slow
def test_all_processes_end_a_watched_training_at_the_same_check(second: Callable[[Any], None], tmp_path: Path) -> None:
    from notewright.training.watch import Checks, Watch

    session: Any = SimpleNamespace(folder=tmp_path, recipe=SimpleNamespace(patience=1), reporter=Mock())
    watch, control = Watch(session, [], 20), SimpleNamespace(should_training_stop=False, should_save=False)
    with patch.object(Watch, "look", lambda self: 0.5 - 0.01 * len(self.checks)):  # by itself it would go on
        for step in (10, 20):
            second(0.5 + step / 1000)
            Checks.on_step_end(watch, None, SimpleNamespace(global_step=step), control)
    assert watch.checks == [(10, 0.51), (20, 0.52)]
    assert (watch.kept, watch.over, control.should_training_stop) == (10, True, True)


@pytest.mark.slow
def test_all_processes_go_on_from_the_same_round(second: Callable[[Any], None], tmp_path: Path) -> None:
    from notewright.training.rounds import Rounds

    second({"distance": 0.1})
    session: Any = SimpleNamespace(folder=tmp_path, device="cpu", seconds=lambda: 1.0)
    assert Rounds(session).finish(1, {"distance": 0.2}) == {"distance": 0.1}


def test_one_of_several_processes_goes_on_in_the_middle_of_an_epoch_with_the_rows_of_that_epoch() -> None:
    """As the trainer does it: the batches that were read are skipped, and the order is that of the epoch."""
    from accelerate import skip_first_batches
    from accelerate.data_loader import BatchSamplerShard, DataLoaderShard
    from torch.utils.data import BatchSampler

    from notewright.training.data import LengthSampler
    from notewright.training.session import Keeper

    def loader() -> Any:
        sampler = LengthSampler([1] * 12, 4, 7)
        return DataLoaderShard(list(range(12)), batch_sampler=BatchSamplerShard(BatchSampler(sampler, 2, False), 2, 1))

    straight = loader()
    straight.set_epoch(1)
    whole = [batch.tolist() for batch in straight]
    resumed, keeper = loader(), Keeper(SimpleNamespace(reporter=None))  # type: ignore[arg-type]
    keeper.on_epoch_begin(None, SimpleNamespace(epoch=1.3333), None, train_dataloader=resumed)
    rest = skip_first_batches(resumed, 1)
    rest.set_epoch(1)
    assert [batch.tolist() for batch in rest] == whole[1:]
