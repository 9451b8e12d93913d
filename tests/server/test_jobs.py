"""Measuring and improving over the API, in child processes; the server's own model lets go of its memory meanwhile."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import small_world
from notewright import datasets, training
from notewright.errors import Busy, Invalid
from notewright.library import Library
from notewright.library.database import now
from notewright.models import registry
from notewright.records import Run
from notewright.server import create_app
from notewright.server.hub import Hub
from notewright.server.jobs import Job, Jobs
from notewright.server.queueing import Ticket
from served import ScriptedEngines
from small_world import World

WISH = {"source": "A Book of Rivers", "chapter": "Beginnings", "seed": 7, "stream": False}


def ended(client: TestClient, job_id: str, seconds: float = 240.0) -> dict:
    end = time.monotonic() + seconds
    while not (job := client.get(f"/api/jobs/{job_id}").json())["ended_at"]:
        assert time.monotonic() < end, job
        time.sleep(0.05)
    return job


def test_a_training_whose_worker_is_gone_is_not_said_to_run(world: World, client: TestClient) -> None:
    for number, ask in ((1, "/api/runs/run-1"), (2, "/api/runs/run-2/progress")):
        world.library.runs.add(Run(f"run-{number}", "sft", f"runs/run-{number}", "running", now()))
        told = client.get(ask).json()
        assert told.get("run", told)["status"] == "interrupted"


def test_the_model_is_released_while_a_training_runs(app: FastAPI, client: TestClient, engines: ScriptedEngines) -> None:
    context = app.state.context
    context.warm()
    context.queue.submit(lambda _: None, ahead=True).result.result(120)
    seen: list[list[str]] = []

    def train(_: Job) -> None:
        seen.append([*engines.asked, "released" if engines.released else "held"])

    job = context.jobs.start("train", "Training", train, lane="training")
    assert ended(client, job.id)["state"] == "done"
    assert seen == [["model-1", "released"]]
    context.queue.submit(lambda _: None, ahead=True).result.result(120)
    assert engines.asked == ["model-1", "model-1"]
    other = context.jobs.start("import", "Importing", lambda _: None)
    assert ended(client, other.id)["state"] == "done"
    assert engines.released == 1


def test_a_model_that_waits_to_be_loaded_is_not_loaded_beside_a_training(
    app: FastAPI, client: TestClient, engines: ScriptedEngines
) -> None:
    context, busy = app.state.context, threading.Event()
    context.queue.submit(lambda _: busy.wait(120))
    context.warm()
    cooling = threading.Thread(target=context.cool)
    cooling.start()
    while all(ticket.ahead for ticket in context.queue._waiting):
        time.sleep(0.01)
    busy.set()
    cooling.join(120)
    context.queue.submit(lambda _: None).result.result(120)
    assert (engines.asked, engines.released) == ([], 1)


@pytest.mark.parametrize("begun", [True, False])
def test_what_is_prepared_ahead_is_not_written_beside_a_training(
    app: FastAPI, client: TestClient, engines: ScriptedEngines, begun: bool
) -> None:
    context, trains, go, other = app.state.context, threading.Event(), threading.Event(), threading.Event()

    def ahead(ticket: Ticket) -> None:
        engines.asked.append("ahead")
        while not go.wait(0.01):
            ticket.check()

    def train(_: Job) -> None:
        trains.set()
        go.wait(120)

    if not begun:
        context.queue.submit(lambda _: other.wait(120))
    prepared = context.queue.submit(ahead, ahead=True)
    while begun and not engines.asked:
        time.sleep(0.01)
    job = context.jobs.start("train", "Training", train, lane="training")
    with pytest.raises(Busy, match="training"):
        prepared.result.result(20)
    other.set()
    assert trains.wait(120)
    assert (engines.asked, engines.released) == (["ahead"] * begun, 1)
    assert client.post("/api/drafts", json={**WISH, "ahead": True}).status_code == 423
    assert client.post("/api/drafts", json=WISH).status_code == 200  # the person asks for it
    go.set()
    ended(client, job.id)
    assert client.post("/api/drafts", json={**WISH, "ahead": True}).status_code == 200


def test_who_stops_a_training_before_it_has_a_worker_stops_it(app: FastAPI, client: TestClient) -> None:
    jobs, begun, built = app.state.context.jobs, threading.Event(), threading.Event()
    told: list[str] = []

    def train(job: Job) -> None:
        job.stop = lambda: told.append(job.run_id) if job.run_id else None
        begun.set()
        built.wait(120)
        jobs.event(job, {"event": "plan", "run": "run-1"})
        for step in range(3):
            jobs.event(job, {"event": "step", "step": step, "steps": 3})

    job = jobs.start("train", "Training", train, lane="training")
    begun.wait(120)
    assert client.post(f"/api/jobs/{job.id}/stop").status_code == 200
    built.set()
    assert ended(client, job.id)["state"] == "stopped"
    assert "run-1" in told


def test_a_training_can_be_stopped_while_it_waits_for_a_draft(app: FastAPI, client: TestClient) -> None:
    context, writing, ran = app.state.context, threading.Event(), []
    context.queue.submit(lambda _: writing.wait(120))
    job = context.jobs.start("improve", "Improving", ran.append, lane="training")
    assert client.get(f"/api/jobs/{job.id}").json()["can_stop"]
    assert client.post(f"/api/jobs/{job.id}/stop").status_code == 200
    assert client.get(f"/api/jobs/{job.id}").json()["stopping"]
    writing.set()
    told = ended(client, job.id)
    assert (told["state"], told["stopping"]) == ("stopped", False)
    assert ran == []
    assert client.post(f"/api/jobs/{job.id}/stop").status_code == 422


def test_a_stop_is_told_to_all_that_listen_and_never_after_the_end() -> None:
    told: list[tuple[str, bool]] = []

    class Slow(Hub):
        def publish(self, _: str, data: object) -> None:
            assert isinstance(data, dict)
            if data["stopping"]:
                time.sleep(0.3)
            told.append((data["state"], data["stopping"]))

    begun, jobs = threading.Event(), Jobs(Slow(), make_room=lambda: None, room_again=lambda: None)

    def work(job: Job) -> None:
        begun.set()
        job.stopping.wait(60)

    job = jobs.start("improve", "Improving", work, lane="training")
    begun.wait(60)
    assert jobs.stop(job.id) is job
    jobs.close()
    assert told == [("waiting", False), ("running", False), ("running", True), ("stopped", False)]


def test_a_server_that_stops_begins_no_training_any_more() -> None:
    room, ran = threading.Event(), []
    jobs = Jobs(Hub(), make_room=lambda: room.wait(120), room_again=lambda: None)
    job = jobs.start("improve", "Improving", ran.append, lane="training")
    closing = threading.Thread(target=jobs.close)
    closing.start()
    while not job.stopping.is_set():
        time.sleep(0.01)
        assert closing.is_alive()
    room.set()
    closing.join(120)
    assert (job.state, ran) == ("stopped", [])


def test_a_server_that_stops_waits_for_no_long_import() -> None:
    jobs, begun = Jobs(Hub(), make_room=lambda: None, room_again=lambda: None), threading.Event()

    def ask(job: Job) -> None:
        for page in range(3000):
            jobs.advance(job, page)
            begun.set()
            time.sleep(0.01)

    job, next_one = (jobs.start("import", "Asking Readwise", ask) for _ in range(2))
    begun.wait(120)
    jobs.close()
    assert job.state == "stopped"
    assert job.done < 2999
    assert next_one.done is None


def test_measuring_names_what_is_missing(client: TestClient) -> None:
    assert client.post("/api/models/model-9/evaluate", json={}).status_code == 404
    assert client.post("/api/models/model-1/evaluate", json={"dataset_id": "dataset-9"}).status_code == 404
    started = client.post("/api/models/model-1/evaluate", json={})
    assert started.status_code == 202
    job = ended(client, started.json()["id"])
    assert (job["state"], job["kind"]) == ("failed", "evaluate")
    assert "dataset to measure on" in job["problem"]["message"]
    assert "notewright dataset sft" in job["problem"]["hint"]


def test_improving_is_one_at_a_time_leaves_drafting_alone_and_can_be_stopped(client: TestClient, world: World) -> None:
    started = client.post("/api/improve", json={"effort": "quick"})
    assert started.status_code == 202
    for path in ("/api/improve", "/api/models/model-1/evaluate"):
        second = client.post(path, json={})
        assert (second.status_code, "going on already" in second.json()["message"]) == (423, True)
    assert client.post("/api/drafts", json=WISH).status_code == 200
    while client.get(f"/api/jobs/{started.json()['id']}").json()["can_stop"] is False:
        time.sleep(0.02)
    assert client.post(f"/api/jobs/{started.json()['id']}/stop").status_code == 200
    assert ended(client, started.json()["id"])["state"] == "stopped"
    assert world.library.models.current().id == "model-1"
    assert client.post("/api/improve", json={"effort": "none"}).status_code == 422


def test_what_came_in_since_the_last_build_is_trained_on(client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def train(library: Library, *, dataset_id: str, **_: object) -> None:
        asked.append(dataset_id)
        raise Invalid("Enough seen.")

    monkeypatch.setattr(training, "train", train)
    first, *_ = world.library.pairs.all()
    for decide in (lambda: None, lambda: None, lambda: world.library.pairs.decide(first.id, "rejected")):
        decide()
        assert client.post("/api/runs", json={"method": "sft"}).json()["message"] == "Enough seen."
    assert asked[0] == asked[1] != asked[2]


@pytest.mark.slow
def test_a_version_is_measured(world: World) -> None:
    with TestClient(create_app(world.settings), base_url="http://127.0.0.1") as client:
        client.headers["authorization"] = f"Bearer {client.app.state.context.token}"
        model = registry.ensure_base_model(world.library, world.settings)
        dataset = datasets.build(world.library, kind="sft", settings=world.settings)
        started = client.post(f"/api/models/{model.id}/evaluate", json={"dataset_id": dataset.id, "limit": 1})
        job = ended(client, started.json()["id"], 120)
    assert job["state"] == "done", job["problem"]
    assert "distance" in job["result"]["text"]
    figures = world.library.models.get(model.id).metrics["evaluation"]
    assert figures["items"] == 1
    assert figures["mean"] >= 0


def test_two_versions_are_written_side_by_side(client: TestClient, world: World) -> None:
    small_world.base_model(world.library)
    wish = {"before": "model-1", "after": "model-2", "source": "A Book of Rivers", "chapter": "Troubles"}
    found = client.post("/api/models/diff", json=wish).json()
    assert (found["before"], found["after"]) == ("model-1", "model-2")
    (item,) = found["items"]
    assert item["chapter"] == "Troubles"
    assert item["before"] == item["after"] != ""  # the same scripted writer
    assert (item["between"], item["before_distance"]) == (0, None)
    assert client.post("/api/models/diff", json={**wish, "after": "model-9"}).status_code == 404
    assert client.post("/api/models/diff", json={**wish, "after": "model-1"}).status_code == 422


def test_a_job_that_ends_at_once_is_not_told_as_waiting_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Slow(Hub):
        def publish(self, event: str, data: object) -> None:
            if data["state"] == "waiting":  # type: ignore[index]
                time.sleep(0.1)
            told.append(data["state"])  # type: ignore[index]

    jobs = Jobs(Slow(), make_room=lambda: None, room_again=lambda: None)
    job = jobs.start("pair", "Pairing", lambda _: None)
    assert job.settled.wait(60)
    jobs.close()
    assert told == ["waiting", "running", "done"]


def test_what_a_job_does_now_is_told_though_it_told_something_a_moment_before() -> None:
    told: list[str] = []

    class Listening(Hub):
        def publish(self, event: str, data: object) -> None:
            told.append(data["text"])  # type: ignore[index]

    jobs = Jobs(Listening(), make_room=lambda: None, room_again=lambda: None)

    def work(job: Job) -> None:
        for step in ("reading", "weighing", "training"):  # and then nothing for minutes
            jobs.advance(job, text=step)
        assert told[-3:] == ["reading", "weighing", "training"]

    job = jobs.start("improve", "Improving", work)
    assert job.settled.wait(60)
    jobs.close()
    job.raise_problem()


def test_what_was_uploaded_does_not_outlive_a_server_that_stops_before_its_turn(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    app, go = create_app(world.settings, engines=ScriptedEngines()), threading.Event()
    jobs = app.state.context.jobs
    with TestClient(app, base_url="http://127.0.0.1:8765", headers={"authorization": f"Bearer {app.state.context.token}"}) as client:
        jobs.start("import", "First", lambda _: go.wait(60))
        job = client.post("/api/import/upload", files={"file": ("readwise.csv", b"Highlight,Book Title\nA.,B\n")}).json()
        assert list((tmp_path / "temporary").glob("notewright-upload-*/readwise.csv"))
        threading.Timer(0.3, go.set).start()
    assert jobs.get(job["id"]).state == "stopped"
    assert not list((tmp_path / "temporary").glob("notewright-upload-*"))
