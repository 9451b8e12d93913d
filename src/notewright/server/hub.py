"""Events to every open page: progress of jobs, and what changed in the library, whoever changed it.

Any thread may publish. Every listener has a queue of its own; one that does not keep up is told `resync` and starts afresh.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import NotewrightError
from ..library import Library

ROOM = 1000  # events that may wait for one slow listener
LOOK_EVERY = 0.3  # seconds between two looks at what other processes did to the library
PING_EVERY = 15.0


def sse(event: str, data: object) -> bytes:
    """One server-sent event; JSON has no raw newlines, so it is one data line. NaN and infinity are null, as in answers."""
    text = json.dumps(data, ensure_ascii=False)
    if "NaN" in text or "Infinity" in text:
        text = json.dumps(json.loads(text, parse_constant=lambda _: None), ensure_ascii=False)
    return f"event: {event}\ndata: {text}\n\n".encode("utf-8", errors="replace")


class Hub:
    """Who listens to this server's events."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[tuple[str, Any] | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watcher: threading.Thread | None = None
        self._stop = threading.Event()
        self._known: dict[str, str] = {}  # the library's fingerprint, as it was last told

    def start(self, open_library: Callable[[], Library]) -> None:
        """Begin to watch the library; call inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._watcher = threading.Thread(target=self._watch, args=(open_library,), name="notewright-watch", daemon=True)
        self._watcher.start()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """End the watching and every stream; safe in a signal handler and more than once."""
        self._stop.set()
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hang_up)

    def _hang_up(self) -> None:
        for queue in list(self._listeners):
            queue.put_nowait(None)

    def publish(self, event: str, data: object) -> None:
        """Tell every listener."""
        if self._loop and self._listeners and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, event, data)

    def _spread(self, event: str, data: object) -> None:
        for queue in self._listeners:
            if queue.qsize() < ROOM:
                queue.put_nowait((event, data))
            elif queue.qsize() == ROOM:
                queue.put_nowait(("resync", {}))

    async def listen(self, hello: object) -> AsyncIterator[bytes]:
        """Server-sent events for one listener, `hello` first, until it goes away or the server stops."""
        queue: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield sse("hello", hello)
            while not self._stop.is_set():
                try:
                    item = await asyncio.wait_for(queue.get(), PING_EVERY)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if item is None:
                    return
                yield sse(*item)
        finally:
            self._listeners.discard(queue)

    def _watch(self, open_library: Callable[[], Library]) -> None:
        while not self._stop.is_set():
            with suppress(NotewrightError), open_library() as library:  # moved away, busy or unreadable: who asks for it is told so
                self._follow(library)
            self._stop.wait(LOOK_EVERY)

    def _follow(self, library: Library) -> None:
        """Tell what changes, for as long as the file that is open is the library's: a copy may be put back in its place."""
        version, file = -1, _identity(library.db.path)
        while not self._stop.is_set() and _identity(library.db.path) == file:
            if (now := library.browse.version()) != version:
                version, after = now, library.browse.fingerprint()
                changed = sorted(name for name in after if self._known and after[name] != self._known[name])
                self._known = after
                if changed:
                    self.publish("library", {"changed": changed})
            self._stop.wait(LOOK_EVERY)


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
