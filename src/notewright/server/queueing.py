"""The one thread that owns the engine, and the order of those who wait for it.

Work is done in the order it came, work ahead of need (candidates prepared while the person reads) after all other: it gives way to whoever
comes while it is being done, and begins anew afterwards; while a training goes on there is none. Work learns through `Ticket.check`, which
it calls as often as it can, that it was cancelled or must give way.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ..errors import Busy


class Cancelled(Exception):
    """Whoever asked for the work has gone."""


class GiveWay(Exception):
    """Somebody waits for the engine, and this work is ahead of need."""


class Ticket:
    """One piece of work in the queue. `result` is a future of what it returned or raised."""

    def __init__(
        self, work: Callable[[Ticket], Any], place: tuple[bool, int], moved: Callable[[int], None] | None, left: Callable[[Ticket], None]
    ) -> None:
        self.work, self.place, self.moved, self._left = work, place, moved, left
        self.result: Future[Any] = Future()
        self._cancelled, self._wanted = threading.Event(), threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()
        self._left(self)

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def require_asker(self) -> None:
        """Raise Cancelled once nobody wants the result any more."""
        if self.cancelled:
            raise Cancelled

    def check(self) -> None:
        """`require_asker`, and raise GiveWay when work that is needed now waits behind this."""
        self.require_asker()
        if self._wanted.is_set():
            raise GiveWay

    @property
    def ahead(self) -> bool:
        return self.place[0]

    def give_way(self, on: bool) -> None:
        """Ask the work to give way, or (it has) let it run again."""
        self._wanted.set() if on else self._wanted.clear()


class EngineQueue:
    """Takes work from any thread, does one piece at a time in a thread of its own, started at first use."""

    LONGEST = 512  # pieces of work that may wait

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._running: Ticket | None = None
        self._thread: threading.Thread | None = None
        self._closed = self._held = False

    def submit(self, work: Callable[[Ticket], Any], *, ahead: bool = False, moved: Callable[[int], None] | None = None) -> Ticket:
        """Queue `work(ticket)`. `moved(position)` is called whenever its place changes; 0 says that it begins. Raises Busy when full, and
        for work ahead of need while that is held."""
        with self._changed:
            if self._closed:
                raise Busy("The server is stopping.", "Start it again and repeat the request.")
            if ahead and self._held:
                raise _held()
            if len(self._waiting) >= self.LONGEST:
                raise Busy(f"{self.LONGEST} requests wait for the model already.", "Try again in a minute.")
            ticket = Ticket(work, (ahead, next(self._numbers)), moved, self._leave)
            self._line_up(ticket)
            if self._running and self._running.ahead and not ahead:
                self._running.give_way(True)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notewright-engine", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            self._tell()
        return ticket

    def hold_ahead(self, on: bool) -> None:
        """From now on, until it is off again, nothing is done ahead of need; what is under way or waits ends with Busy."""
        with self._changed:
            self._held = on
            gone = [ticket for ticket in self._waiting if ticket.ahead and on]
            self._waiting = [ticket for ticket in self._waiting if ticket not in gone]
            if on and self._running and self._running.ahead:
                self._running.give_way(True)
            self._tell()
        for ticket in gone:
            ticket.result.set_exception(_held())

    def position(self, ticket: Ticket) -> int:
        """How many pieces of work come first; 0 when it is being done or is over."""
        with self._changed:
            return self._waiting.index(ticket) + (self._running is not None) if ticket in self._waiting else 0

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting) + (self._running is not None)

    def close(self, timeout: float = 10.0) -> None:
        """Cancel everything and wait for the thread to end."""
        with self._changed:
            self._closed = True
            for ticket in [*self._waiting, *([self._running] if self._running else [])]:
                ticket.cancel()
            self._changed.notify_all()
        if self._thread:
            self._thread.join(timeout)

    def _leave(self, ticket: Ticket) -> None:
        """Who waits behind one that was cancelled moves up at once."""
        with self._changed:
            if ticket not in self._waiting:
                return
            self._waiting.remove(ticket)
            self._tell()
        ticket.result.set_exception(Cancelled())

    def _line_up(self, ticket: Ticket) -> None:
        self._waiting.append(ticket)
        self._waiting.sort(key=lambda item: item.place)

    def _tell(self) -> None:
        """Places changed: tell those who wait (the lock is held; `moved` only passes the number on)."""
        if self._closed:
            return
        busy = self._running is not None
        for place, ticket in enumerate(self._waiting):
            if ticket.moved and not ticket.cancelled:
                ticket.moved(place + busy)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._running = None
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                ticket = self._running = self._waiting.pop(0)
                self._tell()
            if ticket.cancelled:
                ticket.result.set_exception(Cancelled())
                continue
            if ticket.moved:
                ticket.moved(0)
            try:
                ticket.result.set_result(ticket.work(ticket))
            except GiveWay:
                with self._changed:
                    ticket.give_way(False)
                    held = self._held
                    if not held:
                        self._line_up(ticket)
                if held:
                    ticket.result.set_exception(_held())
            except Exception as error:  # the boundary of the thread: whoever waits gets it, the thread lives on
                ticket.result.set_exception(error)


def _held() -> Busy:
    return Busy("Nothing is prepared ahead while a training goes on.", "Ask for it when you need it, or when the training is over.")
