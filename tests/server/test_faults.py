"""What goes wrong in a day: two tabs, a note changed meanwhile, no memory, no model yet, a client that hangs up, a restart."""

from __future__ import annotations

import http.client
import io
import json
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from notewright.library import Library
from notewright.server import create_app
from notewright.server.queueing import Cancelled, EngineQueue
from notewright.settings import Settings
from served import ScriptedEngines, serve
from small_world import ScriptedEngine, World, Written, highlight_id, numbered

NOTE = "Notes/Looms.md"
WISH = {"source": "A Book of Rivers", "chapter": "Beginnings", "seed": 7}


class Slow:
    """Writes until it is told to stop or may go on; `ended` says how it ended."""

    def __init__(self) -> None:
        self.go, self.begun, self.ended = threading.Event(), threading.Event(), ""

    def generate(self, messages, *, n, on_token=None, on_text=None, seed=0, **_):
        self.begun.set()
        try:
            while not self.go.wait(0.01):
                if on_token:
                    on_token(1, n)
        except BaseException as error:
            self.ended = type(error).__name__
            raise
        return [Written(numbered(messages, seed + index), 5, True, seed + index) for index in range(n)]


@contextmanager
def script(app: FastAPI, address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"authorization": f"Bearer {app.state.context.token}"}, timeout=120) as opened:
        yield opened


def events(response: httpx.Response) -> Iterator[tuple[str, dict]]:
    kind = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def wait(condition) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [True, False])
def test_who_hangs_up_cancels_the_work_and_nothing_is_stored(
    app: FastAPI, engines: ScriptedEngines, running: str, world: World, stream: bool
) -> None:
    engines.writer = slow = Slow()
    with script(app, running) as client:
        if stream:
            with client.stream("POST", "/api/drafts", json=WISH) as response:
                assert next(events(response))[0] == "started"
        else:
            headers = {"authorization": client.headers["authorization"], "content-type": "application/json"}
            with closing(http.client.HTTPConnection(running.removeprefix("http://"))) as left:
                left.request("POST", "/api/drafts", json.dumps({**WISH, "stream": False}), headers)
                assert slow.begun.wait(120)
        wait(lambda: slow.ended)
        assert slow.ended == "Cancelled"
        engines.writer = ScriptedEngine(numbered)
        assert client.post("/api/drafts", json={**WISH, "stream": False}).status_code == 200
    assert world.library.counts()["drafts"] == 3


@pytest.mark.parametrize("stream", [True, False])
def test_who_hangs_up_while_the_drafts_are_checked_has_nothing_stored(
    app: FastAPI, running: str, world: World, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    checking, go = threading.Event(), threading.Event()
    verb = sys.modules["notewright.drafting.draft"]
    before = verb.choose

    def slowly(*args, **more):
        checking.set()
        assert go.wait(120)
        return before(*args, **more)

    monkeypatch.setattr(verb, "choose", slowly)
    with script(app, running) as client:
        headers = {"authorization": client.headers["authorization"], "content-type": "application/json"}
        with closing(http.client.HTTPConnection(running.removeprefix("http://"))) as left:
            left.request("POST", "/api/drafts", json.dumps({**WISH, "stream": stream}), headers)
            assert checking.wait(120)
        ticket = app.state.context.queue._running
        wait(lambda: ticket.cancelled)
        go.set()
        assert isinstance(ticket.result.exception(120), Cancelled)
    assert world.library.counts()["drafts"] == 0


def test_requests_wait_in_order_and_are_told_their_place(app: FastAPI, engines: ScriptedEngines, running: str) -> None:
    engines.writer = slow = Slow()
    done: list[str] = []

    def ask(name: str, **more: object) -> list[tuple[str, dict]]:
        with script(app, running) as client, client.stream("POST", "/api/drafts", json={**WISH, **more}) as response:
            told = list(events(response))
        done.append(name)
        return told

    told: dict[str, list[tuple[str, dict]]] = {}
    threads = []
    for place, (name, more) in enumerate([("first", {}), ("ahead", {"ahead": True}), ("second", {})]):
        thread = threading.Thread(target=lambda name=name, more=more: told.update({name: ask(name, **more)}))
        thread.start()
        threads.append(thread)
        wait(lambda place=place: len(app.state.context.queue) == place + 1)
    assert slow.begun.wait(120)
    slow.go.set()
    for thread in threads:
        thread.join(120)
    assert done == ["first", "second", "ahead"]
    assert [data["position"] for kind, data in told["ahead"] if kind == "queued"] == [1, 2, 1]
    assert all(item[-1][0] == "done" for item in told.values())


def test_who_gives_up_in_the_queue_keeps_nobody_waiting() -> None:
    queue, writing, places = EngineQueue(), threading.Event(), []
    queue.submit(lambda _: writing.wait(120))
    wait(lambda: queue._running)
    first = queue.submit(lambda _: None)
    second = queue.submit(lambda _: None, moved=places.append)
    assert (places, len(queue)) == ([2], 3)
    first.cancel()
    assert isinstance(first.result.exception(0), Cancelled)
    assert (places, queue.position(second), len(queue)) == ([2, 1], 1, 2)
    first.cancel()  # told twice
    writing.set()
    second.result.result(120)
    assert places == [2, 1, 0]
    queue.close()


def test_work_ahead_gives_way_and_is_done_afterwards(app: FastAPI, engines: ScriptedEngines, running: str, world: World) -> None:
    engines.writer = slow = Slow()
    told: list[tuple[str, dict]] = []

    def prepare() -> None:
        with script(app, running) as client, client.stream("POST", "/api/drafts", json={**WISH, "ahead": True}) as response:
            told.extend(events(response))

    ahead = threading.Thread(target=prepare)
    ahead.start()
    assert slow.begun.wait(120)
    engines.writer = ScriptedEngine(numbered)
    with script(app, running) as client:
        assert client.post("/api/drafts", json={**WISH, "chapter": "Troubles", "stream": False}).status_code == 200
    ahead.join(120)
    assert slow.ended == "GiveWay"
    assert [kind for kind, _ in told if kind != "text"] == ["started", "queued", "started", "done"]
    batches, _ = world.library.browse.batches(unseen=True)
    assert [row.chapter for row in batches] == ["Beginnings", "Troubles"]  # newest first, each once


@pytest.mark.parametrize("stream", [False, True])
def test_a_chapter_beside_highlights_is_refused_in_words(client: TestClient, world: World, stream: bool) -> None:
    wish = {"source": "A Book of Rivers", "chapter": "Troubles", "highlight_ids": [highlight_id("rivers", 0, 2)], "stream": stream}
    refused = client.post("/api/drafts", json=wish)
    assert (refused.status_code, refused.json()["hint"]) == (422, "Leave one of them out.")
    assert world.library.drafts.all() == []
    alone = client.post("/api/models/diff", json={"before": "model-1", "after": "model-2", "chapter": "Troubles"})
    assert (alone.status_code, alone.json()["hint"]) == (422, "Name the source that has it, too.")


def test_a_note_that_changed_since_the_preview_is_shown_and_not_overwritten(client: TestClient, world: World) -> None:
    draft = client.post("/api/drafts", json={**WISH, "stream": False}).json()["drafts"][0]["id"]
    shown = client.post(f"/api/drafts/{draft}/accept/preview", json={"into": NOTE}).json()
    path = world.vault / NOTE
    path.write_text(path.read_text() + "\nAdded in Obsidian meanwhile.\n")
    changed = path.read_bytes()
    answer = client.post(f"/api/drafts/{draft}/accept", json={"into": NOTE, "expected_hash": shown["before_hash"]})
    assert answer.status_code == 409
    assert path.read_bytes() == changed
    now = answer.json()["current"]
    assert "Added in Obsidian meanwhile." in now["diff"]
    again = client.post(f"/api/drafts/{draft}/accept", json={"into": NOTE, "expected_hash": now["before_hash"]})
    assert (again.status_code, again.json()["diff"]) == (200, now["diff"])


def test_a_note_that_is_gone_or_new_meanwhile_is_a_conflict_too(client: TestClient, world: World) -> None:
    draft = client.post("/api/drafts", json={**WISH, "stream": False}).json()["drafts"][0]["id"]
    for into, change in ((NOTE, (world.vault / NOTE).unlink), ("Notes/New.md", lambda: (world.vault / "Notes/New.md").write_text("Mine."))):
        shown = client.post(f"/api/drafts/{draft}/accept/preview", json={"into": into}).json()
        change()
        answer = client.post(f"/api/drafts/{draft}/accept", json={"into": into, "expected_hash": shown["before_hash"]})
        assert answer.status_code == 409
        assert answer.json()["current"]["created"] == (into == NOTE)
    assert (world.vault / "Notes/New.md").read_text() == "Mine."
    assert not (world.vault / NOTE).exists()


def test_two_tabs_that_accept_the_same_draft_insert_it_once(client: TestClient, world: World) -> None:
    draft = client.post("/api/drafts", json={**WISH, "stream": False}).json()["drafts"][0]
    shown = client.post(f"/api/drafts/{draft['id']}/accept/preview", json={"into": NOTE}).json()
    wish = {"into": NOTE, "expected_hash": shown["before_hash"]}
    answers = [client.post(f"/api/drafts/{draft['id']}/accept", json=wish) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 422]
    assert (world.vault / NOTE).read_text().count(draft["text"].strip()) == 1


def test_out_of_memory_is_said_and_smaller_settings_are_offered(client: TestClient, engines: ScriptedEngines) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    engines.writer = ScriptedEngine(fail)
    with client.stream("POST", "/api/drafts", json={**WISH, "n": 4, "max_new_tokens": 300}) as response:
        kind, told = list(events(response))[-1]
    assert (kind, told["status"]) == ("error", 424)
    assert "memory does not suffice" in told["message"]
    assert "fewer candidates" in told["hint"]
    assert told["offer"] == {"n": 2, "written": 2, "max_new_tokens": 150}
    engines.writer = ScriptedEngine(numbered)
    assert client.post("/api/drafts", json={**WISH, **told["offer"], "stream": False}).status_code == 200


def test_no_model_yet_means_the_seedling(library: Library, tmp_path: Path) -> None:
    import small_world

    world = small_world.build(library, tmp_path, paired=())
    engines = ScriptedEngines()
    with TestClient(create_app(world.settings, engines=engines), base_url="http://127.0.0.1") as opened:
        opened.headers["authorization"] = f"Bearer {opened.app.state.context.token}"
        empty = opened.get("/api/models").json()
        assert (empty["current"], empty["models"], empty["promotions"]) == ("", [], [])
        assert opened.post("/api/drafts", json={**WISH, "stream": False}).json()["model_id"] == "model-1"
        page = opened.get("/api/models").json()
        assert (page["current"], page["models"][0]["base"], page["models"][0]["role"]) == ("model-1", "seedling", "base")


def test_a_version_tells_its_distance_with_and_without_examples(client: TestClient, world: World) -> None:
    told = lambda: client.get("/api/models").json()["models"][0]["distances"]  # noqa: E731
    assert told() == {"without_examples": None, "with_examples": None}
    world.library.models.set_metrics("model-1", {"edit_distance": 0.7, "edit_distance_with_examples": 0.6})
    assert told() == {"without_examples": 0.7, "with_examples": 0.6}
    assert client.get("/api/models/model-1").json()["model"]["distances"] == told()


def test_another_current_model_counts_from_the_next_draft_on(client: TestClient, world: World, engines: ScriptedEngines) -> None:
    import small_world

    other = small_world.base_model(world.library).id
    ask = lambda: client.post("/api/drafts", json={**WISH, "stream": False}).json()["model_id"]  # noqa: E731
    assert ask() == other
    assert client.post("/api/models/model-1/use").status_code == 200
    assert ask() == "model-1"
    assert client.post("/api/models/rollback").json()["id"] == other
    assert ask() == other
    world.library.models.promote("model-1", "by the command line")
    assert ask() == engines.asked[-1] == "model-1"


def test_a_change_of_the_person_can_be_denied_and_that_taken_back(client: TestClient, world: World) -> None:
    import small_world

    changed = lambda: client.get("/api/models").json()["online"]["drift"]  # noqa: E731
    refused = client.post("/api/models/unchanged")
    assert (refused.status_code, refused.json()["message"]) == (404, "No change of yours is known.")
    for turn, decision in enumerate(("accept",) * 12 + ("reject",) * 10):
        thing = small_world.THINGS[turn % len(small_world.THINGS)]
        drafted = client.post("/api/drafts", json={**WISH, "source": thing, "n": 1, "written": 1, "stream": False}).json()
        client.post("/api/decisions", json={"decision": decision, "draft_id": drafted["drafts"][0]["id"]})
    found = changed()
    assert found["what"] == "edit cost"
    assert client.post("/api/models/unchanged").json() == found
    assert changed() is None
    client.post("/api/undo", json={})
    assert changed() == found


def test_a_page_hears_of_restarts_and_of_what_other_processes_change(app: FastAPI, world: World) -> None:
    boots = []
    for turn in range(2):
        opened = create_app(world.settings, engines=ScriptedEngines()) if turn else app
        with serve(opened) as address, script(opened, address) as client, client.stream("GET", "/api/events") as response:
            stream = events(response)
            kind, hello = next(stream)
            assert kind == "hello"
            boots.append(hello["boot"])
            world.library.pairs.decide(world.library.pairs.all()[turn].id, "accepted")
            began = time.monotonic()
            assert next(stream) == ("library", {"changed": ["events", "pairs"]})
            assert time.monotonic() - began < 2
    assert boots[0] != boots[1]


def test_first_open_with_an_empty_home(tmp_path: Path, sample: Path) -> None:
    from notewright.sample import copy_sample

    vault = copy_sample(tmp_path / "sample") / "vault"
    settings = Settings(home=tmp_path / "new home")
    with TestClient(create_app(settings, engines=ScriptedEngines()), base_url="http://127.0.0.1") as opened:
        opened.headers["authorization"] = f"Bearer {opened.app.state.context.token}"
        assert opened.get("/api/status").json()["next"] == "notewright init --vault PATH"
        assert opened.get("/api/queue").json() == {"total": 0, "chapters": []}
        assert opened.post("/api/import/vault").status_code == 422
        assert opened.get("/api/settings").json()["readwise_found"] == []
        kept = opened.put("/api/settings", json={"vault": str(vault)}).json()
        assert (kept["vault_exists"], kept["readwise_found"]) == (True, ["Readwise"])
        assert opened.put("/api/settings", json={"exclude": ["Daily", "Dayly"]}).json()["absent"] == ["Dayly"]
        assert opened.put("/api/settings", json={"exclude": [], "template": "book"}).status_code == 404
        (settings.home / "templates").mkdir()
        (settings.home / "templates" / "book.md").write_text("{{ draft }}")
        assert opened.put("/api/settings", json={"exclude": [], "template": "book"}).json()["template"] == "book"
        (settings.home / "templates" / "book.md").unlink()
        again = opened.put("/api/settings", json={"device": "cpu", "template": "book"})  # as it was kept
        assert again.json()["device"] == "cpu"
        with (sample / "readwise.csv").open("rb") as file:
            jobs = [opened.post("/api/import/upload", files={"file": ("readwise.csv", file)}).json()]
        jobs += [opened.post(path).json() for path in ("/api/import/vault", "/api/pair")]
        ends = [finished(opened, job["id"]) for job in jobs]
        assert [job["state"] for job in ends] == ["done"] * 3
        assert ends[0]["result"]["sources_added"] == 14
        assert opened.get("/api/pairs").json()["total"] > 50
        assert opened.get("/api/queue").json()["total"] > 10


def test_half_written_json_is_said(client: TestClient) -> None:
    answer = client.post("/api/diff", content='{"before": "x"', headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "the body is not JSON, from character 14 on" in answer.json()["problems"][0]


def test_a_file_that_is_no_export_fails_in_words(client: TestClient) -> None:
    job = client.post("/api/import/upload", files={"file": ("../../x.csv", b"%PDF-1.4 nothing")}).json()
    end = finished(client, job["id"])
    assert (end["state"], end["title"]) == ("failed", "Importing x.csv")
    assert "PDF" in end["problem"]["message"]
    assert end["problem"]["hint"]


def test_an_archive_without_an_export_is_told_by_its_name(client: TestClient) -> None:
    """Not by that of the folder that it was uploaded to, which is gone then."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("picture.png", b"\x89PNG")
    job = client.post("/api/import/upload", files={"file": ("my export.zip", packed.getvalue())}).json()
    assert finished(client, job["id"])["problem"]["message"] == "There is no highlights export in my export.zip."


def finished(client: TestClient, job_id: str) -> dict:
    wait(lambda: client.get(f"/api/jobs/{job_id}").json()["ended_at"])
    return client.get(f"/api/jobs/{job_id}").json()


@pytest.mark.parametrize("stream", [True, False])
def test_who_waits_for_a_draft_is_told_that_the_server_stops(app: FastAPI, running: str, engines: ScriptedEngines, stream: bool) -> None:
    """Without this the server tears the request down when its patience ends, with a traceback."""
    engines.writer = slow = Slow()
    headers = {"authorization": f"Bearer {app.state.context.token}"}
    with ThreadPoolExecutor(1) as pool:
        wish = WISH | {"stream": stream}
        answer = pool.submit(httpx.post, f"{running}/api/drafts", json=wish, headers=headers, timeout=120, trust_env=False)
        assert slow.begun.wait(120)
        app.state.context.hub.stop()
        told = answer.result(120)
        slow.go.set()
    assert "The server is stopping." in told.text
    assert told.status_code == (200 if stream else 423)
