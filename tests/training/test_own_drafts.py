"""GRPO, RLOO and PPO, really trained on tiny bases: they earn more, resume to the same adapter, stop in time, refuse too little."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

import tiny_models
from notewright.errors import Invalid, RunFailed
from notewright.library import Library
from notewright.models import registry
from notewright.records import Dataset, Run
from notewright.settings import Settings
from notewright.training import SAMPLING, judging, resume_run, runs, train
from tiny_training import in_process, same, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]
SMALL: dict[str, Any] = {"batch_size": 8, "candidates": 4, "max_new_tokens": 8, "precision": "float32"}


def short_rows(count: int = 19) -> list[dict]:
    """Short prompts whose note is one word."""
    return [
        {"prompt": [{"role": "user", "content": f"Book {number}"}], "completion": [{"role": "assistant", "content": "Silt"}]}
        for number in range(count)
    ]


@pytest.fixture
def dataset(library: Library, make_dataset: MakeDataset) -> Path:
    return library.home / make_dataset("sft", short_rows()).path


@pytest.mark.parametrize("method", SAMPLING)
def test_what_is_stopped_or_killed_resumes_to_the_same_adapter(method: str, dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": dataset, "max_steps": 4, "learning_rate": 3e-3, **SMALL}
    options |= {"batch_size": 16, "minibatch": 8, "candidates": 2}  # two updates read all prompts
    if method == "grpo":
        options["iterations"] = 2
    straight = in_process(method, tmp_path / "straight", **options)
    stopped = in_process(method, tmp_path / "stopped", stop_at=2, **options)
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "stopped" / "adapter"))
    told = ("valid_reward", "steps", "first_loss", "loss", "first_reward", "reward", "first_kl", "kl", "judged_by", "tokens")
    assert [straight[name] for name in told] == [stopped[name] for name in told]
    assert (straight["steps"], straight["judged_by"], "reward_model" in straight) == (4, "similarity", False)
    if method != "ppo":  # PPO: below, with its process
        killed = in_process(method, tmp_path / "killed", kill_at=3, **options)
        assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "killed" / "adapter"))
        assert straight["valid_reward"] == killed["valid_reward"]


@pytest.mark.parametrize("method", SAMPLING)
def test_a_tracker_is_told_of_every_update(method: str, dataset: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import TrainerCallback, trainer

    from notewright.training import ppo

    told: list[tuple[str, int, float]] = []

    class Tracker(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            assert (args.run_name, more["model"].config.model_type) == ("run", "llama")
            told.append(("begin", state.max_steps, 0.0))

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "reward" in logs:
                told.append(("log", state.global_step, logs["reward"]))

        def on_train_end(self, *_: Any, **__: Any) -> None:
            told.append(("end", 0, 0.0))

    for place in (ppo, trainer):
        monkeypatch.setattr(place, "get_reporting_integration_callbacks", lambda names: [Tracker] if names == ["tensorboard"] else [])
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": dataset, "max_steps": 2, **SMALL}
    in_process(method, tmp_path / "run", job={"report_to": "tensorboard"}, **options)
    assert [what for what, *_ in told] == ["begin", "log", "log", "end"]


@pytest.mark.parametrize("method", ["grpo", "rloo"])  # PPO: test_ppo.py, where the best policy is known
def test_it_learns_what_pays(method: str, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One token, pay 1 for every twentieth one: the policy takes to those."""
    base = tiny_models.build("llama", tmp_path / "base", layers=1)
    weights = load_file(base / "model.safetensors")
    save_file({**weights, "lm_head.weight": 10 * weights["lm_head.weight"]}, base / "model.safetensors", metadata={"format": "pt"})
    tokenizer = tiny_models.tokenizer("llama")
    paid = {tokenizer.decode([token], skip_special_tokens=True) for token in range(0, 400, 20)} - {"", "\ufffd"}
    monkeypatch.setattr(
        judging.Judge, "__call__", lambda _, rows, texts, finished: [judging.Earned(float(text in paid), None, None, ()) for text in texts]
    )
    options: dict[str, Any] = {"max_steps": 16, "learning_rate": 5e-3, "kl": 0.02, "max_new_tokens": 1, "batch_size": 64}
    metrics = in_process(method, tmp_path / "run", base=base, dataset=dataset, **{**SMALL, **options, "candidates": 8})
    assert metrics["first_reward"] < 0.2
    assert metrics["reward"] > 0.5
    assert metrics["kl"] > 0.2


@pytest.mark.parametrize("method", ["grpo", "ppo"])
def test_a_policy_that_runs_away_is_stopped(method: str, dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(
        RunFailed, match=r"nats a draft away from its start at step \d+ \(kl_limit = 0\.1\); the last good checkpoint is at step"
    ):
        in_process(
            method, tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=20, learning_rate=0.05, kl_limit=0.1, kl=0.001, **SMALL
        )
    assert runs.checkpoint_step(tmp_path / "run") > 0


def test_too_little_is_refused(dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"There are 0 usable prompts \(16 more leave no room for 8 new tokens\); ppo needs at least 16"):
        in_process("ppo", tmp_path / "short", base=tiny("llama"), dataset=dataset, max_length=12, **SMALL)
    with pytest.raises(Invalid, match="no text of yours that they could be likened to"):
        in_process("ppo", tmp_path / "free", base=tiny("llama"), dataset=dataset, similarity_weight=0.0, **SMALL)
    with pytest.raises(Invalid, match="grpo compares the drafts of one prompt: 1 candidates"):
        in_process("grpo", tmp_path / "one", base=tiny("llama"), dataset=dataset, **{**SMALL, "candidates": 1})


def test_the_verbs_refuse_too_little(library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny) -> None:
    registry.ensure_base_model(library, settings, base=str(tiny("llama")))
    make_dataset("sft", short_rows(10))
    for method in SAMPLING:
        with pytest.raises(Invalid, match=f"has 7 training rows; {method} needs at least 16"):
            train(library, settings=settings, method=method)
    make_dataset("sft", short_rows(19))
    with pytest.raises(Invalid, match="may not label pairs for training yet"):
        train(library, settings=settings, method="ppo", overrides={"reward": "taste"})


def test_killed_in_the_middle_it_resumes_to_the_same_model(
    library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path
) -> None:
    registry.ensure_base_model(library, settings, base=str(tiny("llama")))
    dataset = make_dataset("sft", short_rows())
    overrides: dict[str, Any] = {"max_steps": 8, "learning_rate": 3e-3, "minibatch": 4, **SMALL}

    def kill(event: dict[str, Any]) -> None:
        if event["event"] == "checkpoint":
            with contextlib.suppress(ProcessLookupError):  # events that it had still written come after its end
                os.kill(int((library.home / "runs" / "run-1" / "worker.pid").read_text()), signal.SIGKILL)

    with pytest.raises(runs.Killed, match="the last good checkpoint is at step"):
        train(library, settings=settings, method="ppo", overrides=overrides, progress=kill)
    reached = runs.checkpoint_step(library.home / "runs" / "run-1")
    assert 0 < reached < 8
    run = resume_run(library, "run-1", settings=settings)
    assert isinstance(run, Run)
    assert run.status == "finished"
    model = library.models.get(str(run.metrics["model"]))
    assert (model.role, model.parent_id) == ("policy", "model-1")
    folder = registry.adapter_folder(library, model)
    assert folder is not None
    in_process("ppo", tmp_path / "straight", base=tiny("llama"), dataset=library.home / dataset.path, **overrides)
    assert same(weights(folder), weights(tmp_path / "straight" / "adapter"))


def test_a_loss_that_is_no_number_stops_it(dataset: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.training import ppo

    whole, calls = ppo.policy_loss, []

    def broken(*args: Any) -> Any:
        calls.append(1)
        return whole(*args) * (float("nan") if len(calls) > 40 else 1.0)

    monkeypatch.setattr(ppo, "policy_loss", broken)
    with pytest.raises(RunFailed, match=r"no longer a number at step 3; the last good checkpoint is at step [12]"):
        in_process("ppo", tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=8, learning_rate=1e-3, **SMALL)
    good = runs.newest_checkpoint(tmp_path / "run")
    assert good is not None
    import torch

    state = torch.load(good / "state.pt", weights_only=True)
    assert all(torch.isfinite(weight).all() for weight in state["default"].values())


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_a_loss_that_is_no_number_stops_groups_too(
    method: str, dataset: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notewright.training import grpo

    whole = grpo.Writing.compute_loss

    def broken(self: Any, *args: Any, **options: Any) -> Any:
        return whole(self, *args, **options) * (float("nan") if self.state.global_step == 9 else 1.0)

    monkeypatch.setattr(grpo.Writing, "compute_loss", broken)  # in the second of the four optimizer steps of the third update
    with pytest.raises(RunFailed, match=r"no longer a number at step 3; the last good checkpoint is at step [12]\."):
        in_process(method, tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=4, learning_rate=1e-3, **SMALL)
    good = runs.newest_checkpoint(tmp_path / "run")
    assert good is not None
    assert all(weight.isfinite().all() for weight in load_file(good / "adapter_model.safetensors").values())


def test_a_base_that_computes_no_numbers_is_told_apart_from_an_error(dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    """The distance is no number then either, and the trainer's log has none."""
    base = tmp_path / "broken"
    shutil.copytree(tiny("llama"), base)
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * float("nan")
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunFailed, match="no longer a number at step 1; there is no checkpoint yet"):
        in_process("grpo", tmp_path / "run", base=base, dataset=dataset, max_steps=2, **SMALL)


def test_an_update_is_learnt_from_in_equal_parts(dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="8 drafts of an update cannot be learnt from in steps of 3"):
        in_process("rloo", tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=1, **SMALL, minibatch=3)


def test_an_update_has_room_for_the_candidates_of_a_prompt(dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="update of 8 drafts has no room for the 16 candidates"):
        in_process("ppo", tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=1, **{**SMALL, "candidates": 16})


def test_every_step_says_what_was_earned(dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    in_process("ppo", tmp_path / "run", base=tiny("qwen2"), dataset=dataset, max_steps=1, **SMALL)
    events = [json.loads(line) for line in (tmp_path / "run" / "progress.jsonl").read_text().splitlines()]
    step = next(event for event in events if event["event"] == "step")
    assert {"reward", "kl", "similarity", "blocked", "kl_price", "loss"} <= step.keys()


def test_what_ppo_is_kept_near_to_has_no_dropout(dataset: Path, tiny: Tiny, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    lora = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.3, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny("llama")), lora)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.3)
    model.save_pretrained(tmp_path / "start")
    metrics = in_process(
        "ppo", tmp_path / "run", base=tiny("llama"), dataset=dataset, start=tmp_path / "start", max_steps=1, learning_rate=1e-9, **SMALL
    )
    assert metrics["first_kl"] == pytest.approx(0, abs=1e-4)  # it has not moved


def test_where_no_adapter_is_in_use_the_base_writes(tiny: Tiny) -> None:
    from types import SimpleNamespace

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from notewright.models import chat
    from notewright.training import writing

    tokenizer = chat.prepare_tokenizer(AutoTokenizer.from_pretrained(tiny("llama")))
    untaught, model = (
        get_peft_model(
            AutoModelForCausalLM.from_pretrained(tiny("llama")), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
        )
        for _ in range(2)
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.5)
    desk = object.__new__(writing.Desk)
    desk.session = SimpleNamespace(model=model, tokenizer=tokenizer, memory=None)  # type: ignore[assignment]
    desk.recipe = SimpleNamespace(max_new_tokens=12)  # type: ignore[assignment]
    desk.stops = chat.stop_tokens(tokenizer)
    prompt = chat.encode_prompt(tokenizer, [{"role": "user", "content": "1. A tide table."}])
    [trained] = desk.sample([prompt], [0], temperature=0.0)
    with model.disable_adapter():
        [start] = desk.sample([prompt], [0], temperature=0.0)
    assert desk.sample([prompt], [0], temperature=0.0) == [trained]
    desk.session.model = untaught
    assert [start] == desk.sample([prompt], [0], temperature=0.0) != [trained]


@pytest.mark.parametrize("method", ["grpo", "ppo"])
def test_the_memory_told_is_that_of_a_minibatch_and_of_the_drafts_that_are_written(
    method: str, dataset: Path, tiny: Tiny, tmp_path: Path
) -> None:
    """Not of all drafts of an update twice over: that refused eight times too early."""
    from notewright.models import bases

    needed = {}
    for drafts in (8, 32):
        folder = tmp_path / str(drafts)
        in_process(method, folder, base=tiny("llama"), dataset=dataset, max_steps=1, minibatch=8, **{**SMALL, "batch_size": drafts})
        events = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
        needed[drafts] = next(event["needed"] for event in events if event["event"] == "memory")
    one = bases.checks_needed(bases.read_config(tiny("llama")), tokens=1, rows=24)
    assert 0 < needed[32] - needed[8] < needed[8]
    assert (needed[32] - needed[8]) % one == 0
