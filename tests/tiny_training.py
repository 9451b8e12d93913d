"""What the worker does, without its process: any method on a tiny base, stopped where a test wants it and started again."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import warm
from notewright.training import SAMPLING, recipes, runs


class Killed(BaseException):
    """The process is gone."""


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def freeze(folder: Path, dataset: Path) -> None:
    """A dataset's prompts and a judge that likens to the person's text, as they are frozen into a run folder."""
    for name, part in (("prompts", "train"), ("prompts-valid", "valid")):
        rows = [json.loads(line) for line in (dataset / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]
        frozen = [{"prompt": row["prompt"], "reference": row["completion"][0]["content"], "highlights": [], "known": ""} for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in frozen), encoding="utf-8")
    judge = {"reward": "", "habits": {"passages": 0, "fired": {}, "used": {}}}
    (folder / "judge.json").write_text(json.dumps(judge), encoding="utf-8")


def in_process(
    method: str,
    folder: Path,
    *,
    base: Path,
    dataset: Path,
    start: Path | None = None,
    stop_at: int = 0,
    kill_at: int = 0,
    break_at: int = 0,
    job: dict[str, Any] | None = None,
    files: dict[str, str] | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Metrics of a training in `folder`. With `stop_at` it is told to stop at that step, and then started again; with `kill_at` it begins
    in a process of its own, which gets a SIGKILL in the middle of that step; with `break_at` it is broken off there in this process, for
    tests that stand in for a part of it. `job` changes the job, `files` lie in the folder before it begins.
    """
    from notewright.training.worker import FILES, Reporter

    class Stopping(Reporter):
        def emit(self, event: str, **values: Any) -> None:
            super().emit(event, **values)
            if stop_at and values.get("step") == stop_at:
                self.stop.set()
            if event == "step" and values["step"] == break_at:
                raise Killed

    folder.mkdir(parents=True)
    if method in SAMPLING:
        freeze(folder, dataset)
    for name, text in (files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    resolved = recipes.resolve(method, parameters=10**5, rows=17, overrides=overrides)
    whole = runs.Job(
        method=method, recipe=resolved.values(), origins={}, base=str(base), base_folder=str(base), revision="", parent_id="",
        start_adapter=str(start or ""), dataset_id="", dataset_folder=str(dataset), dataset_hash="", **{"device": "cpu", **(job or {})},
    )  # fmt: skip
    run = importlib.import_module(f"notewright.training.{FILES.get(method, method)}").run
    if stop_at:
        assert run(whole, folder, Stopping(folder)) is None
        assert stop_at <= runs.checkpoint_step(folder) < recipes.planned_steps(resolved.recipe, 17)
    if kill_at:
        child = warm.context().Process(target=_dies_at, args=(whole, folder, kill_at))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
    if break_at:
        with contextlib.suppress(Killed):
            run(whole, folder, Stopping(folder))
    if kill_at or break_at:
        assert 0 < runs.checkpoint_step(folder) < kill_at + break_at
    before, began = runs.spent(folder), time.monotonic()
    metrics = run(whole, folder, Reporter(folder))
    assert metrics is not None
    assert bool(before) == bool(stop_at or kill_at or break_at)
    assert before <= metrics["training_seconds"] + 0.05 <= before + time.monotonic() - began + 0.1
    return metrics


def _dies_at(job: Any, folder: Path, step: int) -> None:
    from notewright.training.worker import FILES, Reporter

    class Dying(Reporter):
        def emit(self, event: str, **values: Any) -> None:
            super().emit(event, **values)
            if event == "step" and values["step"] == step:
                os.kill(os.getpid(), signal.SIGKILL)

    importlib.import_module(f"notewright.training.{FILES.get(job.method, job.method)}").run(job, folder, Dying(folder))
