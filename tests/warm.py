"""Training processes that begin with their libraries read, which else takes longer than most of what tests train.

A server of `multiprocessing`, one for each process of pytest, reads them once and forks itself for every worker. Tests that are marked
`cold` start workers as the program does.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from notewright.training.launch import WORKER
from notewright.training.runs import is_alive as is_cold_alive

LONGEST = 24  # tokens of a draft that is looked at for made-up words
METHODS = ("sft", "ditto", "edits", "dpo", "kto", "reward", "grpo", "ppo")
started: list[Workers] = []


def is_alive(folder: Path) -> bool:
    """`runs.is_alive`, which tells a worker by its command, for those that have the server's."""
    return any(worker.folder == folder and worker.poll() is None for worker in started) or is_cold_alive(folder)


def context() -> Any:
    """What starts processes; the first call starts their server."""
    found = multiprocessing.get_context("forkserver")
    before = dict(os.environ)
    os.environ["HF_HUB_OFFLINE"] = "1"  # as workers have it: it is looked at when the library is read
    try:
        found.set_forkserver_preload([*(f"notewright.training.{method}" for method in METHODS), "matplotlib.pyplot", "warm_words"])
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return found


def popen(command: Sequence[str], **options: Any) -> Any:
    """As `subprocess.Popen`, for the command of a worker, or of torch's launcher of several."""
    module, folder = command[2], command[-1]
    if module == WORKER:
        return Workers(folder, 1, **options)
    if module == "torch.distributed.run":
        return Workers(folder, int(command[command.index("--nproc_per_node") + 1]), **options)
    return subprocess.Popen(command, **options)


class Workers:
    """As much of `subprocess.Popen` as `runs.execute` asks for. Of several, all end where one fails."""

    def __init__(self, folder: str, count: int, *, stdout: IO[bytes], env: Mapping[str, str], **_: Any) -> None:
        theirs, self.stdin = multiprocessing.Pipe(duplex=False)
        starts = context().Process
        together = {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
        self.processes = []
        for rank in range(count):
            several = {**together, "RANK": rank, "LOCAL_RANK": rank} if count > 1 else {}
            environment = {**env, **{name: str(value) for name, value in several.items()}}
            self.processes.append(starts(target=_work, args=(folder, theirs, stdout.name, environment)))
            self.processes[-1].start()
        theirs.close()
        self.pid, self.folder = self.processes[0].pid, Path(folder)
        started.append(self)

    def poll(self) -> int | None:
        codes = [process.exitcode for process in self.processes]
        if any(codes):
            self.kill()
        return None if None in codes else next((code for code in codes if code), 0)

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def wait(self, timeout: float = float("inf")) -> None:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(WORKER, timeout)
            time.sleep(0.02)

    def kill(self) -> None:
        for process in self.processes:
            process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _work(folder: str, stdin: Connection, log: str, environment: dict[str, str]) -> None:
    """What the last lines of `worker` do, in a process that looks as if it had been started."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(stdin.fileno(), 0)
    sys.stdin = os.fdopen(0)
    with open(log, "ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    import torch

    from notewright.training import babble, worker

    babble.LONGEST = LONGEST
    torch.set_num_threads(int(environment.get("OMP_NUM_THREADS", torch.get_num_threads())))
    worker.FIRST = environment.get("RANK", "0") == "0"
    status = worker.main(Path(folder))
    if worker.FIRST:
        (Path(folder) / "worker.pid").unlink(missing_ok=True)
    os._exit(status)
