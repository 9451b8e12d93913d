"""The training process's command, and two processes on a CPU against one: the same adapter."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tiny_models
from notewright.errors import Invalid, NotewrightError, NotFound, RunFailed
from notewright.feedback.hunks import hunks
from notewright.library import Library
from notewright.models import registry
from notewright.records import Dataset
from notewright.settings import Settings
from notewright.training import launch, resume_run, runs, train, worker

MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]
PPO: dict[str, Any] = {
    "max_steps": 2, "batch_size": 8, "candidates": 2, "max_new_tokens": 8, "ppo_epochs": 2, "learning_rate": 1e-3,
}  # fmt: skip
GRPO: dict[str, Any] = {
    "max_steps": 2, "batch_size": 8, "candidates": 2, "max_new_tokens": 8, "minibatch": 8, "iterations": 2, "learning_rate": 1e-3,
}  # fmt: skip
SEVERAL = "compute_environment: LOCAL_MACHINE\ndistributed_type: {kind}\nnum_processes: 2\nuse_cpu: {cpu}\n"


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    def write(kind: str) -> Path:
        path = tmp_path / f"{kind}.yaml"
        path.write_text(SEVERAL.format(kind=kind, cpu=str(kind in ("MULTI_CPU", "FSDP")).lower()))
        return path

    return write


def test_one_process_needs_no_launcher(tmp_path: Path) -> None:
    assert launch.worker_command(tmp_path) == [sys.executable, "-m", launch.WORKER, str(tmp_path)]


@pytest.mark.parametrize(
    ("kind", "launcher"),
    [
        ("MULTI_CPU", "torch.distributed.run"), ("FSDP", "torch.distributed.run"), ("MULTI_GPU", "accelerate.commands.launch"),
        ("DEEPSPEED", "accelerate.commands.launch"),
    ],
)  # fmt: skip
def test_several_come_from_a_launcher(kind: str, launcher: str, config: Callable[[str], Path], tmp_path: Path) -> None:
    command = launch.worker_command(tmp_path, str(config(kind)))
    assert command[:3] == [sys.executable, "-m", launcher]
    assert command[-3:] == ["-m", launch.WORKER, str(tmp_path)]
    assert launch.splits(config(kind)) == (kind == "FSDP")


def test_a_base_that_is_split_on_cards_comes_from_accelerate(config: Callable[[str], Path], tmp_path: Path) -> None:
    path = config("FSDP")
    path.write_text(path.read_text().replace("use_cpu: true", "use_cpu: false"))
    assert launch.worker_command(tmp_path, str(path))[2] == "accelerate.commands.launch"


def test_bad_configurations_are_refused(config: Callable[[str], Path], tmp_path: Path) -> None:
    launch.require_config(None)
    with pytest.raises(NotFound, match="no accelerate configuration"):
        launch.require_config(tmp_path / "missing.yaml")
    for text, reason in (
        ("a: [", "not valid YAML"),
        ("just words", "names no distributed_type"),
        ("distributed_type: NO", "num_processes"),
    ):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(Invalid, match=reason):
            launch.require_config(tmp_path / "bad.yaml")
    launch.require_config(config("MULTI_GPU"))


@pytest.mark.parametrize(
    ("kind", "stage", "installed", "refused"),
    [
        ("FSDP", "", False, ""), ("MEGATRON_LM", "", False, "MEGATRON_LM, by which no training"), ("DEEPSPEED", "3", True, "at stage 3"),
        ("DEEPSPEED", "", True, "at stage 3"), ("DEEPSPEED", "2", False, "not installed"), ("DEEPSPEED", "2", True, ""),
    ],
)  # fmt: skip
def test_what_splits_the_model_otherwise_is_refused(
    kind: str, stage: str, installed: bool, refused: str, config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(kind)
    if stage:
        path.write_text(f"{path.read_text()}\ndeepspeed_config:\n  zero_stage: {stage}\n")
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: object() if installed else None)
    with pytest.raises(NotewrightError, match=refused) if refused else contextlib.nullcontext():
        launch.require_config(path)


def test_what_a_split_base_cannot_be_is_refused(
    config: Callable[[str], Path], library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny
) -> None:
    path = config("FSDP")
    make_dataset("sft", tiny_models.sft_rows(19))
    with pytest.raises(Invalid, match="4 bits cannot be split"):
        train(library, settings=settings, method="sft", base=str(tiny("llama")), overrides={"quantize": "4bit"}, accelerate=path)
    path.write_text(f"{path.read_text()}\nfsdp_config:\n  fsdp_offload_params: true\n")
    with pytest.raises(Invalid, match="fsdp_offload_params"):
        launch.require_config(path)


@pytest.mark.parametrize(
    ("processes", "already", "told"),
    [
        ("2", "", "One of the training's processes ended"),
        ("2", '{"event": "error", "message": "Out of luck."}\n', "Out of luck."),
        ("1", "", "Training failed: RuntimeError: Connection reset by peer"),
    ],
)
def test_who_loses_another_process_says_so_and_lets_it_speak_first(
    processes: str, already: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any) -> None:
        with (folder / "progress.jsonl").open("a") as file:
            file.write(already)
        raise RuntimeError("Connection reset by peer")

    folder = tmp_path / "run-7"
    folder.mkdir()
    job = runs.Job(
        method="sft", recipe={}, origins={}, base="b", base_folder="b", revision="", parent_id="", start_adapter="", dataset_id="",
        dataset_folder="", dataset_hash="", device="cpu",
    )  # fmt: skip
    job.save(folder)
    monkeypatch.setenv("WORLD_SIZE", processes)
    monkeypatch.setattr(worker.Reporter, "listen", lambda self: None)
    monkeypatch.setattr(worker.importlib, "import_module", lambda *_: SimpleNamespace(run=run))
    assert worker.main(folder) == 1
    last = json.loads((folder / "progress.jsonl").read_text().splitlines()[-1])
    assert (last["event"], told in last["message"]) == ("error", True)
    if processes == "2" and not already:
        assert "notewright train sft --resume run-7" in last["hint"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "method", "options"),
    [
        pytest.param("MULTI_CPU", "sft", {"max_steps": 6, "batch_size": 4, "learning_rate": 3e-3}, marks=pytest.mark.cold),
        ("MULTI_CPU", "ppo", PPO),
        ("MULTI_CPU", "grpo", GRPO),
        ("FSDP", "sft", {"max_steps": 6, "batch_size": 4, "learning_rate": 3e-3, "activation_checkpointing": "on"}),
        ("FSDP", "ppo", {**PPO, "minibatch": 2}),  # in most of whose minibatches one of the processes has no draft
        ("FSDP", "grpo", GRPO),
    ],
)
def test_two_processes_train_the_adapter_that_one_trains(
    kind: str, method: str, options: dict[str, Any], library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny,
    tmp_path: Path, config: Callable[[str], Path],
) -> None:  # fmt: skip
    dataset = make_dataset("sft", tiny_models.sft_rows(19))
    base = str(tiny("llama"))
    registry.ensure_base_model(library, settings, base=base)
    overrides = {"precision": "float32", "lora_dropout": 0.0, **options}
    config_file = config(kind)
    run = train(library, settings=settings, method=method, base=base, overrides=overrides, accelerate=config_file, promote=False)
    two = weights(library.home / run.path / "adapter")

    from notewright.training import grpo, judging, ppo, prompts, sft
    from notewright.training.worker import Reporter

    alone = tmp_path / "alone"
    alone.mkdir()
    prompts.freeze(library, alone, dataset=dataset, with_drafts=False)
    judging.freeze(library, alone, settings=settings, reward="")
    job = replace(runs.Job.load(library.home / run.path), accelerate="")
    assert {"sft": sft, "ppo": ppo, "grpo": grpo}[method].run(job, alone, Reporter(alone))
    one = weights(alone / "adapter")
    moved = max(float(one[name].abs().max()) for name in one if "lora_B" in name)
    apart = max(float((one[name] - two[name]).abs().max()) for name in one)
    assert moved > 1e-4
    assert apart < 0.02 * moved, (apart, moved)


@pytest.mark.slow
def test_on_a_split_base_drafts_are_watched_and_a_killed_training_goes_on_to_the_same_adapter(
    library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny, config: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The adapter of a start, edits that are looked at while they are learnt, and a first process that dies."""
    rows = tiny_models.sft_rows(12)
    edits = [edit_row(text, text.replace("## ", "### "), number) for number, row in enumerate(rows) for text in [said(row)]]
    make_dataset("edits", edits)
    registry.ensure_base_model(library, settings, base=str(tiny("qwen2")))
    overrides = {"max_steps": 12, "batch_size": 4, "learning_rate": 3e-3, "early_stop": "on", "precision": "float32"}

    def run(progress: Any = None) -> Path:
        made = train(
            library, settings=settings, method="edits", overrides=overrides, accelerate=config("FSDP"), promote=False, progress=progress
        )
        return library.home / made.path

    def kill(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 7:  # an epoch has three
            with contextlib.suppress(ProcessLookupError):
                os.kill(int((library.home / "runs" / "run-1" / "worker.pid").read_text()), signal.SIGKILL)

    with monkeypatch.context() as cold:
        cold.setattr(runs, "subprocess", subprocess)
        with pytest.raises(RunFailed, match=r"processes ended|ended with status"):
            run(kill)
    assert 0 < runs.checkpoint_step(library.home / "runs" / "run-1") < 12
    resumed = library.home / resume_run(library, "run-1", settings=settings, promote=False).path
    straight = run()
    one, two = weights(straight / "adapter"), weights(resumed / "adapter")
    assert all((one[name] == two[name]).all() for name in one)
    checks = [[event for event in runs.read_progress(library, folder.name) if event["event"] == "check"] for folder in (straight, resumed)]
    assert checks[0]
    assert checks[0][-1] == checks[1][-1]


def said(row: dict[str, Any]) -> str:
    return str(row["completion"][0]["content"])


def edit_row(before: str, after: str, number: int) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": f"{number}. Willow cuttings hold a bank."}],
        "shown": [{"role": "assistant", "content": before}], "edited": [{"role": "assistant", "content": after}],
        "hunks": [asdict(hunk) for hunk in hunks(before, after, highlights=[], draft=before)], "cost": 0.3, "event_id": number + 1,
    }  # fmt: skip


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize(
    ("cards", "launched", "seen"),
    [(None, False, "0"), ("2,3", False, "2"), ("", False, ""), ("2,3", True, "2,3"), ("GPU-1a", False, "GPU-1a")],
)
def test_a_training_without_a_launcher_sees_one_card(cards: str | None, launched: bool, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.training import worker

    monkeypatch.setattr(os, "environ", ({"CUDA_VISIBLE_DEVICES": cards} if cards is not None else {}) | ({"RANK": "0"} if launched else {}))
    worker._one_card()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen
