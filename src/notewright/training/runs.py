"""Run folders and the child process that trains in them. Light: no torch here.

    runs/<id>/run.json          the job: recipe and origins, base, dataset, device, package versions
    runs/<id>/progress.jsonl    one JSON object a line, written by the worker while it trains
    runs/<id>/log.txt           everything the libraries print
    runs/<id>/followed.lock     held by the process that starts the worker and takes in what comes of it
    runs/<id>/asked-to-stop     there once its worker was, until it goes on
    runs/<id>/checkpoints/      resumable saves; one is good once it holds `good.json`
    runs/<id>/members/          finished members of a reward ensemble
    runs/<id>/rounds/           what each round of a training in rounds wrote and learnt
    runs/<id>/watch/            the adapters that came nearest on held-out passages
    runs/<id>/judge.json        what drafts earn, and prompts.jsonl what they are written for (GRPO, RLOO, PPO)
    runs/<id>/adapter/          the result
    runs/<id>/loss.png          the loss curve
    runs/improve-<n>/           what each step of an `improve` has come to, in state.json

The worker stops at its next step, with a checkpoint, when its standard input closes: so it also stops when we are killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import Busy, Conflict, Invalid, MissingExtra, NotewrightError, NotFound, RunFailed, Unavailable
from ..files import locked, put, taken
from ..library import Library
from ..library.atwork import unfinished
from ..pool import own_modules_only
from ..records import Run
from ..settings import TELEMETRY_OFF
from .launch import WORKER, worker_command

Progress = Callable[[dict[str, Any]], None]
KINDS: dict[str, type[NotewrightError]] = {
    kind.__name__: kind for kind in (Busy, Conflict, Invalid, MissingExtra, NotFound, RunFailed, Unavailable)
}
PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors")
UNSETTLED = ("created", "running")  # what a run without a worker can be left as
FOLLOWED = "followed.lock"
ASKED = "asked-to-stop"  # the worker of this folder was
STOPPED = 3  # the worker's exit status when it was told to stop
GOOD = "good.json"  # in a checkpoint that is whole


@dataclass(frozen=True, slots=True)
class Job:
    """All that the worker needs; saved as run.json. `start_adapter` is what is refined (empty: a fresh adapter)."""

    method: str
    recipe: dict[str, Any]
    origins: dict[str, str]
    base: str
    base_folder: str
    revision: str
    start_adapter: str
    parent_id: str
    dataset_id: str
    dataset_folder: str
    dataset_hash: str
    device: str = "auto"
    report_to: str = "none"
    force: bool = False
    promote: bool = True
    versions: dict[str, str] = field(default_factory=dict)
    accelerate: str = ""  # a configuration file of accelerate; empty: one process
    taught: list[str] = field(default_factory=list)  # folders of the data that taught what is refined, as far as they are there

    def save(self, folder: Path) -> None:
        put(folder / "run.json", json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Job:
        path = folder / "run.json"
        if not path.exists():
            raise NotFound(f"{folder} is not a run folder: it has no run.json.", "List the runs with: notewright runs")
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def package_versions() -> dict[str, str]:
    found = {"notewright": __version__, "python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def run_folder(library: Library, run: Run) -> Path:
    """Where a run lies (rows keep the path relative to the home)."""
    return library.home / run.path


def checkpoints(folder: Path) -> list[Path]:
    """Good checkpoints, newest last; one that was cut off while being written is not among them."""
    good = [path.parent for path in (folder / "checkpoints").glob(f"checkpoint-*/{GOOD}")]
    return sorted(good, key=lambda path: int(path.name.rpartition("-")[2]))


def newest_checkpoint(folder: Path) -> Path | None:
    found = checkpoints(folder)
    return found[-1] if found else None


def checkpoint_step(folder: Path) -> int:
    """The step from which the run would go on; 0 is the start."""
    newest = newest_checkpoint(folder)
    parts = [*(folder / "members").glob("member-*/scores.json"), *(folder / "rounds").glob("round-*/round.json")]
    finished = sum(json.loads(path.read_text(encoding="utf-8"))["steps"] for path in parts)
    return finished + (int(json.loads((newest / GOOD).read_text(encoding="utf-8"))["step"]) if newest else 0)


def spent(folder: Path) -> float:
    """The seconds that a run had trained when what it goes on from was saved."""
    parts = [*folder.glob(f"checkpoints/*/{GOOD}"), *folder.glob("rounds/*/round.json"), *folder.glob("members/*/scores.json")]
    return max((float(json.loads(path.read_text(encoding="utf-8")).get("seconds", 0.0)) for path in parts), default=0.0)


def last_good(folder: Path) -> str:
    """Where the run would go on, for what is said when it ends before its end."""
    step = checkpoint_step(folder)
    return f"the last good checkpoint is at step {step}" if step else "there is no checkpoint yet"


def member_folder(folder: Path, member: int) -> Path:
    """Where an ensemble's finished member lies; while it is trained there is none."""
    return folder / "members" / f"member-{member}"


def is_alive(folder: Path) -> bool:
    """Whether a worker trains in this folder now."""
    try:
        pid = int((folder / "worker.pid").read_text(encoding="utf-8"))
        os.kill(pid, 0)
    except (OSError, ValueError):
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").rstrip("\0").split("\0")
        # Numbers come again, in a container after every start: of another run's worker too.
        return WORKER in command and Path(command[-1]).name == folder.name
    except OSError:
        return not Path("/proc").is_dir()


@contextmanager
def followed(folder: Path) -> Iterator[None]:
    """Before there is a worker, and after it, nobody may take the run for one that was left behind. Raises Busy where another process does
    this already; the system lets go of it when a process ends, however it ends."""
    with (folder / FOLLOWED).open("ab", buffering=0) as file:
        if not taken(file):
            raise Busy(f"{folder.name} is being trained by another process.", "Wait for it, or stop that process first.")
        yield


def is_followed(folder: Path) -> bool:
    """Whether a process is about to train there, trains, or takes in what came of it."""
    try:
        with (folder / FOLLOWED).open("rb", buffering=0) as file:
            return not locked(file, shared=True)
    except OSError:  # made by an older version, or the folder is gone
        return False


def parse(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events in lines of a progress file, without what a worker that was killed left half written."""
    for line in lines:
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and "event" in event:
                yield event


def read_progress(library: Library, run_id: str, *, after: int = 0) -> list[dict[str, Any]]:
    """A run's events from number `after` on, as its worker wrote them; a line that is still being written is left for later."""
    path = run_folder(library, library.runs.get(run_id)) / "progress.jsonl"
    if not path.exists():
        return []
    return list(parse(path.read_bytes().split(b"\n")[:-1]))[after:]


def read_log(library: Library, run_id: str, *, lines: int = 200) -> str:
    """The last lines of what the libraries printed during a run."""
    path = run_folder(library, library.runs.get(run_id)) / "log.txt"
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 400 * lines))
        return "\n".join(file.read().decode("utf-8", errors="replace").splitlines()[-lines:])


def stop_run(library: Library, run_id: str) -> Run:
    """Ask the run's worker to stop at its next step, with a checkpoint. Raises Invalid when none trains."""
    run = library.runs.get(run_id)
    folder = run_folder(library, run)
    if not is_alive(folder):
        raise Invalid(f"{run_id} is not being trained now ({run.status}).", "See the runs with: notewright runs")
    _asked(folder)
    os.kill(int((folder / "worker.pid").read_text(encoding="utf-8")), signal.SIGTERM)
    return run


def _asked(folder: Path) -> None:
    with suppress(OSError):  # it is only what is told of it
        (folder / ASKED).touch()


def is_stopping(library: Library, run_id: str) -> bool:
    """Whether the run's worker was asked to stop, by whoever, and still trains: it does so at its next step."""
    folder = run_folder(library, library.runs.get(run_id))
    return (folder / ASKED).exists() and is_alive(folder)


def settle(library: Library) -> list[Run]:
    """Mark runs whose worker is gone (power cut, killed terminal) as interrupted; returns them."""

    def left(run: Run) -> bool:
        folder = run_folder(library, run)
        return run.status in UNSETTLED and not is_alive(folder) and not is_followed(folder)

    gone = [run for run in library.runs.all() if left(run)]
    if not gone:
        return []
    with library.db.write():  # what ended just now was perhaps settled by its own process, while this one waited
        return [library.runs.update(run.id, status="interrupted") for run in gone if left(library.runs.get(run.id))]


def resuming(library: Library, run: Run) -> str:
    """The command that goes on with an interrupted run: that of the newest `improve`, where it began the run and is not finished."""
    if unfinished(library.home).get(f"{run.method}_run") == run.id:
        return "notewright improve"
    return f"notewright train {run.method} --resume {run.id}"


def _tracker_places(folder: Path) -> dict[str, str]:
    """Where trackers write unless the environment says otherwise: their own defaults are the checkpoints (which go at the end), whatever
    folder the command was typed in, and a cache."""
    home = folder.resolve().parent.parent
    return {
        "TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
        "TRACKIO_DIR": str(home / "trackio"),
    }


def execute(folder: Path, progress: Progress | None = None, *, name: str = "") -> dict[str, Any]:
    """Run the worker in `folder` until it ends; relays its events. Returns the last event, `finished` or `stopped`.

    Ctrl-C asks it to stop at the next step and waits for the checkpoint; a second Ctrl-C kills it. Raises the worker's own
    errors, or RunFailed when it ended without a word.
    """
    events = folder / "progress.jsonl"
    start = events.stat().st_size if events.exists() else 0
    environment = {**_tracker_places(folder), **os.environ, **TELEMETRY_OFF, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    environment |= own_modules_only()
    command = worker_command(folder, Job.load(folder).accelerate)
    pid = folder / "worker.pid"
    pid.unlink(missing_ok=True)
    (folder / ASKED).unlink(missing_ok=True)
    with (folder / "log.txt").open("ab") as log:
        # A session of its own: Ctrl-C in the terminal reaches us, and we ask the worker to stop.
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True)
    with suppress(FileExistsError), pid.open("x", encoding="utf-8") as file:  # until the worker does so itself: nobody may take it for gone
        file.write(str(child.pid))
    try:
        last = _follow(child, events, start, progress)
    except BaseException as error:
        _asked(folder)
        if child.stdin and not child.stdin.closed:
            child.stdin.close()
        try:
            child.wait(timeout=600 if isinstance(error, KeyboardInterrupt) else 60)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            child.kill()
            child.wait()
        raise
    finally:
        if child.stdin and not child.stdin.closed:
            child.stdin.close()
        pid.unlink(missing_ok=True)
    return _outcome(child.returncode, last, folder, name or folder.name)


def _follow(child: subprocess.Popen[bytes], events: Path, start: int, progress: Progress | None) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for event in _tail(child, events, start):
        if progress and event["event"] != "error":
            progress(event)
        last = event
    return last


def _tail(child: subprocess.Popen[bytes], path: Path, start: int) -> Iterator[dict[str, Any]]:
    """The events in the file from byte `start` on, until the child has ended and all of them were read."""
    position, rest = start, b""
    while True:
        ended = child.poll() is not None
        if path.exists():
            with path.open("rb") as file:
                file.seek(position)
                rest += file.read()
                position = file.tell()
            *lines, rest = rest.split(b"\n")
            yield from parse(lines)
        if ended:
            return
        time.sleep(0.1)


def _outcome(status: int, last: dict[str, Any], folder: Path, name: str) -> dict[str, Any]:
    kind = last.get("event")
    if kind == "error":
        error = KINDS.get(last["kind"], RunFailed)
        hint = last["hint"] or f"See the log: {folder / 'log.txt'}"
        if error is Invalid:
            raise Invalid(last["message"], hint, last.get("problems", ()))
        raise error(last["message"], hint)
    if (status == 0 and kind == "finished") or (status in (0, STOPPED) and kind == "stopped"):
        return last
    if status < 0:
        word = signal.Signals(-status).name
        raise Killed(
            f"The training process was killed ({word}) before it finished; {last_good(folder)}.",
            f"Go on with: notewright train {Job.load(folder).method} --resume {name}   (log: {folder / 'log.txt'})",
        )
    log = folder / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    said = next((f": {line.strip()[:300]}" for line in reversed(lines) if line.strip()), ".")
    raise RunFailed(f"The training process ended with status {status}{said}", f"See the log: {log}")


class Killed(RunFailed):
    """The worker was killed from outside (a signal, the system out of memory); the run can be resumed."""
