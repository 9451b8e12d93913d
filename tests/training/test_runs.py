"""Runs without torch: what is refused before a process starts, checkpoints, runs left behind, the worker's last words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models
from notewright.errors import Busy, Invalid, MissingExtra, NotFound, RunFailed
from notewright.library import Library
from notewright.records import Dataset, Run
from notewright.settings import Settings
from notewright.training import newest_interrupted, rates, resume_run, runs, settle, train
from notewright.training.plots import plot_loss
from notewright.training.worker import Reporter

pytestmark = pytest.mark.cold
MakeDataset = Callable[[str, list[dict]], Dataset]


def test_training_needs_a_dataset_of_its_kind(library: Library, settings: Settings, make_dataset: MakeDataset) -> None:
    with pytest.raises(NotFound, match="no sft dataset"):
        train(library, settings=settings, method="sft")
    dataset = make_dataset("preference", tiny_models.preference_rows(8))
    with pytest.raises(Invalid, match="kind preference"):
        train(library, settings=settings, method="sft", dataset_id=dataset.id)
    with pytest.raises(Invalid, match="no training method 'magic'"):
        train(library, settings=settings, method="magic")
    assert library.runs.all() == []


@pytest.mark.parametrize(
    ("method", "kind", "least"),
    [("sft", "sft", 8), ("ditto", "sft", 8), ("edits", "edits", 4), ("dpo", "preference", 4), ("kto", "labels", 300)],
)
def test_too_few_rows_are_refused_with_the_number(
    method: str, kind: str, least: int, library: Library, settings: Settings, make_dataset: MakeDataset
) -> None:
    rows = tiny_models.preference_rows(least + 2) if kind == "preference" else tiny_models.sft_rows(least + 2)
    make_dataset(kind, rows)
    with pytest.raises(Invalid, match=f"has {least - 1} training (rows|decisions); {method} needs at least {least}") as caught:
        train(library, settings=settings, method=method)
    assert f"notewright dataset {kind}" in caught.value.hint
    assert library.runs.all() == []


def test_trackers_are_checked_first(library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid, match="no tracker 'wandb'"):
        train(library, settings=settings, method="sft", report_to="wandb")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="needs trackio") as caught:
        train(library, settings=settings, method="sft", report_to="trackio")
    assert "notewright[tracking]" in caught.value.hint


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    for step in (2, 10, 9, 30):
        (tmp_path / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    for step in (2, 10, 9):
        (tmp_path / "checkpoints" / f"checkpoint-{step}" / "good.json").write_text(f'{{"step": {step}}}')
    assert runs.checkpoint_step(tmp_path) == 10
    assert [path.name for path in runs.checkpoints(tmp_path)] == ["checkpoint-2", "checkpoint-9", "checkpoint-10"]


def test_a_worker_that_was_killed_before_its_first_checkpoint_is_not_said_to_have_one(tmp_path: Path) -> None:
    runs.Job("sft", {}, {}, "seedling", "", "", "", "", "dataset-1", "", "").save(tmp_path)
    with pytest.raises(runs.Killed, match=r"\(SIGKILL\) before it finished; there is no checkpoint yet"):
        runs._outcome(-9, {}, tmp_path, "run-1")


@pytest.mark.parametrize("torn", [b'{"event": "step", "ste', '{"event": "warning", "message": "ü'.encode()[:-1]])
def test_a_line_that_was_cut_off_spoils_no_other(library: Library, torn: bytes) -> None:
    folder = library.home / "runs" / "run-1"
    folder.mkdir()
    library.runs.add(Run("run-1", "sft", "runs/run-1", "running", "2026-01-01"))
    step = {"event": "step", "step": 1, "loss": 2.0}
    (folder / "progress.jsonl").write_bytes(json.dumps(step).encode() + b"\n" + torn)
    assert runs.read_progress(library, "run-1") == [step]
    reporter = Reporter(folder)
    reporter.emit("loading")
    reporter.emit("step", step=2, loss=1.0)
    later = [{"event": "loading"}, {**step, "step": 2, "loss": 1.0}]
    assert runs.read_progress(library, "run-1") == [step, *later]
    assert runs.read_progress(library, "run-1", after=1) == later
    assert plot_loss(folder).stat().st_size


def test_a_small_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rates.try_all(tmp_path, {0.5: 1.0, 1.0: None}.get) is None

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            rates.try_all(tmp_path, lambda factor: factor)
    assert rates.try_all(tmp_path, lambda factor: factor) == {0.5: 1.0, 1.0: 1.0, 2.0: 2.0}


def test_runs_left_behind_are_marked_interrupted(library: Library) -> None:
    for status in ("running", "finished", "created"):
        run_id = library.runs.new_id()
        (library.home / "runs" / run_id).mkdir()
        library.runs.add(Run(run_id, "sft", f"runs/{run_id}", status, "2026-01-01"))
    (library.home / "runs" / "run-1" / "worker.pid").write_text("999999999")
    assert [run.id for run in settle(library)] == ["run-1", "run-3"]
    assert newest_interrupted(library, "sft").id == "run-3"
    with pytest.raises(NotFound, match="No interrupted dpo run"):
        newest_interrupted(library, "dpo")
    with pytest.raises(Invalid, match="run-2 is finished"):
        resume_run(library, "run-2")


def test_a_run_that_is_begun_or_taken_in_is_not_taken_for_left_behind(library: Library) -> None:
    library.runs.add(Run(library.runs.new_id(), "sft", "runs/run-1", "created", "2026-01-01"))
    folder = library.home / "runs" / "run-1"
    folder.mkdir()
    with runs.followed(folder):
        assert settle(library) == []
        assert library.runs.get("run-1").status == "created"
        with pytest.raises(Busy, match="run-1 is being trained by another process"), runs.followed(folder):
            pass
    assert [run.id for run in settle(library)] == ["run-1"]


def test_a_run_that_its_own_process_has_just_settled_is_left_alone(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.runs.add(Run(library.runs.new_id(), "sft", "runs/run-1", "running", "2026-01-01"))

    def finishes(_: Path) -> bool:
        library.runs.update("run-1", status="finished")
        return False

    monkeypatch.setattr(runs, "is_alive", finishes)
    assert settle(library) == []
    assert library.runs.get("run-1").status == "finished"


def fake_worker(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the Python that `execute` starts by one that runs `body`."""
    script = folder / "fake.py"
    script.write_text(f"import json, os, signal, sys, time\nfolder = {str(folder)!r}\n{body}")
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}"\n')
    launcher.chmod(0o755)
    job = runs.Job("sft", {}, {}, "seedling", "", "", "", "", "", "", "")
    job.save(folder)
    monkeypatch.setattr(runs.sys, "executable", str(launcher))


SAY = "def say(**e):\n    open(folder + '/progress.jsonl', 'a').write(json.dumps(e) + '\\n')\n"


def test_events_are_relayed_and_old_ones_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "progress.jsonl").write_text(json.dumps({"event": "step", "step": 1}) + "\n")
    fake_worker(tmp_path, SAY + "say(event='step', step=2)\ntime.sleep(.3)\nsay(event='finished', metrics={'loss': 1.0})", monkeypatch)
    seen: list[dict] = []
    assert runs.execute(tmp_path, seen.append) == {"event": "finished", "metrics": {"loss": 1.0}}
    assert [event["event"] for event in seen] == ["step", "finished"]


def test_a_run_is_alive_before_its_worker_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_worker(
        tmp_path, SAY + "time.sleep(.2)\nsay(event='step', pid=open(folder + '/worker.pid').read() == str(os.getpid()))", monkeypatch
    )
    seen: list[dict] = []
    with pytest.raises(RunFailed):
        runs.execute(tmp_path, seen.append)
    assert [event["pid"] for event in seen] == [True]
    assert not (tmp_path / "worker.pid").exists()


def test_the_workers_errors_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = SAY + "say(event='error', kind='Invalid', message='bad', hint='mend it', problems=['a', 'b'])\nsys.exit(1)"
    fake_worker(tmp_path, body, monkeypatch)
    with pytest.raises(Invalid, match="bad") as caught:
        runs.execute(tmp_path)
    assert (caught.value.hint, caught.value.problems) == ("mend it", ("a", "b"))


def test_no_module_of_the_folder_one_stands_in_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.Job("sft", {}, {}, "seedling", "", "", "", "", "", "", "").save(tmp_path)
    (tmp_path / "datetime.py").write_text("raise SystemExit('another datetime')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "worker_command", lambda *_: [sys.executable, "-m", "calendar", "2026"])
    with pytest.raises(RunFailed, match="status 0"):
        runs.execute(tmp_path)
    assert "December" in (tmp_path / "log.txt").read_text()


def test_a_program_that_is_not_installed_is_found_by_its_children(tmp_path: Path) -> None:
    """From a copy of the sources that one stands in, as nothing else names it."""
    shutil.copytree(
        Path(runs.__file__).parents[1], tmp_path / "src" / "notewright", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
    )
    program = "import os, notewright.pool as pool; os.environ.update(pool.own_modules_only()); import subprocess, sys; " + (
        "sys.exit(subprocess.call([sys.executable, '-c', 'import notewright; print(notewright.__file__)']))"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "src", env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (str(tmp_path / "src" / "notewright" / "__init__.py"), "")


@pytest.mark.parametrize(
    ("said", "told", "hint"),
    [
        (
            "raise ModuleNotFoundError(\"No module named 'trl'\", name='trl.trainer')",
            "the package trl is missing or broken",
            "--force-reinstall trl.",
        ),
        (
            "raise OSError('libtorch.so: cannot open shared object file')",
            "a package is missing or broken .OSError: libtorch",
            "reinstall PACKAGE.",
        ),
    ],
)
def test_a_library_that_cannot_be_read_is_to_be_installed_anew(
    said: str, told: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.Job("broken", {}, {}, "seedling", "", "", "", "", "", "", "").save(tmp_path)
    body = (
        "import sys, types, importlib.abc, importlib.machinery, importlib.util\n"
        "class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        return importlib.machinery.ModuleSpec(name, self) if name == 'notewright.training.broken' else None\n"
        "    def exec_module(self, module):\n"
        f"        {said}\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from pathlib import Path\n"
        "from notewright.training.worker import main\n"
        f"sys.exit(main(Path({str(tmp_path)!r})))"
    )
    monkeypatch.setattr(runs, "worker_command", lambda *_: [sys.executable, "-c", body])
    with pytest.raises(RunFailed, match=told) as caught:
        runs.execute(tmp_path)
    assert hint in caught.value.hint


def test_a_worker_that_ends_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_worker(tmp_path, "print('a trace'); sys.exit(7)", monkeypatch)
    with pytest.raises(RunFailed, match="status 7: a trace$") as caught:
        runs.execute(tmp_path)
    assert "log.txt" in caught.value.hint
    assert "a trace" in (tmp_path / "log.txt").read_text()


def test_a_killed_worker_can_be_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_worker(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", monkeypatch)
    with pytest.raises(runs.Killed, match="SIGKILL") as caught:
        runs.execute(tmp_path, name="run-9")
    assert "notewright train sft --resume run-9" in caught.value.hint


def test_ctrl_c_closes_the_workers_input_and_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "asked=os.path.exists(folder + '/asked-to-stop')"
    body = SAY + f"say(event='step', step=1, {asked})\nsys.stdin.read()\nsay(event='stopped', {asked})\nsys.exit(3)"
    fake_worker(tmp_path, body, monkeypatch)
    (tmp_path / "asked-to-stop").touch()  # the worker before this one was

    def interrupt(event: dict) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.execute(tmp_path, interrupt)
    told = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert [(event["event"], event["asked"]) for event in told] == [("step", False), ("stopped", True)]
