"""A server that improves by itself: after so many judged batches (`improve_after` in config.toml) it starts the job that the studio starts.

How many were judged is counted from the newest `improve`, whoever ran it, so that a restart counts no batch twice. One that the end of the
server broke off goes on at the next start; one that the person stopped waits for the next ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .. import loop
from ..errors import Busy, NotewrightError
from ..library import Library
from ..settings import Settings
from .jobs import Job, Jobs, run_command
from .schemas_training import ImprovedOut

LOOK_EVERY = 10.0
BROKEN_OFF = "improve was broken off"  # key of the library's state


def improve(jobs: Jobs, home: Path, title: str, options: Sequence[str] = (), *, politely: bool = False) -> Job:
    """The job; what it came to is an `ImprovedOut`. Raises Busy while another training is on."""
    return run_command(jobs, home, "improve", title, ["improve", "--json", *options], politely=politely, read=ImprovedOut.read)


class Improver:
    """Looks every few seconds, in a thread of its own, whether there is a reason to improve. `tell` gets what it does, in words."""

    def __init__(
        self,
        jobs: Jobs,
        *,
        open_library: Callable[[], Library],
        settings: Callable[[], Settings],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._jobs, self._open_library, self._settings, self._tell = jobs, open_library, settings, tell
        self._stop = threading.Event()
        self._job: Job | None = None
        self._in_vain = 0  # judged batches that one began with which failed or was stopped
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="notewright-improver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No job begins afterwards. Call before the jobs are stopped: what runs now is then known to be broken off."""
        self._stop.set()
        if self._thread:
            self._thread.join(LOOK_EVERY)
        if self._job and self._job.ended_at:
            with suppress(NotewrightError), self._open_library() as library:
                self._settle(library)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            try:
                self.look()
            except NotewrightError:
                continue  # the library is busy, or config.toml is being changed: look again

    def look(self) -> Job | None:
        """Start the job if it is due and nothing speaks against it; returns the one that goes on."""
        with self._open_library() as library:
            if self._job and self._job.ended_at:
                self._settle(library)
            after = self._settings().improve_after
            if self._job or not after:
                return self._job
            judged, broken_off = loop.judged_since(library), library.db.get_state(BROKEN_OFF)
            self._in_vain = min(self._in_vain, judged)
            if (judged - self._in_vain < after and not broken_off) or loop.unsuitable(library):
                return None
            title = "Improving by itself" + (
                ", going on" if broken_off else f", after {judged:,} judged {'batch' if judged == 1 else 'batches'} of drafts"
            )
            try:
                self._job = improve(self._jobs, library.home, title, politely=True)
            except Busy:  # another training is on
                return None
            self._tell(title)
            library.db.set_state(BROKEN_OFF, "yes")  # until it has ended, it will have been broken off
        return self._job

    def _settle(self, library: Library) -> None:
        assert self._job is not None
        job, self._job = self._job, None
        library.db.set_state(BROKEN_OFF, "")
        if job.problem or job.state == "stopped":  # perhaps before it had kept anything
            self._in_vain = loop.judged_since(library)
        self._tell(job.problem.message if job.problem else f"{job.title}: {job.state}")
