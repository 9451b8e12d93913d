"""A server on a small world, with an engine that needs no model; asked as the studio and as a script would ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import small_world
from notewright.library import Library
from notewright.server import create_app
from served import ScriptedEngines, serve
from small_world import World


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
