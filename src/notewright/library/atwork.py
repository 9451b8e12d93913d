"""Whether an `improve` is at work on this library, whichever process runs it, and at which step.

improve.lock    held by the one that is at work; the system lets go of it when that process ends, however it ends
improve.json    where it is; what a killed one left there says nothing, as nobody holds the lock
runs/improve-<n>/state.json    what each of its steps has come to; the newest one goes on, unless it is finished
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import Busy
from ..files import locked, put, taken
from ..text import count

LOCK, STEP = "improve.lock", "improve.json"


@dataclass(frozen=True, slots=True)
class AtWork:
    """One that goes on: `id` is its folder's name, `step` what it does, in words; both are empty before the first step is told.

    `since` is when it would have begun (seconds since 1970), had it never been stopped; `before` how long the one before took.
    """

    id: str = ""
    step: str = ""
    done: int | None = None
    total: int | None = None
    since: float | None = None
    before: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long it has been at work."""
        return None if self.since is None else max(0.0, time.time() - self.since)

    def __str__(self) -> str:
        """The step, and how far it is."""
        far = "" if self.total is None else f"; {self.done} of {count(self.total, 'passage')} written"
        return f"{self.step}{far}" or "looking at what is new"


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Only one improve at a time. Raises Busy while another one has the lock."""
    with (home / LOCK).open("ab", buffering=0) as file:
        if not taken(file):
            raise Busy("Another notewright improve is at work on this library.", "Wait for it, or stop it first.")
        (home / STEP).unlink(missing_ok=True)  # what a killed one left
        yield


def tell(home: Path, now: AtWork) -> None:
    """Let others know where the one that has the lock is; what cannot be told keeps it from nothing."""
    with suppress(OSError):
        put(home / STEP, json.dumps(asdict(now)) + "\n")


def at_work(home: Path) -> AtWork | None:
    """The one that goes on; None where there is none."""
    try:
        with (home / LOCK).open("rb", buffering=0) as file:
            if locked(file, shared=True):
                return None
    except OSError:  # there has never been one
        return None
    with suppress(OSError, ValueError, TypeError):  # it has told nothing yet, or ends at this moment
        return AtWork(**json.loads((home / STEP).read_text(encoding="utf-8")))
    return AtWork()


def unfinished(home: Path) -> dict[str, Any]:
    """The state of the newest `improve`, where it has begun and can go on; empty otherwise."""
    begun = numbered(home / "runs")
    state = read_state(begun[max(begun)]) if begun else {}
    return {} if "finished_at" in state else state


def took(home: Path, *, effort: str) -> float | None:
    """The seconds that the newest finished one of this effort was at work; None where there is none, or none that kept them."""
    for _, folder in sorted(numbered(home / "runs").items(), reverse=True):
        state = read_state(folder)
        if "finished_at" in state and state.get("effort") == effort and isinstance(found := state.get("seconds"), int | float):
            return float(found)
    return None


def trains(state: Mapping[str, Any]) -> bool:
    """Whether a training of the `improve` in this state has begun, so that its data and options stand."""
    return bool({"sft_run", "sft_model"} & state.keys())


def gathered(home: Path, *, finished: bool = False) -> tuple[int, str]:
    """(newest event, time) when the newest `improve`, of those that are finished if so wished, gathered what was judged, or began; older
    ones kept the time alone."""
    for _, folder in sorted(numbered(home / "runs").items(), reverse=True):
        if (state := read_state(folder)) and (not finished or "finished_at" in state):
            return int(state.get("event", 0)), "" if "event" in state else str(state["started_at"])
    return 0, ""


def numbered(runs: Path) -> dict[int, Path]:
    """The folders of every `improve` that was ever begun, by number."""
    return {int(name): path for path in runs.glob("improve-*") if (name := path.name.removeprefix("improve-")).isdecimal()}


def read_state(folder: Path) -> dict[str, Any]:
    """What the state.json of an `improve` says; nothing where there is none."""
    return table(folder / "state.json")


def table(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is none, or a machine that lost its power left half of one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
