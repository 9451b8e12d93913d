"""The same work on many things, by processes of our own where that pays: results in order, the same to the bit as with one process.

Processes are started afresh, never forked: this one may hold threads, a model, an open library. They run this very file, not the program
that asked (as `multiprocessing` would have it), so that any script may pair.
"""

from __future__ import annotations

import gc
import os
import pickle
import site
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from .errors import Unavailable

_MOST = 8  # the process that hands out the work keeps no more than so many busy
_AHEAD = 3  # pieces of work at hand for each process
Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Where many objects are made, none of them garbage: the rows of a large library, whose reading takes a fifth less time so, or the
    modules of torch and what is built on it (an eighth)."""
    searches = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searches:
            gc.enable()


def cores() -> int:
    """Cores that this process may use, as far as `spread` makes use of them."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST, usable))


def spread(
    work: Callable[[Task], Result], tasks: Iterable[Task], *, workers: int, begin: Callable[..., None], given: tuple[object, ...], size: int
) -> Generator[Result]:
    """`work(task)` for each task, in order, by `workers` processes that get `size` tasks at a time and ran `begin(*given)` first.

    `work` and `begin` are functions of modules. Raises Unavailable when a process fails. Close the iterator to end the processes.
    """
    left = iter(tasks)
    ahead: deque[Future[list[Result]]] = deque()
    idle: SimpleQueue[_Helper] = SimpleQueue()
    first = pickle.dumps((begin, given, work), pickle.HIGHEST_PROTOCOL)

    def do(some: Sequence[Task]) -> list[Result]:
        helper = idle.get()
        try:
            return helper.ask(some)  # type: ignore[no-any-return]  # what the other process wrote
        finally:
            idle.put(helper)

    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(workers))
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        for _ in range(workers):
            helper = _Helper(first)
            stack.callback(helper.end)
            idle.put(helper)
        while True:
            while len(ahead) < _AHEAD * workers and (some := list(islice(left, size))):
                ahead.append(threads.submit(do, some))
            if not ahead:
                return
            yield from ahead.popleft().result()


def own_modules_only() -> dict[str, str]:
    """Environment of a child process that takes no module from the folder one stands in (a tty.py or yaml.py there is not what libraries
    mean), and this program from where it is, installed or not."""
    here = str(Path(__file__).resolve().parent.parent)
    installed = here in {str(Path(place).resolve()) for place in (*site.getsitepackages(), site.getusersitepackages())}
    known = [item for item in os.environ.get("PYTHONPATH", "").split(os.pathsep) if item]
    return {"PYTHONSAFEPATH": "1"} | ({} if installed else {"PYTHONPATH": os.pathsep.join(dict.fromkeys([here, *known]))})


class _Helper:
    """One other process: it is sent a first message, and then answers each list of tasks by a list of results."""

    def __init__(self, first: bytes) -> None:
        self._first: bytes | None = first
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from notewright.pool import serve; serve()"],  # -P: without modules of the folder one stands in
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the other one
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip

    def ask(self, tasks: Sequence[object]) -> Any:
        send, answer = self._process.stdin, self._process.stdout
        assert send
        assert answer
        try:
            if self._first is not None:
                send.write(self._first)
                self._first = None
            pickle.dump(tasks, send, pickle.HIGHEST_PROTOCOL)
            send.flush()
            return pickle.load(answer)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise Unavailable(
                f"A helper process ended before its work was done ({self._why()}).",
                "Is there memory enough? One process alone needs less: --workers 1",
            ) from error

    def _why(self) -> str:
        """The last line that it wrote, or the signal or number that it ended with."""
        self._process.kill()
        ended = self._process.wait()
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip().rpartition("\n")[2] or f"exit {ended}"

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            with suppress(OSError):
                if pipe:
                    pipe.close()


def serve() -> None:
    """What a helper process does: read, work, answer, until nothing more comes."""
    come, answer = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed must not end up among the answers
    begin, given, work = pickle.load(come)
    begin(*given)
    gc.freeze()  # what is there now stays
    with suppress(EOFError):
        while True:
            pickle.dump([work(task) for task in pickle.load(come)], answer, pickle.HIGHEST_PROTOCOL)
            answer.flush()
