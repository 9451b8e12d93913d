"""For tests of the server: engines that need no model, and a server on a real port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from notewright.drafting.engines import Engines
from notewright.library import Library
from notewright.records import Model
from small_world import ScriptedEngine, numbered


class ScriptedEngines(Engines):
    """Always the same scripted writer; `asked` keeps which models were to write, `released` how often they were let go."""

    def __init__(self) -> None:
        super().__init__()
        self.writer: object = ScriptedEngine(numbered)
        self.asked: list[str] = []
        self.released = 0

    def get(self, library: Library, model: Model, *, device: str):
        self.asked.append(model.id)
        return self.writer

    def release(self) -> None:
        self.released += 1


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The server's address while it runs."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
        assert thread.is_alive()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        app.state.context.hub.stop()
        server.should_exit = True
        thread.join(120)
