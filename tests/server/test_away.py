"""A library that is moved, lost, put back or cannot be read while the server runs; what no browser could read."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from notewright.errors import NotFound
from notewright.library import Library
from notewright.library.browse import Browse
from notewright.server import create_app
from notewright.server.hub import sse
from notewright.settings import Settings
from served import ScriptedEngines
from small_world import World


def strict(text: str) -> object:
    """As a browser reads it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_what_is_no_number_is_told_as_nothing() -> None:
    told = sse("run", {"loss": float("nan"), "steps": [float("inf"), -float("inf"), 1.5], "text": "NaN é \ud800"}).decode()
    kind, data = told.removesuffix("\n\n").split("\n")
    assert kind == "event: run"
    assert strict(data.removeprefix("data: ")) == {"loss": None, "steps": [None, None, 1.5], "text": "NaN é ?"}


@pytest.fixture
def changes(app: FastAPI, running: str) -> Iterator[list[list[str]]]:
    """What the server has told of changes so far."""
    told: list[list[str]] = []
    begun = threading.Event()

    def listen() -> None:
        headers = {"authorization": f"Bearer {app.state.context.token}"}
        with httpx.stream("GET", f"{running}/api/events", headers=headers, timeout=120, trust_env=False) as response:
            for line in response.iter_lines():
                begun.set()
                if line.startswith("data: ") and "changed" in line:
                    told.append(json.loads(line.removeprefix("data: "))["changed"])

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert begun.wait(60)
    yield told
    app.state.context.hub.stop()
    thread.join(60)


def wait(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("words", ["database is locked", "disk I/O error", "database disk image is malformed"])
def test_changes_are_told_again_after_trouble_with_the_file(
    world: World, changes: list[list[str]], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    failed, version = threading.Event(), Browse.version

    def fails(browse: Browse) -> int:
        if not failed.is_set():
            failed.set()
            raise (sqlite3.DatabaseError if "malformed" in words else sqlite3.OperationalError)(words)
        return version(browse)

    monkeypatch.setattr(Browse, "version", fails)
    assert failed.wait(60)
    world.library.pairs.decide(world.library.pairs.all()[0].id, "accepted")
    wait(lambda: ["events", "pairs"] in changes)


def test_a_copy_that_is_put_back_under_the_server_is_looked_at(world: World, changes: list[list[str]], tmp_path: Path) -> None:
    home = world.library.home
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        world.library.db.connection.backup(copy)
    for file in home.glob("library.db*"):
        file.rename(tmp_path / file.name)
    time.sleep(1)
    (tmp_path / "copy.db").rename(home / "library.db")
    with Library.open(home) as library:
        library.pairs.decide(library.pairs.all()[0].id, "accepted")
    wait(lambda: ["events", "pairs"] in changes)


def test_a_home_that_is_moved_away_is_not_made_anew(
    client: TestClient, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notewright.importers.readwise_api._keyring_set", lambda _: False)  # no machine's real keyring is touched
    home = world.library.home
    draft = client.post("/api/drafts", json={"source": "A Book of Rivers", "chapter": "Beginnings", "stream": False}).json()["drafts"][0][
        "id"
    ]
    world.library.close()
    home.rename(tmp_path / "moved")
    time.sleep(1)  # whatever looks by itself has looked
    asked = [
        client.get("/api/status"),
        client.post("/api/decisions", json={"decision": "reject", "draft_id": draft}),
        client.put("/api/settings", json={"device": "cpu"}),
        client.put("/api/readwise-token", json={"token": "abcdefgh"}),
        client.post("/api/drafts", json={"source": "A Book of Rivers", "stream": False}),
    ]
    assert [answer.status_code for answer in asked] == [424] * 5  # what is sent again later, as after a full disk
    assert "is not there any more" in asked[0].json()["message"]
    assert str(home) in asked[0].json()["message"]
    assert not home.exists()
    (tmp_path / "moved").rename(home)
    assert client.post("/api/decisions", json={"decision": "reject", "draft_id": draft}).status_code == 200


def test_a_server_does_not_begin_anew_where_a_library_was(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notewright.library._PAUSE", 0.001)
    home = library.home
    library.close()
    for file in home.glob("library.db*"):
        file.unlink()
    before = sorted(home.rglob("*"))
    with pytest.raises(NotFound, match="any more"):
        create_app(Settings(home=home), engines=ScriptedEngines())
    assert sorted(home.rglob("*")) == before
