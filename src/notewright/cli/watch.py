"""notewright watch, notewright sync"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .feedback import told_hunks
from .show import as_json, count, json_option, open_library

if TYPE_CHECKING:
    from ..feedback import CaptureReport
    from ..library import Library
    from ..settings import Settings


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quiet", type=_seconds, default=60.0, metavar="SECONDS", help="how long a note must be left alone first (default: 60)"
    )
    if name == "sync":
        json_option(parser)
        parser.set_defaults(handler=sync)
        return
    parser.add_argument("--polling", action="store_true", help="look at the files again and again, where the system tells of no changes")
    parser.set_defaults(handler=watch)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0 on")
    return value


def sync(options: argparse.Namespace) -> None:
    from .. import feedback

    library, settings = open_library()
    with library:
        report = feedback.capture(library, settings=settings, quiet=options.quiet)
    if options.json:
        as_json(report)
        return
    lines = list(_lines(report))
    print("\n".join(lines) if lines else f"Nothing new. {count(report.followed, 'inserted passage')} looked at.")


def watch(options: argparse.Namespace) -> None:
    from .. import feedback

    library, settings = open_library()
    vault = settings.need_vault()
    stop = threading.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: stop.set())
    said: set[str] = set()

    def show(report: CaptureReport) -> None:
        for line in _lines(report):
            if line not in said or line.startswith("stored"):
                print(line, flush=True)
        said.clear()
        said.update(_lines(report))

    print(f"Watching {vault}. Stop with Ctrl-C; what changes meanwhile is found the next time.", flush=True)
    with library, _improving(library, settings):
        stored = feedback.watch(
            library, settings=settings, stop=stop, quiet=options.quiet, polling=True if options.polling else None, report=show,
            trouble=lambda problem: print(f"warning: {problem.message} It is tried again.", file=sys.stderr),
        )  # fmt: skip
    print(f"\nStopped. {count(stored, 'edit')} stored.")


@contextmanager
def _improving(library: Library, settings: Settings) -> Iterator[None]:
    """Meanwhile `improve` begins by itself after as many judged batches as config.toml says, as a running server does it."""
    if not settings.improve_after:
        yield
        return
    from ..library import Library
    from ..server.hub import Hub
    from ..server.improving import Improver
    from ..server.jobs import Jobs

    jobs = Jobs(Hub(), make_room=lambda: None, room_again=lambda: None)
    improver = Improver(
        jobs, open_library=lambda: Library.open(library.home), settings=lambda: settings, tell=lambda words: print(words, flush=True)
    )
    improver.start()
    try:
        yield
    finally:
        improver.stop()
        jobs.close()


def _lines(report: CaptureReport) -> Iterator[str]:
    for old, new in report.moved:
        yield f"moved   {old} -> {new}"
    for event in report.logged:
        yield f"stored  {event.subject} in {event.payload['note_path']}: {told_hunks(event.payload)}"
    for path in report.waiting:
        yield f"waits   {path}: it changed a moment ago"
    for problem in report.troubles:
        yield f"waits   {problem}"
    for draft_id, path, state in report.missing:
        yield f"{state:<7} {path} ({draft_id}): it is no longer in the vault" + ("" if state == "given up" else "; it is looked for")
