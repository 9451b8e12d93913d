"""A server on a small world, with an engine that needs no model; asked as the studio and as a script would ask it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

import small_world
from notewright.drafting.engines import Engines
from notewright.library import Library
from notewright.records import Model
from notewright.server import create_app
from small_world import ScriptedEngine, World, numbered


class ScriptedEngines(Engines):
    """Always the same scripted writer; `asked` keeps which models were to write."""

    def __init__(self) -> None:
        super().__init__()
        self.writer: object = ScriptedEngine(numbered)
        self.asked: list[str] = []

    def get(self, library: Library, model: Model, *, device: str):
        self.asked.append(model.id)
        return self.writer


@pytest.fixture
def world(library: Library, tmp_path: Path) -> World:
    made = small_world.build(library, tmp_path, paired=small_world.THINGS[1:])
    small_world.base_model(library)
    return made


@pytest.fixture
def engines() -> ScriptedEngines:
    return ScriptedEngines()


@pytest.fixture
def app(world: World, engines: ScriptedEngines) -> FastAPI:
    return create_app(world.settings, engines=engines)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A script with the token."""
    with TestClient(app, base_url="http://127.0.0.1:8765", headers={"authorization": f"Bearer {app.state.context.token}"}) as opened:
        yield opened


@pytest.fixture
def running(app: FastAPI) -> Iterator[str]:
    """The server's address, on a real port of this machine."""
    with serve(app) as address:
        yield address


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
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
        thread.join(20)
