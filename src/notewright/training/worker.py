"""The training process: `python -m notewright.training.worker RUN_FOLDER`. Started by `runs.execute`, never by hand.

It writes its events to progress.jsonl and everything else to standard output, which is the run's log. It stops at the next step,
with a checkpoint, when standard input closes or on SIGTERM or SIGINT.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from ..errors import Invalid, NotewrightError, RunFailed
from ..pool import no_search_for_cycles
from ..settings import silence_telemetry
from .runs import STOPPED, Job

FILES = {"rloo": "grpo"}  # methods that share a file
FIRST = os.environ.get("RANK", "0") == "0"  # of the processes of one training


class Reporter:
    """Events out, stop requests in. Of several processes only the first one tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self.warnings: list[str] = []

    def emit(self, event: str, **values: Any) -> None:
        if not FIRST and event != "error":
            return
        line = json.dumps({"event": event, **values}, ensure_ascii=False).encode() + b"\n"
        with self._lock, (self.folder / "progress.jsonl").open("ab+") as file:
            if file.tell():  # at the end, where one that was killed may have left half a line
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)

    def warn(self, message: str) -> None:
        self.warnings.append(message)
        self.emit("warning", message=message)

    def listen(self) -> None:
        """Stop when the parent closes our standard input (or dies), or on a signal."""

        def wait() -> None:
            if not sys.stdin.closed:
                sys.stdin.buffer.read()
            self.stop.set()

        threading.Thread(target=wait, daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())


def main(folder: Path) -> int:
    silence_telemetry()
    _one_card()
    os.environ.pop("ACCELERATE_USE_FSDP", None)  # the launcher's word to its trainer, where we split the base ourselves (models.splitting)
    started = time.monotonic()
    if FIRST:
        (folder / "worker.pid").write_text(str(os.getpid()), encoding="utf-8")
    reporter = Reporter(folder)
    reporter.listen()
    loaded = False
    try:
        job = Job.load(folder)
        reporter.emit("loading", method=job.method, base=job.base)
        with no_search_for_cycles():
            method = importlib.import_module(f".{FILES.get(job.method, job.method)}", __package__)
            loaded = True
            gc.freeze()  # the libraries' objects stay: no collection need look at them again
        metrics = method.run(job, folder, reporter)
        if metrics is None:
            reporter.emit("stopped")
            return STOPPED if "RANK" not in os.environ else 0  # a launcher of several would take it for a failure
        if not FIRST:
            return 0
        metrics["seconds"] = round(time.monotonic() - started, 1)
        metrics["warnings"] = reporter.warnings
        (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        from .plots import plot_loss

        plot_loss(folder)
        reporter.emit("finished", metrics=metrics)
        return 0
    except NotewrightError as error:
        traceback.print_exc()
        return _fail(reporter, error)
    except MemoryError:
        traceback.print_exc()
        return _fail(reporter, _out_of_memory())
    except Exception as error:  # the boundary of the process: the parent must learn of it in words, the log keeps the rest
        traceback.print_exc()
        if "out of memory" in str(error).lower() or "can't allocate" in str(error):
            return _fail(reporter, _out_of_memory())
        if _lost_a_process(error):
            return _fail_for_another(reporter)
        first = (str(error).strip().splitlines() or [""])[0]
        if not loaded or isinstance(error, ImportError):
            return _fail(reporter, _broken(error, first))
        return _fail(reporter, RunFailed(f"Training failed: {type(error).__name__}: {first}", f"See the log: {folder / 'log.txt'}"))


def _one_card() -> None:
    """A process that no launcher started sees one card: of several, transformers would wrap the model in torch's old DataParallel, which
    TRL refuses and which splits what our losses look at. Several cards are for `--accelerate`."""
    if "RANK" not in os.environ:
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


def _lost_a_process(error: Exception) -> bool:
    """Whether this is what a process of several sees when another one ends without a word: gloo's words, or NCCL's."""
    said = str(error)
    gone = "peer" in said and "onnection" in said or "NCCL" in said or "gloo" in said
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and isinstance(error, RuntimeError) and gone


def _fail_for_another(reporter: Reporter) -> int:
    """The process that ended knows better why, if it had time to tell."""
    log = reporter.folder / "progress.jsonl"
    if '"event": "error"' in (log.read_text(encoding="utf-8").rstrip("\n").rsplit("\n", 1)[-1] if log.exists() else ""):
        return 1
    return _fail(
        reporter,
        RunFailed(
            "One of the training's processes ended (killed, or out of memory), and the others with it.",
            f"Go on from the last checkpoint with: notewright train {Job.load(reporter.folder).method} --resume {reporter.folder.name}   "
            f"(log: {reporter.folder / 'log.txt'})",
        ),
    )


def _broken(error: Exception, first: str) -> RunFailed:
    """A library that cannot be read: it is missing, or was installed by halves, or does not fit another one."""
    name = (getattr(error, "name", "") or "").partition(".")[0]
    which = f"the package {name}" if name and name != "notewright" else "a package"
    return RunFailed(
        f"The training cannot begin, as {which} is missing or broken ({type(error).__name__}: {first}).",
        f"Install {name or 'what is broken'} anew: {sys.executable} -m pip install --force-reinstall {name or 'PACKAGE'}."
        " What is installed says: notewright doctor",
    )


def _out_of_memory() -> RunFailed:
    return RunFailed(
        "The training ran out of memory.", "Use a smaller batch_size or max_length, or activation_checkpointing = on, or a smaller base."
    )


def _fail(reporter: Reporter, error: NotewrightError) -> int:
    problems = list(error.problems) if isinstance(error, Invalid) else []
    reporter.emit("error", kind=type(error).__name__, message=error.message, hint=error.hint, problems=problems)
    return 1


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    if FIRST:
        (Path(sys.argv[1]) / "worker.pid").unlink(missing_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # skips the libraries' exit handlers, which can hang on a busy machine; all our files are closed or flushed
