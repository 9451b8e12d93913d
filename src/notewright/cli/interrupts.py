"""Ctrl-C that is not lost.

While they are read, some libraries take an interrupt for a failure of their own: torch, which imports numpy while it is imported, for numpy
not being there, and goes on as if nobody had asked. So it waits until no import is under way. And where it comes just while an object is
taken down (`regex` has such ones by the thousand), Python prints it and goes on: then it comes again.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SOON = 0.1  # seconds between two looks


@contextmanager
def patient_interrupts() -> Iterator[None]:
    """Where Ctrl-C has its usual meaning, and in the main thread."""
    usual = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    told = sys.unraisablehook

    def unraisable(args: UnraisableHookArgs, /) -> None:
        _soon() if issubclass(args.exc_type, KeyboardInterrupt) else told(args)

    if usual:
        signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = unraisable
    try:
        yield
    finally:
        if usual:
            sys.unraisablehook = told
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not _importing(frame):
        raise KeyboardInterrupt
    _soon()


def _soon() -> None:
    """Ctrl-C again, in a moment."""
    timer = threading.Timer(SOON, _again, [signal.SIGINT])
    timer.daemon = True
    timer.start()


def _importing(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _again(number: int) -> None:
    """To the main thread, so that what it waits for is interrupted, too."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:  # Windows
        signal.raise_signal(signal.SIGINT)
