"""What a run that is resumed must find as it was: refused in words before a process starts; all without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.models import bases
from notewright.records import Dataset, Run
from notewright.settings import Settings
from notewright.training import _hash, resume_run, runs
from notewright.training.launch import WORKER

MakeDataset = Callable[[str, list[dict]], Dataset]


class Started(Exception):
    """The worker would begin now."""


@pytest.fixture
def left(library: Library, make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """The folder of a run that was broken off, on a base and a former version of its own."""

    def execute(*_: Any, **__: Any) -> None:
        raise Started

    def make(**changes: Any) -> Path:
        dataset = library.home / make_dataset("preference", tiny_models.preference_rows(9)).path
        base = bases.fetch_base(str(tiny_models.build("llama", tmp_path / "base")))
        start = library.home / "models" / "model-7"
        start.mkdir(parents=True)
        folder = library.home / "runs" / library.runs.new_id()
        folder.mkdir(parents=True)
        runs.Job(
            method="dpo", recipe={}, origins={}, base=base.name, base_folder=str(base.folder), revision=base.revision, parent_id="",
            start_adapter=str(start), dataset_id="", dataset_folder=str(dataset), dataset_hash=_hash(dataset / "train.jsonl"), **changes,
        ).save(folder)  # fmt: skip
        library.runs.add(Run(folder.name, "dpo", f"runs/{folder.name}", "failed", "2026-01-01"))
        return folder

    monkeypatch.setattr(runs, "execute", execute)
    return make


def test_a_run_goes_on_where_all_is_there(library: Library, left: Callable[..., Path]) -> None:
    with pytest.raises(Started):
        resume_run(library, left().name)


def test_a_run_goes_on_on_the_device_that_is_set_now(library: Library, left: Callable[..., Path]) -> None:
    folder = left(device="cuda")
    with pytest.raises(Started):
        resume_run(library, folder.name, settings=Settings(home=library.home, device="cpu"), promote=False)
    assert (runs.Job.load(folder).device, runs.Job.load(folder).promote) == ("cpu", True)


def test_a_base_with_other_files_is_refused(library: Library, left: Callable[..., Path], tmp_path: Path) -> None:
    folder = left()
    tiny_models.build("llama", tmp_path / "base", seed=1)
    with pytest.raises(Invalid, match="base model of run-1 has other files now"):
        resume_run(library, folder.name)


@pytest.mark.parametrize("what", ["former version", "dataset", "reward model"])
def test_what_is_gone_is_named(what: str, library: Library, left: Callable[..., Path], tmp_path: Path) -> None:
    folder = left()
    (folder / "judge.json").write_text(json.dumps({"reward": "", "folder": str(tmp_path / "gone")} if what == "reward model" else {}))
    if what == "former version":
        shutil.rmtree(library.home / "models" / "model-7")
    if what == "dataset":
        (Path(runs.Job.load(folder).dataset_folder) / "train.jsonl").unlink()
    with pytest.raises(NotFound, match=f"The {what} of run-1 is gone") as caught:
        resume_run(library, folder.name)
    assert "notewright train dpo" in caught.value.hint


def test_a_run_that_another_process_has_just_finished_is_not_trained_again(
    library: Library, left: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = runs.followed

    @contextmanager
    def later(folder: Path) -> Iterator[None]:
        library.runs.update(folder.name, status="finished")
        with followed(folder):
            yield

    folder = left()
    monkeypatch.setattr(runs, "followed", later)
    with pytest.raises(Invalid, match="run-1 is finished"):
        resume_run(library, folder.name)
    assert library.runs.get("run-1").status == "finished"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="tells processes by /proc")
def test_another_runs_worker_of_the_same_number_is_not_this_ones(library: Library, left: Callable[..., Path]) -> None:
    one, other = left(), library.home / "runs" / "run-2"
    begins = [sys.executable, "-c", "print(flush=True); input()", "-m", WORKER, str(other)]
    worker = subprocess.Popen(begins, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert worker.stdout
        worker.stdout.readline()  # it runs
        other.mkdir()
        for folder in (one, other):
            (folder / "worker.pid").write_text(str(worker.pid))
        assert (runs.is_alive(one), runs.is_alive(other)) == (False, True)
    finally:
        worker.communicate(b"\n")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="tells processes by /proc")
def test_a_worker_that_was_asked_to_stop_is_known_as_such_until_it_ends(library: Library, left: Callable[..., Path]) -> None:
    folder = left()
    waits = "import signal; signal.signal(signal.SIGTERM, lambda *_: None); print(flush=True); input()"
    worker = subprocess.Popen([sys.executable, "-c", waits, "-m", WORKER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert worker.stdout
        worker.stdout.readline()  # it runs
        (folder / "worker.pid").write_text(str(worker.pid))
        assert not runs.is_stopping(library, folder.name)
        runs.stop_run(library, folder.name)
        assert runs.is_stopping(library, folder.name)
    finally:
        worker.communicate(b"\n")
    assert not runs.is_stopping(library, folder.name)
