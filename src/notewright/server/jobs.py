"""Long work the person started: imports, pairing, datasets, training, evaluation. Progress goes to the hub.

Two lanes: `library` (work waits its turn) and `training` (a second one is refused). The trainings themselves are child processes of the
verbs; a job here only follows them, and stopping the server stops them with a checkpoint. `make_room` is called before a training begins,
`room_again` when it is over: the server's own model lets go of its memory meanwhile.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from ..errors import Busy, Invalid, NotewrightError, NotFound, RunFailed
from ..library.database import now
from ..pool import own_modules_only
from .hub import Hub

KEPT = 200  # finished jobs that are remembered


class Job:
    """One piece of work. `state`: waiting, running, done, failed, stopped."""

    def __init__(self, kind: str, title: str, lane: str) -> None:
        self.id = f"job-{secrets.token_hex(4)}"
        self.kind, self.title, self.lane = kind, title, lane
        self.state = "waiting"
        self.done: int | None = None
        self.total: int | None = None
        self.text = ""
        self.run_id = ""
        self.started_at = ""
        self.ended_at = ""
        self.result: Any = None
        self.problem: NotewrightError | None = None
        self.settled = threading.Event()  # it is known whether it could begin
        self.stopping = threading.Event()
        self.stop: Callable[[], object] | None = None
        self.tidy: Callable[[], object] | None = None

    @property
    def can_stop(self) -> bool:
        """A training also while it waits for its turn, or for drafts being written."""
        return not self.ended_at and (self.stop is not None or self.lane == "training")

    def raise_problem(self) -> None:
        """Raise what went wrong, if it has failed."""
        if self.problem:
            raise self.problem


def run_command(
    jobs: Jobs,
    home: Path,
    kind: str,
    title: str,
    arguments: Sequence[str],
    *,
    politely: bool = False,
    read: Callable[[str], Any] = lambda words: {"text": words},
) -> Job:
    """A command of our own as a child process in the training lane: its memory is free when it ends; Ctrl-C's signal stops it in order.

    `politely` lets everything else on the machine go first; `read` makes the job's result of what the command has printed in the end.
    """

    def work(job: Job) -> Any:
        command = [sys.executable, "-m", "notewright.cli", *arguments]
        # Not --home: the commands that it advises would have it too. No module is taken from the folder that the server was started in.
        environment = {**os.environ, "NOTEWRIGHT_HOME": str(home), **own_modules_only()}
        told: list[str] = []
        with (
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment,
                start_new_session=True,
            ) as child,
            ThreadPoolExecutor(1) as reader,
        ):
            asked = threading.Lock()  # once: a second interrupt ends a training without its checkpoint

            def stop() -> None:
                if asked.acquire(blocking=False):
                    # While it reads its libraries, before its first word, an interrupt waits, and nothing is begun that a kill could harm.
                    child.send_signal(signal.SIGINT if told else signal.SIGTERM)

            job.stop = stop
            if job.stopping.is_set():  # in this very moment
                job.stop()
            if politely and hasattr(os, "setpriority"):
                with suppress(ProcessLookupError):
                    os.setpriority(os.PRIO_PROCESS, child.pid, 19)
            assert child.stdout is not None
            assert child.stderr is not None
            output = reader.submit(child.stdout.read)
            for line in child.stderr:
                told.append(line.strip())
                if not line[0].isspace():  # what is set in is the small print of the line above
                    jobs.advance(job, text=line.strip())
            words = output.result()
        if child.returncode and not job.stopping.is_set():
            if child.returncode < 0 and not any(line.startswith("error: ") for line in told):  # it could say nothing
                raise RunFailed(
                    f"{title}: its process was killed (signal {-child.returncode}).",
                    "Perhaps the memory did not suffice. Begin it once more: what was trained is kept, and gone on from.",
                )
            error = next((line.removeprefix("error: ") for line in told if line.startswith("error: ")), f"{title} failed.")
            hint = next((line.removeprefix("hint: ") for line in told if line.startswith("hint: ")), "\n".join(told[-5:]))
            raise RunFailed(error, hint)
        return {"text": words} if job.stopping.is_set() else read(words)

    return jobs.start(kind, title, work, lane="training")


class Jobs:
    """All jobs since the server started."""

    def __init__(self, hub: Hub, *, make_room: Callable[[], object], room_again: Callable[[], object]) -> None:
        self._hub, self._make_room, self._room_again = hub, make_room, room_again
        self._lock = threading.Lock()
        self._telling = threading.Lock()  # whoever stops a job tells of it, too, and must not be heard after its end
        self._jobs: dict[str, Job] = {}
        self._lanes = {name: ThreadPoolExecutor(1, thread_name_prefix=f"notewright-{name}") for name in ("library", "training")}
        self._told = 0.0

    def start(
        self, kind: str, title: str, work: Callable[[Job], Any], *, lane: str = "library", tidy: Callable[[], object] | None = None
    ) -> Job:
        """Begin `work(job)` in its lane; it reports through `advance` and returns a record. `tidy` is called in the end, also where the
        work never began. Raises Busy as the lanes demand."""
        job = Job(kind, title, lane)
        job.tidy = tidy
        with self._lock:
            busy = next(
                (other for other in self._jobs.values() if other.lane == "training" and other.state in ("waiting", "running")), None
            )
            if lane == "training" and busy:
                raise Busy(f"{busy.title} is going on already.", "Wait for it, or stop it first.")
            for old in [old for old in self._jobs.values() if old.ended_at][:-KEPT]:
                del self._jobs[old.id]
            self._jobs[job.id] = job
        self._tell(job)  # before it can run: nothing that comes later may be told earlier
        self._lanes[lane].submit(self._run, job, work)
        return job

    def all(self) -> list[Job]:
        """Newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def get(self, job_id: str) -> Job:
        with self._lock:
            if job_id not in self._jobs:
                raise NotFound(f"No job has the id {job_id!r}.", "Jobs are remembered until the server stops.")
            return self._jobs[job_id]

    def stop(self, job_id: str) -> Job:
        """Ask a job to end. Raises Invalid for one that cannot be interrupted or is over."""
        job = self.get(job_id)
        if not job.can_stop:
            raise Invalid(f"{job.title} cannot be stopped now ({job.state}).", "Wait for it to end.")
        job.stopping.set()
        self._tell(job)  # it may take a while to end
        self._ask(job)
        return job

    def _ask(self, job: Job) -> None:
        """To end: at once, or where there is nobody yet who could be told, as soon as there is (`_run`, `event`)."""
        job.stopping.set()
        if job.stop:
            with suppress(NotewrightError, OSError):
                job.stop()

    def advance(self, job: Job, done: int | None = None, total: int | None = None, text: str = "") -> None:
        """Progress; passed on at once where it is told in other words than before, else ten times a second at most. Raises Busy in the
        library's lane when the server stops: the interpreter would wait for the work to end, and asking Readwise can take many minutes."""
        if job.stopping.is_set() and job.lane == "library":
            raise Busy("The server is stopping.", "Start it again and repeat this: the library is as it was before.")
        news = text != job.text  # perhaps there is no other for minutes
        job.done, job.total, job.text = done, total, text
        moment = time.monotonic()
        if news or moment - self._told >= 0.1:
            self._told = moment
            self._tell(job)

    def event(self, job: Job, event: dict[str, Any]) -> None:
        """A training's own event: told as it is, under the run's name."""
        if event.get("event") == "plan":
            job.run_id = str(event["run"])
        if job.run_id:
            job.settled.set()
        if job.stopping.is_set():  # perhaps before there was a worker
            self._ask(job)
        if "step" in event:
            job.done, job.total = event["step"], event.get("steps")
        self._hub.publish("run", {"job": job.id, "run": job.run_id, **event})
        self._tell(job)

    def close(self, timeout: float = 60.0) -> None:
        """Stop what can be stopped and wait for it to reach its checkpoint."""
        for job in self.all():
            if not job.ended_at:
                self._ask(job)
        waiter = threading.Thread(target=self._shut, daemon=True)
        waiter.start()
        waiter.join(timeout)

    def _shut(self) -> None:
        for lane in self._lanes.values():
            lane.shutdown()  # those that wait have been asked to end: their work does not begin

    def _tell(self, job: Job) -> None:
        from .schemas_training import JobOut

        with self._telling:
            self._hub.publish("job", JobOut.of(job).model_dump(mode="json"))

    def _run(self, job: Job, work: Callable[[Job], Any]) -> None:
        job.state, job.started_at = "running", now()
        self._tell(job)
        try:
            if job.lane == "training" and not job.stopping.is_set():
                self._make_room()
            if not job.stopping.is_set():
                result = work(job)
                job.result = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
            job.state = "stopped" if job.stopping.is_set() else "done"
        except NotewrightError as error:
            job.problem, job.state = error, "stopped" if job.stopping.is_set() else "failed"
        except Exception as error:  # the boundary of the thread: whoever looks at the job must learn of it
            traceback.print_exc()
            job.problem = NotewrightError(
                f"{job.title} failed: {type(error).__name__}: {error}", "This is a bug in notewright; see the log."
            )
            job.state = "failed"
        finally:
            if job.lane == "training":
                self._room_again()
            if job.tidy:
                job.tidy()
            job.ended_at = now()
            job.settled.set()
            self._tell(job)
