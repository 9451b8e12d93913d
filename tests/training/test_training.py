"""Real trainings of tiny models: every shape, the child process, killed and resumed runs, preferences after demonstrations."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tiny_models
from notewright.errors import Invalid, RunFailed
from notewright.library import Library
from notewright.models import registry
from notewright.records import Dataset, Model, Run
from notewright.settings import Settings
from notewright.training import recipes, resume_run, runs, train
from tiny_training import in_process, same, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_every_shape_trains_saves_reloads_and_drafts(
    shape: str, tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset
) -> None:
    from notewright.models.engine import Engine

    rows = tiny_models.sft_rows(20)
    demonstrations = library.home / make_dataset("sft", rows).path
    sft = in_process("sft", tmp_path / "sft", base=tiny(shape), dataset=demonstrations, max_steps=16, learning_rate=1e-2)
    assert sft["loss"] < sft["first_loss"] - 0.5
    assert sft["valid_loss"] < sft["valid_loss_base"]
    assert sft["rows"] == 17
    assert sft["rows_too_long"] == 0

    engine = Engine(tiny(shape), tmp_path / "sft" / "adapter", device="cpu")
    messages, passage = rows[0]["prompt"], rows[0]["completion"][0]["content"]
    drafts = engine.generate(messages, n=2, max_new_tokens=12)
    assert len(drafts) == 2
    assert all(draft.tokens for draft in drafts)
    tuned, count = engine.logprob(messages, passage)
    engine.use_adapter(None)
    plain, _ = engine.logprob(messages, passage)
    assert (tuned - plain) / count > 0.5

    preferences = library.home / make_dataset("preference", tiny_models.preference_rows(12)).path
    dpo = in_process(
        "dpo", tmp_path / "dpo", base=tiny(shape), dataset=preferences, start=tmp_path / "sft" / "adapter", max_steps=4, learning_rate=3e-3
    )
    assert dpo["valid_margin"] > 0
    assert dpo["valid_accuracy"] > 0.5
    assert not (tmp_path / "dpo" / "adapter" / "ref").exists()
    assert not same(weights(tmp_path / "dpo" / "adapter"), weights(tmp_path / "sft" / "adapter"))
    engine.use_adapter(tmp_path / "dpo" / "adapter")
    assert engine.generate(messages, n=1, max_new_tokens=4)


def test_dpo_starts_where_sft_ended(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    """The reference is the start adapter, not the plain base: at the first step both agree and the sigmoid loss is log 2."""
    demonstrations = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    preferences = library.home / make_dataset("preference", tiny_models.preference_rows(12)).path
    in_process("sft", tmp_path / "sft", base=tiny("llama"), dataset=demonstrations, max_steps=8, learning_rate=1e-2)
    dpo = in_process(
        "dpo", tmp_path / "dpo", base=tiny("llama"), dataset=preferences, start=tmp_path / "sft" / "adapter", max_steps=1, sft_weight=0.0,
        precision="float32",
    )  # fmt: skip
    assert dpo["first_loss"] == pytest.approx(0.6931, abs=1e-3)


def test_preferences_resume_to_the_same_adapter(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    demonstrations = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    preferences = library.home / make_dataset("preference", tiny_models.preference_rows(12)).path
    in_process("sft", tmp_path / "sft", base=tiny("llama"), dataset=demonstrations, max_steps=4)
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": preferences, "start": tmp_path / "sft" / "adapter", "max_steps": 7}
    in_process("dpo", tmp_path / "straight", **options)
    in_process("dpo", tmp_path / "stopped", stop_at=4, **options)
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "stopped" / "adapter"))


@pytest.fixture
def trained(library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny) -> Callable[..., Run]:
    make_dataset("sft", tiny_models.sft_rows(20))

    def run(**options: Any) -> Run:
        overrides = {"max_steps": 60, "learning_rate": 3e-3, **options.pop("overrides", {})}
        return train(library, settings=settings, method="sft", base=str(tiny("llama")), overrides=overrides, **options)

    return run


def adapter_of(library: Library, run: Run) -> dict[str, Any]:
    folder = registry.adapter_folder(library, library.models.get(str(run.metrics["model"])))
    assert folder is not None
    return weights(folder)


def test_a_run_killed_or_interrupted_resumes_to_the_same_adapter(
    library: Library, trained: Callable[..., Run], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = trained()
    assert straight.status == "finished"

    def kill(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] >= 8:
            with contextlib.suppress(ProcessLookupError):  # events that it had still written come after its end
                os.kill(int((library.home / "runs" / "run-2" / "worker.pid").read_text()), signal.SIGKILL)

    with monkeypatch.context() as cold:
        cold.setattr(runs, "subprocess", subprocess)
        with pytest.raises(runs.Killed, match="killed"):
            trained(progress=kill)
    folder = library.home / "runs" / "run-2"
    assert library.runs.get("run-2").status == "interrupted"
    reached = runs.checkpoint_step(folder)
    assert 0 < reached < 60

    def interrupt(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="notewright train sft --resume run-2"):
        resume_run(library, "run-2", progress=interrupt)
    assert reached < runs.checkpoint_step(folder) < 60
    seen: list[dict[str, Any]] = []
    resumed = train(library, settings=settings, method="sft", resume=True, progress=seen.append)
    assert resumed.id == "run-2"
    assert resumed.status == "finished"
    assert min(event["step"] for event in seen if event["event"] == "step") > reached
    assert same(adapter_of(library, straight), adapter_of(library, resumed))
    assert not (folder / "checkpoints").exists()


def test_the_time_left_counts_what_later_rounds_write(library: Library) -> None:
    """Four rounds of ten steps of a second, before each of which drafts are written for a minute."""
    from notewright.training.session import time_left

    assert time_left(10.0, 10, step=10, steps=40, before=0, part=40, outside=60.0) == 30  # one part: whatever came before it is over
    assert time_left(1.0, 1, step=1, steps=40, before=0, part=10, outside=60.0) == 39 + 3 * 60
    assert time_left(1.0, 1, step=11, steps=40, before=10, part=10, outside=130.0) == 29 + 2 * 60
    assert time_left(2.0, 2, step=40, steps=40, before=30, part=10, outside=278.0) == 0


def test_a_finished_run_is_a_current_model_with_its_history(
    library: Library, trained: Callable[..., Run], settings: Settings, make_dataset: MakeDataset
) -> None:
    seen: list[dict[str, Any]] = []
    run = trained(overrides={"max_steps": 4}, progress=seen.append)
    kinds = [event["event"] for event in seen]
    assert kinds[:3] == ["plan", "loading", "warning"]
    assert kinds[-1] == "finished"
    assert seen[0]["origins"]["learning_rate"] == "flag"
    assert "learning_rate = 0.003  (flag)" in seen[0]["message"]
    step = next(event for event in seen if event["event"] == "step")
    assert {"step", "steps", "loss", "tokens_per_second", "eta_seconds"} <= step.keys()
    folder = runs.run_folder(library, run)
    assert {"run.json", "progress.jsonl", "log.txt", "loss.png", "metrics.json", "adapter"} <= {path.name for path in folder.iterdir()}
    assert (folder / "loss.png").read_bytes()[:4] == b"\x89PNG"
    job = json.loads((folder / "run.json").read_text())
    assert job["versions"]["trl"]
    assert job["dataset_hash"]

    model = library.models.current()
    assert isinstance(model, Model)
    assert (model.id, model.role, model.parent_id, model.run_id, model.dataset_id) == ("model-2", "policy", "model-1", "run-1", "dataset-1")
    assert model.metrics["valid_loss"]
    assert model.recipe["max_steps"] == 4
    assert library.models.get("model-1").role == "base"
    assert "not compared" in library.models.promotions()[-1][2]
    config = json.loads((library.home / model.adapter_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == model.base  # PEFT by itself finds it there

    make_dataset("preference", tiny_models.preference_rows(10))
    after = train(library, settings=settings, method="dpo", overrides={"max_steps": 3}, promote=False)
    second = library.models.get(str(after.metrics["model"]))
    assert second.parent_id == "model-2"
    assert library.models.current() == model
    assert registry.describe(library, second.id)["parents"] == ["model-2", "model-1"]


def test_a_loss_that_is_no_number_stops_the_run(
    library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path
) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    make_dataset("sft", tiny_models.sft_rows(20))
    broken = tmp_path / "broken"
    shutil.copytree(tiny("llama"), broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunFailed, match="no longer a number at step 1; there is no checkpoint yet") as caught:
        train(library, settings=settings, method="sft", base=str(broken))
    assert "log.txt" in caught.value.hint
    assert library.runs.get("run-1").status == "failed"
    assert [model.role for model in library.models.all()] == ["base"]


def test_rows_that_are_too_long_are_counted(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    dataset = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    metrics = in_process("sft", tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=2, max_length=100)
    assert metrics["rows"] + metrics["rows_too_long"] == 17
    assert metrics["rows_too_long"] > 0
    events = (tmp_path / "run" / "progress.jsonl").read_text()
    assert f"Longer than 100 tokens and not trained on (max_length): {metrics['rows_too_long']} row" in events
    with pytest.raises(Invalid, match=r"usable rows \(\d+ more are longer than max_length = 20 tokens\); this method needs at least 8"):
        in_process("sft", tmp_path / "short", base=tiny("llama"), dataset=dataset, max_length=20)


def test_activation_checkpointing_comes_on_where_the_memory_is_short(
    tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    told = []
    for name, free in (("roomy", 10**12), ("short", 0)):
        monkeypatch.setattr("notewright.models.bases.free_memory", lambda free=free: free)
        monkeypatch.setattr("notewright.models.bases.require_memory", lambda *_, **__: None)
        in_process("sft", tmp_path / name, base=tiny("llama"), dataset=dataset, max_steps=2)
        events = [json.loads(line) for line in (tmp_path / name / "progress.jsonl").read_text().splitlines()]
        told += [event for event in events if event["event"] == "memory"]
    assert [event["activation_checkpointing"] for event in told] == [False, True]
    assert told[1]["needed"] < told[0]["needed"]


def test_the_drafts_that_checks_write_are_counted(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    from notewright.models import bases

    dataset = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    needed = {}
    for watched in ("auto", "off"):
        in_process("sft", tmp_path / watched, base=tiny("llama"), dataset=dataset, max_steps=2, early_stop=watched)
        events = [json.loads(line) for line in (tmp_path / watched / "progress.jsonl").read_text().splitlines()]
        needed[watched] = next(event["needed"] for event in events if event["event"] == "memory")
    one = bases.checks_needed(bases.read_config(tiny("llama")), tokens=1, rows=3)
    assert needed["auto"] > needed["off"]
    assert (needed["auto"] - needed["off"]) % one == 0


def test_the_base_is_counted_once(
    tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notewright.models import bases, engine

    dataset = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    load, free = engine.load_base, [10**12]

    def loaded(*given: Any, **options: Any) -> Any:
        free[0] = 0
        return load(*given, **options)

    monkeypatch.setattr(engine, "load_base", loaded)
    monkeypatch.setattr(bases, "free_memory", lambda: free[0])
    in_process("sft", tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=2)  # what it needs includes the base's weights


def test_four_bit_needs_a_graphics_card(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    dataset = library.home / make_dataset("sft", tiny_models.sft_rows(20)).path
    with pytest.raises(Invalid, match="needs a CUDA device"):
        in_process("sft", tmp_path / "run", base=tiny("llama"), dataset=dataset, quantize="4bit")


@pytest.mark.parametrize(
    ("tracker", "place"),
    [("tensorboard", "runs/run-1/tensorboard/*tfevents*"), ("mlflow", "mlflow.db"), ("trackio", "trackio/*.db")],
)
def test_what_a_tracker_wrote_is_found_in_the_home(library: Library, trained: Callable[..., Run], tracker: str, place: str) -> None:
    pytest.importorskip(tracker)
    trained(report_to=tracker)
    assert list(library.home.glob(place))


def test_several_trackers_are_told_apart(tmp_path: Path) -> None:
    """They were handed on as one, `tensorboard,trackio`, which no library knows."""
    from notewright.training import session

    recipe = recipes.resolve("sft", parameters=10**5, rows=17).recipe
    opened: Any = SimpleNamespace(
        job=SimpleNamespace(report_to="tensorboard,trackio"), recipe=recipe, folder=tmp_path, device="cpu", half=None, scaled=False,
        checkpointing=False,
    )  # fmt: skip
    assert session.arguments(opened, 10)["report_to"] == ["tensorboard", "trackio"]
